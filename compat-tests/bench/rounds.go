package main

import (
	"fmt"
	"os"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/bench/record"
)

// round is one attempt at a round.
type round struct {
	record.Round
	table *table
}

// rounds runs a series' workloads again and again on the same brokers.
type rounds struct {
	series    series
	brokers   []contender
	yardstick *yardstick
	progress  *progress
	// failed are workloads that failed on a broker: they are not tried again.
	failed map[string]bool
	table  *table
	// steps of one round.
	steps int
}

func newRounds(s series, brokers []contender, y *yardstick, t *table, o options) *rounds {
	s.workloads = possible(s.workloads, t)
	x := &rounds{series: s, brokers: brokers, yardstick: y, failed: map[string]bool{}, table: t}
	for _, w := range s.workloads {
		for _, b := range brokers {
			if w.takes(b) {
				x.steps++
			}
		}
	}
	x.progress = newProgress(os.Stderr, x.steps*(o.rounds+1)) // and the warm-up
	return x
}

// possible are the workloads for which the machine lacks nothing; the table names the
// others.
func possible(all []workload, t *table) (out []workload) {
	for _, w := range all {
		if w.missing != nil {
			if what := w.missing(); what != "" {
				t.note("%s is left out: %s", w.name, what)
				continue
			}
		}
		out = append(out, w)
	}
	return out
}

// measure takes the workloads through o.rounds rounds. A round in which the
// machine moved is void and repeated, o.repeats times at most; then it is kept and
// the table says so. No round begins after the limit.
func (x *rounds) measure(o options, began time.Time) error {
	for turn := range o.rounds {
		for attempt := 0; ; attempt++ {
			if time.Since(began) > o.limit {
				x.table.note("time limit of %v: %d of %d rounds", o.limit, turn, o.rounds)
				return nil
			}
			r, err := x.attempt(turn, attempt, o)
			if err != nil {
				return err
			}
			if x.keep(r, attempt == o.repeats) {
				break
			}
		}
	}
	return nil
}

// attempt takes one round between two readings of the yardstick.
func (x *rounds) attempt(turn, attempt int, o options) (*round, error) {
	r := &round{Round: record.Round{Round: turn + 1, Attempt: attempt + 1}, table: &table{brokers: x.table.brokers}}
	var err error
	if r.Before, err = x.yardstick.read(); err != nil {
		return nil, err
	}
	label := fmt.Sprintf("%s: round %d of %d", x.series.name(), r.Round.Round, o.rounds)
	if attempt > 0 {
		label += fmt.Sprintf(" again (%d of %d)", attempt, o.repeats)
	}
	x.run(label, turn, func(w workload, b contender) error { return r.table.measure(w, b, o) })
	if r.After, err = x.yardstick.read(); err != nil {
		return nil, err
	}
	r.Moved = x.yardstick.moved(r.Before, r.After)
	r.Figures = r.table.figures()
	return r, nil
}

// run takes every workload through every broker, in another order for each workload
// and turn. What fails is noted and left out from then on.
func (x *rounds) run(label string, turn int, do func(w workload, b contender) error) {
	for _, w := range x.series.workloads {
		for _, i := range turns(w.name, turn, len(x.brokers)) {
			b := x.brokers[i]
			key := w.name + " on " + b.Name()
			if !w.takes(b) || x.failed[key] {
				continue
			}
			x.progress.step(label + ", " + w.name + ", " + b.Name())
			if err := do(w, b); err != nil {
				x.failed[key] = true
				x.table.fail("%s: %v", key, err)
			}
		}
	}
}

// keep merges a round that counts into the table, and tells whether it does.
func (x *rounds) keep(r *round, last bool) bool {
	if r.Moved >= movedMax {
		told := fmt.Sprintf("round %d, attempt %d: the null broker moved by %.0f %% (limit %.0f %%)", r.Round.Round, r.Attempt, 100*r.Moved, 100*movedMax)
		r.Void = !last
		if r.Void {
			fmt.Fprintln(os.Stderr, told+"; the round is void")
			x.progress.steps += x.steps
		} else {
			x.table.note("%s; it is kept, there were no repeats left", told)
		}
	}
	x.table.rounds = append(x.table.rounds, r.Round)
	if r.Void {
		return false
	}
	x.table.merge(r.table)
	return true
}
