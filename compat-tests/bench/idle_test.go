package main

import "testing"

// A core that waits for the disk is idle, and what the host took is known.
func TestTicks(t *testing.T) {
	before, err := ticksOf("cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2 3")
	if err != nil {
		t.Fatal(err)
	}
	after, err := ticksOf("cpu  105 0 50 860 80 0 0 5 0 0\n")
	if got, want := after.since(before), (ticks{all: 100, idle: 90, steal: 5}); err != nil || got != want || got.stolen() != 0.05 {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if (ticks{}).stolen() != 0 {
		t.Error("something was stolen of nothing")
	}
	if _, err := ticksOf("intr 1"); err == nil {
		t.Error("another line is read")
	}
}
