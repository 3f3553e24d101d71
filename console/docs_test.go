package console

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var rewrite = flag.Bool("rewrite", false, "write docs/metrics.md instead of comparing it")

const (
	metricsPage = "../docs/metrics.md"
	tablesBegin = "<!-- tables: begin (go test ./console -rewrite) -->\n"
	tablesEnd   = "<!-- tables: end -->\n"
)

// The page lists every family, by the tables that the answer is made from.
func TestTheMetricsPageIsFresh(t *testing.T) {
	page, err := os.ReadFile(metricsPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), tablesBegin)
	_, after, ended := strings.Cut(rest, tablesEnd)
	if !found || !ended {
		t.Fatalf("%s has no place for the tables", metricsPage)
	}
	var tables strings.Builder
	for _, set := range familySets() {
		fmt.Fprintf(&tables, "\n## %s\n\n| metric | kind | labels | what |\n|---|---|---|---|\n", set.title)
		for _, f := range set.families {
			labels := ""
			for i, l := range f.labels {
				if i > 0 {
					labels += ", "
				}
				labels += "`" + l + "`"
			}
			fmt.Fprintf(&tables, "| `%s` | %s | %s | %s |\n", f.name, f.kind, labels, f.help)
		}
	}
	want := before + tablesBegin + tables.String() + "\n" + tablesEnd + after
	if *rewrite {
		if err := os.WriteFile(metricsPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(page) {
		t.Errorf("%s is not what is exposed: go test ./console -rewrite", metricsPage)
	}
}

// No name stands for two things, and none has characters that Prometheus refuses.
func TestTheNamesOfFamiliesAreTheirOwn(t *testing.T) {
	seen := make(map[string]bool)
	for _, set := range familySets() {
		for _, f := range set.families {
			if seen[f.name] {
				t.Errorf("%s is there twice", f.name)
			}
			seen[f.name] = true
			if strings.ContainsFunc(f.name, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') }) {
				t.Errorf("%s is no name in Prometheus's sense", f.name)
			}
			if isCounter := strings.HasSuffix(f.name, "_total") || strings.HasSuffix(f.name, "_count"); f.kind == counter && !isCounter {
				t.Errorf("the counter %s does not end in _total or _count", f.name)
			}
		}
	}
}
