package server

import "testing"

// A listener's own limits hold beside those of the broker, for that listener alone.
func TestLimitsOfListeners(t *testing.T) {
	c := newCensus(Limits{Connections: 4, ConnectionsPerAddress: 10, Listeners: map[string]int{"INNER": 2, "OUTER": 9}})
	full := func(want bool, listener, when string) {
		t.Helper()
		c.mu.Lock()
		defer c.mu.Unlock()
		if got := c.isFullLocked(listener); got != want {
			t.Errorf("%s: %s is full: %t", when, listener, got)
		}
	}
	enter := func(listener string) {
		t.Helper()
		if !c.enter(listener, "10.0.0.1") {
			t.Fatal("refused")
		}
	}
	enter("INNER")
	full(false, "INNER", "with one")
	enter("INNER")
	full(true, "INNER", "with two")
	full(false, "OUTER", "with two of the other")
	full(false, "OTHER", "without limits of its own")
	enter("OUTER")
	enter("OTHER")
	full(true, "OUTER", "with the broker's four")
	full(true, "OTHER", "with the broker's four")
	c.leave("INNER", "10.0.0.1")
	full(false, "INNER", "with one again")
	c.change(Limits{Connections: 4, ConnectionsPerAddress: 10})
	enter("INNER")
	c.leave("OTHER", "10.0.0.1")
	full(false, "INNER", "without limits any more")
}
