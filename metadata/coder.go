package metadata

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/barnabas-mq/barnabas/protocol"
)

// errShort is what every read beyond the end of a record comes to.
var errShort = errors.New("the record ends before its last field")

// coder walks the fields of a message in either direction, so that each record
// type names its fields once and cannot write what it does not read.
//
// Invariant: after the first error nothing more is read. Writing stores nothing
// in the message, not even what is there already: images share their parts with
// readers and with the snapshot's writer.
type coder struct {
	reading bool
	version int16
	// buf is what is left to read, or what has been written so far.
	buf []byte
	err error
}

func (c *coder) fail(err error) {
	if c.err == nil {
		c.err = err
	}
	c.buf = nil
}

// take cuts the next n bytes off.
func (c *coder) take(n int) []byte {
	if n < 0 || n > len(c.buf) {
		c.fail(errShort)
		return nil
	}
	b := c.buf[:n:n]
	c.buf = c.buf[n:]
	return b
}

func (c *coder) uvarint(v *uint64) {
	if !c.reading {
		c.buf = binary.AppendUvarint(c.buf, *v)
		return
	}
	if c.err != nil {
		return
	}
	x, n := binary.Uvarint(c.buf)
	if n <= 0 || x > math.MaxUint32 {
		c.fail(errors.New("a variable-length number is cut off or too large"))
		return
	}
	c.buf = c.buf[n:]
	*v = x
}

func (c *coder) int8(v *int8) {
	if !c.reading {
		c.buf = append(c.buf, byte(*v))
	} else if b := c.take(1); b != nil {
		*v = int8(b[0])
	}
}

func (c *coder) bool(v *bool) {
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

func (c *coder) uint16(v *uint16) {
	if !c.reading {
		c.buf = binary.BigEndian.AppendUint16(c.buf, *v)
	} else if b := c.take(2); b != nil {
		*v = binary.BigEndian.Uint16(b)
	}
}

func (c *coder) int16(v *int16) {
	u := uint16(*v)
	if c.uint16(&u); c.reading {
		*v = int16(u)
	}
}

func (c *coder) uint32(v *uint32) {
	if !c.reading {
		c.buf = binary.BigEndian.AppendUint32(c.buf, *v)
	} else if b := c.take(4); b != nil {
		*v = binary.BigEndian.Uint32(b)
	}
}

func (c *coder) int32(v *int32) {
	u := uint32(*v)
	if c.uint32(&u); c.reading {
		*v = int32(u)
	}
}

func (c *coder) epoch(v *protocol.Epoch) { c.int32((*int32)(v)) }

func (c *coder) int64(v *int64) {
	if !c.reading {
		c.buf = binary.BigEndian.AppendUint64(c.buf, uint64(*v))
	} else if b := c.take(8); b != nil {
		*v = int64(binary.BigEndian.Uint64(b))
	}
}

func (c *coder) float64(v *float64) {
	bits := int64(math.Float64bits(*v))
	if c.int64(&bits); c.reading {
		*v = math.Float64frombits(uint64(bits))
	}
}

func (c *coder) uuid(v *protocol.UUID) {
	if !c.reading {
		c.buf = append(c.buf, v[:]...)
	} else if b := c.take(len(v)); b != nil {
		copy(v[:], b)
	}
}

// length walks the length of a compact string, byte field or array: one more
// than the number of elements, 0 being null. It reports false for null.
func (c *coder) length(n *int, isNull bool) bool {
	var u uint64
	if !isNull {
		u = uint64(*n) + 1
	}
	c.uvarint(&u)
	if c.err != nil || u == 0 {
		*n = 0
		return false
	}
	// Every element takes at least one byte, which bounds what is allocated.
	if c.reading && u-1 > uint64(len(c.buf)) {
		c.fail(errShort)
		return false
	}
	*n = int(u - 1)
	return true
}

var (
	errNull    = errors.New("a field that may not be null is null")
	errTooLong = errors.New("a string is longer than 32767 bytes, which Kafka cannot read")
)

func (c *coder) string(v *string) {
	if !c.reading {
		c.nullableString(&v)
		return
	}
	var p *string
	if c.nullableString(&p); p == nil {
		c.fail(errNull)
		return
	}
	*v = *p
}

func (c *coder) nullableString(v **string) {
	n := 0
	if *v != nil {
		n = len(**v)
	}
	if !c.length(&n, *v == nil) {
		return
	}
	if n > math.MaxInt16 {
		c.fail(errTooLong)
		return
	}
	if !c.reading {
		c.buf = append(c.buf, **v...)
	} else if b := c.take(n); c.err == nil {
		s := string(b)
		*v = &s
	}
}

func (c *coder) bytes(v *[]byte) {
	n := len(*v)
	if !c.length(&n, false) {
		c.fail(errNull)
		return
	}
	if !c.reading {
		c.buf = append(c.buf, *v...)
	} else {
		*v = append([]byte(nil), c.take(n)...)
	}
}

// array walks a non-null array; a length of zero reads as nil.
func array[T any](c *coder, v *[]T, each func(*coder, *T)) {
	n := len(*v)
	if !c.length(&n, false) {
		c.fail(errNull)
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

// nullableArray walks an array where nil means null and differs from empty.
func nullableArray[T any](c *coder, v *[]T, each func(*coder, *T)) {
	n := len(*v)
	if !c.length(&n, *v == nil) {
		return
	}
	if c.reading {
		*v = make([]T, 0, min(n, 1024))
	}
	elements(c, v, n, each)
}

func elements[T any](c *coder, v *[]T, n int, each func(*coder, *T)) {
	for i := 0; i < n && c.err == nil; i++ {
		if c.reading {
			var zero T
			*v = append(*v, zero)
		}
		each(c, &(*v)[i])
	}
}

func (c *coder) int32s(v *[]int32) { array(c, v, (*coder).int32) }

func (c *coder) uuids(v *[]protocol.UUID) { array(c, v, (*coder).uuid) }

// tag is one tagged field; present says whether a writer includes it, which
// Kafka does when the value is not the default.
type tag struct {
	number  uint64
	present bool
	walk    func(*coder)
}

// tags walks the tagged fields that end every flexible message. Tags must be
// given in ascending order. Unknown ones are skipped when read, as Kafka does.
func (c *coder) tags(known ...tag) {
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
	c.uvarint(&count)
	for _, t := range known {
		if !t.present {
			continue
		}
		field := coder{version: c.version}
		t.walk(&field)
		size := uint64(len(field.buf))
		c.uvarint(&t.number)
		c.uvarint(&size)
		c.buf = append(c.buf, field.buf...)
	}
}

func (c *coder) readTags(known []tag) {
	var count uint64
	c.uvarint(&count)
	last := -1
	for ; count > 0 && c.err == nil; count-- {
		var number, size uint64
		c.uvarint(&number)
		c.uvarint(&size)
		if c.err != nil {
			return
		}
		if int(number) <= last {
			c.fail(errors.New("tagged fields are out of order"))
			return
		}
		last = int(number)
		field := coder{reading: true, version: c.version, buf: c.take(int(size))}
		for _, t := range known {
			if t.number != number || c.err != nil {
				continue
			}
			t.walk(&field)
			if field.err == nil && len(field.buf) > 0 {
				field.fail(errors.New("a tagged field is longer than its value"))
			}
			if field.err != nil {
				c.fail(field.err)
			}
		}
	}
}
