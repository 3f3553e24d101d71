package main

import (
	"strings"
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// The figures of a table are medians, and ratios are of medians.
func TestTable(t *testing.T) {
	tab := &table{brokers: []string{"ours", "theirs"}}
	for _, v := range []float64{1, 9, 4} {
		tab.add("speed", "MB/s", higher, "ours", v)
		tab.add("speed", "MB/s", higher, "theirs", v*2)
	}
	tab.add("size", "MiB", lower, "ours", 12)
	text := tab.String()
	for _, want := range []string{"4.00 (1.00-9.00)", "8.00 (2.00-18.0)", "0.5x", "12.0", "-"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if got := median([]float64{4, 1, 3, 2}); got != 2.5 {
		t.Errorf("median of an even number is %v, want 2.5", got)
	}
}

// The raw reader steps over whole batches and leaves a cut one.
func TestWalk(t *testing.T) {
	one := wire.NewBatch(0, wire.Record{}, wire.Record{})
	two := wire.NewBatch(0, wire.Record{})
	two.BaseOffset = 2
	whole := append(one.Encode(), two.Encode()...)
	if next, n := walk(whole, 0); next != 3 || n != int64(len(whole)) {
		t.Errorf("walk = %d, %d; want 3, %d", next, n, len(whole))
	}
	if next, n := walk(whole[:len(whole)-1], 0); next != 2 || n != int64(len(one.Encode())) {
		t.Errorf("walk of a cut set = %d, %d; want 2, %d", next, n, len(one.Encode()))
	}
}
