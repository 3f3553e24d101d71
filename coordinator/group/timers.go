package group

import (
	"container/heap"
	"time"
)

// timerKind tells what to do when a timer is due.
type timerKind uint8

const (
	sessionTimer timerKind = iota // a member or pending member was not heard of
	joinTimer                     // the join phase has lasted long enough
	syncTimer                     // members did not fetch their assignment
	sweepTimer                    // expired offsets are to be forgotten

	// Those of one member of a consumer group, beside its session.
	rebalanceTimer  // it did not give up partitions
	memberJoinTimer // a classic member did not join again
	memberSyncTimer // a classic member did not fetch its assignment
)

// timer is a deadline in a shard, of a group unless it is the sweep's. It lives inside what it is about, so that
// setting it allocates nothing.
//
// Moving a timer later, which every heartbeat does, only writes at; the queue
// keeps the earlier time and finds out when it gets there. Invariant: a timer
// that is set has an index >= 0 and queued <= at.
type timer struct {
	kind     timerKind
	group    *classicGroup // nil for members of consumer groups
	memberID string
	member   *consumerMember

	at     time.Duration
	queued time.Duration
	seq    uint64 // orders timers of the same instant, so that runs can be repeated
	index  int    // in the queue, -1 when not set
}

func newTimer(kind timerKind, g *classicGroup, memberID string) timer {
	return timer{kind: kind, group: g, memberID: memberID, index: -1}
}

func newMemberTimer(kind timerKind, m *consumerMember) timer {
	return timer{kind: kind, member: m, index: -1}
}

func (t *timer) isSet() bool { return t.index >= 0 }

// timerQueue holds the timers of a shard, the earliest first.
type timerQueue struct {
	heap    timerHeap
	nextSeq uint64
}

// set makes t due at the given time.
func (q *timerQueue) set(t *timer, at time.Duration) {
	switch {
	case !t.isSet():
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

// stop makes t not due any more.
func (q *timerQueue) stop(t *timer) {
	if t.isSet() {
		heap.Remove(&q.heap, t.index)
	}
}

// next is when the queue must be looked at again, at the latest.
func (q *timerQueue) next() (time.Duration, bool) {
	if len(q.heap) == 0 {
		return 0, false
	}
	return q.heap[0].queued, true
}

// take removes and returns the first timer that is due, or nil.
func (q *timerQueue) take(now time.Duration) *timer {
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

type timerHeap []*timer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	a, b := h[i], h[j]
	return a.queued < b.queued || a.queued == b.queued && a.seq < b.seq
}
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	t.index = len(*h)
	*h = append(*h, t)
}
func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.index = -1
	return t
}
