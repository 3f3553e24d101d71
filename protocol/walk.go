package protocol

import (
	"io"
	"sync"
)

// Records are read in two ways. walk gives each record's bytes in one piece.
// scan keeps only the numbers and is for what peers send: a record of any claimed
// length passes through a buffer of fixed size.

// recordShape is what scan knows of a record.
type recordShape struct {
	timestampDelta int64
	offsetDelta    int32
	index          int32
	attributes     int8
	nullKey        bool
}

// decodeStart reads the fields before the key.
func (s *recordShape) decodeStart(body []byte) (rest []byte, err error) {
	if len(body) == 0 {
		return nil, errRecordShort
	}
	s.attributes = int8(body[0])
	delta, n := readVarint64(body[1:])
	if n == 0 {
		return nil, errRecordShort
	}
	rest = body[1+n:]
	s.timestampDelta = delta
	if s.offsetDelta, n = readVarint32(rest); n == 0 {
		return nil, errRecordShort
	}
	return rest[n:], nil
}

// walk calls fn with the bytes of every record after its length field.
func (b Batch) walk(limits DecodeLimits, fn func(body []byte, index int32) error) error {
	if b.Codec() != CodecNone {
		return b.walkCompressed(limits, fn)
	}
	rest := b.Payload()
	for i := range b.Count() {
		body, after, err := nextRecordBody(rest)
		if err != nil {
			return err
		}
		if err := fn(body, i); err != nil {
			return err
		}
		rest = after
	}
	if len(rest) != 0 {
		return errRecordsLeft
	}
	return nil
}

func nextRecordBody(b []byte) (body, rest []byte, err error) {
	if len(b) == 0 {
		return nil, nil, errRecordsMissed
	}
	length, n := readVarint32(b)
	if n == 0 || length < 0 || int(length) > len(b)-n {
		return nil, nil, errRecordLength
	}
	return b[n : n+int(length)], b[n+int(length):], nil
}

func (b Batch) walkCompressed(limits DecodeLimits, fn func(body []byte, index int32) error) error {
	s, err := openRecords(b.Codec(), b.Payload(), limits)
	if err != nil {
		return err
	}
	defer s.close()
	for i := range b.Count() {
		length, err := s.recordLength()
		if err != nil {
			return err
		}
		body, err := s.take(length)
		if err != nil {
			return err
		}
		if err := fn(body, i); err != nil {
			return err
		}
	}
	return s.end()
}

// scan calls fn with the shape of every record, after all of it was looked at. A shape
// is handed over as a copy: a pointer would cost every batch an allocation.
func (b Batch) scan(limits DecodeLimits, fn func(recordShape) error) error {
	if b.Codec() != CodecNone {
		return b.scanCompressed(limits, fn)
	}
	var shape recordShape
	rest := b.Payload()
	for i := range b.Count() {
		body, after, err := nextRecordBody(rest)
		if err != nil {
			return err
		}
		shape.index = i
		if err := shape.decode(body); err != nil {
			return err
		}
		if err := fn(shape); err != nil {
			return err
		}
		rest = after
	}
	if len(rest) != 0 {
		return errRecordsLeft
	}
	return nil
}

// decode reads a whole record in one piece, without keeping more than the shape.
func (s *recordShape) decode(body []byte) error {
	if s.decodeBrief(body) {
		return nil
	}
	return s.decodeAny(body)
}

// decodeBrief reads a record without headers whose numbers take two bytes at most,
// which most records are, in about half the time. It leaves others to decodeAny.
func (s *recordShape) decodeBrief(body []byte) bool {
	const fixedBytes = 6 // attributes, four varints and the number of headers, at the least
	if len(body) < fixedBytes {
		return false
	}
	attributes := body[0]
	rest := body[1:]
	timestampDelta, n := briefUvarint(rest)
	rest = rest[n:]
	if n == 0 || len(rest) < 2 {
		return false
	}
	offsetDelta, n := briefUvarint(rest)
	rest = rest[n:]
	if n == 0 || len(rest) < 2 {
		return false
	}
	key, n := briefUvarint(rest)
	rest = rest[n:]
	switch {
	case n == 0 || int(key>>1) > len(rest):
		return false
	case key&1 == 0: // even in zig-zag: not negative
		rest = rest[key>>1:]
	case key != 1: // 1 is -1, a null key
		return false
	}
	if len(rest) < 2 {
		return false
	}
	value, n := briefUvarint(rest)
	// The number of headers is all that follows the value.
	if n == 0 || value&1 != 0 || len(rest)-n != int(value>>1)+1 || rest[len(rest)-1] != 0 {
		return false
	}
	s.attributes = int8(attributes)
	s.timestampDelta = unzigzag(uint64(timestampDelta))
	s.offsetDelta = int32(unzigzag(uint64(offsetDelta)))
	s.nullKey = key == 1
	return true
}

// decodeAny reads any record.
func (s *recordShape) decodeAny(body []byte) error {
	rest, err := s.decodeStart(body)
	if err != nil {
		return err
	}
	key, rest, ok := takeVarintBytes(rest)
	if !ok {
		return errRecordShort
	}
	s.nullKey = key == nil
	if _, rest, ok = takeVarintBytes(rest); !ok {
		return errRecordShort
	}
	count, n := readVarint32(rest)
	if n == 0 || count < 0 || int(count) > len(rest)/2 {
		return errRecordHeaders
	}
	rest = rest[n:]
	for range count {
		if key, rest, ok = takeVarintBytes(rest); !ok || key == nil {
			return errRecordHeaders
		}
		if _, rest, ok = takeVarintBytes(rest); !ok {
			return errRecordHeaders
		}
	}
	if len(rest) != 0 {
		return errRecordLong
	}
	return nil
}

func (b Batch) scanCompressed(limits DecodeLimits, fn func(recordShape) error) error {
	s, err := openRecords(b.Codec(), b.Payload(), limits)
	if err != nil {
		return err
	}
	defer s.close()
	var shape recordShape
	for i := range b.Count() {
		shape.index = i
		if err := s.scanRecord(&shape); err != nil {
			return err
		}
		if err := fn(shape); err != nil {
			return err
		}
	}
	return s.end()
}

// recordStream reads records from a decompressor through a buffer. It comes from
// a pool.
type recordStream struct {
	src  *payloadReader
	buf  []byte
	r, w int // Invariant: 0 <= r <= w <= len(buf); buf[r:w] is read, not yet used
	left int // bytes of the current record that are not used yet (scan only)
}

const (
	// recordStreamBytes is the buffer of a stream in the pool.
	recordStreamBytes = 16 << 10
	// recordStartBytesMax bounds the fields before a key's bytes: two int32 and
	// one int64 varint, the attributes, and the varint of the key's length.
	recordStartBytesMax = 5 + 1 + 10 + 5 + 5
)

var recordStreams = sync.Pool{New: func() any { return &recordStream{buf: make([]byte, recordStreamBytes)} }}

// openRecords starts to read compressed records or entries.
func openRecords(codec Codec, payload []byte, limits DecodeLimits) (*recordStream, error) {
	src, err := openPayload(codec, payload, limits)
	if err != nil {
		return nil, err
	}
	s := recordStreams.Get().(*recordStream)
	s.src, s.r, s.w, s.left = src, 0, 0, 0
	return s, nil
}

func (s *recordStream) close() {
	s.src.close()
	s.src = nil
	if len(s.buf) <= 4*recordStreamBytes { // larger ones came with one large record
		recordStreams.Put(s)
	}
}

// fill tries to have n bytes, at most len(buf), ready at buf[r:w]. At the end of
// the stream it has fewer; only other failures are errors.
func (s *recordStream) fill(n int) error {
	if s.w-s.r >= n {
		return nil
	}
	s.w = copy(s.buf, s.buf[s.r:s.w])
	s.r = 0
	for empty := 0; s.w < n; {
		got, err := s.src.Read(s.buf[s.w:])
		s.w += got
		if err != nil {
			if err == io.EOF { //nolint:errorlint // payloadReader gives it bare
				return nil
			}
			return err
		}
		if got > 0 {
			empty = 0
		} else if empty++; empty > 100 {
			return s.src.corrupt(io.ErrNoProgress)
		}
	}
	return nil
}

// recordLength reads the length field of the next record.
func (s *recordStream) recordLength() (int, error) {
	if err := s.fill(recordStartBytesMax); err != nil {
		return 0, err
	}
	if s.r == s.w {
		return 0, errRecordsMissed
	}
	length, n := readVarint32(s.buf[s.r:s.w])
	if n == 0 || length < 0 {
		return 0, errRecordLength
	}
	s.r += n
	return int(length), nil
}

// take gives the next n bytes in one piece; they are valid until the next call.
// The buffer grows by doubling, with what arrives and not with what is claimed.
func (s *recordStream) take(n int) ([]byte, error) {
	for {
		if err := s.fill(min(n, len(s.buf))); err != nil {
			return nil, err
		}
		if s.w-s.r >= n {
			body := s.buf[s.r : s.r+n]
			s.r += n
			return body, nil
		}
		if s.w-s.r < len(s.buf) {
			return nil, errRecordLength // the stream ended
		}
		s.buf = append(s.buf, make([]byte, min(len(s.buf), n-len(s.buf)))...)
	}
}

// end checks that nothing follows the last record.
func (s *recordStream) end() error {
	if err := s.fill(1); err != nil {
		return err
	}
	if s.r != s.w {
		return errRecordsLeft
	}
	return nil
}

// scanRecord reads one record and keeps its shape alone.
func (s *recordStream) scanRecord(shape *recordShape) error {
	length, err := s.recordLength()
	if err != nil {
		return err
	}
	if length <= len(s.buf) {
		if err := s.fill(length); err != nil {
			return err
		}
		if s.w-s.r >= length {
			s.r += length
			return shape.decode(s.buf[s.r-length : s.r])
		}
	}
	return s.scanLongRecord(length, shape)
}

// scanLongRecord reads a record that the buffer does not hold in one piece, or that
// the stream ends in.
func (s *recordStream) scanLongRecord(length int, shape *recordShape) error {
	s.left = length
	if err := s.fill(recordStartBytesMax); err != nil {
		return err
	}
	start := s.buf[s.r:min(s.w, s.r+s.left)]
	rest, err := shape.decodeStart(start)
	if err != nil {
		return err
	}
	s.use(len(start) - len(rest))
	if shape.nullKey, err = s.skipBytes(); err != nil {
		return err
	}
	if _, err := s.skipBytes(); err != nil {
		return err
	}
	count, err := s.varint()
	if err != nil || count < 0 || int(count) > s.left/2 {
		return orError(err, errRecordHeaders)
	}
	for range count {
		null, err := s.skipBytes()
		if err != nil || null {
			return orError(err, errRecordHeaders)
		}
		if _, err := s.skipBytes(); err != nil {
			return err
		}
	}
	if s.left != 0 {
		return errRecordLong
	}
	return nil
}

// orError is err, or the other when there is none.
func orError(err error, other *Error) error {
	if err != nil {
		return err
	}
	return other
}

func (s *recordStream) use(n int) {
	s.r += n
	s.left -= n
}

func (s *recordStream) varint() (int32, error) {
	if err := s.fill(5); err != nil {
		return 0, err
	}
	v, n := readVarint32(s.buf[s.r:min(s.w, s.r+s.left)])
	if n == 0 {
		return 0, errRecordShort
	}
	s.use(n)
	return v, nil
}

// skipBytes passes over bytes with a varint length.
func (s *recordStream) skipBytes() (null bool, err error) {
	length, err := s.varint()
	if err != nil {
		return false, err
	}
	if int(length) > s.left {
		return false, errRecordShort
	}
	for n := int(length); n > 0; {
		if err := s.fill(1); err != nil {
			return false, err
		}
		step := min(n, s.w-s.r)
		if step == 0 {
			return false, errRecordLength // the stream ended
		}
		s.use(step)
		n -= step
	}
	return length < 0, nil
}
