package protocol

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"
)

// The fuzz targets hold what a peer may send against what must always be true: no
// panic, an *Error for what is refused, and the same verdict from two readers.

func mustBeProtocolError(t *testing.T, err error) {
	t.Helper()
	var known *Error
	if err != nil && !errors.As(err, &known) {
		t.Fatalf("%T is no *Error: %v", err, err)
	}
}

func FuzzHeader(f *testing.F) {
	eachRequest(func(key, version int16, _ string) { f.Add(requestFrame(key, version, []byte("body"))) })
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte{0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03})
	f.Fuzz(func(t *testing.T, frame []byte) {
		h, body, err := parseHeader(frame)
		mustBeProtocolError(t, err)
		if err == nil && !bytes.HasSuffix(frame, body) {
			t.Fatalf("the body of %+v is not the end of the frame", h)
		}
	})
}

func FuzzDecodeRequest(f *testing.F) {
	r := rand.New(rand.NewPCG(19, 20))
	eachRequest(func(key, version int16, _ string) {
		f.Add(key, version, filledRequest(key, version, r, true).AppendTo(nil))
		f.Add(key, version, filledRequest(key, version, r, false).AppendTo(nil))
	})
	f.Fuzz(func(t *testing.T, key, version int16, body []byte) {
		q, err := DecodeRequest(key, version, body, requestMemoryMax)
		mustBeProtocolError(t, err)
		if err != nil {
			// kmsg reads the tagged fields of Fetch in versions that do not have them.
			if key != 1 && !errors.Is(err, ErrUnsupportedVersion) && checkLayout(key, version, body, requestMemoryMax) == nil {
				t.Fatalf("the layout allows what kmsg refuses: %v", err)
			}
			return
		}
		if _, err := DecodeRequest(key, version, q.AppendTo(nil), requestMemoryMax); err != nil {
			t.Fatalf("decoded, but not again: %v", err)
		}
	})
}

func FuzzProduceRequest(f *testing.F) {
	r := rand.New(rand.NewPCG(21, 22))
	for version := int16(0); version <= 13; version++ {
		f.Add(version, filledRequest(0, version, r, false).AppendTo(nil))
	}
	var q ProduceRequest
	f.Fuzz(func(t *testing.T, version int16, body []byte) {
		if version < 0 || version > 13 {
			return
		}
		err := q.Decode(version, body)
		mustBeProtocolError(t, err)
		if other := checkLayout(0, version, body, requestMemoryMax); (err == nil) != (other == nil) {
			t.Fatalf("v%d: by hand %v, by layout %v", version, err, other)
		}
	})
}

func FuzzFetchRequest(f *testing.F) {
	r := rand.New(rand.NewPCG(23, 24))
	for version := int16(0); version <= 18; version++ {
		f.Add(version, filledRequest(1, version, r, false).AppendTo(nil))
	}
	var q FetchRequest
	f.Fuzz(func(t *testing.T, version int16, body []byte) {
		if version < 0 || version > 18 {
			return
		}
		err := q.Decode(version, body)
		mustBeProtocolError(t, err)
		if other := checkLayout(1, version, body, requestMemoryMax); (err == nil) != (other == nil) {
			t.Fatalf("v%d: by hand %v, by layout %v", version, err, other)
		}
	})
}

func FuzzOffsetCommitRequest(f *testing.F) {
	r := rand.New(rand.NewPCG(47, 48))
	for version := int16(0); version <= 10; version++ {
		f.Add(version, filledRequest(8, version, r, false).AppendTo(nil))
	}
	var q OffsetCommitRequest
	f.Fuzz(func(t *testing.T, version int16, body []byte) {
		if version < 0 || version > 10 {
			return
		}
		err := q.Decode(version, body, requestMemoryMax)
		mustBeProtocolError(t, err)
		if other := checkLayout(8, version, body, requestMemoryMax); (err == nil) != (other == nil) {
			t.Fatalf("v%d: by hand %v, by layout %v", version, err, other)
		}
	})
}

// fuzzLimits keep a fuzzed bomb short.
var fuzzLimits = DecodeLimits{MaxBytes: 1 << 20}

func FuzzBatch(f *testing.F) {
	for _, codec := range allCodecs {
		f.Add([]byte(golden(f, codec)))
		f.Add([]byte(buildBatch(codec, storyRecords())))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, _, err := NextBatch(data)
		mustBeProtocolError(t, err)
		if err != nil || b.Magic() != 2 {
			return
		}
		b = bytes.Clone(b)
		b.SetBaseOffset(0)
		b.SetCRC() // else nothing that was changed would ever be looked at
		if err := CheckBatch(b); err != nil {
			mustBeProtocolError(t, err)
			return
		}
		rules := anyRecord
		rules.Limits = fuzzLimits
		_, err = ValidateRecords(b, rules)
		mustBeProtocolError(t, err)
		each := b.EachRecord(fuzzLimits, func(*Record) error { return nil })
		mustBeProtocolError(t, each)
		if err == nil && each != nil {
			t.Fatalf("a valid batch cannot be read: %v", each)
		}
		if b.Codec() == CodecNone {
			agree(t, "fuzzed batch", b)
		}
	})
}

func FuzzMessageSet(f *testing.F) {
	for magic := int8(0); magic <= 1; magic++ {
		f.Add(plainSet(magic))
		for _, codec := range []Codec{CodecGzip, CodecSnappy, CodecLZ4} {
			f.Add(wrapped(magic, codec, 0, 5, plainSet(magic)))
		}
	}
	f.Fuzz(func(t *testing.T, set []byte) {
		b, err := ConvertMessageSet(set, fuzzLimits)
		mustBeProtocolError(t, err)
		if err != nil {
			return
		}
		if err := CheckBatch(b); err != nil {
			t.Fatalf("the converted batch is refused: %v", err)
		}
		rules := anyRecord
		rules.LogAppendTime = b.IsLogAppendTime()
		if _, err := ValidateRecords(b, rules); err != nil && !b.IsLogAppendTime() {
			t.Fatalf("the converted records are refused: %v", err)
		}
	})
}

func FuzzCodec(f *testing.F) {
	src := bytes.Repeat([]byte("some text, "), 500)
	for _, codec := range allCodecs[1:] {
		f.Add(int8(codec), appendCompressed(nil, src, codec, LevelDefault))
		f.Add(int8(codec), []byte(golden(f, codec).Payload()))
	}
	lie := binary.BigEndian.AppendUint32(appendXerial(nil, nil), 1<<31-1)
	f.Add(int8(CodecSnappy), lie)
	f.Fuzz(func(t *testing.T, codec int8, payload []byte) {
		out, err := decompressAll(Codec(codec), payload, fuzzLimits)
		mustBeProtocolError(t, err)
		if len(out) > fuzzLimits.MaxBytes {
			t.Fatalf("%d bytes came out", len(out))
		}
		if err != nil {
			return
		}
		again, err := decompressAll(Codec(codec), appendCompressed(nil, out, Codec(codec), LevelDefault), fuzzLimits)
		if err != nil || !bytes.Equal(out, again) {
			t.Fatalf("compressing again: %v", err)
		}
	})
}

// Whatever a log holds, what becomes of it is a message set.
func FuzzToMessageSet(f *testing.F) {
	for codec := CodecNone; codec <= CodecZstd; codec++ {
		f.Add([]byte(buildBatch(codec, storyRecords())), int8(0), int64(0), 100)
		f.Add([]byte(buildBatch(codec, storyRecords())), int8(1), int64(2), 1000)
	}
	f.Fuzz(func(t *testing.T, data []byte, magic int8, from int64, most int) {
		b, _, err := NextBatch(data)
		if err != nil || CheckBatch(b) != nil {
			return
		}
		var s MessageSet
		s.Reset(magic&1, Offset(from), MessageSetLimits{SetBytes: most, MessageBytes: most})
		mustBeProtocolError(t, s.Add(b, DecodeLimits{MaxBytes: 1 << 20}))
		for _, r := range readSet(t, magic&1, s.Bytes()) {
			if r.Offset < Offset(from) {
				t.Fatalf("a record at %d below %d", r.Offset, from)
			}
		}
	})
}
