package main

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// Every bit of a sequence changes the checksum as it should.
func TestChecksums(t *testing.T) {
	batch := batchOf(3, 100)
	first, changes := checksums(batch)
	for bit, change := range changes {
		binary.BigEndian.PutUint32(batch[batchSequenceAt:], 1<<bit|1)
		want := first ^ change
		if bit > 0 {
			want ^= changes[0]
		}
		if got := crc32.Checksum(batch[batchCRCFrom:], castagnoli); got != want {
			t.Errorf("bit %d: checksum %#x, want %#x", bit, want, got)
		}
	}
}

// The frames of an idempotent producer hold what the encoder would have written.
func TestSequencedFrames(t *testing.T) {
	const records, partitions = 3, 2
	plain := batchOf(records, 100)
	frame := produceFrame("topic", partitions, plain)
	next := sequenced(frame, len(plain), partitions, 77, 3)
	for i := range 300 {
		got, sequence := next(i), int32(i*records)
		var request kmsg.ProduceRequest
		request.Version = 7
		_, body, _ := bytes.Cut(got, []byte(wire.DefaultClientID))
		if err := request.ReadFrom(body); err != nil {
			t.Fatal(err)
		}
		var batch kmsg.RecordBatch
		if err := batch.ReadFrom(request.Topics[0].Partitions[i%partitions].Records); err != nil {
			t.Fatal(err)
		}
		if batch.ProducerID != 77 || batch.ProducerEpoch != 3 || batch.FirstSequence != sequence {
			t.Errorf("frame %d is of producer %d, epoch %d, sequence %d", sequence, batch.ProducerID, batch.ProducerEpoch, batch.FirstSequence)
		}
		stored := request.Topics[0].Partitions[i%partitions].Records
		want := wire.NewBatch(batch.FirstTimestamp, slices.Repeat([]wire.Record{{Value: filler(100)}}, records)...)
		want.ProducerID, want.ProducerEpoch, want.BaseSequence = 77, 3, sequence
		if !bytes.Equal(stored, want.Encode()) {
			t.Errorf("frame %d differs from what the encoder makes", sequence)
		}
	}
	if !bytes.Equal(frame, produceFrame("topic", partitions, plain)) {
		t.Error("the frame of the plain producer has changed")
	}
}
