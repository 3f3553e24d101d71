package matrix

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The page has the tables between these lines.
const (
	pageBegin = "<!-- matrix: begin -->\n"
	pageEnd   = "<!-- matrix: end -->\n"
)

// scenarios are the columns of the table of clients, and what heads them.
var scenarios = []struct{ name, head string }{
	{"write", "writes for all"}, {"read", "reads all"}, {"roundtrip", "roundtrip, restart"}, {"group", "group"},
	{"rebalance", "rebalances"}, {"consumer-protocol", "KIP-848"}, {"static", "static members"}, {"transactions", "transactions"},
	{"large", "large records"}, {"seek", "seek by time"}, {"restart", "kill -9"}, {"admin", "admin"},
}

// Update returns the page with its tables made anew.
func (r *Results) Update(page []byte) ([]byte, error) {
	head, rest, begins := bytes.Cut(page, []byte(pageBegin))
	_, tail, ends := bytes.Cut(rest, []byte(pageEnd))
	if !begins || !ends {
		return nil, fmt.Errorf("the page has no lines %q and %q", strings.TrimSpace(pageBegin), strings.TrimSpace(pageEnd))
	}
	return slices.Concat(head, []byte(pageBegin), []byte(r.tables()), []byte(pageEnd), tail), nil
}

func (r *Results) tables() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Recorded with Barnabas on %s and with Apache Kafka 4.3.1 on %s. Each mark is Barnabas / Kafka.\n\n", r.Dates[Barnabas], r.Dates[Kafka])
	b.WriteString("| client | version | language |")
	for _, s := range scenarios {
		fmt.Fprintf(&b, " %s |", s.head)
	}
	fmt.Fprintf(&b, "\n|%s\n", strings.Repeat("---|", 3+len(scenarios)))
	for _, row := range r.of(Clients) {
		fmt.Fprintf(&b, "| %s | %s | %s |", row.Subject, row.Version, row.Language)
		for _, s := range scenarios {
			fmt.Fprintf(&b, " %s |", marks(row.Passed[s.name]))
		}
		b.WriteByte('\n')
	}
	b.WriteString("\n| tools and systems | version | from | what was done | |\n|---|---|---|---|---|\n")
	for _, row := range r.of(Ecosystem) {
		for _, scenario := range slices.Sorted(maps.Keys(row.Passed)) {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", row.Subject, row.Version, row.Language, scenario, marks(row.Passed[scenario]))
		}
	}
	return b.String()
}

// of are the rows of a table: languages together, and in each the newest name last.
func (r *Results) of(table string) []Row {
	rows := slices.DeleteFunc(slices.Clone(r.Rows), func(row Row) bool { return row.Table != table })
	slices.SortStableFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.Language, b.Language), cmp.Compare(a.Subject, b.Subject))
	})
	return rows
}

func marks(targets []string) string {
	if len(targets) == 0 {
		return ""
	}
	mark := func(target string) string {
		if slices.Contains(targets, target) {
			return "✓"
		}
		return "–"
	}
	return mark(Barnabas) + " / " + mark(Kafka)
}
