package main

import "slices"

// flatness compares the last third of a time series with the second one, by their
// medians and by their highest samples; the first one is for warming up. Fewer than six
// samples have no thirds worth the name, and ok is false.
func flatness(samples []float64) (ratio, highest float64, ok bool) {
	third := len(samples) / 3
	if third < 2 {
		return 0, 0, false
	}
	second, last := slices.Clone(samples[third:len(samples)-third]), slices.Clone(samples[len(samples)-third:])
	if median(second) == 0 {
		return 0, 0, false
	}
	return median(last) / median(second), slices.Max(last) / slices.Max(second), true
}
