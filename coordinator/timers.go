package coordinator

import (
	"container/heap"
	"time"
)

// Timer is a deadline in a shard. It lives inside what it is about, so that
// setting it allocates nothing; Of says what that is.
//
// Moving a timer later, which every heartbeat does, only writes at; the queue
// keeps the earlier time and finds out when it gets there. Invariant: a timer
// that is set has an index >= 0 and queued <= at.
type Timer[T any] struct {
	Of T

	at     time.Duration
	queued time.Duration
	seq    uint64 // orders timers of the same instant, so that runs can be repeated
	index  int    // in the queue, -1 when not set
}

// NewTimer makes a timer that is not set.
func NewTimer[T any](of T) Timer[T] { return Timer[T]{Of: of, index: -1} }

// IsSet tells whether the timer is in a queue.
func (t *Timer[T]) IsSet() bool { return t.index >= 0 }

// TimerQueue holds the timers of a shard, the earliest first. The zero value is
// empty.
type TimerQueue[T any] struct {
	heap    timerHeap[T]
	nextSeq uint64
}

// Set makes t due at the given time.
func (q *TimerQueue[T]) Set(t *Timer[T], at time.Duration) {
	switch {
	case !t.IsSet():
		q.nextSeq++
		t.at, t.queued, t.seq = at, at, q.nextSeq
		heap.Push(&q.heap, t)
	case at < t.queued:
		t.at, t.queued = at, at
		heap.Fix(&q.heap, t.index)
	default:
		t.at = at
	}
}

// Stop makes t not due any more.
func (q *TimerQueue[T]) Stop(t *Timer[T]) {
	if t.IsSet() {
		heap.Remove(&q.heap, t.index)
	}
}

// Next is when the queue must be looked at again, at the latest.
func (q *TimerQueue[T]) Next() (time.Duration, bool) {
	if len(q.heap) == 0 {
		return 0, false
	}
	return q.heap[0].queued, true
}

// Take removes and returns the first timer that is due, or nil.
func (q *TimerQueue[T]) Take(now time.Duration) *Timer[T] {
	for len(q.heap) > 0 {
		t := q.heap[0]
		if t.queued > now {
			return nil
		}
		if t.at > now {
			t.queued = t.at
			heap.Fix(&q.heap, 0)
			continue
		}
		heap.Pop(&q.heap)
		return t
	}
	return nil
}

type timerHeap[T any] []*Timer[T]

func (h timerHeap[T]) Len() int { return len(h) }
func (h timerHeap[T]) Less(i, j int) bool {
	a, b := h[i], h[j]
	return a.queued < b.queued || a.queued == b.queued && a.seq < b.seq
}
func (h timerHeap[T]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *timerHeap[T]) Push(x any) {
	t := x.(*Timer[T])
	t.index = len(*h)
	*h = append(*h, t)
}
func (h *timerHeap[T]) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.index = -1
	return t
}
