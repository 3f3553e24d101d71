package kafkatools

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kbin"

	"github.com/barnabas-mq/barnabas/protocol"
)

// message is the layout of a key or a value of an internal topic.
type message struct {
	// newest is the last version there is; flexible the first with tagged fields.
	newest, flexible int16
	fields           []member
}

// never is the flexible version of what has no tagged fields.
const never int16 = 1<<15 - 1

// member is a field of a message.
type member struct {
	name string
	// kind is int8, int16, int32, int64, string, bytes, uuid or struct; list tells that there are many.
	kind string
	list bool
	// nullable: it may be null. since and until are versions.
	nullable     bool
	since, until int16
	// tag is the number of a tagged field, -1 for others; without is what it is when it is left
	// out, and then it is left out of the JSON as well.
	tag     int
	without string
	fields  []member
	// inner is what bytes hold, in a group of consumers.
	inner *message
}

func one(name, kind string) member {
	return member{name: name, kind: kind, until: never, tag: -1}
}
func list(name, kind string) member { m := one(name, kind); m.list = true; return m }
func records(name string, fields ...member) member {
	m := list(name, "struct")
	m.fields = fields
	return m
}
func holding(name string, inner *message) member {
	m := one(name, "bytes")
	m.inner = inner
	return m
}
func (m member) orNull() member            { m.nullable = true; return m }
func (m member) from(version int16) member { m.since = version; return m }
func (m member) only(version int16) member { m.since, m.until = version, version; return m }
func (m member) tagged(tag int, without string) member {
	m.tag, m.without = tag, without
	return m
}

// errCut is a record that ends too early; Java's BufferUnderflowException has no message.
var errCut = errors.New("null")

// decoder reads a message, and writes it as Kafka's JSON converters do: fields by the order of the
// schema, bytes and ids in base64.
type decoder struct {
	kbin.Reader
	version  int16
	flexible bool
	// isConsumers: the field protocolType was that of consumers.
	isConsumers bool
}

// decode reads what follows the version.
func (m message) decode(version int16, content []byte) (text string, err error) {
	if version < 0 || version > m.newest {
		return "", says("Unknown version %d", version)
	}
	d := &decoder{Reader: kbin.Reader{Src: content}, version: version, flexible: version >= m.flexible}
	text = d.object(m.fields)
	// More may follow: what is read is what this version has.
	if !d.Ok() {
		return "", errCut
	}
	return text, nil
}

func (d *decoder) object(fields []member) string {
	texts := make([]string, len(fields))
	for i, m := range fields {
		if m.tag < 0 && d.version >= m.since && d.version <= m.until {
			texts[i] = d.value(m)
		}
	}
	if d.flexible {
		d.tags(fields, texts)
	}
	var parts []string
	for i, m := range fields {
		if texts[i] != "" {
			parts = append(parts, quoted(m.name)+":"+texts[i])
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// tags reads the tagged fields; those that are not known are passed over.
func (d *decoder) tags(fields []member, texts []string) {
	for n := d.Uvarint(); n > 0 && d.Ok(); n-- {
		tag, size := d.Uvarint(), d.Uvarint()
		content := d.Span(int(size))
		at := slices.IndexFunc(fields, func(m member) bool { return m.tag == int(tag) })
		if at < 0 || !d.Ok() {
			continue
		}
		inner := &decoder{Reader: kbin.Reader{Src: content}, version: d.version, flexible: true}
		text := inner.value(fields[at])
		if inner.Ok() && text != fields[at].without {
			texts[at] = text
		}
	}
}

func (d *decoder) value(m member) string {
	if !m.list {
		return d.single(m)
	}
	var n int32
	if d.flexible {
		n = d.CompactArrayLen()
	} else {
		n = d.ArrayLen()
	}
	if n < 0 && m.nullable {
		return "null"
	}
	var parts []string
	for ; n > 0 && d.Ok(); n-- {
		parts = append(parts, d.single(m))
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func (d *decoder) single(m member) string {
	switch m.kind {
	case "int8":
		return strconv.Itoa(int(d.Int8()))
	case "int16":
		return strconv.Itoa(int(d.Int16()))
	case "int32":
		return strconv.Itoa(int(d.Int32()))
	case "int64":
		return strconv.FormatInt(d.Int64(), 10)
	case "uuid":
		return quoted(protocol.UUID(d.Uuid()).String())
	case "string":
		text := d.text()
		if text == nil {
			return "null"
		}
		d.isConsumers = d.isConsumers || m.name == "protocolType" && *text == "consumer"
		return quoted(*text)
	case "bytes":
		return d.bytes(m)
	}
	if m.tag >= 0 && d.Int8() <= 0 { // a tagged struct that may be null has a byte in front that says so
		return "null"
	}
	return d.object(m.fields)
}

// bytes are in base64 unless they are of the consumers' protocol.
func (d *decoder) bytes(m member) string {
	content := d.content()
	if content == nil {
		return "null"
	}
	if m.inner != nil && d.isConsumers {
		if version, rest, err := versioned(content); err == nil {
			if text, err := m.inner.decode(version, rest); err == nil {
				return text
			}
		}
	}
	return quoted(base64.StdEncoding.EncodeToString(content))
}

func (d *decoder) text() *string {
	if d.flexible {
		return d.CompactNullableString()
	}
	return d.NullableString()
}

func (d *decoder) content() []byte {
	if d.flexible {
		return d.CompactNullableBytes()
	}
	return d.NullableBytes()
}

// quoted is a JSON string.
func quoted(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string never fails
	return strings.TrimSuffix(b.String(), "\n")
}

// versioned cuts off the version that a key or a value begins with.
func versioned(content []byte) (version int16, rest []byte, err error) {
	if len(content) < 2 {
		return 0, nil, errCut
	}
	return int16(binary.BigEndian.Uint16(content)), content[2:], nil
}

// recordDecoder writes the key and the value of a record of an internal topic; an empty value is not printed.
type recordDecoder func(offset int64, key, value []byte) (keyText, valueText string)

// decoderOf knows these kinds of records (CoordinatorRecordMessageFormatter and DumpLogSegments of Kafka).
func decoderOf(kinds map[int16]recordLayout) recordDecoder {
	return func(offset int64, key, value []byte) (keyText, valueText string) {
		kind, rest, err := versioned(key)
		layout, known := kinds[kind]
		if err == nil && !known {
			return fmt.Sprintf("Unknown record type %d at offset %d, skipping.", kind, offset), ""
		}
		if err == nil {
			keyText, err = layout.key.decode(0, rest)
		}
		if err != nil {
			return fmt.Sprintf("Error at offset %d, skipping. Could not read record with version %d from key's buffer due to: %v.", offset, kind, err), ""
		}
		keyText = fmt.Sprintf(`{"type":"%d","data":%s}`, kind, keyText)
		if value == nil {
			return keyText, "<DELETE>"
		}
		version, rest, err := versioned(value)
		if err == nil {
			valueText, err = layout.value.decode(version, rest)
		}
		if err != nil {
			return fmt.Sprintf("Error at offset %d, skipping. Could not read record with version %d from value's buffer due to: %v.", offset, version, err), ""
		}
		return keyText, fmt.Sprintf(`{"version":"%d","data":%s}`, version, valueText)
	}
}
