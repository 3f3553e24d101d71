package kerberos

import (
	"errors"
	"time"
)

// Tags of DER (X.690) that Kerberos has in its messages; fields and messages have tags of their own.
const (
	tagInteger     = 0x02
	tagBitString   = 0x03
	tagOctetString = 0x04
	tagOID         = 0x06
	tagTime        = 0x18 // GeneralizedTime
	tagString      = 0x1b // GeneralString
	tagSequence    = 0x30
)

// field is the tag of a numbered field, message that of a message.
func field(n byte) byte   { return 0xa0 | n }
func message(n byte) byte { return 0x60 | n }

// fault is the first thing that is wrong with a message.
type fault struct{ err error }

// input reads DER from front to back. After a fault it is empty: whoever reads looks at the
// fault once, at the end. What it gives out are parts of what it was made of.
type input struct {
	rest  []byte
	fault *fault
}

func newInput(raw []byte) *input { return &input{raw, &fault{}} }

// fail ends the reading.
func (in *input) fail(what string) {
	if in.fault.err == nil {
		in.fault.err = errors.New(what)
	}
	in.rest = nil
}

// has tells whether an element of the tag comes next.
func (in *input) has(tag byte) bool {
	return in.fault.err == nil && len(in.rest) > 0 && in.rest[0] == tag
}

// element takes the next element, which must be of the tag.
func (in *input) element(tag byte) []byte {
	if !in.has(tag) {
		in.fail("it is not of the form that it should have")
		return nil
	}
	content, rest, ok := cutLength(in.rest[1:])
	if !ok {
		in.fail("it has a length that is none")
		return nil
	}
	in.rest = rest
	return content
}

// lengthBytesMax is what a length of 16 MiB needs; no message is as long.
const lengthBytesMax = 3

// cutLength reads a length and cuts off as many bytes.
func cutLength(raw []byte) (content, rest []byte, ok bool) {
	if len(raw) == 0 {
		return nil, nil, false
	}
	n, raw := int(raw[0]), raw[1:]
	if n >= 0x80 {
		more := n & 0x7f
		if more == 0 || more > lengthBytesMax || more > len(raw) {
			return nil, nil, false
		}
		n = 0
		for _, b := range raw[:more] {
			n = n<<8 | int(b)
		}
		raw = raw[more:]
	}
	if n > len(raw) {
		return nil, nil, false
	}
	return raw[:n], raw[n:], true
}

// within reads what is inside of the next element.
func (in *input) within(tag byte) *input { return &input{in.element(tag), in.fault} }

// end says that nothing more may come.
func (in *input) end() {
	if len(in.rest) > 0 {
		in.fail("something stands behind its end")
	}
}

// skip passes over a field that may be there.
func (in *input) skip(n byte) {
	if in.has(field(n)) {
		in.element(field(n))
	}
}

// integer reads one of at most five bytes: 32 bits without a sign have that many.
func (in *input) integer() (v int64) {
	raw := in.element(tagInteger)
	if len(raw) == 0 || len(raw) > 5 {
		in.fail("it has a number that is none")
		return 0
	}
	v = int64(int8(raw[0]))
	for _, b := range raw[1:] {
		v = v<<8 | int64(b)
	}
	return v
}

// number reads the integer of a field, which is Int32 (RFC 4120, section 5.2.4).
func (in *input) number(n byte) int32 { return int32(in.within32(n, -1<<31, 1<<31-1)) }

// unsigned reads one that is UInt32, which some write with a sign.
func (in *input) unsigned(n byte) uint32 { return uint32(in.within32(n, -1<<31, 1<<32-1)) }

// within32 reads the integer of a field, from least to most.
func (in *input) within32(n byte, least, most int64) int64 {
	inner := in.within(field(n))
	v := inner.integer()
	inner.end()
	if v < least || v > most {
		in.fail("it has a number that is out of range")
		return 0
	}
	return v
}

// constant reads a number that has to be this one.
func (in *input) constant(n byte, want int32) {
	if in.number(n) != want {
		in.fail("it is of another version or kind")
	}
}

// bytes reads the octets of a field.
func (in *input) bytes(n byte) []byte { return in.textual(n, tagOctetString) }

func (in *input) textual(n, tag byte) []byte {
	inner := in.within(field(n))
	raw := inner.element(tag)
	inner.end()
	return raw
}

// flags reads the bits of a field, of which the first 32 have a meaning; bit 0 is the highest.
func (in *input) flags(n byte) (v uint32) {
	raw := in.textual(n, tagBitString)
	if len(raw) == 0 {
		in.fail("it has flags that are none")
		return 0
	}
	for i := range 4 {
		v <<= 8
		if 1+i < len(raw) { // the first byte counts the bits that are not used
			v |= uint32(raw[1+i])
		}
	}
	return v
}

const timeForm = "20060102150405Z"

// time reads the time of a field, in seconds and UTC (RFC 4120, section 5.2.3).
func (in *input) time(n byte) time.Time {
	raw := in.textual(n, tagTime)
	t, err := time.Parse(timeForm, string(raw))
	if err != nil || len(raw) != len(timeForm) {
		in.fail("it has a time that is none")
	}
	return t
}

// appendElement writes an element.
func appendElement(to []byte, tag byte, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	to = append(to, tag)
	switch {
	case n < 0x80:
		to = append(to, byte(n))
	case n < 1<<8:
		to = append(to, 0x81, byte(n))
	default: // nothing that is written here has 64 KiB
		to = append(to, 0x82, byte(n>>8), byte(n))
	}
	for _, p := range parts {
		to = append(to, p...)
	}
	return to
}

func element(tag byte, parts ...[]byte) []byte { return appendElement(nil, tag, parts...) }

// integerElement writes a number that is not negative.
func integerElement(v uint32) []byte {
	raw := []byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}
	for len(raw) > 1 && raw[0] == 0 {
		raw = raw[1:]
	}
	if raw[0] >= 0x80 {
		raw = append([]byte{0}, raw...)
	}
	return element(tagInteger, raw)
}
