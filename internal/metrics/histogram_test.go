package metrics

import (
	"testing"
	"time"
)

// A quantile lies within the bucket of the true one.
func TestQuantilesAreWithinTheirBuckets(t *testing.T) {
	var h Histogram
	for i := range 1000 {
		h.Observe(time.Duration(i+1) * time.Millisecond)
	}
	d := h.Read()
	if d.Count != 1000 || d.Sum != 500_500*time.Millisecond {
		t.Errorf("count %d, sum %v", d.Count, d.Sum)
	}
	for _, q := range []float64{0.5, 0.95, 0.99} {
		exact := time.Duration(q*1000) * time.Millisecond
		if got := d.Quantile(q); got < exact/2 || got > 2*exact {
			t.Errorf("quantile %v is %v, exactly %v", q, got, exact)
		}
	}
}

func TestAHistogramTakesWhateverComes(t *testing.T) {
	var h Histogram
	empty := h.Read()
	if got := empty.Quantile(0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	for _, d := range []time.Duration{-time.Second, 0, time.Nanosecond, 100 * time.Hour} {
		h.Observe(d)
	}
	if d := h.Read(); d.Count != 4 || d.Quantile(1) > time.Minute {
		t.Errorf("count %d, highest %v", d.Count, d.Quantile(1))
	}
	if n := testing.AllocsPerRun(100, func() { h.Observe(time.Second) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
