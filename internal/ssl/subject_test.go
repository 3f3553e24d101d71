package ssl

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"
)

// As X500Principal.getName of Java 21 writes the same names.
func TestNameOf(t *testing.T) {
	pair := func(t asn1.ObjectIdentifier, v any) pkix.AttributeTypeAndValue {
		return pkix.AttributeTypeAndValue{Type: t, Value: v}
	}
	oid := func(numbers ...int) asn1.ObjectIdentifier { return numbers }
	var (
		cn, c, o, ou = oid(2, 5, 4, 3), oid(2, 5, 4, 6), oid(2, 5, 4, 10), oid(2, 5, 4, 11)
		serial, mail = oid(2, 5, 4, 5), oid(1, 2, 840, 113549, 1, 9, 1)
		dc           = oid(0, 9, 2342, 19200300, 100, 1, 25)
	)
	for want, name := range map[string]pkix.RDNSequence{
		"":                        {},
		"CN=Duke,OU=Java,O=O,C=U": {{pair(c, "U")}, {pair(o, "O")}, {pair(ou, "Java")}, {pair(cn, "Duke")}},
		`CN=a\,b\+c\=d\#e\"\\`:    {{pair(cn, `a,b+c=d#e"\`)}},
		`CN=\ \ x\ \ `:            {{pair(cn, "  x  ")}},
		"OU=x+CN=Jörg":            {{pair(cn, "Jörg"), pair(ou, "x")}},
		"CN=a,DC=example,DC=com":  {{pair(dc, "com")}, {pair(dc, "example")}, {pair(cn, "a")}},
		"2.5.4.5=#130131":         {{pair(serial, "1")}},
		"CN=b,1.2.840.113549.1.9.1=#1603614062": {
			{pair(mail, asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte("a@b")})}, {pair(cn, "b")},
		},
		"CN=é": {{pair(cn, asn1.RawValue{Tag: asn1.TagT61String, Bytes: []byte{0xe9}})}},
		"CN=ß": {{pair(cn, asn1.RawValue{Tag: asn1.TagBMPString, Bytes: []byte{0, 0xdf}})}},
	} {
		der, err := asn1.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := NameOf(der); err != nil || got != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
	for _, der := range [][]byte{nil, {0x30}, {0x30, 0}, {0x30, 2, 0x31, 9}, {0x31, 0}} {
		if name, err := NameOf(der); err == nil && name != "" {
			t.Errorf("%x is %q", der, name)
		}
	}
}
