package main

import (
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
