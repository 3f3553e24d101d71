package differ

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/bits"

	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/schema"
)

// What precedes key and value of a message: offset and size (12), checksum, magic,
// attributes, and the timestamp from format 1 on.
const (
	messageSizeEnd = 12
	magicAt        = 16
	codecBits      = 0x07
	appendTimeBit  = 0x08
	codecLZ4       = 3
)

// message is one message of format 0 or 1, its wrapper opened.
type message struct {
	offset, timestamp int64
	magic, attributes byte
	checksumIsGood    bool
	key, value        any
}

// isMessageSet tells whether bytes begin with a message of format 0 or 1.
func isMessageSet(b []byte) bool { return len(b) > magicAt && b[magicAt] < 2 }

// decodeMessages lists the messages of a set in order, those of wrappers with the
// attributes of the wrapper. Messages before the offset that was asked for are left out:
// Kafka sends wrappers whole, and clients drop what is not wanted. What is not a whole message at the end is left out:
// Kafka fills an answer up with the head of one that does not exist or fits
// (LazyDownConversionRecords), and clients drop it.
func decodeMessages(b []byte, from int64) any {
	messages := []any{}
	for _, m := range splitMessages(b) {
		for _, inner := range openWrapper(m) {
			if inner.offset >= from {
				messages = append(messages, inner.tree())
			}
		}
	}
	return &schema.Struct{Fields: []schema.Field{{Name: "Messages", Value: messages}}}
}

func (m message) tree() *schema.Struct {
	return &schema.Struct{Fields: []schema.Field{
		{Name: "Offset", Value: m.offset}, {Name: "Magic", Value: int64(m.magic)}, {Name: "Attributes", Value: int64(m.attributes)},
		{Name: "Timestamp", Value: m.timestamp}, {Name: "ChecksumIsGood", Value: m.checksumIsGood},
		{Name: "Key", Value: m.key}, {Name: "Value", Value: m.value},
	}}
}

// splitMessages reads whole messages until there is none.
func splitMessages(b []byte) []message {
	var all []message
	for len(b) >= messageSizeEnd {
		size := int(int32(binary.BigEndian.Uint32(b[8:])))
		if size < 0 || size > len(b)-messageSizeEnd {
			return all
		}
		m, ok := parseMessage(b[:messageSizeEnd+size])
		if !ok {
			return all
		}
		all = append(all, m)
		b = b[messageSizeEnd+size:]
	}
	return all
}

func parseMessage(b []byte) (message, bool) {
	const crcEnd = 16
	if len(b) < crcEnd+2 {
		return message{}, false
	}
	m := message{
		offset: int64(binary.BigEndian.Uint64(b)), magic: b[magicAt], attributes: b[magicAt+1], timestamp: -1,
		checksumIsGood: crc32.ChecksumIEEE(b[crcEnd:]) == binary.BigEndian.Uint32(b[messageSizeEnd:]),
	}
	rest := b[crcEnd+2:]
	if m.magic == 1 {
		if len(rest) < 8 {
			return m, false
		}
		m.timestamp, rest = int64(binary.BigEndian.Uint64(rest)), rest[8:]
	}
	var ok bool
	if m.key, rest, ok = takeBytes(rest); !ok {
		return m, false
	}
	m.value, rest, ok = takeBytes(rest)
	return m, ok && len(rest) == 0
}

// takeBytes splits a field with its length before it off; -1 is null.
func takeBytes(b []byte) (field any, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	size, b := int(int32(binary.BigEndian.Uint32(b))), b[4:]
	if size == -1 {
		return schema.Null{}, b, true
	}
	if size < 0 || size > len(b) {
		return nil, nil, false
	}
	return b[:size], b[size:], true
}

// openWrapper gives the messages inside; one that cannot be opened is shown as it is.
// Inner offsets count from 0 in format 1, and the wrapper has the last; a wrapper with
// the time of append stands for all of its messages.
func openWrapper(m message) []message {
	codec := m.attributes & codecBits
	value, isBytes := m.value.([]byte)
	if codec == 0 || !isBytes {
		return []message{m}
	}
	plain, err := decompress(codec, m.magic, value)
	inner := splitMessages(plain)
	if err != nil || len(inner) == 0 {
		return []message{m}
	}
	last := inner[len(inner)-1].offset
	for i := range inner {
		inner[i].checksumIsGood = inner[i].checksumIsGood && m.checksumIsGood
		inner[i].attributes = m.attributes
		if m.magic == 1 {
			inner[i].offset += m.offset - last
			if m.attributes&appendTimeBit != 0 {
				inner[i].timestamp = m.timestamp
			}
		}
	}
	return inner
}

// decompress is the libraries', but for LZ4 in format 0.
func decompress(codec, magic byte, b []byte) ([]byte, error) {
	if codec != codecLZ4 {
		return kgo.DefaultDecompressor().Decompress(b, kgo.CompressionCodecType(codec))
	}
	if magic == 0 {
		var err error
		if b, err = standardLZ4(b); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	_, err := out.ReadFrom(lz4.NewReader(bytes.NewReader(b)))
	return out.Bytes(), err
}

// standardLZ4 mends the checksum in the header of a frame of format 0: its clients
// compute it over the magic number too, and want it so (KAFKA-3160).
func standardLZ4(frame []byte) ([]byte, error) {
	const flagsAt, checksumAt = 4, 6
	if len(frame) <= checksumAt || frame[checksumAt] != byte(xxh32(frame[:checksumAt])>>8) {
		return nil, errors.New("not an LZ4 frame as format 0 has them")
	}
	standard := bytes.Clone(frame)
	standard[checksumAt] = byte(xxh32(frame[flagsAt:checksumAt]) >> 8)
	return standard, nil
}

// xxh32 is xxHash32 with seed 0, of fewer than 16 bytes.
func xxh32(b []byte) uint32 {
	const prime1, prime2, prime3, prime4, prime5 = 2654435761, 2246822519, 3266489917, 668265263, 374761393
	h := uint32(prime5) + uint32(len(b))
	for ; len(b) >= 4; b = b[4:] {
		h = bits.RotateLeft32(h+binary.LittleEndian.Uint32(b)*prime3, 17) * prime4
	}
	for _, c := range b {
		h = bits.RotateLeft32(h+uint32(c)*prime5, 11) * prime1
	}
	h = (h ^ h>>15) * prime2
	h = (h ^ h>>13) * prime3
	return h ^ h>>16
}
