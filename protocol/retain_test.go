package protocol_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/barnabas-mq/barnabas/protocol"
)

type plainRecord struct {
	Offset     protocol.Offset
	Timestamp  protocol.Timestamp
	Key, Value string
	Headers    int
}

func recordsOf(t *testing.T, b protocol.Batch) []plainRecord {
	t.Helper()
	if err := protocol.VerifyBatch(b); err != nil {
		t.Fatal(err)
	}
	var all []plainRecord
	err := b.EachRecord(protocol.DecodeLimits{}, func(r *protocol.Record) error {
		all = append(all, plainRecord{r.Offset, r.Timestamp, string(r.Key), string(r.Value), len(r.Headers)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// fiveRecords has offsets 100 to 104 and timestamps that fall and rise.
func fiveRecords(codec protocol.Codec, appendTime bool) protocol.Batch {
	options := protocol.DefaultBatchOptions()
	options.Codec, options.ProducerID, options.ProducerEpoch, options.BaseSequence, options.Transactional = codec, 7, 3, 40, true
	w := protocol.NewBatchBuilder(options)
	for i, at := range []protocol.Timestamp{5000, 4000, 9000, 6000, 7000} {
		value := bytes.Repeat([]byte{byte('a' + i)}, 200)
		w.Add(at, fmt.Appendf(nil, "k%d", i), value, protocol.RecordHeader{Key: "h", Value: []byte("x")})
	}
	b := w.Build(100, 11)
	if appendTime {
		b.SetAttributes(b.Attributes() | protocol.AttributeLogAppendTime)
		b.SetMaxTimestamp(8888)
		b.SetCRC()
	}
	return b
}

// What compaction leaves of a batch keeps its place, its producer and its codec; the
// records that stay are what they were.
func TestRetainedRecords(t *testing.T) {
	for _, codec := range []protocol.Codec{protocol.CodecNone, protocol.CodecGzip, protocol.CodecSnappy, protocol.CodecLZ4, protocol.CodecZstd} {
		for _, appendTime := range []bool{false, true} {
			for _, horizon := range []protocol.Timestamp{protocol.None, 1_000_000} {
				t.Run(fmt.Sprintf("%v/append time %v/horizon %d", codec, appendTime, horizon), func(t *testing.T) {
					b := fiveRecords(codec, appendTime)
					all := recordsOf(t, b)
					prefix := []byte("before")
					out, err := protocol.AppendRetained(prefix, b, func(i int) bool { return i == 1 || i == 3 }, horizon, protocol.DecodeLimits{})
					if err != nil {
						t.Fatal(err)
					}
					made := protocol.Batch(out[len(prefix):])
					if diff := cmp.Diff([]plainRecord{all[1], all[3]}, recordsOf(t, made)); diff != "" {
						t.Error(diff)
					}
					sameHeader(t, b, made)
					if made.Codec() != codec || made.IsLogAppendTime() != appendTime {
						t.Errorf("attributes %b", made.Attributes())
					}
					wantBase, wantMax := protocol.Timestamp(4000), protocol.Timestamp(6000)
					if appendTime {
						wantBase, wantMax = 8888, 8888
					}
					if horizon >= 0 {
						wantBase = horizon
					}
					if made.BaseTimestamp() != wantBase || made.MaxTimestamp() != wantMax {
						t.Errorf("timestamps from %d to %d, want %d to %d", made.BaseTimestamp(), made.MaxTimestamp(), wantBase, wantMax)
					}
					if at, ok := made.DeleteHorizon(); ok != (horizon >= 0) || at != max(horizon, -1) {
						t.Errorf("delete horizon %d, %v", at, ok)
					}
				})
			}
		}
	}
}

func sameHeader(t *testing.T, b, made protocol.Batch) {
	t.Helper()
	type header struct {
		Base, Last protocol.Offset
		Epoch      protocol.Epoch
		Producer   protocol.ProducerID
		ProdEpoch  int16
		First, End int32
		Txn, Ctl   bool
	}
	of := func(b protocol.Batch) header {
		return header{b.BaseOffset(), b.LastOffset(), b.LeaderEpoch(), b.ProducerID(), b.ProducerEpoch(),
			b.BaseSequence(), b.LastSequence(), b.IsTransactional(), b.IsControl()}
	}
	if diff := cmp.Diff(of(b), of(made)); diff != "" {
		t.Error(diff)
	}
}

// A batch without records is a header without a codec and a base timestamp.
func TestEmptiedBatch(t *testing.T) {
	b := fiveRecords(protocol.CodecZstd, false)
	made := protocol.Batch(protocol.AppendEmptied([]byte("before"), b)[6:])
	if got := recordsOf(t, made); len(got) != 0 {
		t.Errorf("%d records", len(got))
	}
	sameHeader(t, b, made)
	if len(made) != protocol.BatchHeaderBytes || made.Count() != 0 || made.Codec() != protocol.CodecNone ||
		made.BaseTimestamp() != -1 || made.MaxTimestamp() != 9000 {
		t.Errorf("% x", []byte(made))
	}
	if _, ok := made.DeleteHorizon(); ok {
		t.Error("it has a delete horizon")
	}
}

// Damaged records are an error, never a panic or a silent loss.
func FuzzAppendRetained(f *testing.F) {
	for _, codec := range []protocol.Codec{protocol.CodecNone, protocol.CodecGzip, protocol.CodecSnappy, protocol.CodecLZ4, protocol.CodecZstd} {
		f.Add([]byte(fiveRecords(codec, false)), uint64(0b01010))
	}
	f.Fuzz(func(t *testing.T, data []byte, keep uint64) {
		b, _, err := protocol.NextBatch(data)
		if err != nil || len(b) < protocol.BatchHeaderBytes || b.Magic() != 2 {
			return
		}
		limits := protocol.DecodeLimits{MaxBytes: 1 << 20}
		out, err := protocol.AppendRetained(nil, b, func(i int) bool { return keep>>(i%64)&1 == 1 }, protocol.None, limits)
		if err != nil {
			return
		}
		kept := int32(0)
		if err := protocol.Batch(out).EachKey(protocol.DecodeLimits{}, func(*protocol.KeyedRecord) error { kept++; return nil }); err != nil && b.EachKey(limits, func(*protocol.KeyedRecord) error { return nil }) == nil {
			t.Fatalf("a sound batch was made into one that cannot be read: %v", err)
		}
	})
}
