package protocol

import "encoding/binary"

// The parts of which the hand-written codecs are made.

func appendInt16(dst []byte, v int16) []byte { return binary.BigEndian.AppendUint16(dst, uint16(v)) }
func appendInt32(dst []byte, v int32) []byte { return binary.BigEndian.AppendUint32(dst, uint32(v)) }
func appendInt64(dst []byte, v int64) []byte { return binary.BigEndian.AppendUint64(dst, uint64(v)) }

func appendCompactString(dst []byte, s string) []byte {
	dst = appendUvarint(dst, uint64(len(s))+1)
	return append(dst, s...)
}

// appendTag appends a tagged field with the data that data appends. It is for
// rare fields: the data is built aside, because its length comes first.
func appendTag(dst []byte, tag uint32, data func([]byte) []byte) []byte {
	dst = appendUvarint(dst, uint64(tag))
	content := data(nil)
	dst = appendUvarint(dst, uint64(len(content)))
	return append(dst, content...)
}

// wireWriter appends to b, in the flexible form or in the old one.
type wireWriter struct {
	b        []byte
	flexible bool
}

func (w *wireWriter) int16(v int16) { w.b = appendInt16(w.b, v) }
func (w *wireWriter) int32(v int32) { w.b = appendInt32(w.b, v) }
func (w *wireWriter) int64(v int64) { w.b = appendInt64(w.b, v) }

// count is an array's length; -1 is null.
func (w *wireWriter) count(n int) {
	if w.flexible {
		w.b = appendUvarint(w.b, uint64(n+1))
	} else {
		w.int32(int32(n))
	}
}

func (w *wireWriter) stringLength(n int) {
	if w.flexible {
		w.b = appendUvarint(w.b, uint64(n+1))
	} else {
		w.int16(int16(n))
	}
}

func (w *wireWriter) string(s string) {
	w.stringLength(len(s))
	w.b = append(w.b, s...)
}

// orNull writes "" as null.
func (w *wireWriter) orNull(s string) {
	if s == "" {
		w.stringLength(-1)
		return
	}
	w.string(s)
}

// nullableString writes nil as null.
func (w *wireWriter) nullableString(s *string) {
	if s == nil {
		w.stringLength(-1)
		return
	}
	w.string(*s)
}

func (w *wireWriter) bool(v bool) {
	b := byte(0)
	if v {
		b = 1
	}
	w.b = append(w.b, b)
}

func (w *wireWriter) int32s(list []int32) {
	w.count(len(list))
	for _, v := range list {
		w.int32(v)
	}
}

// noTags ends a structure without tagged fields.
func (w *wireWriter) noTags() {
	if w.flexible {
		w.b = append(w.b, 0)
	}
}

// wireReader takes fields off b. After a failure bad is true, b is empty, and
// every further field is zero, so that it is enough to ask once at the end.
type wireReader struct {
	b        []byte
	flexible bool
	bad      bool
}

func (r *wireReader) fail() {
	r.bad = true
	r.b = nil
}

// take gives the next n bytes, or nil.
func (r *wireReader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.fail()
		return nil
	}
	taken := r.b[:n:n]
	r.b = r.b[n:]
	return taken
}

func (r *wireReader) int8() int8 {
	if b := r.take(1); b != nil {
		return int8(b[0])
	}
	return 0
}

func (r *wireReader) int16() int16 {
	if b := r.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (r *wireReader) int32() int32 {
	if b := r.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (r *wireReader) int64() int64 {
	if b := r.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (r *wireReader) uuid() (u UUID) {
	copy(u[:], r.take(len(u)))
	return u
}

// compact reads the length of a compact field; -1 is null.
func (r *wireReader) compact() int {
	u, n := readUvarint32(r.b)
	if n == 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return int(u) - 1
}

// string reads a string that may not be null.
func (r *wireReader) string() []byte {
	s, null := r.nullableString()
	if null {
		r.fail()
	}
	return s
}

// nullableString reads a string; null gives nil, and "" a slice that is not nil.
func (r *wireReader) nullableString() (s []byte, null bool) {
	var n int
	if r.flexible {
		n = r.compact()
	} else {
		n = int(r.int16())
	}
	if n == -1 {
		return nil, true
	}
	if n > stringBytesMax {
		r.fail()
		return nil, false
	}
	return r.take(n), false
}

// stringBytesMax is the longest string in any version. A compact length could say
// more, but Kafka refuses it, and records could not hold it.
const stringBytesMax = 1<<15 - 1

// nullableBytes is like nullableString.
func (r *wireReader) nullableBytes() []byte {
	var n int
	if r.flexible {
		n = r.compact()
	} else {
		n = int(r.int32())
	}
	if n == -1 {
		return nil
	}
	return r.take(n)
}

// count reads the length of an array that may not be null, whose elements take
// least bytes each or more, so that a count can be believed.
func (r *wireReader) count(least int) int {
	n, null := r.nullableCount(least)
	if null {
		r.fail()
	}
	return n
}

// nullableCount is count for an array that may be null.
func (r *wireReader) nullableCount(least int) (n int, null bool) {
	if r.flexible {
		n = r.compact()
	} else {
		n = int(r.int32())
	}
	if n == -1 {
		return 0, true
	}
	if n < 0 || n > len(r.b)/least {
		r.fail()
		return 0, false
	}
	return n, false
}

// boundedReader is a wireReader of a request whose decoded form is not reused: what it
// takes, apart from strings, is counted before it is allocated.
type boundedReader struct {
	wireReader
	memory int // bytes that are left
}

// room is n when there is memory for as many elements of the size, and else a failure.
func (r *boundedReader) room(n, size int) int {
	if n > r.memory/size {
		r.fail()
		return 0
	}
	r.memory -= n * size
	return n
}

// endTags passes over the tagged fields at the end of a structure that has none
// of its own.
func (r *wireReader) endTags() {
	if !r.flexible {
		return
	}
	rest, err := skipTags(r.b)
	if err != nil {
		r.fail()
		return
	}
	r.b = rest
}

// tags opens the tagged fields of a structure; closeTags must follow the last.
func (r *wireReader) tags() tagReader {
	if !r.flexible {
		return tagReader{}
	}
	t, err := openTags(r.b)
	if err != nil {
		r.fail()
	}
	return t
}

func (r *wireReader) closeTags(t *tagReader) {
	if !r.flexible || r.bad {
		return
	}
	if t.err != nil {
		r.fail()
		return
	}
	r.b = t.rest
}

// end checks that everything was right; what is left is nobody's, as DecodeRequest says.
func (r *wireReader) end(name string, version int16) error {
	if r.bad {
		return ErrInvalidRequest.WithMessage("the body of %s version %d is malformed", name, version)
	}
	return nil
}

// Reused slices that grew beyond keptElementsMax are given up with the next
// request, so that one large request does not stay in memory with its connection.
const keptElementsMax = 1024

// requestElementsMax bounds topics and partitions of one Produce or Fetch request
// together, so that they take about 12 MiB. No broker leads as many partitions as
// one such request could name.
const requestElementsMax = 1 << 17

// elements is count for the topics or partitions of a request: more of them than
// a request may have are refused before anything is allocated.
func (r *wireReader) elements(bytesMin int) int {
	n := r.count(bytesMin)
	if n > requestElementsMax {
		r.fail()
		return 0
	}
	return n
}

// emptied is s with length 0, or nil when it is too large to keep.
func emptied[T any](s []T) []T {
	if cap(s) > keptElementsMax {
		return nil
	}
	return s[:0]
}
