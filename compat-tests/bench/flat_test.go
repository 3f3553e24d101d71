package main

import "testing"

// The last third is compared with the second; what the first one was does not count,
// nor does a single sample that stands out.
func TestFlatness(t *testing.T) {
	for _, c := range []struct {
		samples []float64
		want    float64
		ok      bool
	}{
		{[]float64{90, 80, 10, 10, 10, 10}, 1, true},
		{[]float64{1, 1, 1, 10, 10, 10, 10, 900, 10}, 1, true},
		{[]float64{5, 5, 10, 10, 15, 15}, 1.5, true},
		{[]float64{5, 5, 10, 10, 10, 5, 5}, 0.5, true},
		{[]float64{1, 2, 3, 4, 5}, 0, false},
		{[]float64{0, 0, 0, 0, 1, 1}, 0, false},
		{nil, 0, false},
	} {
		if got, ok := flatness(c.samples); got != c.want || ok != c.ok {
			t.Errorf("flatness of %v is %v, %v; want %v, %v", c.samples, got, ok, c.want, c.ok)
		}
	}
}
