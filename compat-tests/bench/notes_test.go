package main

import (
	"errors"
	"slices"
	"testing"
)

// What a workload notes of a broker comes into the table once, however many rounds say it.
func TestNotesOfPhases(t *testing.T) {
	whole := &table{brokers: []string{"a"}}
	for range 2 {
		round := &table{brokers: []string{"a"}}
		round.addPhase("a", phase{notes: asNamed("topics", 5, 10_000)})
		round.addPhase("a", phase{notes: asNamed("topics", 10_000, 10_000)})
		whole.merge(round)
	}
	if want := []string{"a: 5 topics, where names say 10000"}; !slices.Equal(whole.notes, want) || len(whole.rows) != 0 {
		t.Errorf("notes %q, %d rows; want %q", whole.notes, len(whole.rows), want)
	}
}

// A broker that was late keeps its figures when it does not start again, but not when what
// it took is not there.
func TestExcusedRestart(t *testing.T) {
	lost, gone := errors.New("lost"), notStarted{errors.New("gone")}
	for _, c := range []struct {
		fill filled
		err  error
		want bool
	}{
		{filled{late: true}, gone, true},
		{filled{late: true}, lost, false},
		{filled{late: true}, nil, false},
		{filled{}, gone, false},
		{filled{refused: lost}, gone, true},
		{filled{refused: lost}, lost, true},
	} {
		if got := c.fill.excused(c.err); got != c.want {
			t.Errorf("late %v, refused %v, then %v: excused %v", c.fill.late, c.fill.refused, c.err, got)
		}
	}
}
