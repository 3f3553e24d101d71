package main

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// More positions in a record batch of format 2. The producer's fields are its id,
// epoch and sequence.
const (
	batchProducerIDAt = 43
	batchEpochAt      = 51
	batchSequenceAt   = 53
	batchProducerEnd  = 57
)

// idempotentFrames are the frames of produceFrame as an idempotent producer sends them:
// what clients do unless told otherwise. The producer is a new one.
func idempotentFrames(b contender, topic string, partitions int32, batch []byte) (next func(int) []byte, err error) {
	conn, err := wire.Dial(b.Bootstrap())
	if err != nil {
		return nil, err
	}
	defer conn.Close() //nolint:errcheck // the answer has been read
	producer, err := newProducer(conn)
	if err != nil {
		return nil, err
	}
	frame := produceFrame(topic, partitions, batch)
	return sequenced(frame, len(batch), int(partitions), producer.ProducerID, producer.ProducerEpoch), nil
}

// producerTries and producerPause are for a broker that has just started: Kafka's first asks
// its controller for ids, and has clients come again meanwhile.
const (
	producerTries = 100
	producerPause = 100 * time.Millisecond
)

func newProducer(conn *wire.Conn) (*kmsg.InitProducerIDResponse, error) {
	request := kmsg.NewPtrInitProducerIDRequest()
	request.Version = 0
	for try := 1; ; try++ {
		response, err := conn.Call(request)
		if err != nil {
			return nil, err
		}
		producer := response.(*kmsg.InitProducerIDResponse)
		err = kerr.ErrorForCode(producer.ErrorCode)
		if !kerr.IsRetriable(err) || try == producerTries {
			return producer, err
		}
		time.Sleep(producerPause)
	}
}

// sequenced gives a frame of produceFrame the next sequences of a producer each time.
// What it gives is good until it is called again. It costs next to nothing: all
// partitions have the same batch and so the same checksum, and a checksum is linear,
// so that each bit of the sequence changes it by what is known beforehand.
func sequenced(frame []byte, batchBytes, partitions int, producerID int64, epoch int16) func(int) []byte {
	const indexAndSize = 4 + 4
	frame = slices.Clone(frame)
	batches := make([][]byte, partitions)
	for i := range batches {
		end := len(frame) - (partitions-1-i)*(indexAndSize+batchBytes)
		batches[i] = frame[end-batchBytes : end]
		binary.BigEndian.PutUint64(batches[i][batchProducerIDAt:], uint64(producerID))
		binary.BigEndian.PutUint16(batches[i][batchEpochAt:], uint16(epoch))
	}
	first, changes := checksums(batches[0])
	records := uint32(recordsOf(batches[0]))
	sequence := uint32(0)
	return func(int) []byte {
		crc := first
		for bit, change := range changes {
			if sequence>>bit&1 == 1 {
				crc ^= change
			}
		}
		for _, batch := range batches {
			binary.BigEndian.PutUint32(batch[batchSequenceAt:], sequence)
			binary.BigEndian.PutUint32(batch[batchCRCAt:], crc)
		}
		sequence = (sequence + records) & math.MaxInt32 // after the last comes 0
		return frame
	}
}

// checksums are that of a batch with sequence 0, and what each bit of a sequence changes
// of it.
func checksums(batch []byte) (first uint32, changes [31]uint32) {
	batch = slices.Clone(batch)
	of := func(sequence uint32) uint32 {
		binary.BigEndian.PutUint32(batch[batchSequenceAt:], sequence)
		return crc32.Checksum(batch[batchCRCFrom:], castagnoli)
	}
	first = of(0)
	for bit := range changes {
		changes[bit] = of(1<<bit) ^ first
	}
	return first, changes
}
