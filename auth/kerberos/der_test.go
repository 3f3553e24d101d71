package kerberos

import "testing"

// Numbers with a sign are no others for being written without, but where RFC 4120 has none.
func TestNumbersOf32Bits(t *testing.T) {
	for _, c := range []struct {
		raw              []byte
		number, unsigned bool
	}{
		{[]byte{0x7f, 0xff, 0xff, 0xff}, true, true},
		{[]byte{0x80, 0, 0, 0}, true, true},
		{[]byte{0, 0x80, 0, 0, 0}, false, true},
		{[]byte{0, 0xff, 0xff, 0xff, 0xff}, false, true},
		{[]byte{1, 0, 0, 0, 0}, false, false},
		{[]byte{0xff, 0x7f, 0xff, 0xff, 0xff}, false, false},
		{nil, false, false},
	} {
		of := func() *input { return newInput(element(field(0), element(tagInteger, c.raw))) }
		in := of()
		if in.number(0); (in.fault.err == nil) != c.number {
			t.Errorf("%x as Int32: %v", c.raw, in.fault.err)
		}
		in = of()
		if in.unsigned(0); (in.fault.err == nil) != c.unsigned {
			t.Errorf("%x as UInt32: %v", c.raw, in.fault.err)
		}
	}
}
