package protocol

import (
	"encoding/binary"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/barnabas-mq/barnabas/internal/invariant"
)

// The generated decoder (kmsg) believes what it reads: a count of a billion tags
// is a billion turns of a loop, an array of a million empty strings is a million
// structures, and bytes after the body are ignored. So every body is first walked
// along a layout, which allocates nothing and refuses what does not add up.

// requestLayout is a row of requestLayouts.
type requestLayout struct {
	name         string
	flexibleFrom int16 // -1: never
	fields       string
}

// layoutField is a parsed field.
type layoutField struct {
	name     string
	width    int // of a fixed-width type, or one of the kinds below
	array    bool
	fields   []layoutField // of a structure
	versions versionRange
	null     versionRange
	tag      uint32
	tagged   versionRange
	cost     int // what one value takes in memory when it is decoded, about
}

// Kinds that have no fixed width.
const (
	widthString = -1
	widthBytes  = -2
	widthStruct = -3
)

var layoutWidths = map[string]int{
	"bool": 1, "int8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4, "int64": 8, "float64": 8, "uuid": 16,
	"string": widthString, "bytes": widthBytes,
}

// versionRange is inclusive; the zero value holds version 0 alone, noVersion none.
type versionRange struct{ min, max int16 }

var (
	allVersions = versionRange{0, 1<<15 - 1}
	noVersion   = versionRange{0, -1}
)

func (r versionRange) has(v int16) bool { return r.min <= v && v <= r.max }

// layoutCache holds the parsed layouts by key, made at the first request of a key.
var layoutCache [len(requestLayouts)]atomic.Pointer[[]layoutField]

func layoutOf(key int16) *requestLayout {
	if key < 0 || int(key) >= len(requestLayouts) || requestLayouts[key].name == "" {
		return nil
	}
	return &requestLayouts[key]
}

// APIName is Kafka's name of an API key, "" for one that no broker serves to clients.
func APIName(key int16) string {
	if l := layoutOf(key); l != nil {
		return l.name
	}
	return ""
}

func parsedLayout(key int16) []layoutField {
	if fields := layoutCache[key].Load(); fields != nil {
		return *fields
	}
	p := layoutParser{rest: requestLayouts[key].fields, all: requestLayouts[key].fields}
	fields := p.fields()
	invariant.Check(p.token() == "", "layout of key %d: %q is left", key, p.rest)
	layoutCache[key].Store(&fields)
	return fields
}

// flexibleRequest tells whether the header of a request has tagged fields.
func flexibleRequest(key, version int16) bool {
	l := layoutOf(key)
	return l != nil && l.flexibleFrom >= 0 && version >= l.flexibleFrom
}

// layoutParser reads the notation of requestLayouts. A mistake in it is our bug.
type layoutParser struct{ rest, all string }

// token takes the next word or sign.
func (p *layoutParser) token() string {
	p.rest = strings.TrimLeft(p.rest, " \t\n")
	end := strings.IndexAny(p.rest, " \t\n:;{}[]")
	switch {
	case strings.HasPrefix(p.rest, "[]"):
		end = 2
	case end == 0:
		end = 1
	case end < 0:
		end = len(p.rest)
	}
	t := p.rest[:end]
	p.rest = p.rest[end:]
	return t
}

func (p *layoutParser) peek() string {
	ahead := *p
	return ahead.token()
}

// fields reads until a closing brace or the end.
func (p *layoutParser) fields() []layoutField {
	var fields []layoutField
	for p.peek() != "" && p.peek() != "}" {
		fields = append(fields, p.field())
		if p.peek() == ";" {
			p.token()
		}
	}
	return fields
}

func (p *layoutParser) field() layoutField {
	f := layoutField{name: p.token(), versions: allVersions, null: noVersion, tagged: noVersion}
	p.expect(":")
	kind := p.token()
	if f.array = kind == "[]"; f.array {
		kind = p.token()
	}
	if kind == "{" {
		f.width, f.fields = widthStruct, p.fields()
		p.expect("}")
	} else {
		var known bool
		f.width, known = layoutWidths[kind]
		invariant.Check(known, "type %q in layout %q", kind, p.all)
	}
	if f.versions = p.versions(allVersions); p.peek() == "null" {
		p.token()
		f.null = p.versions(f.versions)
	}
	if p.peek() == "tag" {
		p.token()
		tag, err := strconv.ParseUint(p.token(), 10, 32)
		invariant.Check(err == nil, "tag in layout %q: %v", p.all, err)
		f.tag, f.tagged = uint32(tag), p.versions(f.versions)
	}
	f.cost = layoutCost(f)
	return f
}

func (p *layoutParser) expect(want string) {
	got := p.token()
	invariant.Check(got == want, "%q instead of %q in layout %q", got, want, p.all)
}

// versions reads "3", "3-5" or "3+" if one follows.
func (p *layoutParser) versions(otherwise versionRange) versionRange {
	t := p.peek()
	if t == "" || t[0] < '0' || t[0] > '9' {
		return otherwise
	}
	p.token()
	first, last, isRange := strings.Cut(t, "-")
	first, open := strings.CutSuffix(first, "+")
	low, err := strconv.ParseInt(first, 10, 16)
	invariant.Check(err == nil, "versions %q in layout %q", t, p.all)
	high := low
	if isRange {
		high, err = strconv.ParseInt(last, 10, 16)
		invariant.Check(err == nil, "versions %q in layout %q", t, p.all)
	} else if open {
		high = int64(allVersions.max)
	}
	return versionRange{int16(low), int16(high)}
}

// layoutCost is roughly what a value of the field's type takes in a decoded
// request; for arrays it is that of one element.
func layoutCost(f layoutField) int {
	switch f.width {
	case widthString, widthBytes:
		return 24
	case widthStruct:
		sum := 16 // the unknown tags
		for _, inner := range f.fields {
			if inner.array {
				sum += 24
			} else {
				sum += inner.cost
			}
		}
		return sum
	}
	return max(f.width, 8)
}

// layoutWalker passes over a body.
type layoutWalker struct {
	b        []byte // what is left
	version  int16
	flexible bool
	budget   int
}

// checkLayout checks that the body of a request is well-formed and small enough
// when decoded. The key must have a layout.
func checkLayout(key, version int16, body []byte, memoryMax int) error {
	w := layoutWalker{b: body, version: version, flexible: flexibleRequest(key, version), budget: memoryMax}
	return w.structure(parsedLayout(key))
}

func (w *layoutWalker) structure(fields []layoutField) error {
	for i := range fields {
		f := &fields[i]
		if !f.versions.has(w.version) || f.tagged.has(w.version) {
			continue
		}
		if err := w.field(f); err != nil {
			return err
		}
	}
	if w.flexible {
		return w.tags(fields)
	}
	return nil
}

func (w *layoutWalker) field(f *layoutField) error {
	if !f.array {
		return w.value(f)
	}
	count, ok := w.count()
	if !ok {
		return w.wrong(f, "its count is missing or impossible")
	}
	if count < 0 {
		return w.null(f)
	}
	if count*f.cost > w.budget {
		return w.wrong(f, "the request is too large when decoded")
	}
	w.budget -= count * f.cost
	if f.width > 0 {
		return w.skip(f, count*f.width)
	}
	element := *f
	element.null = noVersion // an array may be null, its elements not
	for range count {
		if err := w.value(&element); err != nil {
			return err
		}
	}
	return nil
}

func (w *layoutWalker) value(f *layoutField) error {
	var length int
	var ok bool
	switch f.width {
	case widthStruct:
		if !f.array && f.null.has(w.version) {
			if len(w.b) == 0 {
				return w.wrong(f, "it is missing")
			}
			marker := int8(w.b[0])
			w.b = w.b[1:]
			if marker < 0 {
				return nil
			}
		}
		return w.structure(f.fields)
	case widthString:
		length, ok = w.stringLength()
	case widthBytes:
		length, ok = w.length()
	default:
		return w.skip(f, f.width)
	}
	switch {
	case !ok:
		return w.wrong(f, "its length is missing or impossible")
	case length < 0:
		return w.null(f)
	}
	return w.skip(f, length)
}

func (w *layoutWalker) null(f *layoutField) error {
	if !f.null.has(w.version) {
		return w.wrong(f, "it may not be null")
	}
	return nil
}

func (w *layoutWalker) skip(f *layoutField, n int) error {
	if n > len(w.b) {
		return w.wrong(f, "it ends too early")
	}
	w.b = w.b[n:]
	return nil
}

func (w *layoutWalker) wrong(f *layoutField, what string) error {
	return ErrInvalidRequest.WithMessage("field %s: %s", f.name, what)
}

// count reads the number of elements of an array; -1 is null. Every element that
// exists has a byte at least, but for structures without fields.
func (w *layoutWalker) count() (int, bool) {
	n, ok := w.length()
	return n, ok && n <= len(w.b)
}

// length reads the 32-bit length of bytes or an array, or the compact form.
func (w *layoutWalker) length() (int, bool) {
	if w.flexible {
		return w.compactLength()
	}
	if len(w.b) < 4 {
		return 0, false
	}
	n := int32(binary.BigEndian.Uint32(w.b))
	w.b = w.b[4:]
	return int(n), n >= -1
}

func (w *layoutWalker) stringLength() (int, bool) {
	if w.flexible {
		n, ok := w.compactLength()
		return n, ok && n <= stringBytesMax
	}
	if len(w.b) < 2 {
		return 0, false
	}
	n := int16(binary.BigEndian.Uint16(w.b))
	w.b = w.b[2:]
	return int(n), n >= -1
}

func (w *layoutWalker) compactLength() (int, bool) {
	u, n := readUvarint32(w.b)
	w.b = w.b[n:]
	return int(u) - 1, n > 0
}

// tags reads the tagged fields at the end of a structure.
func (w *layoutWalker) tags(fields []layoutField) error {
	t, err := openTags(w.b)
	if err != nil {
		return err
	}
	for t.next() {
		for i := range fields {
			f := &fields[i]
			if f.tag != t.tag || !f.tagged.has(w.version) {
				continue
			}
			inner := *w
			inner.b = t.data
			if err := inner.field(f); err != nil {
				return err
			}
			if len(inner.b) != 0 {
				return w.wrong(f, "its tagged field is longer")
			}
			w.budget = inner.budget
		}
	}
	w.b = t.rest
	return t.err
}
