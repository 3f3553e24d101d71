package ssl

import (
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

// attributes are the types that a name in the form of RFC 2253 has words for.
var attributes = map[string]string{
	"2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.9": "STREET",
	"0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID",
}

type attribute struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

// NameOf writes the name in a certificate, in DER, as Java does
// (X500Principal.getName, RFC 2253): rules and ACLs are written for that form, which
// differs from Go's in attributes without a word, in escapes and in what is a text.
func NameOf(der []byte) (string, error) {
	var sequence []asn1.RawValue
	rest, err := asn1.Unmarshal(der, &sequence)
	if err != nil || len(rest) > 0 {
		return "", fmt.Errorf("the certificate's name cannot be read")
	}
	parts := make([]string, 0, len(sequence))
	for _, set := range slices.Backward(sequence) {
		var several []attribute
		if _, err := asn1.UnmarshalWithParams(set.FullBytes, &several, "set"); err != nil {
			return "", fmt.Errorf("the certificate's name cannot be read: %w", err)
		}
		texts := make([]string, len(several))
		for i := range several {
			texts[i] = several[i].String()
		}
		parts = append(parts, strings.Join(texts, "+"))
	}
	return strings.Join(parts, ","), nil
}

func (a *attribute) String() string {
	word, known := attributes[a.Type.String()]
	if !known {
		return a.Type.String() + "=#" + hex.EncodeToString(a.Value.FullBytes)
	}
	text, ok := textOf(a.Value)
	if !ok {
		return word + "=#" + hex.EncodeToString(a.Value.FullBytes)
	}
	return word + "=" + escaped(text)
}

// textOf reads the types of texts that Java reads.
func textOf(v asn1.RawValue) (string, bool) {
	const general, universal = 27, 28
	switch v.Tag {
	case asn1.TagUTF8String, asn1.TagPrintableString, asn1.TagIA5String, general:
		return string(v.Bytes), true
	case asn1.TagT61String:
		runes := make([]rune, len(v.Bytes))
		for i, b := range v.Bytes {
			runes[i] = rune(b) // ISO 8859-1
		}
		return string(runes), true
	case asn1.TagBMPString:
		units := make([]uint16, len(v.Bytes)/2)
		for i := range units {
			units[i] = uint16(v.Bytes[2*i])<<8 | uint16(v.Bytes[2*i+1])
		}
		return string(utf16.Decode(units)), true
	case universal:
		runes := make([]rune, len(v.Bytes)/4)
		for i := range runes {
			b := v.Bytes[4*i:]
			runes[i] = rune(b[0])<<24 | rune(b[1])<<16 | rune(b[2])<<8 | rune(b[3])
		}
		return string(runes), true
	}
	return "", false
}

// escaped is a value with what has a meaning in names escaped, and spaces at its ends.
func escaped(text string) string {
	var b strings.Builder
	inner := strings.Trim(text, " ")
	leading := len(text) - len(strings.TrimLeft(text, " "))
	trailing := len(text) - leading - len(inner)
	b.WriteString(strings.Repeat(`\ `, leading))
	for _, r := range inner {
		switch {
		case strings.ContainsRune(`,=+<>#;"\`, r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == 0:
			b.WriteString(`\00`)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteString(strings.Repeat(`\ `, trailing))
	return b.String()
}
