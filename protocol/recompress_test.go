package protocol

import (
	"bytes"
	"errors"
	"math/rand/v2"
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

// A hundred megabytes that are little in both codecs are never held.
func TestRecompressHoldsLittle(t *testing.T) {
	huge := oneHugeRecord(100 << 20)
	for _, from := range []Codec{CodecGzip, CodecLZ4, CodecZstd} {
		b := bomb(from, appendCompressed(nil, huge, from, LevelDefault))
		for _, to := range []Codec{CodecNone, CodecGzip, CodecSnappy, CodecLZ4, CodecZstd} {
			used, _, err := measure(func() error {
				_, err := Recompress(b, to, LevelDefault, 1<<20, DecodeLimits{})
				return err
			})
			if err != nil && !errors.Is(err, ErrMessageTooLarge) {
				t.Errorf("%v to %v: %v", from, to, err)
			}
			if used > 32<<20 {
				t.Errorf("%v to %v: %d MiB of memory", from, to, used>>20)
			}
		}
	}
}

// A window that is too large to stream is held, and so it may be less.
func TestALargeWindowIsHeldWithinBounds(t *testing.T) {
	var payload bytes.Buffer
	w, err := zstd.NewWriter(&payload, zstd.WithWindowSize(64<<20), zstd.WithSingleSegment(false))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(oneHugeRecord(100 << 20)) // into memory
	_ = w.Close()
	used, _, err := measure(func() error {
		_, err := ValidateRecords(bomb(CodecZstd, payload.Bytes()), anyRecord)
		return err
	})
	if !errors.Is(err, ErrMessageTooLarge) || used > 128<<20 { // over all attempts
		t.Errorf("%v, %d MiB of memory", err, used>>20)
	}
}
