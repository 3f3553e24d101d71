package main

import (
	"slices"
	"strings"

	"github.com/barnabas-mq/barnabas/compat-tests/bench/record"
)

// goal is what a figure is meant to reach. It is judged on medians and printed;
// it fails nothing, because the machine is not the same everywhere. A goal whose
// figure a table does not have is silent there.
type goal struct {
	row, unit string
	// column is a broker, without its version, or several between commas: the best
	// of them is meant.
	column string
	// ratio judges the ratio to or of the column, else its own figure.
	ratio bool
	// atMost or atLeast; the other is zero.
	atMost, atLeast float64
	// none wants 0 in every round instead: a median would hide a single one.
	none bool
}

// verdict is false when the goal's figure was not measured.
func (g goal) verdict(t *table) (_ record.Verdict, judged bool) {
	at := slices.IndexFunc(t.rows, func(r *row) bool { return r.name == g.row && r.unit == g.unit })
	if at < 0 {
		return record.Verdict{}, false
	}
	r := t.rows[at]
	var columns []string
	for _, name := range strings.Split(g.column, ",") {
		for _, column := range t.brokers {
			if is(column, name) && g.judges(r.samples[column]) {
				columns = append(columns, column)
			}
		}
	}
	if len(columns) == 0 {
		return record.Verdict{}, false
	}
	return g.judge(t, r, best(r, columns))
}

// judges tells whether samples say something: a ratio to 0 says nothing, a 0 does.
func (g goal) judges(samples []float64) bool {
	return len(samples) > 0 && (!g.ratio || median(samples) != 0)
}

// best is the column with the best median of a row.
func best(r *row, columns []string) string {
	order := func(a, b string) int {
		x, y := median(r.samples[a]), median(r.samples[b])
		if r.better == lower {
			x, y = y, x
		}
		switch {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	}
	return slices.MinFunc(columns, order)
}

func (g goal) judge(t *table, r *row, column string) (_ record.Verdict, judged bool) {
	v := record.Verdict{Row: r.name, Unit: r.unit, Column: column, Ratio: g.ratio, AtMost: g.atMost > 0 || g.none}
	switch {
	case g.none:
		v.Got = slices.Max(r.samples[column])
	case g.ratio:
		v.Got = t.ratio(r, column)
	default:
		v.Got = median(r.samples[column])
	}
	if v.Bound, v.Met = g.atLeast, v.Got >= g.atLeast; v.AtMost {
		v.Bound, v.Met = g.atMost, v.Got <= g.atMost
	}
	return v, !g.ratio || v.Got != 0
}
