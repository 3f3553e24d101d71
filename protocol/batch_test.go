package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var allCodecs = []Codec{CodecNone, CodecGzip, CodecSnappy, CodecLZ4, CodecZstd}

// storyRecords are records with everything that a record can have.
func storyRecords() []Record {
	return []Record{
		{Offset: 0, Timestamp: 1000, Key: []byte("k"), Value: []byte("first")},
		{Offset: 1, Timestamp: 990, Key: nil, Value: nil},
		{Offset: 2, Timestamp: 1 << 40, Key: []byte{}, Value: []byte{}},
		{Offset: 3, Timestamp: -1, Key: []byte("h"), Value: bytes.Repeat([]byte("long "), 4_000),
			Headers: []RecordHeader{{Key: "a", Value: []byte("1")}, {Key: "", Value: nil}, {Key: "a", Value: []byte{}}}},
		{Offset: 4, Timestamp: 1001, Key: []byte("k"), Value: []byte("last")},
	}
}

func buildBatch(codec Codec, records []Record) Batch {
	options := DefaultBatchOptions()
	options.Codec = codec
	w := NewBatchBuilder(options)
	for _, r := range records {
		w.Add(r.Timestamp, r.Key, r.Value, r.Headers...)
	}
	return w.Build(0, None)
}

func collect(t *testing.T, b Batch, limits DecodeLimits) []Record {
	t.Helper()
	var got []Record
	err := b.EachRecord(limits, func(r *Record) error {
		c := *r
		c.Key, c.Value = bytes.Clone(r.Key), bytes.Clone(r.Value)
		c.Headers = nil
		for _, h := range r.Headers {
			c.Headers = append(c.Headers, RecordHeader{h.Key, bytes.Clone(h.Value)})
		}
		got = append(got, c)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// differ is cmp.Diff, which is slow over long bytes, where there is a difference.
func differ(want, got []Record) string {
	if reflect.DeepEqual(want, got) {
		return ""
	}
	return cmp.Diff(want, got)
}

// What goes into a batch comes out again, null apart from empty, in every codec.
func TestBatchRoundTrip(t *testing.T) {
	for _, codec := range allCodecs {
		t.Run(codec.String(), func(t *testing.T) {
			b := buildBatch(codec, storyRecords())
			if err := CheckBatch(b); err != nil {
				t.Fatal(err)
			}
			summary, err := ValidateRecords(b, anyRecord)
			if err != nil {
				t.Fatal(err)
			}
			if summary.MaxTimestamp != 1<<40 || summary.MaxTimestampDelta != 2 || b.MaxTimestamp() != 1<<40 {
				t.Errorf("largest timestamp %d at %d, header %d", summary.MaxTimestamp, summary.MaxTimestampDelta, b.MaxTimestamp())
			}
			if d := differ(storyRecords(), collect(t, b, DecodeLimits{})); d != "" {
				t.Error(d)
			}
			b.SetBaseOffset(70)
			if got := collect(t, b, DecodeLimits{}); got[4].Offset != 74 {
				t.Errorf("the last of five records at 70 has offset %d", got[4].Offset)
			}
			if err := VerifyBatch(b); err != nil {
				t.Errorf("a new base offset broke the CRC: %v", err)
			}
		})
	}
}

// anyRecord are rules that no record breaks.
var anyRecord = RecordRules{BeforeMaxMillis: 1<<63 - 1, AfterMaxMillis: 1<<63 - 1}

// A builder is empty after Build and makes another batch.
func TestBuilderIsReusable(t *testing.T) {
	w := NewBatchBuilder(DefaultBatchOptions())
	w.Add(5, nil, []byte("one"))
	first := w.Build(3, 9)
	size := w.Size()
	w.Add(6, nil, []byte("two"))
	second := w.Build(4, 9)
	if size != BatchHeaderBytes || first.Count() != 1 || second.Count() != 1 || first.LastOffset() != 3 || first.LeaderEpoch() != 9 {
		t.Errorf("size %d, first %v, second %v", size, first, second)
	}
	if got := collect(t, first, DecodeLimits{}); string(got[0].Value) != "one" {
		t.Errorf("the second batch overwrote the first: %q", got[0].Value)
	}
}

// Batches that lie back to back are split; what cannot be one is refused.
func TestNextBatch(t *testing.T) {
	one, two := buildBatch(CodecNone, storyRecords()[:1]), buildBatch(CodecGzip, storyRecords())
	both := append(bytes.Clone(one), two...)
	first, rest, err := NextBatch(both)
	if err != nil || !bytes.Equal(first, one) {
		t.Fatal(first, err)
	}
	second, rest, err := NextBatch(rest)
	if err != nil || !bytes.Equal(second, two) || len(rest) != 0 {
		t.Fatal(second, rest, err)
	}
	for n := range len(one) {
		if _, _, err := NextBatch(one[:n]); !errors.Is(err, ErrCorruptMessage) {
			t.Fatalf("%d of %d bytes: %v", n, len(one), err)
		}
	}
	for _, length := range []int32{-1 << 31, -13, -12, 0, 48, 1<<31 - 1} {
		bad := bytes.Clone(one)
		putInt32(bad[8:], length)
		if _, _, err := NextBatch(bad); !errors.Is(err, ErrCorruptMessage) {
			t.Errorf("length %d: %v", length, err)
		}
	}
}

func putInt32(b []byte, v int32) {
	b[0], b[1], b[2], b[3] = byte(v>>24), byte(v>>16), byte(v>>8), byte(v)
}

// What a client may not send, and the code that Kafka answers.
func TestCheckBatchRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(Batch)
		keep   bool // keep the CRC as it is
		want   *Error
	}{
		{"a flipped bit", func(b Batch) { b[len(b)-1] ^= 1 }, true, ErrCorruptMessage},
		{"a wrong CRC", func(b Batch) { b[17] ^= 1 }, true, ErrCorruptMessage},
		{"a length too small", func(b Batch) { b[11]-- }, false, ErrCorruptMessage},
		{"format 1", func(b Batch) { b[16] = 1 }, false, ErrInvalidRecord},
		{"format 3", func(b Batch) { b[16] = 3 }, false, ErrInvalidRecord},
		{"base offset 1", func(b Batch) { b.SetBaseOffset(1) }, false, ErrInvalidRecord},
		{"no records", func(b Batch) { putInt32(b[57:], 0) }, false, ErrInvalidRecord},
		{"minus one record", func(b Batch) { putInt32(b[57:], -1) }, false, ErrInvalidRecord},
		{"one record too many", func(b Batch) { putInt32(b[57:], 6) }, false, ErrInvalidRecord},
		{"offsets up to 2^31-1", func(b Batch) { putInt32(b[23:], 1<<31-1); putInt32(b[57:], -1<<31) }, false, ErrInvalidRecord},
		{"more records than bytes", func(b Batch) { putInt32(b[23:], 1<<31-2); putInt32(b[57:], 1<<31-1) }, false, ErrInvalidRecord},
		{"a control batch", func(b Batch) { b.SetAttributes(AttributeControl) }, false, ErrInvalidRecord},
		{"a producer without sequence", func(b Batch) { copy(b[43:], make([]byte, 8)) }, false, ErrInvalidRecord},
		{"codec 5", func(b Batch) { b.SetAttributes(5) }, false, ErrUnsupportedCompressionType},
		{"codec 7", func(b Batch) { b.SetAttributes(7) }, false, ErrUnsupportedCompressionType},
	} {
		b := buildBatch(CodecNone, storyRecords())
		c.damage(b)
		if !c.keep {
			b.SetCRC()
		}
		if err := CheckBatch(b); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want.Name)
		}
	}
}

// The rules of a topic: keys, timestamps, and that one bad record refuses all.
func TestValidateRecordsRules(t *testing.T) {
	now := Timestamp(1_700_000_000_000)
	hour := int64(3_600_000)
	rules := RecordRules{Now: now, BeforeMaxMillis: hour, AfterMaxMillis: hour}
	compacted, stamped := rules, rules
	compacted.RequireKeys = true
	stamped.LogAppendTime = true
	record := func(t Timestamp, key string) Record {
		r := Record{Timestamp: t, Value: []byte("v")}
		if key != "" {
			r.Key = []byte(key)
		}
		return r
	}
	appendTime := func(b Batch) { b.SetTimestamps(true, b.MaxTimestamp()) }
	for _, c := range []struct {
		name    string
		rules   RecordRules
		records []Record
		change  func(Batch)
		want    *Error
		indexes []int32
	}{
		{"good", rules, []Record{record(now, ""), record(now-Timestamp(hour), ""), record(now+Timestamp(hour), "")}, nil, nil, nil},
		{"too old", rules, []Record{record(now, ""), record(now-Timestamp(hour)-1, "")}, nil, ErrInvalidTimestamp, []int32{1}},
		{"too new", rules, []Record{record(now+Timestamp(hour)+1, ""), record(now, "")}, nil, ErrInvalidTimestamp, []int32{0}},
		{"without timestamp", rules, []Record{record(-1, "")}, nil, nil, nil},
		{"no key, compacted", compacted, []Record{record(now, "a"), record(now, ""), record(now, "")}, nil, ErrInvalidRecord, []int32{1, 2}},
		{"timestamps win over keys", compacted, []Record{record(now, ""), record(1, "a")}, nil, ErrInvalidTimestamp, []int32{0, 1}},
		{"any timestamp where the broker stamps", stamped, []Record{record(1, "")}, nil, nil, nil},
		{"the client says LogAppendTime too", stamped, []Record{record(now, "")}, appendTime, ErrInvalidTimestamp, []int32{0}},
	} {
		for _, codec := range allCodecs {
			b := buildBatch(codec, c.records)
			if c.change != nil {
				c.change(b)
			}
			summary, err := ValidateRecords(b, c.rules)
			if c.want == nil && err != nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("%s, %v: %v", c.name, codec, err)
			}
			var indexes []int32
			for _, e := range summary.Errors {
				indexes = append(indexes, e.Index)
			}
			if d := cmp.Diff(c.indexes, indexes); d != "" {
				t.Errorf("%s, %v: %s", c.name, codec, d)
			}
		}
	}
}

// The list of bad records has an end.
func TestValidateRecordsBoundsErrors(t *testing.T) {
	records := make([]Record, 3*RecordErrorsMax)
	summary, err := ValidateRecords(buildBatch(CodecZstd, records), RecordRules{RequireKeys: true})
	if !errors.Is(err, ErrInvalidRecord) || len(summary.Errors) != RecordErrorsMax {
		t.Errorf("%d errors, %v", len(summary.Errors), err)
	}
	if !strings.Contains(err.Error(), "3000 of the 3000") {
		t.Errorf("the message hides how many: %v", err)
	}
}

// A batch that cannot be read to its end has no list of records that break a rule.
func TestValidateRecordsOfABrokenBatch(t *testing.T) {
	b := buildBatch(CodecNone, make([]Record, 2))
	putInt32(b[57:], 3) // the number of records
	putInt32(b[23:], 2) // the last offset delta
	b.SetCRC()
	summary, err := ValidateRecords(b, RecordRules{RequireKeys: true})
	if !errors.Is(err, ErrInvalidRecord) || len(summary.Errors) > 0 {
		t.Errorf("%v, %d errors", err, len(summary.Errors))
	}
}

// The stamp of the broker changes type, largest timestamp and CRC, and no record.
func TestSetTimestamps(t *testing.T) {
	b := buildBatch(CodecGzip, storyRecords())
	before := bytes.Clone(b)
	b.SetTimestamps(false, b.MaxTimestamp())
	if !bytes.Equal(before, b) {
		t.Error("nothing to change, yet the bytes changed")
	}
	b.SetTimestamps(true, 77)
	if err := VerifyBatch(b); err != nil || !b.IsLogAppendTime() || b.MaxTimestamp() != 77 || b.BaseTimestamp() != 1000 {
		t.Errorf("%v %v %d %d", err, b.IsLogAppendTime(), b.MaxTimestamp(), b.BaseTimestamp())
	}
	for _, r := range collect(t, b, DecodeLimits{}) {
		if r.Timestamp != 77 {
			t.Errorf("offset %d reads as %d", r.Offset, r.Timestamp)
		}
	}
	b.SetTimestamps(false, 1<<40)
	if !bytes.Equal(before, b) {
		t.Error("the way back gives other bytes")
	}
}

// Every codec turns into every other; the records stay.
func TestRecompress(t *testing.T) {
	for _, from := range allCodecs {
		for _, to := range allCodecs {
			b := buildBatch(from, storyRecords())
			kept := bytes.Clone(b)
			made, err := Recompress(b, to, LevelDefault, 1<<20, DecodeLimits{})
			if err != nil {
				t.Fatal(err)
			}
			if err := CheckBatch(made); err != nil || made.Codec() != to || !bytes.Equal(kept, b) {
				t.Errorf("%v to %v: %v, codec %v", from, to, err, made.Codec())
			}
			if d := differ(storyRecords(), collect(t, made, DecodeLimits{})); d != "" {
				t.Errorf("%v to %v: %s", from, to, d)
			}
			if _, err := Recompress(b, to, LevelDefault, 1<<20, DecodeLimits{MaxBytes: 100}); from != CodecNone && !errors.Is(err, ErrMessageTooLarge) {
				t.Errorf("%v over the limit: %v", from, err)
			}
		}
	}
}

// Levels that a topic may ask for all work.
func TestCompressionLevels(t *testing.T) {
	src := bytes.Repeat([]byte("level "), 10_000)
	for codec, levels := range map[Codec][]int{CodecGzip: {-1, 1, 9, 99}, CodecLZ4: {1, 9, 17}, CodecZstd: {-131072, 1, 3, 22}} {
		for _, level := range levels {
			out := appendCompressed(nil, src, codec, level)
			back, err := decompressAll(codec, out, DecodeLimits{})
			if err != nil || !bytes.Equal(back, src) {
				t.Errorf("%v at level %d: %v", codec, level, err)
			}
		}
	}
}

// Both readers of records accept and refuse the same.
func TestRecordDamage(t *testing.T) {
	whole := buildBatch(CodecNone, storyRecords()[:3])
	for i := range len(whole.Payload()) {
		for _, x := range []byte{0x01, 0x80, 0xff} {
			damaged := Batch(bytes.Clone(whole))
			damaged.Payload()[i] ^= x
			agree(t, fmt.Sprintf("byte %d ^ %#x", i, x), damaged)
		}
		agree(t, fmt.Sprintf("cut at %d", i), whole[:BatchHeaderBytes+i])
	}
	agree(t, "one more byte", append(Batch(bytes.Clone(whole)), 0))
}

// agree checks that the records of an uncompressed batch are judged alike in one
// piece and as a stream, with and without their contents.
func agree(t *testing.T, what string, b Batch) {
	t.Helper()
	_, plain := ValidateRecords(b, anyRecord)
	each := b.EachRecord(DecodeLimits{}, func(*Record) error { return nil })
	packed, err := Recompress(b, CodecZstd, LevelDefault, 1<<20, DecodeLimits{})
	if err != nil {
		t.Fatal(err)
	}
	_, streamed := ValidateRecords(packed, anyRecord)
	if (plain == nil) != (streamed == nil) {
		t.Errorf("%s: in one piece %v, as a stream %v", what, plain, streamed)
	}
	eachStreamed := packed.EachRecord(DecodeLimits{}, func(*Record) error { return nil })
	if (each == nil) != (eachStreamed == nil) || plain == nil && each != nil {
		t.Errorf("%s: each %v, streamed %v, validated %v", what, each, eachStreamed, plain)
	}
}

// EachPosition gives the numbers without the contents.
func TestEachPosition(t *testing.T) {
	for _, codec := range allCodecs {
		b := buildBatch(codec, storyRecords())
		b.SetBaseOffset(10)
		var got []string
		if err := b.EachPosition(DecodeLimits{}, func(o Offset, t Timestamp) error {
			got = append(got, fmt.Sprint(o, "@", t))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if s := strings.Join(got, " "); s != "10@1000 11@990 12@1099511627776 13@-1 14@1001" {
			t.Errorf("%v: %s", codec, s)
		}
	}
}

// An error of the callback ends the walk and comes back as it is.
func TestEachRecordStops(t *testing.T) {
	stop := errors.New("enough")
	for _, codec := range allCodecs {
		calls := 0
		err := buildBatch(codec, storyRecords()).EachRecord(DecodeLimits{}, func(*Record) error { calls++; return stop })
		if err != stop || calls != 1 { //nolint:errorlint // the very error
			t.Errorf("%v: %v after %d calls", codec, err, calls)
		}
	}
}

// Validation of what most producers send costs no memory.
func TestValidateRecordsAllocates(t *testing.T) {
	for _, codec := range allCodecs {
		if raceEnabled && codec != CodecNone {
			continue // the race detector empties pools at random
		}
		b := buildBatch(codec, storyRecords())
		if n := testing.AllocsPerRun(200, func() { _, _ = ValidateRecords(b, anyRecord) }); n > 4 {
			t.Errorf("%v: %v allocations", codec, n)
		}
	}
	b := buildBatch(CodecNone, storyRecords())
	if n := testing.AllocsPerRun(100, func() { _ = CheckBatch(b) }); n != 0 {
		t.Errorf("CheckBatch: %v allocations", n)
	}
}
