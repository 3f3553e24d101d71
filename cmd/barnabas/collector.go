package main

import (
	"os"
	"path"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
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

// Four fifths of a container's memory are for the heap and the stacks; the rest is left
// to the kernel's memory that counts as the process's: sockets, and the pages of files
// that are being written. Below memoryLimitMin there is nothing to tune, and the
// collector would never rest.
const (
	memoryShareNum, memoryShareDen = 4, 5
	memoryLimitMin                 = 32 << 20
)

// memoryLimit is what the collector should stay below, 0 without a limit: a heap that
// is left to double would be killed at the container's. The smallest limit holds, of the
// process's own control group and of all that it lies in.
func memoryLimit(readFile func(string) ([]byte, error)) int64 {
	least := int64(0)
	for _, name := range memoryLimitFiles(readFile) {
		text, err := readFile(name)
		if err != nil {
			continue
		}
		// "max" is no number, and the older form has a huge one for no limit.
		limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err == nil && limit >= memoryLimitMin && limit < 1<<60 && (least == 0 || limit < least) {
			least = limit
		}
	}
	return least / memoryShareDen * memoryShareNum
}

// memoryLimitFiles are where the kernel tells the memory of the process's control group
// and of those above it, by the newer form (0::PATH) and the older (N:memory:PATH). In a
// container the paths may be those of the machine, which are not mounted there: then the
// topmost is the container's.
func memoryLimitFiles(readFile func(string) ([]byte, error)) []string {
	newer, older := "/", "/"
	text, _ := readFile("/proc/self/cgroup") // without it the topmost are looked at
	for line := range strings.Lines(string(text)) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch controllers, group, _ := strings.Cut(rest, ":"); {
		case controllers == "":
			newer = group
		case slices.Contains(strings.Split(controllers, ","), "memory"):
			older = group
		}
	}
	var files []string
	for _, form := range []struct{ mount, group, file string }{
		{"/sys/fs/cgroup", newer, "memory.max"},
		{"/sys/fs/cgroup/memory", older, "memory.limit_in_bytes"},
	} {
		for group := path.Clean("/" + form.group); ; group = path.Dir(group) {
			files = append(files, path.Join(form.mount, group, form.file))
			if group == "/" {
				break
			}
		}
	}
	return files
}
