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
	conn, err := wire.Dial(address)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // only read from
	records := int64(binary.BigEndian.Uint32(batch[batchLastDeltaAt:])) + 1
	end := records * int64(n)
	offsets := make([]int64, partitions)
	for {
		req := fetchRequest(topic, offsets, end)
		if len(req.Topics[0].Partitions) == 0 {
			return checkEnds(conn, topic, partitions, end)
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
			next, err := checkCopies(p.RecordBatches, offsets[p.Partition], batch)
			if err != nil {
				return fmt.Errorf("read back partition %d: %w", p.Partition, err)
			}
			progress = progress || next > offsets[p.Partition]
			offsets[p.Partition] = next
		}
		if !progress {
			return fmt.Errorf("read back: no progress at offsets %v of %d", offsets, end)
		}
	}
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

// checkEnds makes sure that no partition holds more.
func checkEnds(conn *wire.Conn, topic string, partitions int32, end int64) error {
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
		return err
	}
	for _, p := range resp.(*kmsg.ListOffsetsResponse).Topics[0].Partitions {
		if p.ErrorCode != 0 || p.Offset != end {
			return fmt.Errorf("partition %d ends at %d (error %d), want %d", p.Partition, p.Offset, p.ErrorCode, end)
		}
	}
	return nil
}
