package differ

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/barnabas-mq/barnabas/compat-tests/schema"
	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

func structOf(pairs ...any) *schema.Struct {
	s := &schema.Struct{}
	for i := 0; i < len(pairs); i += 2 {
		s.Fields = append(s.Fields, schema.Field{Name: pairs[i].(string), Value: pairs[i+1]})
	}
	return s
}

// A difference is found wherever it is, and nothing else is.
func TestCompare(t *testing.T) {
	tests := []struct {
		name string
		a, b *schema.Struct
		want []string
	}{
		{"same", structOf("A", int64(1), "B", []any{"x"}), structOf("A", int64(1), "B", []any{"x"}), nil},
		{"number", structOf("A", int64(1)), structOf("A", int64(2)), []string{"A: 1, 2"}},
		{"null and empty array", structOf("A", schema.Null{}), structOf("A", []any{}), []string{"A: null, []"}},
		{"null and empty text", structOf("A", schema.Null{}), structOf("A", ""), []string{`A: null, ""`}},
		{"null and the text null", structOf("A", schema.Null{}), structOf("A", "null"), []string{`A: null, "null"`}},
		{"null and struct", structOf("A", schema.Null{}), structOf("A", structOf()), []string{"A: null, {}"}},
		{"field more", structOf(), structOf("A", int64(1)), []string{"A: (absent), 1"}},
		{"field less", structOf("A", int64(1)), structOf(), []string{"A: 1, (absent)"}},
		{"element more", structOf("A", []any{}), structOf("A", []any{int64(1)}), []string{"A[0]: (absent), 1"}},
		{"set with an element less", structOf("A", schema.Set{structOf("Name", "x"), structOf("Name", "y", "B", "1")}), structOf("A", schema.Set{structOf("Name", "y", "B", "2")}), []string{`A[x]: {Name: "x"}, (absent)`, `A[y].B: "1", "2"`}},
		{"set with an element more", structOf("A", []any{}), structOf("A", schema.Set{structOf("Name", "y")}), []string{`A[y]: (absent), {Name: "y"}`}},
		{"deep", structOf("A", []any{structOf("B", "x"), structOf("B", "y")}), structOf("A", []any{structOf("B", "x"), structOf("B", "z")}), []string{`A[1].B: "y", "z"`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			compare("", test.a, test.b, func(path, a, b string) { got = append(got, path+": "+a+", "+b) })
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Fields that depend on a race are left out wherever they are, no others, and
// only in the exchange that says so.
func TestNormalizeDropsRacingFields(t *testing.T) {
	told := structOf("A", int64(1), "Records", []any{structOf("A", "x", "C", structOf("A", "y", "D", "z")), "A"})
	out := newNormalizer("d1-", time.Now()).transcript([]exchange{{answer: told, racing: []string{"A"}}, {answer: told}})
	if diff := cmp.Diff(structOf("Records", []any{structOf("C", structOf("D", "z")), "A"}), out[0].answer); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(told, out[1].answer); diff != "" {
		t.Error(diff)
	}
}

// Ids become symbols by first appearance: another id in the same place is the
// same, one id where there were two is not.
func TestNormalizeIDs(t *testing.T) {
	one, two, three := schema.UUID{1}, schema.UUID{2}, schema.UUID{3}
	told := func(ids ...schema.UUID) []exchange {
		var out []exchange
		for _, id := range ids {
			out = append(out, exchange{outcome: "answer", answer: structOf("TopicId", id)})
		}
		return newNormalizer("d1-", time.Now()).transcript(out)
	}
	if diffs := compareTranscripts("4", "s", told(one, two, one), told(three, one, three)); len(diffs) != 0 {
		t.Errorf("renamed ids differ: %v", diffs)
	}
	if diffs := compareTranscripts("4", "s", told(one, two), told(three, three)); len(diffs) != 1 {
		t.Errorf("one id for two is found %d times, want 1", len(diffs))
	}
	if diffs := compareTranscripts("4", "s", told(schema.UUID{}), told(one)); len(diffs) != 1 {
		t.Error("a zero id is not the same as an id")
	}
}

func TestNormalizeValues(t *testing.T) {
	now := time.Now()
	in := structOf(
		"ThrottleTimeMs", int64(7), "ErrorMessage", "in other words", "Host", "there", "Port", int64(9092),
		"LogAppendTimeMs", now.UnixMilli(), "Timestamp", now.Add(-storyAge).UnixMilli(),
		"MemberId", "c-0f0e0d0c-1111-2222-3333-444455556666", "ProducerId", int64(-1),
		"Topics", []any{structOf("Name", "d1-b"), structOf("Name", "d77-foreign"), structOf("Name", "d1-a")},
	)
	out := newNormalizer("d1-", now).transcript([]exchange{{api: "Metadata", answer: in}})[0].answer
	want := structOf("ErrorMessage", "<text>", "Host", "<host>", "Port", "<port>",
		"LogAppendTimeMs", "<now>", "Timestamp", now.Add(-storyAge).UnixMilli(),
		"MemberId", "c-<uuid 1>", "ProducerId", int64(-1),
		"Topics", []any{structOf("Name", "d1-a"), structOf("Name", "d1-b")})
	if diff := cmp.Diff(schema.Render(want), schema.Render(out)); diff != "" {
		t.Error(diff)
	}
}

// Batches are compared by their fields, and damaged ones do not stop the judge.
func TestDecodeRecords(t *testing.T) {
	batch := wire.NewBatch(1000, wire.Record{Key: []byte("k"), Headers: []wire.Header{{Key: "h"}}})
	got := schema.Render(decodeRecords(append(batch.Encode(), 1, 2)))
	for _, part := range []string{"ChecksumIsGood: true", "BaseTimestamp: 1000", "Key: 1 bytes 6b", "Value: null", "Headers: [{Key: 1 bytes 68, Value: null}]", "Rest: 2 bytes 0102"} {
		if !strings.Contains(got, part) {
			t.Errorf("no %q in %s", part, got)
		}
	}
	damaged := batch.Encode()
	damaged[len(damaged)-3] ^= 0x7f
	if got := schema.Render(decodeRecords(damaged)); !strings.Contains(got, "ChecksumIsGood: false") {
		t.Errorf("damage is not shown: %s", got)
	}
}

// A row allows what it names and nothing else, and an unused row is found.
func TestAllowances(t *testing.T) {
	file := filepath.Join(t.TempDir(), "differences.md")
	text := "# Title Kafka 4.3.1\n\n| story | field | why |\n|---|---|---|\n" +
		"| `produce/*/v*`, `metadata/v0` | `Responses.*`,`Code`, `Nothing` | a reason |\n| `fetch/**` | `ErrorCode` | another |\n" +
		"## Kafka 3.9.2 alone\n| `list/**` | `Code` | a third |\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	all, err := ReadAllowances(file)
	if err != nil {
		t.Fatal(err)
	}
	if !all.Allows(Diff{Story: "produce/records/v7", Path: "Responses[0].ErrorCode"}) {
		t.Error("a listed difference is refused")
	}
	if !all.Allows(Diff{Story: "produce/records/v7", Path: "Code"}) || all.Allows(Diff{Story: "produce/records/v7", Path: "Coda"}) {
		t.Error("a row is about each of its patterns, and about no other")
	}
	if all.Allows(Diff{Story: "produce/records/v7", Path: "ErrorCode"}) || all.Allows(Diff{Story: "metadata/x/v1", Path: "ErrorCode"}) {
		t.Error("a difference that is not listed is allowed")
	}
	if all.Allows(Diff{Judge: "4.3.1", Story: "list/x/v0", Path: "Code"}) || !all.Allows(Diff{Judge: "3.9.2", Story: "list/x/v0", Path: "Code"}) {
		t.Error("a row below a heading is about the release that it names")
	}
	want := []string{"metadata/v0 (a reason)", "Nothing (a reason)", "fetch/** (another)", "ErrorCode (another)"}
	if diff := cmp.Diff(want, all.Unused()); diff != "" {
		t.Error(diff)
	}
}

// The list of differences stays short enough to be read.
func TestDifferencesAreFew(t *testing.T) {
	const rowsMax = 19
	all, err := ReadAllowances("../differences.md")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) > rowsMax {
		t.Errorf("differences.md has %d rows, more than %d", len(all), rowsMax)
	}
}
