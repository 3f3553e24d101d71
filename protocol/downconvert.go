package protocol

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"

	"github.com/klauspost/compress/gzip"

	"github.com/barnabas-mq/barnabas/internal/invariant"
)

// MessageSetLimits bounds what one MessageSet takes.
type MessageSetLimits struct {
	// SetBytes is how long the set may become. The first message ignores it.
	SetBytes int
	// MessageBytes is how many bytes of messages may go in, before compression. The
	// first message ignores it.
	MessageBytes int
}

// MessageSet is records of batches in format 0 or 1, for Fetch below version 4. The
// rules are Kafka 3.9's (RecordsUtil.downConvert): control batches are left out,
// headers and producers are dropped, offsets stay, LogAppendTime stays in format 1,
// and the codec stays, except zstd, which those clients do not know: gzip, which every
// one of them can read, takes its place (Kafka answers UNSUPPORTED_COMPRESSION_TYPE).
//
// The records of a compressed batch go into one wrapper or several, so that the memory
// for them is bounded whatever the batch decompresses to.
type MessageSet struct {
	magic  int8
	from   Offset // records below it are left out
	limits MessageSetLimits
	set    []byte
	taken  int // bytes of messages in the set, before compression
	full   bool

	codec   Codec  // of the wrapper under way
	inner   []byte // its messages
	first   Offset // of them
	last    Offset
	largest Timestamp
	append  bool // the batch under way has LogAppendTime
}

// wrapperBytesMax is how many bytes of messages a wrapper holds unless the first one
// alone is longer: enough for the codecs to find repetitions in.
const wrapperBytesMax = 512 << 10

// Reset begins a set of the format for a reader at the offset. Memory is reused:
// what Bytes gave is gone.
func (s *MessageSet) Reset(magic int8, from Offset, limits MessageSetLimits) {
	invariant.Check(magic == 0 || magic == 1, "message sets have no format %d", magic)
	*s = MessageSet{magic: magic, from: from, limits: limits, set: s.set[:0], inner: s.inner[:0]}
}

// Bytes is the set so far. It is empty when no record was there to take.
func (s *MessageSet) Bytes() []byte { return s.set }

// Taken is how many bytes of messages are in the set, before compression.
func (s *MessageSet) Taken() int { return s.taken }

// Full tells that nothing more goes in: the reader comes again for the rest.
func (s *MessageSet) Full() bool { return s.full }

// Held is how much memory the set keeps for the next one.
func (s *MessageSet) Held() int { return cap(s.set) + cap(s.inner) }

// errSetFull ends a walk over the records.
var errSetFull = errors.New("the message set is full")

// Add takes the records of a batch of format 2 until the set is full. An error is one
// of the batch's format; the set then ends before that batch's wrapper or record.
func (s *MessageSet) Add(b Batch, limits DecodeLimits) error {
	if s.full || b.IsControl() || b.Count() == 0 || b.LastOffset() < s.from {
		return nil
	}
	s.append = b.IsLogAppendTime()
	if s.codec = b.Codec(); s.codec == CodecZstd {
		s.codec = CodecGzip
	}
	s.inner = s.inner[:0]
	err := b.walk(limits, func(body []byte, _ int32) error { return s.addRecord(b, body) })
	if err == error(errSetFull) { //nolint:errorlint // the very value
		err = nil
	}
	if err == nil {
		s.wrap()
	}
	return err
}

func (s *MessageSet) addRecord(b Batch, body []byte) error {
	var shape recordShape
	rest, err := shape.decodeStart(body)
	if err != nil {
		return err
	}
	offset := b.BaseOffset() + Offset(shape.offsetDelta)
	if offset < s.from {
		return nil
	}
	key, rest, ok := takeVarintBytes(rest)
	if !ok {
		return errRecordShort
	}
	value, _, ok := takeVarintBytes(rest)
	if !ok {
		return errRecordShort
	}
	n := entryHeaderBytes + s.messageMin() + len(key) + len(value)
	if s.codec == CodecNone {
		return s.addPlain(offset, b.recordTimestamp(shape.timestampDelta), key, value, n)
	}
	if len(s.inner) > 0 && len(s.inner)+n > s.wrapperRoom() {
		s.wrap()
	}
	if len(s.inner) == 0 {
		if s.noRoom(n) {
			return errSetFull
		}
		s.first, s.largest = offset, None
	}
	s.last, s.largest = offset, max(s.largest, b.recordTimestamp(shape.timestampDelta))
	relative := offset
	if s.magic == 1 {
		relative -= s.first
	}
	s.inner = s.appendMessage(s.inner, relative, b.recordTimestamp(shape.timestampDelta), key, value)
	s.taken += n
	return nil
}

func (s *MessageSet) addPlain(offset Offset, t Timestamp, key, value []byte, n int) error {
	if s.noRoom(n) {
		return errSetFull
	}
	s.set = s.appendMessage(s.set, offset, t, key, value)
	s.taken += n
	return nil
}

// noRoom tells whether a message of n bytes is one too many, and that ends the set.
func (s *MessageSet) noRoom(n int) bool {
	s.full = len(s.set) > 0 && (len(s.set)+n > s.limits.SetBytes || s.taken+n > s.limits.MessageBytes)
	return s.full
}

// wrapperRoom is how many bytes of messages the wrapper under way may hold: as many as
// the set has room for if they do not shrink.
func (s *MessageSet) wrapperRoom() int {
	left := min(s.limits.SetBytes-len(s.set), s.limits.MessageBytes-s.taken+len(s.inner))
	return min(left, wrapperBytesMax)
}

// wrap compresses the messages under way into the set.
func (s *MessageSet) wrap() {
	if len(s.inner) == 0 {
		return
	}
	at := len(s.set)
	s.set = append(s.set, make([]byte, entryHeaderBytes+s.messageMin())...)
	head := at + entryHeaderBytes
	valueAt := len(s.set)
	level := LevelDefault
	if s.codec == CodecGzip {
		level = gzip.BestSpeed
	}
	s.set = appendCompressed(s.set, s.inner, s.codec, level)
	if s.codec == CodecLZ4 && s.magic == 0 {
		breakLZ4Header(s.set[valueAt:])
	}
	length := len(s.set) - valueAt
	invariant.Check(length <= math.MaxInt32-legacyMessageMin1, "a wrapper of %d bytes", length)
	binary.BigEndian.PutUint64(s.set[at:], uint64(s.last))
	binary.BigEndian.PutUint32(s.set[at+8:], uint32(len(s.set)-head))
	fields := s.set[head+4 : valueAt]
	fields[0], fields[1] = byte(s.magic), s.attributes(s.codec)
	if s.magic == 1 {
		binary.BigEndian.PutUint64(fields[2:], uint64(s.largest))
	}
	binary.BigEndian.PutUint32(fields[len(fields)-8:], math.MaxUint32) // no key
	binary.BigEndian.PutUint32(fields[len(fields)-4:], uint32(length))
	binary.BigEndian.PutUint32(s.set[head:], crc32.ChecksumIEEE(s.set[head+4:]))
	s.inner = s.inner[:0]
}

// messageMin is the length of a message without key and value.
func (s *MessageSet) messageMin() int {
	if s.magic == 0 {
		return legacyMessageMin0
	}
	return legacyMessageMin1
}

func (s *MessageSet) attributes(codec Codec) byte {
	attributes := byte(codec)
	if s.append && s.magic == 1 {
		attributes |= legacyAppendTime
	}
	return attributes
}

// appendMessage appends an entry that is not compressed to a set.
func (s *MessageSet) appendMessage(dst []byte, offset Offset, t Timestamp, key, value []byte) []byte {
	size := s.messageMin() + len(key) + len(value)
	dst = binary.BigEndian.AppendUint64(dst, uint64(offset))
	dst = binary.BigEndian.AppendUint32(dst, uint32(size))
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0, byte(s.magic), s.attributes(CodecNone))
	if s.magic == 1 {
		dst = binary.BigEndian.AppendUint64(dst, uint64(t))
	}
	dst = appendLegacyBytes(appendLegacyBytes(dst, key), value)
	binary.BigEndian.PutUint32(dst[at:], crc32.ChecksumIEEE(dst[at+4:]))
	return dst
}

func appendLegacyBytes(dst, b []byte) []byte {
	if b == nil {
		return binary.BigEndian.AppendUint32(dst, math.MaxUint32)
	}
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(b))), b...)
}

// breakLZ4Header sets the checksum that clients of format 0 expect in a frame's
// header: over the magic number too (KAFKA-3160).
func breakLZ4Header(frame []byte) {
	end := lz4HeaderEnd(frame)
	frame[end] = byte(xxh32Short(frame[:end]) >> 8)
}
