package quota

import (
	"math"
	"testing"
)

// The longest windows that can be set are so long that nothing ever leaves them, and no
// number goes over its end.
func TestTheLongestWindows(t *testing.T) {
	for _, w := range []Window{
		{math.MaxInt32, 1000 * math.MaxInt32}, {math.MaxInt32, 1000}, {2, 1000 * math.MaxInt32}, {1, 1000 * math.MaxInt32}, {1, 1000},
	} {
		var r Rate
		const now = 1_000_000
		r.Record(w, 100, now)
		if rate := r.PerSecond(w, now+1); rate < 0 || rate > 100_000 || math.IsNaN(rate) {
			t.Errorf("%+v: %v per second", w, rate)
		}
		if wait := r.Over(w, 1e-300, now+1); wait <= 0 || wait > throttleMost {
			t.Errorf("%+v: waits for %d ms", w, wait)
		}
		if w.Samples > 1 && w.span() > 1<<40 {
			if wait := r.Over(w, 1, now+1); wait != 0 {
				t.Errorf("%+v: 100 in a lifetime are too much: waits for %d ms", w, wait)
			}
		}
		var b Bucket
		b.Take(w, 10, 1, now)
		if _, owes := b.Debt(w, 10, now+1); owes {
			t.Errorf("%+v: the bucket owes", w)
		}
	}
}
