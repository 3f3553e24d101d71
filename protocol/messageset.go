package protocol

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

// Message sets are what Produce carries before version 3: entries back to back,
// each with an offset and a message of format 0 or 1.
//
//	0 offset 8 | 12 CRC-32 of the rest 4 | 16 magic 1 | 17 attributes 1 |
//	8 size   4 | [18 timestamp 8, format 1] | key int32 length | value int32 length
//
// A compressed set is a single entry (the wrapper) whose value is a message set.
const (
	entryHeaderBytes  = 12
	legacyCodecMask   = 0x07
	legacyAppendTime  = 1 << 3
	legacyMessageMin0 = 14
	legacyMessageMin1 = 22
	// legacyEntryBytesMin is the shortest entry of formats 0 and 1: a message of
	// format 0 with null key and value.
	legacyEntryBytesMin = entryHeaderBytes + legacyMessageMin0
)

// ConvertMessageSet makes one batch of format 2 out of a message set of format 0
// or 1: the records in their order with the codec kept. Messages of format 0 have
// no timestamp, -1. Like Apache Kafka it refuses a set that mixes formats, more
// than a wrapper beside a wrapper, a wrapper in a wrapper, and wrong CRCs, outside
// and inside. The zero limits are HeldBytesMax.
//
// The batch has base offset 0 and is to be checked further by ValidateRecords. If
// the client claimed LogAppendTime, so does the batch.
func ConvertMessageSet(set []byte, limits DecodeLimits) (Batch, error) {
	limits = limits.held()
	if len(set) == 0 {
		return nil, ErrInvalidRecord.WithMessage("the message set is empty")
	}
	first, rest, err := nextMessage(set)
	if err != nil {
		return nil, err
	}
	c := setConverter{magic: first.magic, options: DefaultBatchOptions()}
	c.options.Codec = first.codec
	c.appendTime = first.appendTime
	switch {
	case first.codec == CodecNone:
		err = c.plain(first, rest)
	case first.codec == CodecZstd || !first.codec.Known():
		err = ErrInvalidRecord.WithMessage("messages of format %d cannot be compressed with %v", first.magic, first.codec)
	case len(rest) > 0:
		err = errWrapperAlone
	default:
		err = c.wrapper(first, limits)
	}
	if err != nil {
		return nil, err
	}
	batch := c.builder.Build(0, None)
	if c.appendTime {
		batch.SetTimestamps(true, batch.MaxTimestamp())
	}
	return batch, nil
}

var (
	errWrapperAlone  = ErrInvalidRecord.WithMessage("a compressed message must be the only one of its set")
	errWrapperNested = ErrInvalidRecord.WithMessage("a compressed message may not hold compressed messages")
	errWrapperEmpty  = ErrInvalidRecord.WithMessage("a compressed message holds no messages")
	errMixedFormats  = ErrInvalidRecord.WithMessage("the message set mixes formats")
	errMessageCut    = ErrCorruptMessage.WithMessage("a message of the set is cut off or has an impossible size")
	errMessageFields = ErrCorruptMessage.WithMessage("a message of the set is longer or shorter than its fields")
)

// setConverter collects the records of one set.
type setConverter struct {
	magic      int8
	appendTime bool
	options    BatchOptions
	builder    *BatchBuilder
}

// plain takes the entries of a set without compression.
func (c *setConverter) plain(m legacyMessage, rest []byte) (err error) {
	c.builder = NewBatchBuilder(c.options)
	for {
		if m.magic != c.magic {
			return errMixedFormats
		}
		if m.codec != CodecNone {
			return errWrapperAlone
		}
		c.appendTime = c.appendTime || m.appendTime
		c.builder.Add(m.timestamp, m.key, m.value)
		if len(rest) == 0 {
			return nil
		}
		if m, rest, err = nextMessage(rest); err != nil {
			return err
		}
	}
}

// wrapper takes the messages inside a compressed one.
func (c *setConverter) wrapper(outer legacyMessage, limits DecodeLimits) error {
	if outer.value == nil {
		return errWrapperEmpty
	}
	payload := outer.value
	if outer.codec == CodecLZ4 && outer.magic == 0 {
		payload = repairLZ4Header(payload)
	}
	s, err := openRecords(outer.codec, payload, limits)
	if err != nil {
		return err
	}
	defer s.close()
	c.builder = NewBatchBuilder(c.options)
	for {
		if err := s.fill(1); err != nil {
			return err
		}
		if s.r == s.w {
			break
		}
		m, err := s.nextMessage()
		if err != nil {
			return err
		}
		if m.magic != c.magic {
			return errMixedFormats
		}
		if m.codec != CodecNone {
			return errWrapperNested
		}
		if outer.appendTime {
			m.timestamp = outer.timestamp
		}
		c.builder.Add(m.timestamp, m.key, m.value)
	}
	if c.builder.Count() == 0 {
		return errWrapperEmpty
	}
	return nil
}

// nextMessage reads the next entry of a decompressed set.
func (s *recordStream) nextMessage() (legacyMessage, error) {
	header, err := s.take(entryHeaderBytes)
	if err != nil {
		return legacyMessage{}, orCut(err)
	}
	size := int32(binary.BigEndian.Uint32(header[8:]))
	if size < legacyMessageMin0 {
		return legacyMessage{}, errMessageCut
	}
	body, err := s.take(int(size))
	if err != nil {
		return legacyMessage{}, orCut(err)
	}
	return parseMessage(body)
}

// orCut names the end of the stream in the words of message sets.
func orCut(err error) error {
	if err == error(errRecordLength) { //nolint:errorlint // the very value
		return errMessageCut
	}
	return err
}

// legacyMessage is one message; key and value are parts of its bytes.
type legacyMessage struct {
	magic      int8
	codec      Codec
	appendTime bool
	timestamp  Timestamp
	key, value []byte
}

// nextMessage splits the first entry off.
func nextMessage(set []byte) (m legacyMessage, rest []byte, err error) {
	if len(set) < legacyEntryBytesMin {
		return m, nil, errMessageCut
	}
	size := int64(int32(binary.BigEndian.Uint32(set[8:])))
	if size < legacyMessageMin0 || size > int64(len(set)-entryHeaderBytes) {
		return m, nil, errMessageCut
	}
	m, err = parseMessage(set[entryHeaderBytes : entryHeaderBytes+size])
	return m, set[entryHeaderBytes+size:], err
}

// parseMessage reads a message of at least legacyMessageMin0 bytes.
func parseMessage(b []byte) (m legacyMessage, err error) {
	m.magic, m.timestamp = int8(b[4]), None
	if m.magic != 0 && m.magic != 1 {
		return m, ErrInvalidRecord.WithMessage("a message of format %d in a message set", m.magic)
	}
	if stored, computed := binary.BigEndian.Uint32(b), crc32.ChecksumIEEE(b[4:]); stored != computed {
		return m, ErrCorruptMessage.WithMessage("a message is damaged (stored CRC %d, computed CRC %d)", stored, computed)
	}
	m.codec = Codec(b[5] & legacyCodecMask)
	r := wireReader{b: b[6:]}
	if m.magic == 1 {
		if len(b) < legacyMessageMin1 {
			return m, errMessageCut
		}
		m.appendTime = b[5]&legacyAppendTime != 0
		m.timestamp = Timestamp(r.int64())
	}
	m.key, m.value = r.nullableBytes(), r.nullableBytes()
	if r.bad || len(r.b) != 0 {
		return m, errMessageFields
	}
	return m, nil
}

// repairLZ4Header sets the right checksum of the frame header in a copy. Clients
// of format 0 computed it over the magic number too (KAFKA-3160), and everybody
// ignores it there.
func repairLZ4Header(frame []byte) []byte {
	end := lz4HeaderEnd(frame)
	if len(frame) <= end || !bytes.HasPrefix(frame, lz4Magic) {
		return frame
	}
	repaired := bytes.Clone(frame)
	repaired[end] = byte(xxh32Short(frame[len(lz4Magic):end]) >> 8)
	return repaired
}

// lz4HeaderEnd is where the header's checksum lies in a frame.
func lz4HeaderEnd(frame []byte) int {
	end := len(lz4Magic) + 2 // flags, block size
	if len(frame) > len(lz4Magic) && frame[len(lz4Magic)]&lz4ContentSize != 0 {
		end += 8
	}
	return end
}

// xxh32Short is xxHash32 with seed 0 for fewer than 16 bytes.
func xxh32Short(b []byte) uint32 {
	const (
		prime1 = 2654435761
		prime2 = 2246822519
		prime3 = 3266489917
		prime4 = 668265263
		prime5 = 374761393
	)
	h := uint32(prime5) + uint32(len(b))
	for ; len(b) >= 4; b = b[4:] {
		h += binary.LittleEndian.Uint32(b) * prime3
		h = bits.RotateLeft32(h, 17) * prime4
	}
	for _, c := range b {
		h += uint32(c) * prime5
		h = bits.RotateLeft32(h, 11) * prime1
	}
	h ^= h >> 15
	h *= prime2
	h ^= h >> 13
	h *= prime3
	return h ^ h>>16
}
