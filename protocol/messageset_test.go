package protocol

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"runtime"
	"testing"
)

// appendMessage appends an entry as an old client writes it.
func appendMessage(dst []byte, magic int8, offset int64, attributes byte, t Timestamp, key, value []byte) []byte {
	body := []byte{byte(magic), attributes}
	if magic == 1 {
		body = appendInt64(body, int64(t))
	}
	for _, field := range [][]byte{key, value} {
		if field == nil {
			body = appendInt32(body, -1)
			continue
		}
		body = append(appendInt32(body, int32(len(field))), field...)
	}
	dst = appendInt64(dst, offset)
	dst = appendInt32(dst, int32(4+len(body)))
	dst = binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(body))
	return append(dst, body...)
}

// plainSet is a set of three messages, with nulls and empties.
func plainSet(magic int8) []byte {
	set := appendMessage(nil, magic, 0, 0, 1000, []byte("k"), []byte("one"))
	set = appendMessage(set, magic, 1, 0, 3000, nil, nil)
	return appendMessage(set, magic, 2, 0, 2000, []byte{}, bytes.Repeat([]byte("x"), 20_000))
}

// wrapped is the set as one compressed message.
func wrapped(magic int8, codec Codec, attributes byte, t Timestamp, set []byte) []byte {
	return appendMessage(nil, magic, 2, byte(codec)|attributes, t, nil, appendCompressed(nil, set, codec, LevelDefault))
}

func plainRecords(magic int8) []Record {
	records := []Record{
		{Offset: 0, Timestamp: 1000, Key: []byte("k"), Value: []byte("one")},
		{Offset: 1, Timestamp: 3000},
		{Offset: 2, Timestamp: 2000, Key: []byte{}, Value: bytes.Repeat([]byte("x"), 20_000)},
	}
	if magic == 0 {
		for i := range records {
			records[i].Timestamp = None
		}
	}
	return records
}

// Both formats, plain and in each of their codecs, become a batch with the same
// records and codec.
func TestConvertMessageSet(t *testing.T) {
	for magic := int8(0); magic <= 1; magic++ {
		for _, codec := range []Codec{CodecNone, CodecGzip, CodecSnappy, CodecLZ4} {
			set := plainSet(magic)
			if codec != CodecNone {
				set = wrapped(magic, codec, 0, 3000, set)
			}
			b, err := ConvertMessageSet(set, DecodeLimits{})
			if err != nil {
				t.Fatalf("format %d, %v: %v", magic, codec, err)
			}
			if err := CheckBatch(b); err != nil || b.Codec() != codec {
				t.Errorf("format %d, %v: %v, codec %v", magic, codec, err, b.Codec())
			}
			if d := differ(plainRecords(magic), collect(t, b, DecodeLimits{})); d != "" {
				t.Errorf("format %d, %v: %s", magic, codec, d)
			}
			if summary, err := ValidateRecords(b, anyRecord); err != nil || summary.MaxTimestamp != b.MaxTimestamp() {
				t.Errorf("format %d, %v: %v, %+v", magic, codec, err, summary)
			}
		}
	}
}

// A wrapper with LogAppendTime overrides the timestamps inside.
func TestConvertMessageSetAppendTime(t *testing.T) {
	b, err := ConvertMessageSet(wrapped(1, CodecGzip, legacyAppendTime, 7777, plainSet(1)), DecodeLimits{})
	if err != nil || !b.IsLogAppendTime() {
		t.Fatal(err)
	}
	b.SetTimestamps(false, b.MaxTimestamp()) // as a topic with CreateTime keeps it
	for _, r := range collect(t, b, DecodeLimits{}) {
		if r.Timestamp != 7777 {
			t.Errorf("offset %d has timestamp %d", r.Offset, r.Timestamp)
		}
	}
}

// Clients of format 0 wrote a wrong header checksum into LZ4 frames (KAFKA-3160);
// in format 1 it must be right.
func TestConvertMessageSetLZ4HeaderChecksum(t *testing.T) {
	for magic, want := range []error{nil, ErrCorruptMessage} {
		frame := appendCompressed(nil, plainSet(int8(magic)), CodecLZ4, LevelDefault)
		frame[6] ^= 0x5a
		set := appendMessage(nil, int8(magic), 2, byte(CodecLZ4), 3000, nil, frame)
		b, err := ConvertMessageSet(set, DecodeLimits{})
		if !errors.Is(err, want) {
			t.Fatalf("format %d: %v", magic, err)
		}
		if err == nil {
			if d := differ(plainRecords(int8(magic)), collect(t, b, DecodeLimits{})); d != "" {
				t.Error(d)
			}
		}
	}
}

// What is refused, with Kafka's codes.
func TestConvertMessageSetRefuses(t *testing.T) {
	flipped := plainSet(1)
	flipped[len(flipped)-1] ^= 1
	flippedInside := wrapped(1, CodecGzip, 0, 0, flipped)
	one := appendMessage(nil, 1, 0, 0, 5, nil, []byte("v"))
	for _, c := range []struct {
		name string
		set  []byte
		want *Error
	}{
		{"nothing", nil, ErrInvalidRecord},
		{"a wrong CRC", flipped, ErrCorruptMessage},
		{"a wrong CRC inside", flippedInside, ErrCorruptMessage},
		{"mixed formats", append(plainSet(0), plainSet(1)...), ErrInvalidRecord},
		{"mixed formats inside", wrapped(1, CodecGzip, 0, 0, plainSet(0)), ErrInvalidRecord},
		{"two wrappers", append(wrapped(1, CodecGzip, 0, 0, one), wrapped(1, CodecGzip, 0, 0, one)...), ErrInvalidRecord},
		{"a wrapper after a message", append(bytes.Clone(one), wrapped(1, CodecGzip, 0, 0, one)...), ErrInvalidRecord},
		{"a wrapper in a wrapper", wrapped(1, CodecGzip, 0, 0, wrapped(1, CodecGzip, 0, 0, one)), ErrInvalidRecord},
		{"an empty wrapper", wrapped(1, CodecGzip, 0, 0, nil), ErrInvalidRecord},
		{"a null wrapper", appendMessage(nil, 1, 0, byte(CodecGzip), 0, nil, nil), ErrInvalidRecord},
		{"zstd", wrapped(1, CodecZstd, 0, 0, one), ErrInvalidRecord},
		{"codec 6", appendMessage(nil, 1, 0, 6, 0, nil, []byte("v")), ErrInvalidRecord},
		{"no gzip", appendMessage(nil, 1, 0, byte(CodecGzip), 0, nil, []byte("plain text")), ErrCorruptMessage},
		{"a batch of format 2", buildBatch(CodecNone, storyRecords()), ErrInvalidRecord},
		{"format 3", appendMessage(nil, 3, 0, 0, 0, nil, []byte("v")), ErrInvalidRecord},
	} {
		if _, err := ConvertMessageSet(c.set, DecodeLimits{}); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want.Name)
		}
	}
	for magic := int8(0); magic <= 1; magic++ {
		set := plainSet(magic)[:80]
		for n := range len(set) {
			if _, err := ConvertMessageSet(set[:n], DecodeLimits{}); n > 0 && err == nil && n != len(appendMessage(nil, magic, 0, 0, 0, []byte("k"), []byte("one"))) &&
				n != len(appendMessage(nil, magic, 0, 0, 0, []byte("k"), []byte("one")))+len(appendMessage(nil, magic, 0, 0, 0, nil, nil)) {
				t.Errorf("format %d cut at %d is accepted", magic, n)
			}
		}
	}
}

// A compressed set that becomes too large is refused before memory is spent.
func TestConvertMessageSetIsBounded(t *testing.T) {
	huge := appendMessage(nil, 1, 0, 0, 5, nil, make([]byte, 40<<20))
	set := wrapped(1, CodecGzip, 0, 5, huge)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := ConvertMessageSet(set, DecodeLimits{MaxBytes: 4 << 20})
	runtime.ReadMemStats(&after)
	if !errors.Is(err, ErrMessageTooLarge) {
		t.Error(err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
		t.Errorf("%d bytes were allocated", used)
	}
}
