package main

import (
	"strings"
	"testing"
)

// The last third is compared with the second; what the first one was does not count,
// nor does a single sample that stands out.
func TestFlatness(t *testing.T) {
	for _, c := range []struct {
		samples []float64
		want    float64
		ok      bool
	}{
		{[]float64{90, 80, 10, 10, 10, 10}, 1, true},
		{[]float64{1, 1, 1, 10, 10, 10, 10, 900, 10}, 1, true},
		{[]float64{5, 5, 10, 10, 15, 15}, 1.5, true},
		{[]float64{5, 5, 10, 10, 10, 5, 5}, 0.5, true},
		{[]float64{1, 2, 3, 4, 5}, 0, false},
		{[]float64{0, 0, 0, 0, 1, 1}, 0, false},
		{nil, 0, false},
	} {
		if got, ok := flatness(c.samples); got != c.want || ok != c.ok {
			t.Errorf("flatness of %v is %v, %v; want %v, %v", c.samples, got, ok, c.want, c.ok)
		}
	}
}

// One verdict for all that has to be flat, and none of a run that is too short.
func TestFlatVerdict(t *testing.T) {
	even, rising := []float64{1, 1, 1, 1, 1, 1}, []float64{1, 1, 1, 1, 2, 2}
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
		{"few samples", even[:5], even[:5], mixedFlatMinutes, false, false, "too few"},
		{"short", even, even, 2, false, false, "2 minutes show"},
	} {
		tab := &table{brokers: []string{"barnabas"}, goals: mixedGoals}
		addFlatness(tab, "barnabas", map[string][]float64{mixedFlats[0].of: c.memory, mixedFlats[1].of: even[:len(c.tail)], mixedFlats[2].of: c.tail}, c.minutes)
		verdicts := tab.verdicts()
		if (verdicts[0].Missing == "") != c.measured || c.measured && verdicts[0].Met != c.flat {
			t.Errorf("%s: %v", c.name, verdicts)
		}
		if notes := strings.Join(tab.notes, ""); !strings.Contains(notes, c.note) || (c.note == "") != (notes == "") {
			t.Errorf("%s: notes %q", c.name, tab.notes)
		}
	}
}
