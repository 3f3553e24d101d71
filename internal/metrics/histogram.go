package metrics

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// bucketCount covers durations up to 2^25 µs, half a minute; longer ones are in the last.
const bucketCount = 26

// Histogram counts durations by their size, in buckets that double from one
// microsecond on. The zero value is ready for use; observing takes two atomic adds.
type Histogram struct {
	buckets [bucketCount]atomic.Int64
	micros  atomic.Int64
}

// Observe counts a duration.
func (h *Histogram) Observe(d time.Duration) {
	micros := max(d.Microseconds(), 0)
	h.buckets[min(bits.Len64(uint64(micros)), bucketCount-1)].Add(1)
	h.micros.Add(micros)
}

// Distribution is what a Histogram had counted at one time.
type Distribution struct {
	buckets [bucketCount]int64
	Count   int64
	Sum     time.Duration
}

// Read copies the counts. Those of observations under way may be missing.
func (h *Histogram) Read() (d Distribution) {
	for i := range h.buckets {
		d.buckets[i] = h.buckets[i].Load()
		d.Count += d.buckets[i]
	}
	d.Sum = time.Duration(h.micros.Load()) * time.Microsecond
	return d
}

// Quantile is the duration that a share q of all, from 0 to 1, stay below. It is as
// exact as the buckets are wide: at most twice the true value, at least half of it.
func (d *Distribution) Quantile(q float64) time.Duration {
	rank := q * float64(d.Count)
	below := float64(0)
	for i, n := range d.buckets {
		if n == 0 || below+float64(n) < rank {
			below += float64(n)
			continue
		}
		low, high := float64(0), float64(1) // bucket 0 is below a microsecond
		if i > 0 {
			low, high = float64(int64(1)<<(i-1)), float64(int64(1)<<i)
		}
		return time.Duration((low + (high-low)*(rank-below)/float64(n)) * float64(time.Microsecond))
	}
	return 0
}
