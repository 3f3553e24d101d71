package main

import (
	"bytes"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// The frames of an idempotent producer hold what the encoder would have written.
func TestSequencedFrames(t *testing.T) {
	plain := batchOf(1, 100)
	frame := produceFrame("topic", 1, plain)
	next := sequenced(frame, len(plain), 77, 3)
	for sequence := range int32(3) {
		got := next(int(sequence))
		var request kmsg.ProduceRequest
		request.Version = 7
		_, body, _ := bytes.Cut(got, []byte(wire.DefaultClientID))
		if err := request.ReadFrom(body); err != nil {
			t.Fatal(err)
		}
		var batch kmsg.RecordBatch
		if err := batch.ReadFrom(request.Topics[0].Partitions[0].Records); err != nil {
			t.Fatal(err)
		}
		if batch.ProducerID != 77 || batch.ProducerEpoch != 3 || batch.FirstSequence != sequence {
			t.Errorf("frame %d is of producer %d, epoch %d, sequence %d", sequence, batch.ProducerID, batch.ProducerEpoch, batch.FirstSequence)
		}
		stored := request.Topics[0].Partitions[0].Records
		want := wire.NewBatch(batch.FirstTimestamp, wire.Record{Value: filler(100)})
		want.ProducerID, want.ProducerEpoch, want.BaseSequence = 77, 3, sequence
		if !bytes.Equal(stored, want.Encode()) {
			t.Errorf("frame %d differs from what the encoder makes", sequence)
		}
	}
	if !bytes.Equal(frame, produceFrame("topic", 1, plain)) {
		t.Error("the frame of the plain producer has changed")
	}
}
