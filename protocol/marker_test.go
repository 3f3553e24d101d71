package protocol_test

import (
	"bytes"
	"testing"

	"github.com/barnabas-mq/barnabas/protocol"
)

// A marker says what it was made of, in the bytes that Kafka's EndTransactionMarker
// writes.
func TestEndTxnMarker(t *testing.T) {
	for _, want := range []protocol.EndTxnMarker{{Commit: true, CoordinatorEpoch: 7}, {CoordinatorEpoch: 1 << 30}} {
		b := protocol.NewEndTxnMarkerBatch(4000, 3, 1000, want)
		if err := protocol.VerifyBatch(b); err != nil {
			t.Fatal(err)
		}
		got, ok := b.EndTxnMarker()
		if !ok || got != want {
			t.Errorf("%+v, %v, want %+v", got, ok, want)
		}
		if !b.IsControl() || !b.IsTransactional() || b.ProducerID() != 4000 || b.ProducerEpoch() != 3 ||
			b.BaseSequence() != -1 || b.Count() != 1 || b.MaxTimestamp() != 1000 || len(b) != 78 {
			t.Errorf("%x", []byte(b))
		}
	}
	b := protocol.NewEndTxnMarkerBatch(1, 0, 0, protocol.EndTxnMarker{Commit: true, CoordinatorEpoch: 0x01020304})
	if record := []byte{32, 0, 0, 0, 8, 0, 0, 0, 1, 12, 0, 0, 1, 2, 3, 4, 0}; !bytes.Equal(b.Payload(), record) {
		t.Errorf("the record is %v", b.Payload())
	}
}

// Other control records, and what is too short, are no markers.
func TestNoEndTxnMarker(t *testing.T) {
	control := func(key, value []byte) protocol.Batch {
		options := protocol.DefaultBatchOptions()
		options.Control = true
		w := protocol.NewBatchBuilder(options)
		w.Add(0, key, value)
		return w.Build(0, 0)
	}
	value := []byte{0, 0, 0, 0, 0, 1}
	tests := []struct {
		name string
		b    protocol.Batch
		ok   bool
	}{
		{"a leader change", control([]byte{0, 0, 0, 2}, value), false},
		{"a short key", control([]byte{0, 0, 0}, value), false},
		{"no key", control(nil, value), false},
		{"a short value", control([]byte{0, 0, 0, 1}, value[:5]), false},
		{"a negative version", control([]byte{0x80, 0, 0, 1}, value), false},
		{"a newer version with more in it", control([]byte{0, 1, 0, 1, 9}, append([]byte{0, 1}, 0, 0, 0, 1, 9)), true},
	}
	for _, test := range tests {
		if _, ok := test.b.EndTxnMarker(); ok != test.ok {
			t.Errorf("%s: %v", test.name, ok)
		}
	}
	w := protocol.NewBatchBuilder(protocol.DefaultBatchOptions())
	w.Add(0, []byte{0, 0, 0, 1}, value)
	if _, ok := w.Build(0, 0).EndTxnMarker(); ok {
		t.Error("a data batch")
	}
}
