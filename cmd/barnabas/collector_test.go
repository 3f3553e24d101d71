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

// The smallest limit holds, wherever it is set: on the container, or on a pod or a slice
// around it.
func TestMemoryLimit(t *testing.T) {
	const newer, older = "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"none", nil, 0},
		{"no limit", map[string]string{newer: "max\n"}, 0},
		{"newer", map[string]string{newer: "1073741820\n"}, 858993456},
		{"older", map[string]string{older: "104857600\n"}, 83886080},
		{"no limit, older", map[string]string{older: "9223372036854771712\n"}, 0},
		{"too little to tune", map[string]string{newer: "4096\n"}, 0},
		{"nonsense", map[string]string{newer: "nonsense"}, 0},
		{"the slice around", map[string]string{
			"/proc/self/cgroup":                         "0::/a.slice/b\n",
			"/sys/fs/cgroup/a.slice/b/memory.max":       "max\n",
			"/sys/fs/cgroup/a.slice/memory.max":         "104857600\n",
			"/sys/fs/cgroup/memory.max":                 "max\n",
			"/sys/fs/cgroup/another.slice/c/memory.max": "52428800\n",
		}, 83886080},
		{"both forms", map[string]string{
			"/proc/self/cgroup": "4:cpu,memory:/x/y\n0::/\n",
			"/sys/fs/cgroup/memory/x/y/memory.limit_in_bytes": "104857600\n",
			"/sys/fs/cgroup/memory/x/memory.limit_in_bytes":   "209715200\n",
		}, 83886080},
		{"the machine's path", map[string]string{"/proc/self/cgroup": "0::/../x\n", newer: "104857600\n"}, 83886080},
	} {
		read := func(name string) ([]byte, error) {
			if text, ok := c.files[name]; ok {
				return []byte(text), nil
			}
			return nil, os.ErrNotExist
		}
		if got := memoryLimit(read); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
