package main

import (
	"testing"
	"time"
)

// Moments do not drift, whatever the rate, and number 0 is at the beginning.
func TestPace(t *testing.T) {
	began := time.Now()
	for _, perSecond := range []int{1, 3, 1_000, 7_000, 10_000} {
		p := pace{began, perSecond}
		for _, seconds := range []int{0, 1, 1_800} {
			if got, want := p.due(seconds*perSecond), began.Add(time.Duration(seconds)*time.Second); !got.Equal(want) {
				t.Errorf("%d/s: number %d is %v off", perSecond, seconds*perSecond, got.Sub(want))
			}
		}
	}
}

// A sender sleeps up to its lead; then it spins while nothing is under way, else sleeps.
func TestNap(t *testing.T) {
	const early = time.Millisecond
	for _, c := range []struct {
		left  time.Duration
		quiet bool
		want  time.Duration
	}{{early, true, early - wakeLead}, {early, false, early - wakeLead}, {wakeLead, true, 0}, {wakeLead, false, wakeLead}, {1, false, 1}} {
		if got := nap(c.left, c.quiet); got != c.want {
			t.Errorf("nap(%v, %v) = %v, want %v", c.left, c.quiet, got, c.want)
		}
	}
}

// A quantile is a latency that was measured, the highest for the whole.
func TestQuantile(t *testing.T) {
	var sorted []time.Duration
	for i := range 2_000 {
		sorted = append(sorted, time.Duration(i+1))
	}
	for permille, want := range map[int]time.Duration{0: 1, 500: 1_000, 990: 1_980, 999: 1_998, 1000: 2_000} {
		if got := quantile(sorted, permille); got != want {
			t.Errorf("quantile %d of 1,000 is %d, want %d", permille, got, want)
		}
	}
	if got := quantile(sorted[:1], 999); got != 1 {
		t.Errorf("of one latency it is %d", got)
	}
	if tailOf("row", nil) != nil {
		t.Error("no latencies have a tail")
	}
}

// A round that took as long as a Fetch waits was not woken up; shorter ones may stall.
func TestStalls(t *testing.T) {
	stalls, lost := stallsOf([]time.Duration{time.Millisecond, stallMin, stallMin + 1, pollWait - 1, pollWait, 2 * pollWait})
	if stalls != 4 || lost != 2 {
		t.Errorf("%d stalls, %d lost wake-ups; want 4 and 2", stalls, lost)
	}
}

// A broker that does not keep up with the pace has its latencies in another row, which has
// no goal.
func TestSaturated(t *testing.T) {
	took := []time.Duration{time.Millisecond}
	for _, c := range []struct {
		wall      time.Duration
		row       string
		saturated bool
	}{{5 * time.Second, "paced", false}, {5040 * time.Millisecond, "paced", false}, {5100 * time.Millisecond, "paced, saturated", true}} {
		p := pacedFigures(phase{name: "paced", requests: 5_000, wall: c.wall}, 1_000, took, took)
		if p.name != c.row || len(p.notes) > 0 != c.saturated {
			t.Errorf("5,000 of 1,000/s in %v: row %q, notes %q", c.wall, p.name, p.notes)
		}
		for _, s := range p.more {
			if s.name != c.row {
				t.Errorf("5,000 of 1,000/s in %v: %+v, want row %q", c.wall, s, c.row)
			}
		}
	}
}

// Whether there is no stall is judged of a million rounds; of fewer there is a number.
func TestStallGoalNeedsItsRounds(t *testing.T) {
	for _, c := range []struct {
		rounds int
		judged bool
		unit   string
	}{{stallRounds - 1, false, "stalls in 999999"}, {stallRounds, true, "stalls"}} {
		tab := &table{brokers: []string{"barnabas"}}
		tab.addPhase("barnabas", phase{more: stallFigures(make([]time.Duration, c.rounds))})
		v := goal{row: e2eRow, unit: "stalls", column: "barnabas", none: true}.verdict(tab)
		if judged := v.Missing == ""; judged != c.judged {
			t.Errorf("%d rounds: judged %v", c.rounds, judged)
		}
		if got := tab.rows[0].unit; got != c.unit {
			t.Errorf("%d rounds: %q, want %q", c.rounds, got, c.unit)
		}
	}
	if got := roundsTimeout(stallRounds); got < 2*time.Hour {
		t.Errorf("a million rounds may take %v, which a slow broker needs", got)
	}
}
