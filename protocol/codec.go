package protocol

import "fmt"

// Codec is the compression of a batch's records, as the attribute bits say it.
type Codec int8

// The codecs that exist. 5 to 7 fit into the attribute bits but mean nothing.
const (
	CodecNone Codec = iota
	CodecGzip
	CodecSnappy
	CodecLZ4
	CodecZstd
)

var codecNames = [...]string{"none", "gzip", "snappy", "lz4", "zstd"}

// String is the name as configurations spell it.
func (c Codec) String() string {
	if c.Known() {
		return codecNames[c]
	}
	return fmt.Sprintf("codec(%d)", int8(c))
}

// Known tells whether the codec exists.
func (c Codec) Known() bool { return c >= CodecNone && c <= CodecZstd }

// ParseCodec reads a name as String gives it, or "uncompressed", which is how
// the setting compression.type says none.
func ParseCodec(name string) (Codec, bool) {
	if name == "uncompressed" {
		return CodecNone, true
	}
	for i, known := range codecNames {
		if known == name {
			return Codec(i), true
		}
	}
	return CodecNone, false
}
