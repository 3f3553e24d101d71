package testbed

import (
	"os"
	"testing"
	"time"
)

// CPU time is known more finely than in ticks: work far shorter than one is seen.
func TestUsageSeesShortWork(t *testing.T) {
	before, err := ReadUsage(os.Getpid())
	if err != nil {
		t.Skip("no /proc here:", err)
	}
	n := 0
	for range 1_000_000 {
		n++
	}
	after, err := ReadUsage(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if gone := after.CPU() - before.CPU(); gone <= 0 || n == 0 {
		t.Errorf("%v of CPU time", gone)
	}
	if tick := time.Second / 100; after.CPU()%tick == 0 && before.CPU()%tick == 0 {
		t.Errorf("%v and %v are whole ticks", before.CPU(), after.CPU())
	}
}

// A process that is not there has used nothing that could be read.
func TestUsageOfNobody(t *testing.T) {
	if u, err := ReadUsage(1 << 30); err == nil {
		t.Errorf("read %+v", u)
	}
}
