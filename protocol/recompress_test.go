package protocol

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// Batches beyond a megabyte are packed anew as a stream, into the same records.
func TestRecompressAStream(t *testing.T) {
	noise := make([]byte, 3<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(noise[:1<<20]) // never fails; the rest is zeros
	for _, from := range []Codec{CodecGzip, CodecSnappy, CodecLZ4, CodecZstd} {
		builder := NewBatchBuilder(BatchOptions{Codec: from, ProducerID: None})
		for i := range 30 {
			builder.Add(Timestamp(i), []byte{byte(i)}, noise[i*100_000:(i+1)*100_000])
		}
		b := builder.Build(0, None)
		want := collect(t, b, DecodeLimits{})
		for _, to := range allCodecs {
			made, err := Recompress(b, to, LevelDefault, 8<<20, DecodeLimits{})
			if err != nil {
				t.Errorf("%v to %v: %v", from, to, err)
				continue
			}
			if err := CheckBatch(made); err != nil || made.Codec() != to {
				t.Errorf("%v to %v: %v, codec %v", from, to, err, made.Codec())
			}
			if d := differ(want, collect(t, made, DecodeLimits{})); d != "" {
				t.Errorf("%v to %v: %s", from, to, d)
			}
			if _, err := Recompress(b, to, LevelDefault, 500_000, DecodeLimits{}); !errors.Is(err, ErrMessageTooLarge) {
				t.Errorf("%v to %v in too little room: %v", from, to, err)
			}
			if _, err := Recompress(b, to, LevelDefault, 8<<20, DecodeLimits{MaxBytes: 2 << 20}); !errors.Is(err, ErrMessageTooLarge) {
				t.Errorf("%v to %v over the limit: %v", from, to, err)
			}
		}
	}
}

// An encoder that has been used before, or was given up in the middle, packs as a new one.
func TestZstdStreamsAreUsedAgain(t *testing.T) {
	src := make([]byte, 2<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(src[:1<<20]) // never fails; the rest is zeros
	for _, level := range []int{LevelDefault, 1, 22} {
		var fresh bytes.Buffer
		e := newZstdEncoder(zstdSpeed(level))
		e.Reset(&fresh)
		if _, err := e.ReadFrom(bytes.NewReader(src)); err != nil || e.Close() != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if err := compressStream(&boundedBuffer{bytesMax: 1000}, bytes.NewReader(src), CodecZstd, level); err != error(errBatchFull) { //nolint:errorlint // the very value
				t.Errorf("level %d in too little room: %v", level, err)
			}
			var out bytes.Buffer
			if err := compressStream(&out, bytes.NewReader(src), CodecZstd, level); err != nil || !bytes.Equal(out.Bytes(), fresh.Bytes()) {
				t.Errorf("level %d, the %dth time: %v, %d bytes instead of %d", level, i, err, out.Len(), fresh.Len())
			}
		}
	}
}

// wideBatch is a batch of size bytes of records with a zstd window that is too large to be
// streamed.
func wideBatch(t *testing.T, size int) Batch {
	t.Helper()
	var payload bytes.Buffer
	w, err := zstd.NewWriter(&payload, zstd.WithWindowSize(16<<20), zstd.WithSingleSegment(false))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(oneHugeRecord(size)) // into memory
	_ = w.Close()
	return bomb(CodecZstd, payload.Bytes())
}

// A window that is too large to stream is held, and so it may be less of what clients send.
// What the log has already is read within the limit for all.
func TestALargeWindowIsHeldWithinBounds(t *testing.T) {
	b := wideBatch(t, 33<<20)
	if !b.HasLargeWindow() || bomb(CodecZstd, appendCompressed(nil, make([]byte, 100), CodecZstd, LevelDefault)).HasLargeWindow() {
		t.Error("the window is taken for another")
	}
	rules := anyRecord
	rules.Limits = DecodeLimits{HeldBytes: 4 << 20}
	used, _, err := measure(func() error { _, err := ValidateRecords(b, rules); return err })
	if !errors.As(err, new(*DecodeLimitError)) || !errors.Is(err, ErrMessageTooLarge) || used > 16<<20 {
		t.Errorf("%v, %d MiB of memory", err, used>>20)
	}
	if _, err := ValidateRecords(b, anyRecord); err != nil {
		t.Errorf("what is stored: %v", err)
	}
	rules.Limits = DecodeLimits{MaxBytes: 4 << 20}
	if _, err := ValidateRecords(b, rules); !errors.As(err, new(*DecodeLimitError)) {
		t.Errorf("beyond the limit for all: %v", err)
	}
}

// Others go on in the midst of a batch.
func TestDecompressionIsPolite(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	r, err := openPayload(CodecLZ4, appendCompressed(nil, make([]byte, 2<<20), CodecLZ4, LevelDefault), DecodeLimits{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	var went atomic.Bool
	go went.Store(true) // ends at once
	if _, err := readAll(r, make([]byte, 0, 16<<10)); err != nil || !went.Load() {
		t.Errorf("%v; another goroutine went on: %t", err, went.Load())
	}
}
