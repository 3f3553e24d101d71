package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/bench/record"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
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
	// failed are workloads that failed on a broker, and brokers that died: they are not
	// tried again.
	failed map[string]bool
	table  *table
	// steps of one round.
	steps int
	// answers is an error of a broker that does not serve.
	answers func(b contender) error
	// ends is when no more workload begins.
	ends time.Time
	// valid rounds count; attempts are those since the last of them; void ones are
	// set aside.
	valid, attempts int
	void            []*round
}

func newRounds(s series, brokers []contender, y *yardstick, t *table, o options) *rounds {
	s.workloads = possible(s.workloads, t)
	x := &rounds{series: s, brokers: brokers, yardstick: y, failed: map[string]bool{}, table: t,
		answers: func(b contender) error { return testbed.AskMetadata(b.Bootstrap()) }}
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

// measure takes the workloads through rounds until o.rounds of them count. One in which
// the machine moved is void; o.repeats times as many as are wanted may be. The time limit
// begins here, after starts and the warm-up.
func (x *rounds) measure(o options) (err error) {
	x.ends = time.Now().Add(o.limit)
	for turn := 0; x.valid < o.rounds && turn < o.rounds*(1+o.repeats) && err == nil; turn++ {
		if x.over() {
			x.table.note("time limit of %v: %d of %d rounds; a goal takes %d", o.limit, x.valid, o.rounds, enough(o.rounds))
			break
		}
		var r *round
		if r, err = x.attempt(turn, o); err == nil {
			x.keep(r)
		}
	}
	x.close()
	return err
}

// over tells whether the time limit has passed; there is none before measure.
func (x *rounds) over() bool { return !x.ends.IsZero() && time.Now().After(x.ends) }

// attempt takes one round, with looks at the yardstick before, between and after its
// measurements.
func (x *rounds) attempt(turn int, o options) (*round, error) {
	r := &round{Round: record.Round{Round: x.valid + 1, Attempt: x.attempts + 1}, table: &table{brokers: x.table.brokers}}
	label := fmt.Sprintf("%s: round %d of %d", x.series.name(), r.Round.Round, o.rounds)
	if turn >= r.Round.Round {
		label += fmt.Sprintf(", attempt %d", turn+1)
	}
	before, _ := readTicks() // none on a system without /proc
	var err error            // of the yardstick
	whole := x.run(label, turn, func(w workload, b contender) error {
		if err == nil {
			err = x.yardstick.look(x.steps + 1)
		}
		if err != nil {
			return nil // the round is over
		}
		return r.table.measure(w, b, o)
	})
	after, _ := readTicks()
	r.Steal = after.since(before).stolen()
	if !whole {
		x.table.note("time limit of %v: it ended round %d before its last workloads", o.limit, r.Round.Round)
	}
	if err == nil {
		err = x.yardstick.look(x.steps + 1)
	}
	if err != nil {
		return nil, fmt.Errorf("the null broker that tells whether the machine moved: %w", err)
	}
	r.Before, r.After = x.yardstick.halves()
	r.Moved = x.yardstick.moved(r.Before, r.After)
	r.Figures, r.Busy = r.table.figures(), r.table.busy
	return r, nil
}

// run takes every workload through every broker, in another order for each workload
// and turn. What fails is noted and left out from then on. False is that the time limit
// came before the last workload: all brokers have measured the same ones.
func (x *rounds) run(label string, turn int, do func(w workload, b contender) error) (whole bool) {
	for _, w := range x.series.workloads {
		if x.over() {
			return false
		}
		for _, i := range turns(w.name, turn, len(x.brokers)) {
			b := x.brokers[i]
			key := w.name + " on " + b.Name()
			if !w.takes(b) || x.failed[key] || x.failed[b.Name()] {
				continue
			}
			x.progress.step(label + ", " + w.name + ", " + b.Name())
			if err := do(w, b); err != nil {
				x.failed[key] = true
				x.table.fail("%s: %v", key, err)
				x.leaveOut(b, err)
			}
		}
	}
	return true
}

// leaveOut leaves a broker out of all that follows if it has died or hangs: every
// workload would wait for it until its time is over.
func (x *rounds) leaveOut(b contender, err error) {
	why := "a workload took longer than it may"
	if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, os.ErrDeadlineExceeded) {
		dead := x.answers(b)
		if dead == nil {
			return
		}
		why = fmt.Sprintf("it does not answer: %v", dead)
	}
	x.failed[b.Name()] = true
	x.table.fail("%s is left out from here on: %s", b.Name(), why)
}

// keep merges a round that counts into the table, and puts one that is void aside.
func (x *rounds) keep(r *round) {
	x.attempts++
	if r.Void = r.Moved >= movedMax; r.Void {
		fmt.Fprintf(os.Stderr, "round %d, attempt %d: the null broker moved by %.0f %% (limit %.0f %%); the round is void\n", r.Round.Round, r.Attempt, 100*r.Moved, 100*movedMax)
		x.progress.steps += x.steps
		x.void = append(x.void, r)
		return
	}
	x.valid++
	x.attempts = 0
	x.table.rounds = append(x.table.rounds, r.Round)
	x.table.merge(r.table)
}

// close says what there is. Void rounds count only where no other does, and then every
// verdict is marked.
func (x *rounds) close() {
	for _, r := range x.void {
		if x.valid == 0 {
			r.Void = false
			x.table.unsteady = true
			x.table.merge(r.table)
		}
		x.table.rounds = append(x.table.rounds, r.Round)
	}
	switch {
	case x.table.unsteady:
		x.table.note("the machine was not steady: the null broker moved by %.0f %% or more in every round; the figures are of all %d", 100*movedMax, len(x.void))
	case len(x.void) > 0:
		x.table.note("%d rounds are void, the null broker moved by %.0f %% or more; %d count", len(x.void), 100*movedMax, x.valid)
	}
	x.table.noteBusy()
}
