package main

import (
	"testing"
	"time"
)

// A sync that takes as long as the load halves its rate.
func TestAllSynced(t *testing.T) {
	p := phase{name: "load", bytes: 10e6, wall: time.Second}
	if got := allSynced(p, time.Second); got.value != 5 || got.name != "load" || got.better != higher {
		t.Errorf("10 MB in a second and a second of syncing: %+v, want 5 MB/s", got)
	}
	if got := allSynced(p, 0); got.value != 10 {
		t.Errorf("nothing left to sync: %+v, want 10 MB/s", got)
	}
}
