package schema

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

var errShort = errors.New("ends too early")

// Decode reads a body (header stripped). Bytes after the end are an error, and
// so is a null where the schema allows none.
func (m *Message) Decode(version int16, body []byte) (*Struct, error) {
	d := decoder{b: body, version: version, flexible: m.Flexible.Has(version)}
	s, err := d.structure(m.fields)
	if err != nil {
		return nil, fmt.Errorf("%s v%d: %w", m.Name, version, err)
	}
	if len(d.b) > 0 {
		return nil, fmt.Errorf("%s v%d: %d bytes after the end", m.Name, version, len(d.b))
	}
	return s, nil
}

type decoder struct {
	b        []byte
	version  int16
	flexible bool
}

func (d *decoder) structure(fields []*field) (*Struct, error) {
	s := &Struct{}
	for _, f := range fields {
		if !f.versions.Has(d.version) || f.tagged.Has(d.version) {
			continue
		}
		v, err := d.value(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		s.Fields = append(s.Fields, Field{f.name, v})
	}
	if !d.flexible {
		return s, nil
	}
	return s, d.tags(s, fields)
}

// tags appends the tagged fields that are present. An unknown tag keeps its
// number for a name.
func (d *decoder) tags(s *Struct, fields []*field) error {
	count, err := d.uvarint()
	if err != nil {
		return fmt.Errorf("tagged fields: %w", err)
	}
	for range count {
		tag, err := d.uvarint()
		if err != nil {
			return fmt.Errorf("tagged fields: %w", err)
		}
		size, err := d.uvarint()
		if err != nil {
			return fmt.Errorf("tag %d: %w", tag, err)
		}
		content, err := d.take(int(size))
		if err != nil {
			return fmt.Errorf("tag %d: %w", tag, err)
		}
		f := taggedField(fields, tag, d.version)
		if f == nil {
			s.Fields = append(s.Fields, Field{fmt.Sprintf("Tag%d", tag), content})
			continue
		}
		inner := decoder{b: content, version: d.version, flexible: true}
		v, err := inner.value(f)
		if err == nil && len(inner.b) > 0 {
			err = fmt.Errorf("%d bytes after the end", len(inner.b))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		s.Fields = append(s.Fields, Field{f.name, v})
	}
	return nil
}

func taggedField(fields []*field, tag uint64, version int16) *field {
	for _, f := range fields {
		if f.tagged.Has(version) && f.versions.Has(version) && f.tag == tag {
			return f
		}
	}
	return nil
}

func (d *decoder) value(f *field) (any, error) {
	if f.isArray {
		return d.array(f)
	}
	switch f.kind {
	case "struct":
		return d.nullableStruct(f)
	case "string":
		b, isNull, err := d.sized(2, f.nullable.Has(d.version))
		if err != nil || isNull {
			return Null{}, err
		}
		return string(b), nil
	case "bytes", "records":
		b, isNull, err := d.sized(4, f.nullable.Has(d.version))
		if err != nil || isNull {
			return Null{}, err
		}
		if f.kind == "records" {
			return Records(b), nil
		}
		return b, nil
	}
	return d.fixed(f.kind)
}

// nullableStruct reads a struct; one that may be null has a sign byte before it, or,
// in a tagged field, a varint that is 0 for null (Kafka's MessageDataGenerator).
func (d *decoder) nullableStruct(f *field) (any, error) {
	if !f.nullable.Has(d.version) {
		return d.structure(f.fields)
	}
	if f.tagged.Has(d.version) {
		present, err := d.uvarint()
		if err != nil || present == 0 {
			return Null{}, err
		}
		return d.structure(f.fields)
	}
	sign, err := d.take(1)
	if err != nil {
		return nil, err
	}
	if int8(sign[0]) < 0 {
		return Null{}, nil
	}
	return d.structure(f.fields)
}

func (d *decoder) array(f *field) (any, error) {
	n, isNull, err := d.length(4, f.nullable.Has(d.version))
	if err != nil || isNull {
		return Null{}, err
	}
	if n > len(d.b) {
		return nil, fmt.Errorf("array of %d: %w", n, errShort) // each element has a byte at least
	}
	element := *f
	element.isArray = false
	element.nullable = noVersions
	out := make([]any, 0, n)
	for i := range n {
		v, err := d.value(&element)
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
		out = append(out, v)
	}
	return out, nil
}

func (d *decoder) fixed(kind string) (any, error) {
	size := map[string]int{"bool": 1, "int8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4, "int64": 8, "float64": 8, "uuid": 16}[kind]
	b, err := d.take(size)
	if err != nil {
		return nil, err
	}
	switch kind {
	case "bool":
		return b[0] != 0, nil
	case "int8":
		return int64(int8(b[0])), nil
	case "int16":
		return int64(int16(binary.BigEndian.Uint16(b))), nil
	case "uint16":
		return int64(binary.BigEndian.Uint16(b)), nil
	case "int32":
		return int64(int32(binary.BigEndian.Uint32(b))), nil
	case "uint32":
		return int64(binary.BigEndian.Uint32(b)), nil
	case "float64":
		return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
	case "uuid":
		return UUID(b), nil
	}
	return int64(binary.BigEndian.Uint64(b)), nil
}

// sized reads a length and as many bytes.
func (d *decoder) sized(prefix int, mayBeNull bool) (b []byte, isNull bool, err error) {
	n, isNull, err := d.length(prefix, mayBeNull)
	if err != nil || isNull {
		return nil, isNull, err
	}
	b, err = d.take(n)
	return b, false, err
}

// length reads a length: a varint one too large if flexible (0 is null), else
// prefix bytes (-1 is null).
func (d *decoder) length(prefix int, mayBeNull bool) (n int, isNull bool, err error) {
	if d.flexible {
		u, err := d.uvarint()
		if err != nil {
			return 0, false, err
		}
		n = int(u) - 1
	} else {
		b, err := d.take(prefix)
		if err != nil {
			return 0, false, err
		}
		if prefix == 2 {
			n = int(int16(binary.BigEndian.Uint16(b)))
		} else {
			n = int(int32(binary.BigEndian.Uint32(b)))
		}
	}
	switch {
	case n >= 0:
		return n, false, nil
	case n == -1 && mayBeNull:
		return 0, true, nil
	case n == -1:
		return 0, false, errors.New("null where the schema allows none")
	}
	return 0, false, fmt.Errorf("length %d", n)
}

func (d *decoder) uvarint() (uint64, error) {
	v, n := binary.Uvarint(d.b)
	if n <= 0 || v > math.MaxUint32 {
		return 0, errShort
	}
	d.b = d.b[n:]
	return v, nil
}

func (d *decoder) take(n int) ([]byte, error) {
	if n < 0 || n > len(d.b) {
		return nil, errShort
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b, nil
}
