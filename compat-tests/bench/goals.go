package main

import (
	"fmt"
	"strings"
)

// goal is what a figure is meant to reach. It is judged on medians and printed;
// it fails nothing, because the machine is not the same everywhere.
type goal struct {
	row, unit string
	// column is a broker, by the beginning of its name.
	column string
	// ratio judges the ratio to or of the column, else its own figure.
	ratio bool
	// atMost or atLeast; the other is zero.
	atMost, atLeast float64
}

// verdict is a line, empty when the goal's figure was not measured.
func (g goal) verdict(t *table) string {
	for _, r := range t.rows {
		if r.name != g.row || r.unit != g.unit {
			continue
		}
		for _, column := range t.brokers {
			if strings.HasPrefix(column, g.column) {
				return g.judge(t, r, column)
			}
		}
	}
	return ""
}

func (g goal) judge(t *table, r *row, column string) string {
	got, text, suffix := median(r.samples[column]), column, " "+r.unit
	if g.ratio {
		got, text, suffix = t.ratio(r, column), "vs "+column, "x"
	}
	if got == 0 {
		return ""
	}
	limit, bound, met := "at least", g.atLeast, got >= g.atLeast
	if g.atMost > 0 {
		limit, bound, met = "at most", g.atMost, got <= g.atMost
	}
	verdict := "met"
	if !met {
		verdict = "MISSED"
	}
	return fmt.Sprintf("goal %-7s %s, %s, %s: %.3g%s, %s %.3g%s\n", verdict, r.name, r.unit, text, got, suffix, limit, bound, suffix)
}
