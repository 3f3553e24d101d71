package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
)

// How much garbage may gather before a collection. A broker's live heap is small:
// collecting whenever it doubles would mean a cycle every few MB. But in
// proportion to a heap that one large request has made large, the same allowance
// would be hundreds of MB.
const (
	collectorPercentMax = 400
	collectorPercentMin = 100
	garbageBytesMax     = 16 << 20
)

// cycle is an object that dies with every collection. The runtime puts objects
// below 16 bytes together, and what shares its place with one that lives does not
// die, so it is made larger.
type cycle struct {
	percent int
	_       [3]uint64
}

// tuneCollector sets the collector up and adjusts it after every collection.
func tuneCollector() {
	debug.SetGCPercent(collectorPercentMax)
	if os.Getenv("GOMEMLIMIT") == "" {
		if limit := memoryLimit(os.ReadFile); limit > 0 {
			debug.SetMemoryLimit(limit)
		}
	}
	runtime.SetFinalizer(&cycle{percent: collectorPercentMax}, (*cycle).end)
}

// end runs on the runtime's finalizer goroutine after each collection.
func (c *cycle) end() {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if percent := percentFor(sample[0].Value.Uint64()); percent != c.percent {
		debug.SetGCPercent(percent)
		c.percent = percent
	}
	runtime.SetFinalizer(c, (*cycle).end)
}

// percentFor is GOGC for a live heap, in steps, so that it rarely changes.
func percentFor(live uint64) int {
	percent := collectorPercentMax
	for percent > collectorPercentMin && live*uint64(percent)/100 > garbageBytesMax {
		percent /= 2
	}
	return percent
}

// memoryLimitFiles are where the kernel tells a container's memory, by the newer
// and the older form of control groups.
var memoryLimitFiles = []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}

// Nine tenths of a container's memory are for the heap and the stacks; the rest is
// left to the kernel's pages that count as the process's. Below memoryLimitMin there
// is nothing to tune, and the collector would never rest.
const (
	memoryShareNum, memoryShareDen = 9, 10
	memoryLimitMin                 = 32 << 20
)

// memoryLimit is what the collector should stay below, 0 without a limit: a heap that
// is left to double would be killed at the container's.
func memoryLimit(readFile func(string) ([]byte, error)) int64 {
	for _, name := range memoryLimitFiles {
		text, err := readFile(name)
		if err != nil {
			continue
		}
		// "max" is no number, and the older form has a huge one for no limit.
		limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err != nil || limit < memoryLimitMin || limit >= 1<<60 {
			return 0
		}
		return limit / memoryShareDen * memoryShareNum
	}
	return 0
}
