package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/barnabas-mq/barnabas/compat-tests/bench/record"
)

// goal is what a figure is meant to reach. It is judged on medians and printed; it
// fails nothing, because the machine is not the same everywhere. A goal whose figure a
// table does not have is not measured, and the table says so.
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
	// once says that the figure is taken once, however many rounds there are.
	once bool
}

// verdict judges the goal by a table, if that has enough samples of all that it
// compares.
func (g goal) verdict(t *table) record.Verdict {
	v := record.Verdict{Row: g.row, Unit: g.unit, Column: g.column, Among: g.column, Ratio: g.ratio, AtMost: g.atMost > 0 || g.none}
	if v.Bound = g.atLeast; v.AtMost {
		v.Bound = g.atMost
	}
	at := slices.IndexFunc(t.rows, func(r *row) bool { return r.name == g.row && r.unit == g.unit })
	if at < 0 {
		v.Missing = "no figure"
		return v
	}
	r := t.rows[at]
	var columns []string
	most := 0
	for _, name := range strings.Split(g.column, ",") {
		for _, column := range t.brokers {
			if !is(column, name) {
				continue
			}
			most = max(most, g.samples(t, r, column))
			if g.judges(t, r, column) {
				columns = append(columns, column)
			}
		}
	}
	switch {
	case len(columns) > 0:
		g.judge(&v, t, r, best(r, columns))
	case most < g.least(t):
		v.Missing = fmt.Sprintf("%d of at least %d samples", most, g.least(t))
	default:
		v.Missing = "a ratio to 0"
	}
	return v
}

// samples are as many as the figure judged has, or that of the two which has fewer.
func (g goal) samples(t *table, r *row, column string) int {
	n := len(r.samples[column])
	if g.ratio {
		n = min(n, len(r.samples[t.brokers[0]]))
	}
	return n
}

// least is how many samples a verdict takes.
func (g goal) least(t *table) int {
	if g.once {
		return 1
	}
	return max(1, t.least)
}

// judges tells whether the samples of a column say something: a ratio to 0 says
// nothing, a 0 does.
func (g goal) judges(t *table, r *row, column string) bool {
	return g.samples(t, r, column) >= g.least(t) && (!g.ratio || t.ratio(r, column) != 0)
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

func (g goal) judge(v *record.Verdict, t *table, r *row, column string) {
	v.Column, v.Samples, v.Unsteady = column, g.samples(t, r, column), t.unsteady
	switch {
	case g.none:
		v.Got = slices.Max(r.samples[column])
	case g.ratio:
		v.Got = t.ratio(r, column)
	default:
		v.Got = median(r.samples[column])
	}
	if v.Met = v.Got >= v.Bound; v.AtMost {
		v.Met = v.Got <= v.Bound
	}
}

// enough is how many rounds a verdict takes where so many are asked for: a median of
// two is no more than their middle.
func enough(rounds int) int { return min(3, rounds) }

// targets are the goals of series that are told first, in the order in which they were set.
var targets = slices.Concat(throughputTargets, latencyTargets, durableTargets, startTargets, startManyTargets, startBigTargets,
	scaleTargets, groupTargets, transactionTargets)

// is tells whether a verdict is of the goal.
func (g goal) is(v record.Verdict) bool {
	return v.Row == g.row && v.Unit == g.unit && v.Among == g.column && v.Ratio == g.ratio
}

// closing lists the goals of all series of a run in one table, the targets first, and
// counts them, those as well whose series was not taken or could not begin.
func closing(all []record.Series) string {
	var verdicts []record.Verdict
	for _, s := range all {
		verdicts = append(verdicts, s.Goals...)
	}
	place := func(v record.Verdict) int {
		if at := slices.IndexFunc(targets, func(g goal) bool { return g.is(v) }); at >= 0 {
			return at
		}
		return len(targets)
	}
	slices.SortStableFunc(verdicts, func(a, b record.Verdict) int { return place(a) - place(b) })
	var b strings.Builder
	count := map[string]int{}
	for _, v := range verdicts {
		count[v.Outcome()]++
		fmt.Fprintf(&b, "%s\n", v)
	}
	absent := 0
	for _, g := range targets {
		if !slices.ContainsFunc(verdicts, g.is) {
			absent++
		}
	}
	met, missed := record.Verdict{Met: true}.Outcome(), record.Verdict{}.Outcome()
	missing := record.Verdict{Missing: "no figure"}.Outcome()
	fmt.Fprintf(&b, "%d goals met, %d missed, %d not measured", count[met], count[missed], count[missing])
	if absent > 0 {
		fmt.Fprintf(&b, "; %d targets are of series that were not taken", absent)
	}
	return b.String() + "\n"
}
