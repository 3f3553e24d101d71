package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
)

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

// neighbours and ballast live as long as the process.
var (
	neighbours [2]*uint64
	ballast    []byte
)

// The collector is adjusted whatever else lives in the heap, be it next to the
// object that is to die.
func TestTheCollectorIsAdjusted(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	neighbours[0] = new(uint64)
	tuneCollector()
	neighbours[1] = new(uint64)
	ballast = make([]byte, 4*garbageBytesMax)
	const triesMax = 1000
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	for range triesMax {
		runtime.GC()
		runtime.Gosched() // to the finalizer
		if metrics.Read(sample); sample[0].Value.Uint64() == collectorPercentMin {
			return
		}
	}
	t.Errorf("after %d collections the collector still allows %d%%", triesMax, sample[0].Value.Uint64())
}

func TestMemoryLimit(t *testing.T) {
	for _, c := range []struct {
		newer, older string
		want         int64
	}{
		{"", "", 0},
		{"max\n", "", 0},
		{"1073741820\n", "", 966367638},
		{"", "104857600\n", 94371840},
		{"", "9223372036854771712\n", 0},
		{"max\n", "104857600\n", 0},
		{"4096\n", "", 0},
		{"nonsense", "", 0},
	} {
		read := func(name string) ([]byte, error) {
			text := map[string]string{memoryLimitFiles[0]: c.newer, memoryLimitFiles[1]: c.older}[name]
			if text == "" {
				return nil, os.ErrNotExist
			}
			return []byte(text), nil
		}
		if got := memoryLimit(read); got != c.want {
			t.Errorf("%q, %q: %d, want %d", c.newer, c.older, got, c.want)
		}
	}
}
