package record

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// WriteBenchfmt writes the samples in the format of Go's benchmarks, which
// benchstat compares: a benchmark for each row and column, a line for each round,
// with all units that the row has.
func (r Run) WriteBenchfmt(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "goos: linux\npkg: barnabas/bench\ncpu: %s\n", r.Machine.CPU)
	better := map[string]string{}
	for _, s := range r.Series {
		for _, f := range s.Figures {
			if f.Better != Neither {
				better[benchUnit(f.Unit)] = f.Better
			}
		}
	}
	for _, unit := range slices.Sorted(maps.Keys(better)) {
		fmt.Fprintf(&b, "Unit %s better=%s\n", unit, better[unit])
	}
	for _, s := range r.Series {
		for _, name := range rowNames(s) {
			for _, column := range s.Columns {
				s.benchLines(&b, name, column)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// rowNames are the names of a series' figures, each once.
func rowNames(s Series) (names []string) {
	for _, f := range s.Figures {
		if !slices.Contains(names, f.Name) {
			names = append(names, f.Name)
		}
	}
	return names
}

// benchLines writes a line for each round of a row and column.
func (s Series) benchLines(b *strings.Builder, name, column string) {
	rounds := 0
	for _, f := range s.Figures {
		if f.Name == name {
			rounds = max(rounds, len(f.Samples[column]))
		}
	}
	for i := range rounds {
		fmt.Fprintf(b, "Benchmark%s/%s 1", benchName(name), benchName(column))
		for _, f := range s.Figures {
			if f.Name == name && i < len(f.Samples[column]) {
				fmt.Fprintf(b, " %g %s", f.Samples[column][i], benchUnit(f.Unit))
			}
		}
		b.WriteByte('\n')
	}
}

// benchName begins with an upper-case letter and has no blanks: the format reads
// up to one.
func benchName(name string) string {
	joined := strings.Join(strings.Fields(name), "_")
	joined = strings.NewReplacer("/", "|", ",", "").Replace(joined)
	if joined == "" {
		return "X"
	}
	return strings.ToUpper(joined[:1]) + joined[1:]
}

func benchUnit(unit string) string { return strings.Join(strings.Fields(unit), "-") }
