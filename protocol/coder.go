package protocol

import (
	"encoding/binary"
	"errors"
	"math"
)

// errShort is what every read beyond the end of a record comes to.
var errShort = errors.New("the record ends before its last field")

// Coder walks the fields of a message in either direction, so that each record
// type names its fields once and cannot write what it does not read.
//
// Invariant: after the first error nothing more is read. Writing stores nothing
// in the message, not even what is there already: images share their parts with
// readers and with the snapshot's writer.
type Coder struct {
	// Version is that of the message; walk functions ask it.
	Version int16
	reading bool
	// buf is what is left to read, or what has been written so far.
	buf []byte
	err error
}

// NewReader walks a message that is read from b.
func NewReader(version int16, b []byte) *Coder {
	return &Coder{Version: version, reading: true, buf: b}
}

// NewWriter walks a message that is appended to dst.
func NewWriter(version int16, dst []byte) *Coder { return &Coder{Version: version, buf: dst} }

// Rewrite makes c a new writer, so that many short messages need one.
func (c *Coder) Rewrite(version int16, dst []byte) { *c = Coder{Version: version, buf: dst} }

// Reading tells the direction.
func (c *Coder) Reading() bool { return c.reading }

// Rest is what is left to read, or what has been written so far.
func (c *Coder) Rest() []byte { return c.buf }

// Err is the first error.
func (c *Coder) Err() error { return c.err }

// Fail notes an error unless there is one; nothing more is read then.
func (c *Coder) Fail(err error) {
	if c.err == nil {
		c.err = err
	}
	c.buf = nil
}

// take cuts the next n bytes off.
func (c *Coder) take(n int) []byte {
	if n < 0 || n > len(c.buf) {
		c.Fail(errShort)
		return nil
	}
	b := c.buf[:n:n]
	c.buf = c.buf[n:]
	return b
}

// Uvarint walks an unsigned varint of at most 32 bits.
func (c *Coder) Uvarint(v *uint64) {
	if !c.reading {
		c.buf = binary.AppendUvarint(c.buf, *v)
		return
	}
	if c.err != nil {
		return
	}
	x, n := binary.Uvarint(c.buf)
	if n <= 0 || x > math.MaxUint32 {
		c.Fail(errors.New("a variable-length number is cut off or too large"))
		return
	}
	c.buf = c.buf[n:]
	*v = x
}

// Int8 walks an INT8.
func (c *Coder) Int8(v *int8) {
	if !c.reading {
		c.buf = append(c.buf, byte(*v))
	} else if b := c.take(1); b != nil {
		*v = int8(b[0])
	}
}

// Bool walks a BOOLEAN.
func (c *Coder) Bool(v *bool) {
	if !c.reading {
		b := byte(0)
		if *v {
			b = 1
		}
		c.buf = append(c.buf, b)
	} else if b := c.take(1); b != nil {
		*v = b[0] != 0
	}
}

// Uint16 walks a UINT16.
func (c *Coder) Uint16(v *uint16) {
	if !c.reading {
		c.buf = binary.BigEndian.AppendUint16(c.buf, *v)
	} else if b := c.take(2); b != nil {
		*v = binary.BigEndian.Uint16(b)
	}
}

// Int16 walks an INT16.
func (c *Coder) Int16(v *int16) {
	u := uint16(*v)
	if c.Uint16(&u); c.reading {
		*v = int16(u)
	}
}

// Uint32 walks a UINT32.
func (c *Coder) Uint32(v *uint32) {
	if !c.reading {
		c.buf = binary.BigEndian.AppendUint32(c.buf, *v)
	} else if b := c.take(4); b != nil {
		*v = binary.BigEndian.Uint32(b)
	}
}

// Int32 walks an INT32.
func (c *Coder) Int32(v *int32) {
	u := uint32(*v)
	if c.Uint32(&u); c.reading {
		*v = int32(u)
	}
}

// Epoch walks a leader epoch, an INT32.
func (c *Coder) Epoch(v *Epoch) { c.Int32((*int32)(v)) }

// Int64 walks an INT64.
func (c *Coder) Int64(v *int64) {
	if !c.reading {
		c.buf = binary.BigEndian.AppendUint64(c.buf, uint64(*v))
	} else if b := c.take(8); b != nil {
		*v = int64(binary.BigEndian.Uint64(b))
	}
}

// Float64 walks a FLOAT64.
func (c *Coder) Float64(v *float64) {
	bits := int64(math.Float64bits(*v))
	if c.Int64(&bits); c.reading {
		*v = math.Float64frombits(uint64(bits))
	}
}

// UUID walks a UUID.
func (c *Coder) UUID(v *UUID) {
	if !c.reading {
		c.buf = append(c.buf, v[:]...)
	} else if b := c.take(len(v)); b != nil {
		copy(v[:], b)
	}
}

// length walks the length of a compact string, byte field or array: one more
// than the number of elements, 0 being null. It reports false for null.
func (c *Coder) length(n *int, isNull bool) bool {
	var u uint64
	if !isNull {
		u = uint64(*n) + 1
	}
	c.Uvarint(&u)
	if c.err != nil || u == 0 {
		*n = 0
		return false
	}
	// Every element takes at least one byte, which bounds what is allocated.
	if c.reading && u-1 > uint64(len(c.buf)) {
		c.Fail(errShort)
		return false
	}
	*n = int(u - 1)
	return true
}

var (
	errNull    = errors.New("a field that may not be null is null")
	errTooLong = errors.New("a string is longer than 32767 bytes, which Kafka cannot read")
)

// String walks a COMPACT_STRING; null is an error.
func (c *Coder) String(v *string) {
	if !c.reading {
		c.NullableString(&v)
		return
	}
	var p *string
	if c.NullableString(&p); p == nil {
		c.Fail(errNull)
		return
	}
	*v = *p
}

// NullableString walks a COMPACT_NULLABLE_STRING.
func (c *Coder) NullableString(v **string) {
	n := 0
	if *v != nil {
		n = len(**v)
	}
	if !c.length(&n, *v == nil) {
		return
	}
	if n > math.MaxInt16 {
		c.Fail(errTooLong)
		return
	}
	if !c.reading {
		c.buf = append(c.buf, **v...)
	} else if b := c.take(n); c.err == nil {
		s := string(b)
		*v = &s
	}
}

// Bytes walks COMPACT_BYTES; null is an error.
func (c *Coder) Bytes(v *[]byte) {
	n := len(*v)
	if !c.length(&n, false) {
		c.Fail(errNull)
		return
	}
	if !c.reading {
		c.buf = append(c.buf, *v...)
	} else {
		*v = append([]byte(nil), c.take(n)...)
	}
}

// Array walks a non-null array; a length of zero reads as nil.
func Array[T any](c *Coder, v *[]T, each func(*Coder, *T)) {
	n := len(*v)
	if !c.length(&n, false) {
		c.Fail(errNull)
		return
	}
	if c.reading {
		if n == 0 {
			return
		}
		*v = make([]T, 0, min(n, 1024))
	}
	elements(c, v, n, each)
}

// NullableArray walks an array where nil means null and differs from empty.
func NullableArray[T any](c *Coder, v *[]T, each func(*Coder, *T)) {
	n := len(*v)
	if !c.length(&n, *v == nil) {
		return
	}
	if c.reading {
		*v = make([]T, 0, min(n, 1024))
	}
	elements(c, v, n, each)
}

func elements[T any](c *Coder, v *[]T, n int, each func(*Coder, *T)) {
	for i := 0; i < n && c.err == nil; i++ {
		if c.reading {
			var zero T
			*v = append(*v, zero)
		}
		each(c, &(*v)[i])
	}
}

// Int32s walks a COMPACT_ARRAY of INT32.
func (c *Coder) Int32s(v *[]int32) { Array(c, v, (*Coder).Int32) }

// UUIDs walks a COMPACT_ARRAY of UUID.
func (c *Coder) UUIDs(v *[]UUID) { Array(c, v, (*Coder).UUID) }

// Tag is one tagged field; present says whether a writer includes it, which
// Kafka does when the value is not the default.
type Tag struct {
	number  uint64
	present bool
	walk    func(*Coder)
}

// TagOf makes a Tag.
func TagOf(number uint64, present bool, walk func(*Coder)) Tag { return Tag{number, present, walk} }

// Tags walks the tagged fields that end every flexible message. Tags must be
// given in ascending order. Unknown ones are skipped when read, as Kafka does.
func (c *Coder) Tags(known ...Tag) {
	if c.reading {
		c.readTags(known)
		return
	}
	var count uint64
	for _, t := range known {
		if t.present {
			count++
		}
	}
	c.Uvarint(&count)
	for _, t := range known {
		if !t.present {
			continue
		}
		field := Coder{Version: c.Version}
		t.walk(&field)
		size := uint64(len(field.buf))
		c.Uvarint(&t.number)
		c.Uvarint(&size)
		c.buf = append(c.buf, field.buf...)
	}
}

func (c *Coder) readTags(known []Tag) {
	var count uint64
	c.Uvarint(&count)
	last := -1
	for ; count > 0 && c.err == nil; count-- {
		var number, size uint64
		c.Uvarint(&number)
		c.Uvarint(&size)
		if c.err != nil {
			return
		}
		if int(number) <= last {
			c.Fail(errors.New("tagged fields are out of order"))
			return
		}
		last = int(number)
		field := Coder{reading: true, Version: c.Version, buf: c.take(int(size))}
		for _, t := range known {
			if t.number != number || c.err != nil {
				continue
			}
			t.walk(&field)
			if field.err == nil && len(field.buf) > 0 {
				field.Fail(errors.New("a tagged field is longer than its value"))
			}
			if field.err != nil {
				c.Fail(field.err)
			}
		}
	}
}
