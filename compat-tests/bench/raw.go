package main

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// inFlight is how many requests a connection has unanswered, as clients do.
const inFlight = 5

// batchOf is a batch of equal records.
func batchOf(records, valueBytes int) []byte {
	value := filler(valueBytes)
	rs := make([]wire.Record, records)
	for i := range rs {
		rs[i] = wire.Record{Value: value}
	}
	return wire.NewBatch(time.Now().UnixMilli(), rs...).Encode()
}

// produceFrame is a Produce v7 request with the same batch for each partition.
func produceFrame(topic string, partitions int32, batch []byte) []byte {
	t := kmsg.NewProduceRequestTopic()
	t.Topic = topic
	for i := range partitions {
		p := kmsg.NewProduceRequestTopicPartition()
		p.Partition, p.Records = i, batch
		t.Partitions = append(t.Partitions, p)
	}
	req := kmsg.NewPtrProduceRequest()
	req.Version, req.Acks, req.TimeoutMillis = 7, -1, 30_000
	req.Topics = append(req.Topics, t)
	id := wire.DefaultClientID
	return wire.EncodeRequest(req, 1, &id)
}

// sendFrames sends one frame n times on one connection, inFlight at a time, and
// checks the error code of every partition in every answer.
func sendFrames(address string, frame []byte, topic string, partitions, n int) error {
	return sendNext(address, func(int) []byte { return frame }, topic, partitions, n)
}

// sendNext is sendFrames of frames that differ.
func sendNext(address string, next func(i int) []byte, topic string, partitions, n int) error {
	conn, err := dialRaw(address)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // the answers have been read
	return pipelined(conn, next, n, inFlight, func(body []byte) error { return checkAck(body, topic, partitions) })
}

// pipelined sends n frames, a number of them in flight, and checks every answer.
// A frame is written before next is called again. On an error the connection is
// closed.
func pipelined(conn *wire.Conn, next func(i int) []byte, n, inFlight int, check func(body []byte) error) error {
	slots := make(chan struct{}, inFlight)
	broken := make(chan struct{})
	written := make(chan error, 1)
	go func() {
		for i := range n {
			select {
			case slots <- struct{}{}:
			case <-broken:
				written <- nil
				return
			}
			if err := conn.Write(next(i)); err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	err := readAnswers(conn, n, slots, check)
	if err != nil {
		close(broken)
		_ = conn.Close() // ends a write that the broker does not read
	}
	if writeErr := <-written; err == nil {
		err = writeErr
	}
	return err
}

func readAnswers(conn *wire.Conn, n int, slots <-chan struct{}, check func(body []byte) error) error {
	for i := range n {
		_, body, err := conn.Receive()
		if err != nil {
			return fmt.Errorf("answer %d of %d: %w", i+1, n, err)
		}
		if err := check(body); err != nil {
			return err
		}
		<-slots
	}
	return nil
}

// checkAck finds the error codes of a Produce v7 answer at their places, so that
// the generator spends nothing on decoding. Layout: topics (4), name (2 and its
// bytes), partitions (4), then per partition index (4), error (2), base offset,
// append time, log start (8 each).
func checkAck(body []byte, topic string, partitions int) error {
	const partitionBytes = 30
	first := 4 + 2 + len(topic) + 4
	if len(body) < first+partitions*partitionBytes {
		return fmt.Errorf("answer of %d bytes", len(body))
	}
	for i := range partitions {
		if code := int16(binary.BigEndian.Uint16(body[first+i*partitionBytes+4:])); code != 0 {
			return fmt.Errorf("error %d in partition %d of the answer", code, i)
		}
	}
	return nil
}

// fetchAll reads every partition to its end and returns the bytes of records read.
func fetchAll(address, topic string, partitions int32, end int64, limits fetchLimits) (total int64, err error) {
	f, err := newFetcher(address, topic, partitions, limits)
	if err != nil {
		return 0, err
	}
	defer f.close()
	err = f.readTo(end, func(_ int32, offset int64, records []byte) (int64, error) {
		next, n := walk(records, offset)
		total += n
		return next, nil
	})
	return total, err
}

// fetchRequest asks for those partitions that are not at their end yet.
func fetchRequest(topic string, offsets []int64, end int64) *kmsg.FetchRequest {
	t := kmsg.NewFetchRequestTopic()
	t.Topic = topic
	for i, offset := range offsets {
		if offset >= end {
			continue
		}
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.FetchOffset, p.PartitionMaxBytes = int32(i), offset, 1<<20
		t.Partitions = append(t.Partitions, p)
	}
	req := kmsg.NewPtrFetchRequest()
	req.Version, req.MaxWaitMillis, req.MinBytes, req.MaxBytes = 4, 500, 1, fetchBytesMax
	req.Topics = append(req.Topics, t)
	return req
}

// walk steps over whole batches; the last one may be cut.
func walk(b []byte, offset int64) (next, bytes int64) {
	for len(b) >= batchHeaderBytes {
		size := int(binary.BigEndian.Uint32(b[8:])) + batchLengthEnd
		if size > len(b) {
			break
		}
		offset = int64(binary.BigEndian.Uint64(b)) + int64(binary.BigEndian.Uint32(b[batchLastDeltaAt:])) + 1
		bytes += int64(size)
		b = b[size:]
	}
	return offset, bytes
}
