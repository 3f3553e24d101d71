package main

import "testing"

func TestTheAllowanceForGarbageIsBounded(t *testing.T) {
	for _, c := range []struct {
		live    uint64
		percent int
	}{
		{0, 400}, {4 << 20, 400}, {5 << 20, 200}, {8 << 20, 200}, {9 << 20, 100}, {1 << 30, 100},
	} {
		if got := percentFor(c.live); got != c.percent {
			t.Errorf("%d bytes live: %d%%, want %d%%", c.live, got, c.percent)
		}
	}
}
