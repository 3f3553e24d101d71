package main

import (
	"errors"
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

// A void round leaves no samples but a record; the last repeat is kept, and said so.
func TestVoidRounds(t *testing.T) {
	tab := &table{brokers: []string{"ours"}}
	x := &rounds{table: tab, progress: &progress{}, steps: 7}
	attempt := func(attempt int, moved, value float64) *round {
		r := &round{Round: record.Round{Round: 1, Attempt: attempt, Moved: moved}, table: &table{brokers: tab.brokers}}
		r.table.add("speed", "MB/s", higher, "ours", value)
		return r
	}
	if x.keep(attempt(1, 0.2, 10), false) || len(tab.rows) != 0 || x.progress.steps != 7 {
		t.Errorf("a round in which the machine moved counts: %v, %d steps more", tab.rows, x.progress.steps)
	}
	if !x.keep(attempt(2, 0.1, 20), false) || len(tab.notes) != 0 {
		t.Errorf("a valid round does not count, or is noted: %q", tab.notes)
	}
	if !x.keep(attempt(3, 0.3, 30), true) || len(tab.notes) != 1 || !strings.Contains(tab.notes[0], "30 %") {
		t.Errorf("the last repeat is not kept, or not noted: %q", tab.notes)
	}
	if got := tab.rows[0].samples["ours"]; !slices.Equal(got, []float64{20, 30}) {
		t.Errorf("samples %v", got)
	}
	if len(tab.rounds) != 3 || !tab.rounds[0].Void || tab.rounds[2].Void {
		t.Errorf("rounds recorded: %+v", tab.rounds)
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
	x := &rounds{brokers: []contender{stub{name: "a"}, stub{name: "b"}}, failed: map[string]bool{}, table: tab, progress: newProgress(io.Discard, 4)}
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
