package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/bench/record"
)

func readingOf(v float64) record.Reading {
	return record.Reading{RequestsPerSecond: v, MegabytesPerSecond: v}
}

// A round is judged against the first valid one; as long as there is none, by its
// own two readings.
func TestYardstick(t *testing.T) {
	y := &yardstick{}
	for _, step := range []struct {
		name          string
		before, after float64
		valid         bool
	}{
		{"moved within the first round", 100, 80, false},
		{"the first valid round", 50, 55, true},
		{"steady, but far from the first valid round", 100, 100, false},
		{"moved at the end", 50, 60, false},
		{"moved a little", 45, 56, true},
	} {
		if by := y.moved(readingOf(step.before), readingOf(step.after)); (by < movedMax) != step.valid {
			t.Errorf("%s: moved by %.3f, valid is to be %v", step.name, by, step.valid)
		}
	}
}

// A void round leaves no samples but a record where others count.
func TestVoidRounds(t *testing.T) {
	for _, c := range []struct {
		name             string
		moved            []float64
		samples          []float64
		unsteady         bool
		steps, noteCount int
	}{
		{"all count", []float64{0.1, 0}, []float64{0, 1}, false, 0, 0},
		{"one is void", []float64{0.2, 0.1, 0.3}, []float64{1}, false, 14, 1},
		{"all are void", []float64{0.2, 0.4}, []float64{0, 1}, true, 14, 1},
	} {
		tab := &table{brokers: []string{"ours"}, goals: []goal{{row: "speed", unit: "MB/s", column: "ours", atLeast: 0.1}}}
		x := &rounds{table: tab, progress: &progress{}, steps: 7}
		for i, moved := range c.moved {
			r := &round{Round: record.Round{Round: 1, Attempt: i + 1, Moved: moved}, table: &table{brokers: tab.brokers}}
			r.table.add("speed", "MB/s", higher, "ours", float64(i))
			x.keep(r)
		}
		x.close()
		if got := tab.rows[0].samples["ours"]; !slices.Equal(got, c.samples) {
			t.Errorf("%s: samples %v, want %v", c.name, got, c.samples)
		}
		if x.progress.steps != c.steps || len(tab.notes) != c.noteCount || len(tab.rounds) != len(c.moved) {
			t.Errorf("%s: %d steps more, notes %q, rounds %+v", c.name, x.progress.steps, tab.notes, tab.rounds)
		}
		if got := tab.verdicts()[0].Unsteady; got != c.unsteady {
			t.Errorf("%s: unsteady is %v", c.name, got)
		}
	}
}

// stub is a broker that has a name only.
type stub struct {
	contender
	name string
}

func (s stub) Name() string { return s.name }

// A workload that fails on a broker is noted and left out there from then on;
// workloads that are not for a broker are not tried, and everybody takes turns.
func TestFailingWorkload(t *testing.T) {
	tab := &table{}
	x := &rounds{brokers: []contender{stub{name: "a"}, stub{name: "b"}}, failed: map[string]bool{}, table: tab, progress: newProgress(io.Discard, 4),
		answers: func(contender) error { return nil }}
	x.series.workloads = []workload{{name: "one"}, {name: "two", columns: []string{"a"}}}
	var seen []string
	do := func(w workload, b contender) error {
		seen = append(seen, w.name+b.Name())
		if w.name == "one" && b.Name() == "b" {
			return errors.New("broken")
		}
		return nil
	}
	x.run("", 0, do)
	x.run("", 1, do)
	slices.Sort(seen) // who comes first is another matter
	if want := []string{"onea", "onea", "oneb", "twoa", "twoa"}; !slices.Equal(seen, want) {
		t.Errorf("ran %q, want %q", seen, want)
	}
	if len(tab.failures) != 1 || tab.failures[0] != "one on b: broken" {
		t.Errorf("failures %q", tab.failures)
	}
}

// A broker that does not answer after a failure, or was too slow, is left out of all that
// follows; the time limit ends a round between two workloads.
func TestBrokerThatDied(t *testing.T) {
	for _, c := range []struct {
		failure, answer error
		want            []string
	}{
		{errors.New("broken"), errors.New("refused"), []string{"onea", "oneb", "twoa"}},
		{fmt.Errorf("produce: %w", context.DeadlineExceeded), nil, []string{"onea", "oneb", "twoa"}},
		{errors.New("broken"), nil, []string{"onea", "oneb", "twoa", "twob"}},
	} {
		tab := &table{}
		x := &rounds{brokers: []contender{stub{name: "a"}, stub{name: "b"}}, failed: map[string]bool{}, table: tab, progress: newProgress(io.Discard, 4),
			answers: func(contender) error { return c.answer }}
		x.series.workloads = []workload{{name: "one"}, {name: "two"}}
		var seen []string
		whole := x.run("", 0, func(w workload, b contender) error {
			seen = append(seen, w.name+b.Name())
			if w.name+b.Name() == "oneb" {
				return c.failure
			}
			return nil
		})
		if slices.Sort(seen); !slices.Equal(seen, c.want) || !whole {
			t.Errorf("%v, then %v: ran %q, want %q", c.failure, c.answer, seen, c.want)
		}
		x.ends = time.Unix(1, 0)
		if ran := len(seen); x.run("", 1, func(workload, contender) error { ran++; return nil }) || ran != len(seen) {
			t.Error("a workload begins after the time limit")
		}
	}
}

// The estimate takes what is left to be like what was done.
func TestProgress(t *testing.T) {
	var out strings.Builder
	now := time.Unix(0, 0)
	p := &progress{out: &out, began: now, steps: 4, now: func() time.Time { return now }}
	p.step("a")
	now = now.Add(10 * time.Second)
	p.step("b")
	now = now.Add(20 * time.Second)
	p.step("c")
	want := "a; 0s gone, ? to go\nb; 10s gone, about 30s to go\nc; 30s gone, about 30s to go\n"
	if out.String() != want {
		t.Errorf("told\n%swant\n%s", &out, want)
	}
}

// What the machine lacks something for is left out and named.
func TestPossible(t *testing.T) {
	tab := &table{}
	got := possible([]workload{{name: "a"}, {name: "b", missing: func() string { return "no compiler" }}, {name: "c", missing: func() string { return "" }}}, tab)
	if len(got) != 2 || got[1].name != "c" || len(tab.notes) != 1 || tab.notes[0] != "b is left out: no compiler" {
		t.Errorf("%d workloads, notes %q", len(got), tab.notes)
	}
}

// The looks of a round are halved, and those of a round do not count in the next.
func TestYardstickHalves(t *testing.T) {
	y := &yardstick{}
	for _, round := range [][]float64{{1, 1, 9, 5, 5, 4}, {7, 7, 7, 3}, {2, 4}} {
		for _, v := range round {
			y.looks = append(y.looks, readingOf(v))
		}
		first, second := y.halves()
		middle := len(round) / 2
		if first != readingOf(median(round[:middle])) || second != readingOf(median(round[middle:])) {
			t.Errorf("%v: halves %v and %v", round, first, second)
		}
	}
}
