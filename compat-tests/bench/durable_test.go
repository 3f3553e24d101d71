package main

import (
	"os"
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

// Beside a plain log a load is compared by its rate, single requests by their median.
func TestBesidePlainLog(t *testing.T) {
	l := plainLog{bytesPerSecond: 20e6, p50: time.Millisecond}
	for _, c := range []struct {
		p    phase
		want float64
	}{
		{phase{name: "load", bytes: 10e6, wall: time.Second, latencies: []time.Duration{time.Hour}}, 0.5},
		{phase{name: "single", requests: 3, latencies: []time.Duration{time.Hour, 2 * time.Millisecond, time.Millisecond}}, 0.5},
	} {
		got := l.figures(c.p)
		if len(got) != 2 || got[0].unit != plainLogUnit || got[0].better != higher || got[0].value != c.want {
			t.Errorf("%s: %+v, want %v", c.p.name, got, c.want)
		}
	}
}

// A plain log is written in its file and leaves nothing.
func TestPlainLog(t *testing.T) {
	folder := t.TempDir()
	name, err := zeroFilled(folder, 3<<19)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(name); err != nil || info.Size() != 3<<19 {
		t.Errorf("%v, %v", info, err)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	l, err := measurePlainLog(folder, 16<<10, 3)
	if err != nil || l.bytesPerSecond <= 0 || l.p50 <= 0 {
		t.Errorf("%+v, %v", l, err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}
