package schema

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Range is a range of versions, both ends included.
type Range struct{ Min, Max int16 }

// noVersions is the range that holds none.
var noVersions = Range{Min: 1, Max: 0}

// Has tells whether a version lies in the range.
func (r Range) Has(version int16) bool { return version >= r.Min && version <= r.Max }

// Message is the schema of one request or response.
type Message struct {
	Key  int16
	Name string
	// Versions are those that the release knows.
	Versions Range
	// Flexible are those with compact lengths and tagged fields.
	Flexible Range
	fields   []*field
}

// field is one field of a message or of a struct inside it.
type field struct {
	name     string
	kind     string // bool, int8, ..., string, bytes, records, uuid, or "struct"
	isArray  bool
	versions Range
	nullable Range
	tagged   Range
	tag      uint64
	fields   []*field // of a struct
}

// Catalog holds the messages of a release.
type Catalog struct {
	requests, responses map[int16]*Message
	// keys and values of the records of one coordinator, by kind.
	keys, values map[int16]*Message
	data         map[string]*Message
}

// Request is the schema of a request, nil if the release has none.
func (c *Catalog) Request(key int16) *Message { return c.requests[key] }

// Response is the schema of a response, nil if the release has none.
func (c *Catalog) Response(key int16) *Message { return c.responses[key] }

// RecordKey is the schema of the key of a coordinator's record, whose first two bytes name its kind; nil if there is none.
func (c *Catalog) RecordKey(kind int16) *Message { return c.keys[kind] }

// RecordValue is the schema of the value of a coordinator's record of a kind, whose first two bytes name its version.
func (c *Catalog) RecordValue(kind int16) *Message { return c.values[kind] }

// Data is the schema of what other messages carry as bytes (ConsumerProtocolAssignment, ...), nil if there is none.
func (c *Catalog) Data(name string) *Message { return c.data[name] }

// jsonMessage and jsonField mirror the files.
type jsonMessage struct {
	APIKey           *int16      `json:"apiKey"`
	Type             string      `json:"type"`
	Name             string      `json:"name"`
	ValidVersions    string      `json:"validVersions"`
	FlexibleVersions string      `json:"flexibleVersions"`
	Fields           []jsonField `json:"fields"`
	CommonStructs    []struct {
		Name   string      `json:"name"`
		Fields []jsonField `json:"fields"`
	} `json:"commonStructs"`
}

type jsonField struct {
	Name             string      `json:"name"`
	Type             string      `json:"type"`
	Versions         string      `json:"versions"`
	NullableVersions string      `json:"nullableVersions"`
	TaggedVersions   string      `json:"taggedVersions"`
	Tag              json.Number `json:"tag"` // Kafka 3 has some in quotes
	Fields           []jsonField `json:"fields"`
}

// Parse reads all schemas of requests, responses, coordinator records (of one
// coordinator: their kinds would clash) and data; others (headers, metadata
// records) are left out.
func Parse(files map[string][]byte) (*Catalog, error) {
	c := &Catalog{
		requests: map[int16]*Message{}, responses: map[int16]*Message{},
		keys: map[int16]*Message{}, values: map[int16]*Message{}, data: map[string]*Message{},
	}
	for name, text := range files {
		var raw jsonMessage
		if err := json.Unmarshal(stripComments(text), &raw); err != nil {
			return nil, fmt.Errorf("schema %s: %w", name, err)
		}
		if raw.APIKey == nil && raw.Type != "data" || raw.ValidVersions == "none" {
			continue
		}
		m, err := newMessage(raw)
		if err != nil {
			return nil, fmt.Errorf("schema %s: %w", name, err)
		}
		switch raw.Type {
		case "request":
			c.requests[m.Key] = m
		case "response":
			c.responses[m.Key] = m
		case "coordinator-key":
			c.keys[m.Key] = m
		case "coordinator-value":
			c.values[m.Key] = m
		case "data":
			c.data[m.Name] = m
		}
	}
	return c, nil
}

func newMessage(raw jsonMessage) (*Message, error) {
	m := &Message{Name: raw.Name}
	if raw.APIKey != nil {
		m.Key = *raw.APIKey
	}
	var err error
	if m.Versions, err = parseRange(raw.ValidVersions); err != nil {
		return nil, err
	}
	if m.Flexible, err = parseRange(raw.FlexibleVersions); err != nil {
		return nil, err
	}
	common := map[string][]jsonField{}
	for _, s := range raw.CommonStructs {
		common[s.Name] = s.Fields
	}
	m.fields, err = newFields(raw.Fields, common)
	return m, err
}

func newFields(raw []jsonField, common map[string][]jsonField) ([]*field, error) {
	fields := make([]*field, 0, len(raw))
	for _, r := range raw {
		f, err := newField(r, common)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", r.Name, err)
		}
		fields = append(fields, f)
	}
	return fields, nil
}

func newField(r jsonField, common map[string][]jsonField) (*field, error) {
	f := &field{name: r.Name}
	f.kind, f.isArray = strings.CutPrefix(r.Type, "[]")
	var err error
	if f.versions, err = parseRange(r.Versions); err != nil {
		return nil, err
	}
	if f.nullable, err = parseRange(r.NullableVersions); err != nil {
		return nil, err
	}
	if f.tagged, err = parseRange(r.TaggedVersions); err != nil {
		return nil, err
	}
	if r.Tag != "" {
		if f.tag, err = strconv.ParseUint(r.Tag.String(), 10, 32); err != nil {
			return nil, err
		}
	}
	if isPrimitive(f.kind) {
		return f, nil
	}
	inner := r.Fields
	if len(inner) == 0 {
		inner = common[f.kind]
	}
	if len(inner) == 0 {
		return nil, fmt.Errorf("unknown type %q", r.Type)
	}
	f.kind = "struct"
	f.fields, err = newFields(inner, common)
	return f, err
}

func isPrimitive(kind string) bool {
	switch kind {
	case "bool", "int8", "int16", "uint16", "int32", "uint32", "int64", "float64", "uuid", "string", "bytes", "records":
		return true
	}
	return false
}

// parseRange reads "3", "3+", "3-7", "none" and "".
func parseRange(s string) (Range, error) {
	if s == "" || s == "none" {
		return noVersions, nil
	}
	first, last, isRange := strings.Cut(s, "-")
	first, open := strings.CutSuffix(first, "+")
	low, err := strconv.ParseInt(first, 10, 16)
	if err != nil {
		return Range{}, fmt.Errorf("version range %q", s)
	}
	r := Range{Min: int16(low), Max: int16(low)}
	switch {
	case open:
		r.Max = math.MaxInt16
	case isRange:
		high, err := strconv.ParseInt(last, 10, 16)
		if err != nil {
			return Range{}, fmt.Errorf("version range %q", s)
		}
		r.Max = int16(high)
	}
	return r, nil
}

// stripComments removes // comments, which the files have and JSON has not. A
// slash pair inside a string stays.
func stripComments(text []byte) []byte {
	out := make([]byte, 0, len(text))
	inString := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case inString && c == '\\':
			out = append(out, c, text[i+1])
			i++
			continue
		case c == '"':
			inString = !inString
		case !inString && c == '/' && i+1 < len(text) && text[i+1] == '/':
			for i < len(text) && text[i] != '\n' {
				i++
			}
			c = '\n'
		}
		out = append(out, c)
	}
	return out
}
