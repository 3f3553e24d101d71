package differ

import (
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Allowance is one row of differences.md: where brokers may differ, and why.
type Allowance struct {
	// Judge is the only release that the row is about; empty is any.
	Judge string
	// Stories are patterns over the story with its version, Fields over the field's
	// path without indexes. One of each must match.
	Stories, Fields []pattern
	Reason          string
}

// pattern is as of path.Match; ** at the end matches any rest.
type pattern struct {
	text string
	used bool // in an allowance that was needed
}

// Allowances are the rows of a file.
type Allowances []*Allowance

// sectionRelease is the release that a heading names.
var sectionRelease = regexp.MustCompile(`^## .*Kafka (\d+\.\d+\.\d+)`)

// ReadAllowances reads the rows of the tables in a Markdown file: cells are stories,
// fields, reason; the first two hold patterns in backticks, with commas between them.
// Those below a heading of second rank that names a release of Kafka are about that one
// alone.
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
		a := &Allowance{Judge: judge, Stories: patterns(cells[0]), Fields: patterns(cells[1]), Reason: strings.TrimSpace(cells[2])}
		if a.Reason == "" {
			return nil, fmt.Errorf("%s:%d: no reason", file, number+1)
		}
		all = append(all, a)
	}
	return all, nil
}

// patterns are those of a cell.
func patterns(cell string) []pattern {
	var all []pattern
	for _, one := range strings.Split(cell, ",") {
		all = append(all, pattern{text: strings.Trim(one, " `")})
	}
	return all
}

var indexes = regexp.MustCompile(`\[[^\]]*\]`)

// Allows tells whether a difference is listed, and marks the patterns as used.
func (all Allowances) Allows(d Diff) bool {
	field := indexes.ReplaceAllString(d.Path, "")
	for _, a := range all {
		story, path := find(a.Stories, d.Story), find(a.Fields, field)
		if (a.Judge == "" || a.Judge == d.Judge) && story >= 0 && path >= 0 {
			a.Stories[story].used, a.Fields[path].used = true, true
			return true
		}
	}
	return false
}

// Unused are the patterns that no difference needed, with their rows' reasons.
func (all Allowances) Unused() []string {
	var out []string
	for _, a := range all {
		for _, p := range append(slices.Clone(a.Stories), a.Fields...) {
			if !p.used {
				out = append(out, fmt.Sprintf("%s (%s)", p.text, a.Reason))
			}
		}
	}
	return out
}

// find is the index of the first pattern that a name matches, -1 for none.
func find(patterns []pattern, name string) int {
	return slices.IndexFunc(patterns, func(p pattern) bool { return matches(p.text, name) })
}

func matches(pattern, name string) bool {
	if prefix, any := strings.CutSuffix(pattern, "**"); any {
		return strings.HasPrefix(name, prefix)
	}
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}
