package main

import (
	"fmt"
	"slices"
	"testing"
)

// Every broker has its turn in every round, and over some rounds each comes first and
// after each other one.
func TestTurns(t *testing.T) {
	const brokers = 4
	followed, first := map[[2]int]bool{}, map[int]bool{}
	for round := range 3 {
		for w := range 20 {
			got := turns(fmt.Sprint("workload ", w), round, brokers)
			if !slices.Equal(slices.Sorted(slices.Values(got)), []int{0, 1, 2, 3}) {
				t.Fatalf("round %d: %v", round, got)
			}
			if !slices.Equal(got, turns(fmt.Sprint("workload ", w), round, brokers)) {
				t.Errorf("round %d: another order when asked again", round)
			}
			first[got[0]] = true
			for i := range brokers - 1 {
				followed[[2]int{got[i], got[i+1]}] = true
			}
		}
	}
	if len(first) != brokers || len(followed) != brokers*(brokers-1) {
		t.Errorf("%d come first, %d pairs follow each other", len(first), len(followed))
	}
}
