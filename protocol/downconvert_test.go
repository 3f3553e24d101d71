package protocol

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// readSet reads a set as a client of its format does, wrappers and all.
func readSet(t *testing.T, magic int8, set []byte) []Record {
	t.Helper()
	var records []Record
	for len(set) > 0 {
		offset := Offset(binary.BigEndian.Uint64(set))
		m, rest, err := nextMessage(set)
		if err != nil || m.magic != magic {
			t.Fatalf("at offset %d: format %d, %v", offset, m.magic, err)
		}
		set = rest
		if m.codec == CodecNone {
			records = append(records, Record{Offset: offset, Timestamp: m.timestamp, Key: m.key, Value: m.value})
			continue
		}
		records = append(records, readWrapper(t, m, offset)...)
	}
	return records
}

func readWrapper(t *testing.T, m legacyMessage, offset Offset) []Record {
	t.Helper()
	payload := m.value
	if m.codec == CodecLZ4 && m.magic == 0 {
		payload = repairLZ4Header(payload)
		if bytes.Equal(payload, m.value) {
			t.Error("the frame of format 0 has the checksum of format 1")
		}
	}
	plain, err := decompressAll(m.codec, payload, DecodeLimits{MaxBytes: HeldBytesMax})
	if err != nil {
		t.Fatal(err)
	}
	records := readSet(t, m.magic, plain)
	last := records[len(records)-1].Offset
	for i := range records {
		if m.magic == 1 {
			records[i].Offset += offset - last
		}
		if m.appendTime {
			records[i].Timestamp = m.timestamp
		}
	}
	if got := records[len(records)-1].Offset; got != offset {
		t.Fatalf("a wrapper with the offset %d ends with %d", offset, got)
	}
	return records
}

var roomy = MessageSetLimits{SetBytes: 1 << 30, MessageBytes: 1 << 30}

// asOld is what is left of records in a format: no headers, in format 0 no timestamp.
func asOld(magic int8, records []Record) []Record {
	old := slices.Clone(records)
	for i := range old {
		old[i].Headers, old[i].Attributes = nil, 0
		if magic == 0 {
			old[i].Timestamp = None
		}
	}
	return old
}

func sameRecords(t *testing.T, what string, got, want []Record) {
	t.Helper()
	if d := differ(want, got); d != "" && len(want)+len(got) > 0 {
		t.Fatalf("%s: %.2000s", what, d)
	}
}

func eachOldFormat(fn func(magic int8, codec Codec)) {
	for magic := int8(0); magic <= 1; magic++ {
		for codec := CodecNone; codec <= CodecZstd; codec++ {
			fn(magic, codec)
		}
	}
}

func TestBatchesBecomeMessageSets(t *testing.T) {
	eachOldFormat(func(magic int8, codec Codec) {
		b := buildBatch(codec, storyRecords())
		b.SetBaseOffset(1000)
		all := asOld(magic, collect(t, b, DecodeLimits{}))
		var s MessageSet
		for from := Offset(998); from <= 1000+Offset(len(all)); from++ {
			s.Reset(magic, from, roomy)
			if err := s.Add(b, DecodeLimits{}); err != nil || s.Full() {
				t.Fatalf("format %d, %v from %d: %v, full %v", magic, codec, from, err, s.Full())
			}
			sameRecords(t, codec.String(), readSet(t, magic, s.Bytes()), all[max(from-1000, 0):])
		}
		s.Reset(magic, 0, roomy)
		_ = s.Add(b, DecodeLimits{})
		want := codec
		if codec == CodecZstd {
			want = CodecGzip
		}
		if m, _, err := nextMessage(s.Bytes()); err != nil || m.codec != want {
			t.Errorf("format %d, %v: codec %v, %v", magic, codec, m.codec, err)
		}
	})
}

func TestMessageSetsKeepLogAppendTime(t *testing.T) {
	eachOldFormat(func(magic int8, codec Codec) {
		b := buildBatch(codec, storyRecords())
		b.SetTimestamps(true, 77_000)
		var s MessageSet
		s.Reset(magic, 0, roomy)
		if err := s.Add(b, DecodeLimits{}); err != nil {
			t.Fatal(err)
		}
		m, _, _ := nextMessage(s.Bytes())
		if m.appendTime != (magic == 1) {
			t.Errorf("format %d, %v: LogAppendTime is %v", magic, codec, m.appendTime)
		}
		sameRecords(t, codec.String(), readSet(t, magic, s.Bytes()), asOld(magic, collect(t, b, DecodeLimits{})))
	})
}

func TestMessageSetsLeaveMarkersOut(t *testing.T) {
	var s MessageSet
	s.Reset(1, 0, roomy)
	o := DefaultBatchOptions()
	o.Control, o.Transactional, o.ProducerID, o.ProducerEpoch = true, true, 5, 0
	w := NewBatchBuilder(o)
	w.Add(1, []byte{0, 0, 0, 1}, []byte{0, 0, 0, 0, 0, 0})
	if err := s.Add(w.Build(0, 0), DecodeLimits{}); err != nil || len(s.Bytes()) > 0 {
		t.Errorf("a marker became %d bytes, %v", len(s.Bytes()), err)
	}
}

// However little goes into a set, whoever asks again behind its last record gets all
// records in the end, each once, and no set is beyond its limits by more than one record.
func TestMessageSetsInPieces(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 100 {
		var log []Batch
		var all []Record
		magic, next := int8(round%2), Offset(r.IntN(10))
		for range 1 + r.IntN(4) {
			codec := Codec(r.IntN(int(CodecZstd) + 1))
			o := DefaultBatchOptions()
			o.Codec = codec
			w := NewBatchBuilder(o)
			for range 1 + r.IntN(40) {
				w.Add(Timestamp(r.IntN(1000)), []byte{byte(r.IntN(3))}, bytes.Repeat([]byte{byte(r.IntN(256))}, r.IntN(3000)))
			}
			b := w.Build(next, 0)
			log, all, next = append(log, b), append(all, collect(t, b, DecodeLimits{})...), b.LastOffset()+1+Offset(r.IntN(5))
		}
		limits := MessageSetLimits{SetBytes: 1 + r.IntN(20_000), MessageBytes: 1 + r.IntN(20_000)}
		var got []Record
		var s MessageSet
		from := all[0].Offset
		for len(got) < len(all) {
			s.Reset(magic, from, limits)
			for _, b := range log {
				if err := s.Add(b, DecodeLimits{}); err != nil {
					t.Fatal(err)
				}
			}
			piece := readSet(t, magic, bytes.Clone(s.Bytes()))
			if len(piece) == 0 {
				t.Fatalf("round %d: nothing from %d on", round, from)
			}
			if s.Taken() > limits.MessageBytes && len(piece) > 1 {
				t.Fatalf("round %d: %d bytes of messages, %d are allowed", round, s.Taken(), limits.MessageBytes)
			}
			// A wrapper that does not shrink is longer than its messages by its own head and the codec's.
			if n := len(s.Bytes()); n > limits.SetBytes+200 && len(piece) > 1 {
				t.Fatalf("round %d: a set of %d bytes, %d are allowed", round, n, limits.SetBytes)
			}
			got = append(got, piece...)
			from = piece[len(piece)-1].Offset + 1
		}
		sameRecords(t, "in pieces", got, asOld(magic, all))
	}
}

// A batch that decompresses to far more than it is long takes the memory of a wrapper.
func TestAWrapperIsBounded(t *testing.T) {
	o := DefaultBatchOptions()
	o.Codec = CodecZstd
	w := NewBatchBuilder(o)
	for range 256 {
		w.Add(0, nil, make([]byte, 256<<10))
	}
	b := w.Build(0, 0)
	var s MessageSet
	s.Reset(1, 0, MessageSetLimits{SetBytes: 1 << 20, MessageBytes: 4 << 20})
	if err := s.Add(b, DecodeLimits{}); err != nil {
		t.Fatal(err)
	}
	if got := readSet(t, 1, s.Bytes()); len(got) != 15 || !s.Full() || s.Held() > 4<<20 {
		t.Errorf("%d records, full %v, %d bytes held", len(got), s.Full(), s.Held())
	}
}

func TestDamagedBatchesAreNotConverted(t *testing.T) {
	for codec := CodecNone; codec <= CodecZstd; codec++ {
		b := slices.Clone(buildBatch(codec, []Record{{Value: []byte(strings.Repeat("v", 500))}}))
		b = append(b[:len(b)-20], bytes.Repeat([]byte{0xff}, 20)...)
		var s MessageSet
		s.Reset(1, 0, roomy)
		err := s.Add(b, DecodeLimits{})
		var known *Error
		if codec == CodecNone && err == nil {
			continue // the bytes of a value are anybody's
		}
		if !errors.As(err, &known) || len(s.Bytes()) > 0 {
			t.Errorf("%v: %v, %d bytes", codec, err, len(s.Bytes()))
		}
	}
}
