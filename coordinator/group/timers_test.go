package group

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
	var q timerQueue
	timers := make([]timer, 20)
	due := make([]time.Duration, len(timers)) // 0: not set
	for i := range timers {
		timers[i] = newTimer(sessionTimer, nil, "")
	}
	now := time.Duration(1)
	for range 20_000 {
		i := r.IntN(len(timers))
		switch r.IntN(5) {
		case 0:
			q.stop(&timers[i])
			due[i] = 0
		case 1:
			now += time.Duration(r.IntN(30))
			for {
				taken := q.take(now)
				if taken == nil {
					break
				}
				i := slices.IndexFunc(timers, func(t timer) bool { return t.seq == taken.seq })
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
			q.set(&timers[i], at)
			due[i] = at
		}
		next, ok := q.next()
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
	var q timerQueue
	a, b := newTimer(sessionTimer, nil, "a"), newTimer(sessionTimer, nil, "b")
	q.set(&a, 10)
	q.set(&b, 20)
	q.set(&a, 30)
	if at, _ := q.next(); at != 10 {
		t.Fatalf("the queue was changed: next at %d", at)
	}
	if q.take(15) != nil {
		t.Fatal("taken too early")
	}
	if got := q.take(20); got != &b {
		t.Fatal("b is first now")
	}
	if got := q.take(30); got != &a {
		t.Fatal("a is due")
	}
}
