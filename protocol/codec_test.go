package protocol

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// bomb is a batch that claims records and decompresses to size zero bytes.
func bomb(codec Codec, payload []byte) Batch {
	b := buildBatch(CodecNone, storyRecords()[:1])[:BatchHeaderBytes:BatchHeaderBytes]
	b = append(b, payload...)
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-batchLengthOffset))
	b.SetAttributes(int16(codec))
	b.SetCRC()
	return b
}

// decompressAll gives the whole output, within the limit.
func decompressAll(codec Codec, payload []byte, limits DecodeLimits) ([]byte, error) {
	r, err := openPayload(codec, payload, limits)
	if err != nil {
		return nil, err
	}
	defer r.close()
	return readAll(r, make([]byte, 0, min(4*len(payload), 1<<20, limits.bytes())+1))
}

// oneHugeRecord is a record of almost size bytes, without its compression.
func oneHugeRecord(size int) []byte {
	body := appendVarint([]byte{0, 0, 0, 1}, int64(size-20)) // no attributes, no deltas, null key
	out := appendVarint(nil, int64(len(body)+size-20+1))
	return append(append(out, body...), make([]byte, size-20+1)...)
}

// A batch of a thousandth of its contents is refused quickly with 10 when the
// contents exceed the limit, and is looked at in a buffer of fixed size otherwise.
func TestBombsAreBounded(t *testing.T) {
	const size = 40 << 20
	huge := oneHugeRecord(size)
	for _, codec := range []Codec{CodecGzip, CodecSnappy, CodecLZ4, CodecZstd} {
		b := bomb(codec, appendCompressed(nil, huge, codec, LevelDefault))
		for _, limit := range []int{16 << 20, 1 << 20} {
			used, took, err := measure(func() error {
				_, err := ValidateRecords(b, RecordRules{Limits: DecodeLimits{MaxBytes: limit}, BeforeMaxMillis: 1 << 62, AfterMaxMillis: 1 << 62})
				return err
			})
			if !errors.Is(err, ErrMessageTooLarge) {
				t.Errorf("%v: %v", codec, err)
			}
			if used > 24<<20 || took > 5*time.Second {
				t.Errorf("%v from %d bytes: %d bytes of memory, %v", codec, len(b), used, took)
			}
		}
		inLimit := RecordRules{Limits: DecodeLimits{MaxBytes: size + 100}, BeforeMaxMillis: 1 << 62, AfterMaxMillis: 1 << 62}
		used, _, err := measure(func() error { _, err := ValidateRecords(b, inLimit); return err })
		if err != nil || used > 24<<20 {
			t.Errorf("%v within the limit: %v, %d bytes of memory", codec, err, used)
		}
	}
}

func measure(fn func() error) (bytes uint64, took time.Duration, err error) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	err = fn()
	took = time.Since(start)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, took, err
}

// A raw snappy block whose length is a lie costs nothing.
func TestSnappyBlockSize(t *testing.T) {
	lie := append(appendUvarint(nil, 100<<20), 0, 'x')
	used, _, err := measure(func() error {
		_, err := decompressAll(CodecSnappy, lie, DecodeLimits{})
		return err
	})
	if !errors.Is(err, ErrCorruptMessage) || used > 1<<20 {
		t.Errorf("%v, %d bytes", err, used)
	}
	r := rand.New(rand.NewPCG(17, 18))
	for range 200 {
		src := make([]byte, r.IntN(5000))
		for i := range src {
			src[i] = byte(r.IntN(3))
		}
		block := s2.EncodeSnappy(nil, src)
		if n, ok := snappyBlockSize(block); !ok || n != len(src) {
			t.Fatalf("%d bytes are counted as %d, %v", len(src), n, ok)
		}
	}
}

// The additions of S2 to snappy, which Java cannot read, are refused.
func TestSnappyRefusesS2(t *testing.T) {
	src := bytes.Repeat([]byte("0123456789abcdefXYZ"), 5000)
	block := s2.EncodeBest(nil, src)
	if _, err := s2.Decode(nil, block); err != nil {
		t.Fatal(err)
	}
	if _, err := decompressAll(CodecSnappy, block, DecodeLimits{}); !errors.Is(err, ErrCorruptMessage) {
		t.Errorf("an S2 block: %v", err)
	}
}

// Forms of a codec that other clients write are read, and what Java could not
// read back is refused.
func TestCodecForms(t *testing.T) {
	src := bytes.Repeat([]byte("some text, "), 20_000)
	lz4Frame := func(options ...lz4.Option) []byte {
		var out bytes.Buffer
		w := lz4.NewWriter(&out)
		if err := w.Apply(options...); err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(src)
		_ = w.Close()
		return out.Bytes()
	}
	dependent := lz4Frame()
	dependent[4] &^= lz4BlockIndependence
	dependent[6] = byte(xxh32Short(dependent[4:6]) >> 8)
	xerial := appendXerial(nil, src)
	twice := append(bytes.Clone(xerial), xerial...)
	ultra, err := zstd.NewWriter(nil, zstd.WithWindowSize(64<<20), zstd.WithSingleSegment(false))
	if err != nil {
		t.Fatal(err)
	}
	var wide bytes.Buffer // a stream, which does not tell its size, with a window of 64 MiB
	ultra.Reset(&wide)
	_, _ = ultra.Write(src)
	_ = ultra.Flush()
	_ = ultra.Close()
	for _, c := range []struct {
		name    string
		codec   Codec
		payload []byte
		want    error
		times   int
	}{
		{"raw snappy", CodecSnappy, s2.EncodeSnappy(nil, src), nil, 1},
		{"two snappy frames", CodecSnappy, twice, nil, 2},
		{"xerial cut in a block", CodecSnappy, xerial[:len(xerial)-1], ErrCorruptMessage, 0},
		{"xerial cut in a length", CodecSnappy, xerial[:xerialHeaderBytes+2], ErrCorruptMessage, 0},
		{"no snappy", CodecSnappy, []byte("plain"), ErrCorruptMessage, 0},
		{"lz4 with checksums", CodecLZ4, lz4Frame(lz4.ChecksumOption(true), lz4.BlockChecksumOption(true)), nil, 1},
		{"lz4 in large blocks", CodecLZ4, lz4Frame(lz4.BlockSizeOption(lz4.Block4Mb)), nil, 1},
		{"lz4 with its size", CodecLZ4, lz4Frame(lz4.SizeOption(uint64(len(src)))), nil, 1},
		{"dependent lz4 blocks", CodecLZ4, dependent, ErrCorruptMessage, 0},
		{"lz4 of the old format", CodecLZ4, lz4Frame(lz4.LegacyOption(true)), ErrCorruptMessage, 0},
		{"no lz4", CodecLZ4, []byte("plain text"), ErrCorruptMessage, 0},
		{"zstd with a window of 64 MiB", CodecZstd, wide.Bytes(), nil, 1},
		{"no zstd", CodecZstd, []byte("plain text"), ErrCorruptMessage, 0},
		{"no gzip", CodecGzip, []byte("plain text"), ErrCorruptMessage, 0},
		{"codec 5", Codec(5), src, ErrUnsupportedCompressionType, 0},
		{"codec -1", Codec(-1), src, ErrUnsupportedCompressionType, 0},
	} {
		out, err := decompressAll(c.codec, c.payload, DecodeLimits{})
		if !errors.Is(err, c.want) || (err == nil && !bytes.Equal(out, bytes.Repeat(src, c.times))) {
			t.Errorf("%s: %d bytes, %v", c.name, len(out), err)
		}
	}
	var header zstd.Header
	if err := header.Decode(wide.Bytes()); err != nil || header.WindowSize <= zstdWindowStreamed {
		t.Errorf("the wide stream is not wide: %d, %v", header.WindowSize, err)
	}
	if _, err := decompressAll(CodecZstd, wide.Bytes(), DecodeLimits{MaxBytes: 1000}); !errors.Is(err, ErrMessageTooLarge) {
		t.Errorf("wide zstd over the limit: %v", err)
	}
}

// Payloads that are cut anywhere are refused or give fewer bytes, never more.
func TestCutPayloads(t *testing.T) {
	src := bytes.Repeat([]byte("abcdefgh"), 500)
	for _, codec := range allCodecs[1:] {
		whole := appendCompressed(nil, src, codec, LevelDefault)
		for n := range whole {
			out, err := decompressAll(codec, whole[:n], DecodeLimits{})
			if err == nil && !bytes.HasPrefix(src, out) {
				t.Fatalf("%v cut at %d gives other bytes", codec, n)
			}
			if b := bomb(codec, whole[:n]); b.Count() == 1 {
				if _, err := ValidateRecords(b, anyRecord); err == nil {
					t.Fatalf("%v cut at %d is a valid batch", codec, n)
				}
			}
		}
	}
}

// The limit is exact: that many bytes pass, one more does not.
func TestLimitIsExact(t *testing.T) {
	src := bytes.Repeat([]byte("abcdefgh"), 5000)
	for _, codec := range allCodecs[1:] {
		payload := appendCompressed(nil, src, codec, LevelDefault)
		if out, err := decompressAll(codec, payload, DecodeLimits{MaxBytes: len(src)}); err != nil || len(out) != len(src) {
			t.Errorf("%v at the limit: %v", codec, err)
		}
		if _, err := decompressAll(codec, payload, DecodeLimits{MaxBytes: len(src) - 1}); !errors.Is(err, ErrMessageTooLarge) {
			t.Errorf("%v over the limit: %v", codec, err)
		}
	}
}

func TestCodecNames(t *testing.T) {
	for _, codec := range allCodecs {
		if back, ok := ParseCodec(codec.String()); !ok || back != codec {
			t.Errorf("%v", codec)
		}
	}
	if c, ok := ParseCodec("uncompressed"); !ok || c != CodecNone {
		t.Error("uncompressed is none")
	}
	if _, ok := ParseCodec("producer"); ok || Codec(6).String() != "codec(6)" {
		t.Error("producer is no codec")
	}
}
