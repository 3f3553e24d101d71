package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
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
