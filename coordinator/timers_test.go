package coordinator

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestTimerQueue compares with a list that is searched: timers that are set,
// moved both ways and stopped come due at their latest time and in order.
func TestTimerQueue(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var q TimerQueue[string]
	timers := make([]Timer[string], 20)
	due := make([]time.Duration, len(timers)) // 0: not set
	for i := range timers {
		timers[i] = NewTimer("")
	}
	now := time.Duration(1)
	for range 20_000 {
		i := r.IntN(len(timers))
		switch r.IntN(5) {
		case 0:
			q.Stop(&timers[i])
			due[i] = 0
		case 1:
			now += time.Duration(r.IntN(30))
			for {
				taken := q.Take(now)
				if taken == nil {
					break
				}
				i := slices.IndexFunc(timers, func(t Timer[string]) bool { return t.seq == taken.seq })
				if due[i] == 0 || due[i] > now {
					t.Fatalf("at %d timer %d came due, which is set to %d", now, i, due[i])
				}
				due[i] = 0
			}
			for i, at := range due {
				if at != 0 && at <= now {
					t.Fatalf("at %d timer %d of %d did not come due", now, i, at)
				}
			}
		default:
			at := now + 1 + time.Duration(r.IntN(100))
			q.Set(&timers[i], at)
			due[i] = at
		}
		next, ok := q.Next()
		for i, at := range due {
			if at != 0 && (!ok || next > at) {
				t.Fatalf("timer %d is due at %d, but the queue sleeps until %d (%v)", i, at, next, ok)
			}
		}
	}
}

// TestHeartbeatsDoNotTouchTheQueue: moving a timer later is the common case and
// must stay cheap.
func TestHeartbeatsDoNotTouchTheQueue(t *testing.T) {
	var q TimerQueue[string]
	a, b := NewTimer("a"), NewTimer("b")
	q.Set(&a, 10)
	q.Set(&b, 20)
	q.Set(&a, 30)
	if at, _ := q.Next(); at != 10 {
		t.Fatalf("the queue was changed: next at %d", at)
	}
	if q.Take(15) != nil {
		t.Fatal("taken too early")
	}
	if got := q.Take(20); got != &b {
		t.Fatal("b is first now")
	}
	if got := q.Take(30); got != &a {
		t.Fatal("a is due")
	}
}
