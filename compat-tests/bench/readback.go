package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// Positions in a record batch of format 2.
const (
	batchLengthEnd   = 12
	batchCRCAt       = 17
	batchCRCFrom     = 21 // what the checksum covers, to the end
	batchLastDeltaAt = 23
	batchHeaderBytes = 61
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// verifyCopies reads every partition from its start to its end: it must hold
// exactly n copies of the batch, with checksums that match, at offsets without a
// gap.
func verifyCopies(address, topic string, partitions int32, batch []byte, n int) error {
	want := (int64(binary.BigEndian.Uint32(batch[batchLastDeltaAt:])) + 1) * int64(n)
	return readBack(address, topic, partitions, func(ends []int64) error {
		for partition, end := range ends {
			if end != want {
				return fmt.Errorf("partition %d ends at %d, want %d", partition, end, want)
			}
		}
		return nil
	}, func(b []byte, offset int64) (int64, error) { return checkCopies(b, offset, batch) })
}

// verifyRecords reads every partition from its start to its end: together they
// must hold so many records, in batches with checksums that match, at offsets
// without a gap.
func verifyRecords(address, topic string, partitions int32, n int64) error {
	return readBack(address, topic, partitions, func(ends []int64) error {
		var held int64
		for _, end := range ends {
			held += end
		}
		if held != n {
			return fmt.Errorf("the topic holds %d records, %d were sent", held, n)
		}
		return nil
	}, checkBatches)
}

// readBack reads every partition to its end. check is given whole batches, of
// which the last may be cut, and returns the offset behind them.
func readBack(address, topic string, partitions int32, judge func(ends []int64) error, check func(b []byte, offset int64) (next int64, err error)) error {
	conn, err := wire.Dial(address)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // only read from
	ends, err := endsOf(conn, topic, partitions)
	if err != nil {
		return err
	}
	if err := judge(ends); err != nil {
		return err
	}
	offsets := make([]int64, partitions)
	for {
		req := fetchUntil(topic, offsets, func(partition int) int64 { return ends[partition] })
		if len(req.Topics[0].Partitions) == 0 {
			return nil
		}
		resp, err := conn.Call(req)
		if err != nil {
			return err
		}
		progress := false
		for _, p := range resp.(*kmsg.FetchResponse).Topics[0].Partitions {
			if p.ErrorCode != 0 {
				return fmt.Errorf("read back: error %d in partition %d", p.ErrorCode, p.Partition)
			}
			next, err := check(p.RecordBatches, offsets[p.Partition])
			if err != nil {
				return fmt.Errorf("read back partition %d: %w", p.Partition, err)
			}
			progress = progress || next > offsets[p.Partition]
			offsets[p.Partition] = next
		}
		if !progress {
			return fmt.Errorf("read back: no progress at offsets %v of %v", offsets, ends)
		}
	}
}

// checkBatches steps over whole batches whoever made them; the last one may be cut.
func checkBatches(b []byte, offset int64) (next int64, err error) {
	for len(b) >= batchHeaderBytes {
		size := int(int32(binary.BigEndian.Uint32(b[batchLengthEnd-4:]))) + batchLengthEnd
		if size < batchHeaderBytes {
			return offset, fmt.Errorf("a batch of %d bytes at offset %d", size, offset)
		}
		if size > len(b) {
			break
		}
		one := b[:size]
		switch base := int64(binary.BigEndian.Uint64(one)); {
		case base != offset:
			return offset, fmt.Errorf("a batch at offset %d where %d is due", base, offset)
		case binary.BigEndian.Uint32(one[batchCRCAt:]) != crc32.Checksum(one[batchCRCFrom:], castagnoli):
			return offset, fmt.Errorf("the checksum of the batch at offset %d does not match", base)
		}
		offset += int64(binary.BigEndian.Uint32(one[batchLastDeltaAt:])) + 1
		b = b[size:]
	}
	return offset, nil
}

// checkCopies steps over whole batches; the last one may be cut.
func checkCopies(b []byte, offset int64, want []byte) (next int64, err error) {
	records := int64(binary.BigEndian.Uint32(want[batchLastDeltaAt:])) + 1
	for len(b) >= len(want) {
		got := b[:len(want)]
		crc := binary.BigEndian.Uint32(got[batchCRCAt:])
		switch base := int64(binary.BigEndian.Uint64(got)); {
		case base != offset:
			return offset, fmt.Errorf("a batch at offset %d where %d is due", base, offset)
		case crc != crc32.Checksum(got[batchCRCFrom:], castagnoli):
			return offset, fmt.Errorf("the checksum of the batch at offset %d does not match", base)
		case !bytes.Equal(got[batchCRCFrom:], want[batchCRCFrom:]):
			return offset, fmt.Errorf("the batch at offset %d is not the one that was sent", base)
		}
		offset += records
		b = b[len(want):]
	}
	return offset, nil
}

// endsOf are the offsets behind the last record of each partition.
func endsOf(conn *wire.Conn, topic string, partitions int32) ([]int64, error) {
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = topic
	for i := range partitions {
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = i, -1
		t.Partitions = append(t.Partitions, p)
	}
	req := kmsg.NewPtrListOffsetsRequest()
	req.Version = 4
	req.Topics = append(req.Topics, t)
	resp, err := conn.Call(req)
	if err != nil {
		return nil, err
	}
	ends := make([]int64, partitions)
	for _, p := range resp.(*kmsg.ListOffsetsResponse).Topics[0].Partitions {
		if p.ErrorCode != 0 {
			return nil, fmt.Errorf("the end of partition %d: error %d", p.Partition, p.ErrorCode)
		}
		ends[p.Partition] = p.Offset
	}
	return ends, nil
}

// checkEnds makes sure that every partition holds so many records.
func checkEnds(conn *wire.Conn, topic string, partitions int32, end int64) error {
	ends, err := endsOf(conn, topic, partitions)
	if err != nil {
		return err
	}
	for partition, got := range ends {
		if got != end {
			return fmt.Errorf("partition %d ends at %d, want %d", partition, got, end)
		}
	}
	return nil
}
