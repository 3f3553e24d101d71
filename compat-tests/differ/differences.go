package differ

import (
	"fmt"
	"os"
	"path"
	"regexp"
	"strings"
)

// Allowance is one row of differences.md: where brokers may differ, and why.
type Allowance struct {
	// Judge is the only release that the row is about; empty is any.
	Judge string
	// Story and Field are patterns as of path.Match, over the story with its
	// version and over the field's path without indexes. In Story, ** at the
	// end matches any rest.
	Story, Field string
	Reason       string
	used         bool
}

// Allowances are the rows of a file.
type Allowances []*Allowance

// sectionRelease is the release that a heading names.
var sectionRelease = regexp.MustCompile(`^## .*Kafka (\d+\.\d+\.\d+)`)

// ReadAllowances reads the rows of the tables in a Markdown file: cells are
// story, field, reason; the first two in backticks. Those below a heading of second
// rank that names a release of Kafka are about that one alone.
func ReadAllowances(file string) (Allowances, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all Allowances
	judge := ""
	for number, line := range strings.Split(string(text), "\n") {
		if found := sectionRelease.FindStringSubmatch(line); found != nil {
			judge = found[1]
		}
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "| "), "|")
		if len(cells) != 3 {
			return nil, fmt.Errorf("%s:%d: %d cells, want story, field, reason", file, number+1, len(cells))
		}
		a := &Allowance{
			Judge: judge, Story: strings.Trim(cells[0], " `"), Field: strings.Trim(cells[1], " `"), Reason: strings.TrimSpace(cells[2]),
		}
		if a.Reason == "" {
			return nil, fmt.Errorf("%s:%d: no reason", file, number+1)
		}
		all = append(all, a)
	}
	return all, nil
}

var indexes = regexp.MustCompile(`\[[^\]]*\]`)

// Allows tells whether a difference is listed, and marks the row as used.
func (all Allowances) Allows(d Diff) bool {
	field := indexes.ReplaceAllString(d.Path, "")
	for _, a := range all {
		if (a.Judge == "" || a.Judge == d.Judge) && matches(a.Story, d.Story) && matches(a.Field, field) {
			a.used = true
			return true
		}
	}
	return false
}

// Unused are the rows that matched nothing.
func (all Allowances) Unused() []*Allowance {
	var out []*Allowance
	for _, a := range all {
		if !a.used {
			out = append(out, a)
		}
	}
	return out
}

func matches(pattern, name string) bool {
	if prefix, any := strings.CutSuffix(pattern, "**"); any {
		return strings.HasPrefix(name, prefix)
	}
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}
