package differ

import (
	"fmt"

	"github.com/barnabas-mq/barnabas/compat-tests/schema"
)

// exchange is one request of a story and what came back.
type exchange struct {
	label   string
	api     string // name of the API
	request string
	// key and version of the request, for the tally of what was told.
	asked version
	// from is the offset of the first partition that a Fetch asks for.
	from int64
	// outcome is "answer", or what happened instead.
	outcome string
	// answer is nil unless an answer was decoded.
	answer *schema.Struct
	// racing are fields of the answer that are not compared, see pending.Racing.
	racing []string
}

func (s *Session) record(x exchange) { s.transcript = append(s.transcript, x) }

// tree is the exchange as a value to compare.
func (x exchange) tree() *schema.Struct {
	t := &schema.Struct{Fields: []schema.Field{{Name: "outcome", Value: x.outcome}}}
	if x.answer != nil {
		t.Fields = append(t.Fields, x.answer.Fields...)
	}
	return t
}

// Diff is one difference between two brokers.
type Diff struct {
	Judge   string // its release
	Story   string // with its version: "produce/bad checksum/v7"
	Label   string // of the request
	Request string
	// Path of the field, with indexes: "Responses[0].ErrorCode".
	Path string
	A, B string
}

func (d Diff) String() string {
	return fmt.Sprintf("%s, %q\n  request: %s\n  field:   %s\n  judge:   %s\n  broker:  %s", d.Story, d.Label, d.Request, d.Path, d.A, d.B)
}

// compareTranscripts compares two normalised transcripts of one story.
func compareTranscripts(judge, story string, a, b []exchange) []Diff {
	var diffs []Diff
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a):
			diffs = append(diffs, Diff{judge, story, b[i].label, b[i].request, "exchange", "story ended before", b[i].outcome})
		case i >= len(b):
			diffs = append(diffs, Diff{judge, story, a[i].label, a[i].request, "exchange", a[i].outcome, "story ended before"})
		default:
			compare("", a[i].tree(), b[i].tree(), func(path, left, right string) {
				diffs = append(diffs, Diff{judge, story, a[i].label, a[i].request, path, left, right})
			})
		}
	}
	return diffs
}

// absent stands for a field that one side lacks.
const absent = "(absent)"

// compare walks two values in step and reports the leaves that differ.
func compare(path string, a, b any, report func(path, a, b string)) {
	a, b = emptyAs(a, b), emptyAs(b, a)
	switch left := a.(type) {
	case *schema.Struct:
		right, ok := b.(*schema.Struct)
		if !ok {
			break
		}
		compareStructs(path, left, right, report)
		return
	case schema.Set:
		right, ok := b.(schema.Set)
		if !ok {
			break
		}
		compareSets(path, left, right, report)
		return
	case []any:
		right, ok := b.([]any)
		if !ok {
			break
		}
		compareArrays(path, left, right, report)
		return
	}
	if left, right := schema.Render(a), schema.Render(b); left != right || fmt.Sprintf("%T", a) != fmt.Sprintf("%T", b) {
		report(path, left, right)
	}
}

// emptyAs makes an empty array a set where the other side is one.
func emptyAs(v, other any) any {
	array, isArray := v.([]any)
	if _, isSet := other.(schema.Set); isSet && isArray && len(array) == 0 {
		return schema.Set{}
	}
	return v
}

func compareStructs(path string, a, b *schema.Struct, report func(path, a, b string)) {
	for _, f := range a.Fields {
		other := b.Get(f.Name)
		if other == nil {
			report(join(path, f.Name), schema.Render(f.Value), absent)
			continue
		}
		compare(join(path, f.Name), f.Value, other, report)
	}
	for _, f := range b.Fields {
		if a.Get(f.Name) == nil {
			report(join(path, f.Name), absent, schema.Render(f.Value))
		}
	}
}

func compareArrays(path string, a, b []any, report func(path, a, b string)) {
	for i := range max(len(a), len(b)) {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch {
		case i >= len(a):
			report(at, absent, schema.Render(b[i]))
		case i >= len(b):
			report(at, schema.Render(a[i]), absent)
		default:
			compare(at, a[i], b[i], report)
		}
	}
}

// compareSets pairs elements by what identifies them, so that an element more
// on one side is one difference. Elements that share an identity are compared in
// the order in which they come.
func compareSets(path string, a, b schema.Set, report func(path, a, b string)) {
	right := map[string][]any{}
	for _, e := range b {
		id := identify(e)
		right[id] = append(right[id], e)
	}
	for _, e := range a {
		id := identify(e)
		at := fmt.Sprintf("%s[%s]", path, id)
		if len(right[id]) == 0 {
			report(at, schema.Render(e), absent)
			continue
		}
		compare(at, e, right[id][0], report)
		right[id] = right[id][1:]
	}
	for _, e := range b {
		if id := identify(e); len(right[id]) > 0 {
			report(fmt.Sprintf("%s[%s]", path, id), absent, schema.Render(right[id][0]))
			right[id] = right[id][1:]
		}
	}
}

// identify is the value of the first identifying field of a list element, or
// nothing: then elements are paired in order.
func identify(e any) string {
	s, ok := e.(*schema.Struct)
	if !ok {
		return ""
	}
	for _, name := range identity {
		v := s.Get(name)
		if _, isNull := v.(schema.Null); v != nil && !isNull {
			return fmt.Sprint(v)
		}
	}
	return ""
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
