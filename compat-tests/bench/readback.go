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
	batchLengthEnd    = 12
	batchCRCAt        = 17
	batchCRCFrom      = 21 // what the checksum covers, to the end
	batchAttributesAt = 21
	batchLastDeltaAt  = 23
	batchHeaderBytes  = 61
)

// codecMask are the bits of a batch's attributes that name its compression.
const codecMask = 0x7

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// verifyCopies reads every partition from its start to its end: it must hold
// exactly n copies of the batch, with checksums that match, at offsets without a
// gap. The null broker only knows how many it was sent.
func verifyCopies(b contender, topic string, partitions int32, batch []byte, n int) error {
	end := recordsOf(batch) * int64(n)
	ends, err := endsOf(b.Bootstrap(), topic, partitions)
	if err != nil {
		return err
	}
	if err := allEndAt(ends, end); err != nil || b.Name() == nullBroker {
		return err
	}
	return readBack(b.Bootstrap(), topic, make([]int64, partitions), end, func(_ int32, offset int64, records []byte) (int64, error) {
		return checkCopies(records, offset, batch)
	})
}

// verifyBatches is verifyCopies of batches that are not known: each has the checksum
// that it names and the codec, and they follow each other without a gap up to count
// records in all partitions together.
func verifyBatches(b contender, topic string, partitions int32, count int64, codec int16) error {
	ends, err := endsOf(b.Bootstrap(), topic, partitions)
	if err != nil {
		return err
	}
	var held int64
	for partition, end := range ends {
		held += end
		if b.Name() == nullBroker {
			continue
		}
		// One partition at a time: each has an end of its own.
		offsets := make([]int64, partitions)
		for other := range offsets {
			if other != partition {
				offsets[other] = end
			}
		}
		err := readBack(b.Bootstrap(), topic, offsets, end, func(_ int32, offset int64, records []byte) (int64, error) {
			return checkBatches(records, offset, codec)
		})
		if err != nil {
			return err
		}
	}
	if held != count {
		return fmt.Errorf("the topic holds %d records, %d were sent", held, count)
	}
	return nil
}

func readBack(address, topic string, offsets []int64, end int64, visit visitor) error {
	f, err := newFetcher(address, topic, int32(len(offsets)), bulkFetch)
	if err != nil {
		return err
	}
	defer f.close()
	copy(f.offsets, offsets)
	if err := f.limitTo(benchTimeout); err != nil {
		return err
	}
	if err := f.readTo(end, visit); err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	return nil
}

func recordsOf(batch []byte) int64 {
	return int64(binary.BigEndian.Uint32(batch[batchLastDeltaAt:])) + 1
}

// checkCopies steps over whole batches, of any producer; the last one may be cut.
func checkCopies(b []byte, offset int64, want []byte) (next int64, err error) {
	for len(b) >= len(want) {
		got := b[:len(want)]
		if err := checkBatch(got, offset); err != nil {
			return offset, err
		}
		if !bytes.Equal(got[batchCRCFrom:batchProducerIDAt], want[batchCRCFrom:batchProducerIDAt]) ||
			!bytes.Equal(got[batchProducerEnd:], want[batchProducerEnd:]) {
			return offset, fmt.Errorf("the batch at offset %d is not the one that was sent", offset)
		}
		offset += recordsOf(want)
		b = b[len(want):]
	}
	return offset, nil
}

// checkBatches does the same with batches that are not known but for their codec.
func checkBatches(b []byte, offset int64, codec int16) (next int64, err error) {
	for len(b) >= batchHeaderBytes {
		size := int(int32(binary.BigEndian.Uint32(b[batchLengthEnd-4:]))) + batchLengthEnd
		if size < batchHeaderBytes {
			return offset, fmt.Errorf("a batch of %d bytes at offset %d", size, offset)
		}
		if size > len(b) {
			break
		}
		if err := checkBatch(b[:size], offset); err != nil {
			return offset, err
		}
		if got := int16(binary.BigEndian.Uint16(b[batchAttributesAt:])) & codecMask; got != codec {
			return offset, fmt.Errorf("the batch at offset %d has codec %d, want %d", offset, got, codec)
		}
		offset += recordsOf(b)
		b = b[size:]
	}
	return offset, nil
}

func checkBatch(batch []byte, offset int64) error {
	crc := binary.BigEndian.Uint32(batch[batchCRCAt:])
	switch base := int64(binary.BigEndian.Uint64(batch)); {
	case base != offset:
		return fmt.Errorf("a batch at offset %d where %d is due", base, offset)
	case crc != crc32.Checksum(batch[batchCRCFrom:], castagnoli):
		return fmt.Errorf("the checksum of the batch at offset %d does not match", base)
	}
	return nil
}

// endsOf is where each partition ends.
func endsOf(address, topic string, partitions int32) ([]int64, error) {
	conn, err := dialRaw(address)
	if err != nil {
		return nil, err
	}
	defer conn.Close() //nolint:errcheck // only read from
	return endsOn(conn, topic, partitions)
}

func endsOn(conn *wire.Conn, topic string, partitions int32) ([]int64, error) {
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
			return nil, fmt.Errorf("error %d of partition %d where its end was asked for", p.ErrorCode, p.Partition)
		}
		ends[p.Partition] = p.Offset
	}
	return ends, nil
}

// checkEnds makes sure that every partition holds so many records.
func checkEnds(conn *wire.Conn, topic string, partitions int32, end int64) error {
	ends, err := endsOn(conn, topic, partitions)
	if err != nil {
		return err
	}
	return allEndAt(ends, end)
}

func allEndAt(ends []int64, end int64) error {
	for partition, got := range ends {
		if got != end {
			return fmt.Errorf("partition %d ends at %d, want %d", partition, got, end)
		}
	}
	return nil
}
