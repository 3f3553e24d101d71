package schema

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
)

// Random is the body of a message with random values that the schema allows, as
// Kafka encodes them: tagged fields in order, and only those that differ from their
// defaults. empty makes every array empty and everything null that may be.
func (m *Message) Random(version int16, r *rand.Rand, empty bool) []byte {
	e := encoder{version: version, flexible: m.Flexible.Has(version), random: r, empty: empty}
	e.structure(m.fields)
	return e.b
}

type encoder struct {
	b        []byte
	version  int16
	flexible bool
	random   *rand.Rand
	empty    bool
	// telling is set inside a tagged field: no value is a default then.
	telling bool
}

func (e *encoder) structure(fields []*field) {
	var tagged []*field
	for _, f := range fields {
		switch {
		case !f.versions.Has(e.version):
		case f.tagged.Has(e.version):
			tagged = append(tagged, f)
		default:
			e.value(f)
		}
	}
	if e.flexible {
		e.tags(tagged)
	}
}

// tags sends about half of the tagged fields, inside another all.
func (e *encoder) tags(fields []*field) {
	sent := slices.DeleteFunc(fields, func(*field) bool { return e.empty || !e.telling && e.random.IntN(2) == 0 })
	slices.SortFunc(sent, func(a, b *field) int { return int(a.tag) - int(b.tag) })
	e.uvarint(uint64(len(sent)))
	for _, f := range sent {
		inner := encoder{version: e.version, flexible: true, random: e.random, telling: true}
		inner.value(f)
		e.uvarint(f.tag)
		e.uvarint(uint64(len(inner.b)))
		e.b = append(e.b, inner.b...)
	}
}

func (e *encoder) value(f *field) {
	isNull := f.nullable.Has(e.version) && (e.empty || !e.telling && e.random.IntN(4) == 0)
	switch {
	case f.isArray:
		e.array(f, isNull)
	case f.kind == "struct":
		e.nullableStruct(f, isNull)
	case f.kind == "string":
		e.sized(2, []byte(e.text()), isNull)
	case f.kind == "bytes" || f.kind == "records":
		e.sized(4, []byte(e.text()), isNull)
	default:
		e.fixed(f.kind)
	}
}

func (e *encoder) nullableStruct(f *field, isNull bool) {
	if !f.nullable.Has(e.version) {
		e.structure(f.fields)
		return
	}
	present := byte(1)
	if isNull {
		present = 0xff
		if f.tagged.Has(e.version) {
			present = 0
		}
	}
	e.b = append(e.b, present)
	if !isNull {
		e.structure(f.fields)
	}
}

func (e *encoder) array(f *field, isNull bool) {
	n := e.random.IntN(4)
	switch {
	case e.empty:
		n = 0
	case e.telling:
		n++
	}
	if isNull {
		n = -1
	}
	e.length(4, n)
	element := *f
	element.isArray, element.nullable = false, noVersions
	for range n {
		e.value(&element)
	}
}

// text is a string of letters, some of two bytes.
func (e *encoder) text() string {
	n := e.random.IntN(20)
	if e.telling {
		n++
	}
	if e.empty {
		n = 0
	}
	out := make([]rune, n)
	for i := range out {
		out[i] = []rune("abcxyz-._09ä")[e.random.IntN(12)]
	}
	return string(out)
}

func (e *encoder) sized(prefix int, b []byte, isNull bool) {
	if isNull {
		e.length(prefix, -1)
		return
	}
	e.length(prefix, len(b))
	e.b = append(e.b, b...)
}

// length writes a length as decoder.length reads it.
func (e *encoder) length(prefix, n int) {
	switch {
	case e.flexible:
		e.uvarint(uint64(n + 1))
	case prefix == 2:
		e.b = binary.BigEndian.AppendUint16(e.b, uint16(n))
	default:
		e.b = binary.BigEndian.AppendUint32(e.b, uint32(n))
	}
}

func (e *encoder) uvarint(v uint64) { e.b = binary.AppendUvarint(e.b, v) }

// fixed writes a number, small or any, or a truth value; 0 and -1 are defaults.
func (e *encoder) fixed(kind string) {
	v := e.random.Uint64()
	if e.random.IntN(2) == 0 {
		v %= 10
	}
	if e.telling {
		v = 2 + v%100
	}
	switch kind {
	case "bool":
		e.b = append(e.b, byte(v&1)|boolByte(e.telling))
	case "int8":
		e.b = append(e.b, byte(v))
	case "int16", "uint16":
		e.b = binary.BigEndian.AppendUint16(e.b, uint16(v))
	case "int32", "uint32":
		e.b = binary.BigEndian.AppendUint32(e.b, uint32(v))
	case "float64":
		e.b = binary.BigEndian.AppendUint64(e.b, math.Float64bits(e.random.NormFloat64()))
	case "uuid":
		e.b = binary.BigEndian.AppendUint64(e.b, v)
		e.b = binary.BigEndian.AppendUint64(e.b, e.random.Uint64())
	default:
		e.b = binary.BigEndian.AppendUint64(e.b, v)
	}
}

func boolByte(v bool) byte {
	if v {
		return 1
	}
	return 0
}
