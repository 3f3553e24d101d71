//go:build !race

package protocol

import (
	"errors"
	"testing"
)

// Megabytes that are little in both codecs are never held. Under the race detector pools forget
// much of what they are given, and what is allocated tells nothing.
func TestRecompressHoldsLittle(t *testing.T) {
	huge := oneHugeRecord(48 << 20)
	for _, from := range []Codec{CodecGzip, CodecLZ4, CodecZstd} {
		b := bomb(from, appendCompressed(nil, huge, from, LevelDefault))
		for _, to := range []Codec{CodecNone, CodecGzip, CodecSnappy, CodecLZ4, CodecZstd} {
			used, _, err := measure(func() error {
				_, err := Recompress(b, to, LevelDefault, 1<<20, DecodeLimits{})
				return err
			})
			if err != nil && (!errors.Is(err, ErrMessageTooLarge) || errors.As(err, new(*DecodeLimitError))) {
				t.Errorf("%v to %v: %v", from, to, err)
			}
			if used > 32<<20 {
				t.Errorf("%v to %v: %d MiB of memory", from, to, used>>20)
			}
		}
	}
}
