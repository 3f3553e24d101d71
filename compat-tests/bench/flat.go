package main

import "slices"

// flatness compares the last third of a time series with the second one, by their
// medians; the first one is for warming up. Fewer than six samples have no thirds
// worth the name, and ok is false.
func flatness(samples []float64) (ratio float64, ok bool) {
	third := len(samples) / 3
	if third < 2 {
		return 0, false
	}
	second := median(slices.Clone(samples[third : len(samples)-third]))
	last := median(slices.Clone(samples[len(samples)-third:]))
	if second == 0 {
		return 0, false
	}
	return last / second, true
}
