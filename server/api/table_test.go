package api

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

var rewrite = flag.Bool("rewrite", false, "write the files that tests compare with")

const compatibilityPage = "../../docs/compatibility.md"

// The page says what table.go says; -rewrite brings it in step.
func TestTheCompatibilityPageListsTheTable(t *testing.T) {
	const begin, end = "<!-- table: begin -->\n", "<!-- table: end -->\n"
	text, err := os.ReadFile(compatibilityPage)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := strings.Cut(string(text), begin)
	_, tail, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatal("the page has lost the marks around its table")
	}
	_, versions := buildTable()
	var table strings.Builder
	table.WriteString("| key | API | versions |\n|--:|---|---|\n")
	for _, v := range versions.Rows() {
		fmt.Fprintf(&table, "| %d | %s | %d to %d |\n", v.Key, v.Name, v.Min, v.Max)
	}
	want := head + begin + table.String() + end + tail
	if want == string(text) {
		return
	}
	if !*rewrite {
		t.Fatal("docs/compatibility.md is stale: go test ./server/api -run CompatibilityPage -rewrite")
	}
	if err := os.WriteFile(compatibilityPage, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestEveryRowIsComplete(t *testing.T) {
	entries, _ := buildTable()
	for _, e := range entries {
		if e == nil {
			continue
		}
		request := kmsg.RequestForKey(e.key)
		if e.serve == nil || e.min < 0 || e.min > e.max || e.max > request.MaxVersion() && e.key != describeLogDirs.key {
			t.Errorf("%s (key %d) declares versions %d to %d; the newest known is %d", e.name, e.key, e.min, e.max, request.MaxVersion())
		}
	}
}
