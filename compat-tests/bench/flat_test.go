package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// The last third is compared with the second; what the first one was does not count. A
// single sample that stands out is seen in the highest.
func TestFlatness(t *testing.T) {
	for _, c := range []struct {
		samples []float64
		want    float64
		highest float64
		ok      bool
	}{
		{[]float64{90, 80, 10, 10, 10, 10}, 1, 1, true},
		{[]float64{1, 1, 1, 10, 10, 10, 10, 900, 10}, 1, 90, true},
		{[]float64{5, 5, 10, 10, 15, 15}, 1.5, 1.5, true},
		{[]float64{5, 5, 10, 10, 10, 5, 5}, 0.5, 0.5, true},
		{[]float64{1, 2, 3, 4, 5}, 0, 0, false},
		{[]float64{0, 0, 0, 0, 1, 1}, 0, 0, false},
		{nil, 0, 0, false},
	} {
		if got, highest, ok := flatness(c.samples); got != c.want || highest != c.highest || ok != c.ok {
			t.Errorf("flatness of %v is %v, %v, %v; want %v, %v, %v", c.samples, got, highest, ok, c.want, c.highest, c.ok)
		}
	}
}

// One verdict for all that has to be flat, and none of a run that is too short.
func TestFlatVerdict(t *testing.T) {
	even, rising := []float64{1, 1, 1, 1, 1, 1}, []float64{1, 1, 1, 1, 2, 2}
	single := []float64{1, 1, 1, 1, 1, 1, 1, 9, 1}
	for _, c := range []struct {
		name           string
		memory, tail   []float64
		minutes        float64
		flat, measured bool
		note           string
	}{
		{"flat", even, even, mixedFlatMinutes, true, true, ""},
		{"memory grows", rising, even, mixedFlatMinutes, false, true, ""},
		{"the tail grows", even, rising, mixedFlatMinutes, false, true, ""},
		{"memory peaks", single, even, mixedFlatMinutes, false, true, ""},
		{"the tail peaks", even, single[3:], mixedFlatMinutes, false, true, ""},
		{"few samples", even[:5], even[:5], mixedFlatMinutes, false, false, "too few"},
		{"short", even, even, 2, false, false, "2 minutes show"},
	} {
		tab := &table{brokers: []string{"barnabas"}, goals: mixedGoals}
		addFlatness(tab, "barnabas", map[string][]float64{mixedFlats[0].of: c.memory, mixedFlats[1].of: even[:min(len(even), len(c.tail))], mixedFlats[2].of: c.tail}, c.minutes)
		verdicts := tab.verdicts()
		if (verdicts[0].Missing == "") != c.measured || c.measured && verdicts[0].Met != c.flat {
			t.Errorf("%s: %v", c.name, verdicts)
		}
		if notes := strings.Join(tab.notes, ""); !strings.Contains(notes, c.note) || (c.note == "") != (notes == "") {
			t.Errorf("%s: notes %q", c.name, tab.notes)
		}
	}
}

// A rest that is too short for a sample goes to the one before it, a longer one is a sample.
func TestStretches(t *testing.T) {
	part := func(took, ack time.Duration) stretch {
		return stretch{acks: []time.Duration{ack}, arrivals: []time.Duration{ack}, rss: 1 << 20, cpu: took / 2, took: took}
	}
	for _, c := range []struct {
		rest    time.Duration
		highest []float64
	}{
		{mixedInterval / 4, []float64{1, 3}},
		{mixedInterval, []float64{1, 2, 3}},
	} {
		tab := &table{brokers: []string{"a"}}
		all := &stretches{table: tab, broker: stub{name: "a"}, series: map[string][]float64{}}
		all.hold(part(mixedInterval, time.Millisecond))
		all.hold(part(mixedInterval, 2*time.Millisecond))
		all.hold(part(c.rest, 3*time.Millisecond))
		all.flush()
		all.flush()
		if got := all.series[mixedAckRow+"max ms"]; !slices.Equal(got, c.highest) {
			t.Errorf("a rest of %v: %v, want %v", c.rest, got, c.highest)
		}
		for _, busy := range all.series[mixedBrokerRow+"CPU %"] {
			if busy != 50 {
				t.Errorf("a rest of %v: %v %% of the CPU, want 50", c.rest, busy)
			}
		}
	}
}
