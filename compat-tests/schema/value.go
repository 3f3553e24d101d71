package schema

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// Struct is a decoded struct. Its fields hold, by type of the schema:
//
//	bool; int64 (all integers); float64; string; []byte; UUID; Records
//	[]any (arrays); *Struct; Null where the wire said null
type Struct struct{ Fields []Field }

// Field is a named value.
type Field struct {
	Name  string
	Value any
}

// Set is an array whose order means nothing. No schema says so: whoever knows
// turns an array into one.
type Set []any

// Null is an explicit null on the wire.
type Null struct{}

// UUID is a 16-byte id.
type UUID [16]byte

// IsZero tells whether the id is absent.
func (u UUID) IsZero() bool { return u == UUID{} }

// String is the form that Kafka prints.
func (u UUID) String() string { return base64.RawURLEncoding.EncodeToString(u[:]) }

// Records are the bytes of a records field: message sets or batches.
type Records []byte

// Get is the value of a field, nil if the struct has none of that name.
func (s *Struct) Get(name string) any {
	for _, f := range s.Fields {
		if f.Name == name {
			return f.Value
		}
	}
	return nil
}

// Render writes a value on one line.
func Render(v any) string {
	var b strings.Builder
	render(&b, v)
	return b.String()
}

// shownBytes is how much of a byte field Render shows.
const shownBytes = 48

func render(b *strings.Builder, v any) {
	switch v := v.(type) {
	case *Struct:
		b.WriteByte('{')
		for i, f := range v.Fields {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(f.Name)
			b.WriteString(": ")
			render(b, f.Value)
		}
		b.WriteByte('}')
	case []any:
		renderArray(b, v)
	case Set:
		renderArray(b, v)
	case Null:
		b.WriteString("null")
	case string:
		b.WriteString(strconv.Quote(v))
	case []byte:
		renderBytes(b, v)
	case Records:
		renderBytes(b, v)
	default:
		fmt.Fprint(b, v)
	}
}

func renderArray(b *strings.Builder, v []any) {
	b.WriteByte('[')
	for i, e := range v {
		if i > 0 {
			b.WriteString(", ")
		}
		render(b, e)
	}
	b.WriteByte(']')
}

func renderBytes(b *strings.Builder, v []byte) {
	if len(v) <= shownBytes {
		fmt.Fprintf(b, "%d bytes %x", len(v), v)
		return
	}
	fmt.Fprintf(b, "%d bytes %x...", len(v), v[:shownBytes])
}
