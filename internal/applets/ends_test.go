package applets

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/syntax"
)

// Only what a script does last, in its own process, may take its place.
func TestEnds(t *testing.T) {
	for _, c := range []struct {
		script string
		ends   []string
	}{
		{"a; b", []string{"b"}},
		{"a; exec b", []string{""}},
		{"exec a; b", []string{"", "b"}},
		{"while x; do exec a; b; done", []string{""}},
		{"if x; then a; b; elif y; then c; else d; fi", []string{"b", "c", "d"}},
		{"x && a", []string{"a"}},
		{"x || { a; b; }", []string{"b"}},
		{"case x in a) b;; c) d; e;; esac", []string{"b", "e"}},
		{"(exec a)", nil},
		{"a | exec b", nil},
		{"echo $(exec a)", []string{"echo"}},
		{"f() { exec a; }; f", []string{"f"}},
		{"! a", nil},
		{"a & b", nil},
		{"a & exec b", nil},
		{"trap x EXIT; exec a", nil},
		{"$x", []string{""}},
		{"A=1", nil},
	} {
		file, err := syntax.NewParser().Parse(strings.NewReader(c.script), "")
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Sorted(maps.Values(endsOf(file))); !slices.Equal(got, c.ends) {
			t.Errorf("%s: %q, want %q", c.script, got, c.ends)
		}
	}
}
