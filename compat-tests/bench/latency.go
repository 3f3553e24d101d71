package main

import (
	"slices"
	"time"
)

// tail is what latencies are shown by.
var tail = []struct {
	unit     string
	permille int
}{{"p50 ms", 500}, {"p99 ms", 990}, {"p99.9 ms", 999}, {"max ms", 1000}}

// tailOf are the figures of latencies, none of which is cut off.
func tailOf(row string, latencies []time.Duration) []sample {
	if len(latencies) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(latencies))
	var out []sample
	for _, t := range tail {
		out = append(out, sample{row, t.unit, lower, exactMillis(quantile(sorted, t.permille))})
	}
	return out
}

// quantile is the smallest latency that so many of a thousand are not above; sorted is
// not empty.
func quantile(sorted []time.Duration, permille int) time.Duration {
	at := (len(sorted)*permille + 999) / 1000
	return sorted[max(0, at-1)]
}

func exactMillis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
