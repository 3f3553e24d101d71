package partition

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Waiter waits for enough new bytes in any of several partitions, or for a
// time-out. One object serves one reader for as long as it lives:
//
//	w.Arm(minBytes, maxWait)
//	for each partition { w.Watch(partition, seen, isolation) }
//	<-w.C
//	w.Cancel()
//
// All methods are called by the one goroutine that owns the waiter.
type Waiter struct {
	// C receives one value when the waiter fires; it is empty after Cancel.
	C chan struct{}

	clock clock.Clock
	// missing is how many bytes must still come.
	missing atomic.Int64
	// fired is set by whoever wakes the waiter; only its setter sends on C.
	// Invariant: between Cancel and Arm it is true, so that nobody fires.
	fired atomic.Bool

	// registrations[:used] are linked into partitions. The rest are kept for the
	// next round, so that a reused waiter allocates nothing.
	registrations []*registration
	used          int
	expiry        *expiry
}

// registration links a waiter into one partition's list.
type registration struct {
	waiter     *Waiter
	partition  *Partition
	prev, next *registration // guarded by partition.mu
	seen       protocol.Offset
	committed  bool
	// behind: bytes below High were not counted, because a transaction holds the
	// last stable offset back. Guarded by partition.mu.
	behind bool
}

// expiry is a waiter's time-out. It is replaced when its call could not be
// stopped, so that a late call finds itself abandoned.
type expiry struct {
	mu     sync.Mutex
	waiter *Waiter // nil when abandoned
	timer  clock.Timer
}

// NewWaiter makes a waiter on the set's clock.
func (s *Set) NewWaiter() *Waiter {
	w := &Waiter{C: make(chan struct{}, 1), clock: s.clock}
	w.fired.Store(true)
	return w
}

// Arm starts a round: the waiter fires when minBytes (at least 1) have been
// committed to the watched partitions, or maxWait has passed. A negative maxWait
// is no time-out.
func (w *Waiter) Arm(minBytes int, maxWait time.Duration) {
	w.missing.Store(int64(max(minBytes, 1)))
	w.fired.Store(false)
	if maxWait < 0 {
		return
	}
	if w.expiry != nil {
		w.expiry.timer.Reset(maxWait)
		return
	}
	e := &expiry{waiter: w}
	w.expiry = e
	e.mu.Lock()
	e.timer = w.clock.AfterFunc(maxWait, e.fire)
	e.mu.Unlock()
}

func (e *expiry) fire() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.waiter != nil {
		e.waiter.fire()
	}
}

// Watch registers the waiter on a partition of which the reader has seen
// everything below seen, and reports whether it has fired. What was committed
// between that look and this call fires it at once: it is worth a second read.
func (w *Waiter) Watch(p *Partition, seen protocol.Offset, isolation Isolation) bool {
	r := w.registration()
	r.partition, r.seen, r.committed, r.behind = p, seen, isolation == ReadCommitted, false
	p.mu.Lock()
	if r.committed {
		marks := p.log.Offsets()
		r.behind = marks.Stable < marks.High
	}
	ended := p.mu.ended
	if !ended {
		r.next = p.mu.first
		if r.next != nil {
			r.next.prev = r
		}
		p.mu.first = r
		w.used++
		p.waiting.Add(1)
	}
	p.mu.Unlock()
	// The end is looked at after the registration is visible; a commit moves the
	// end before it looks at the registrations. One of the two sees the other.
	if ended || p.Bound(isolation) > seen {
		w.fire()
	}
	return w.fired.Load()
}

func (w *Waiter) registration() *registration {
	if w.used == len(w.registrations) {
		w.registrations = append(w.registrations, &registration{waiter: w})
	}
	return w.registrations[w.used]
}

// Cancel ends the round: it unregisters everywhere and empties C.
func (w *Waiter) Cancel() {
	w.fired.Store(true)
	for _, r := range w.registrations[:w.used] {
		r.unlink()
	}
	w.used = 0
	if w.expiry != nil && !w.expiry.timer.Stop() {
		w.expiry.mu.Lock()
		w.expiry.waiter = nil
		w.expiry.mu.Unlock()
		w.expiry = nil
	}
	select {
	case <-w.C:
	default:
	}
}

func (r *registration) unlink() {
	p := r.partition
	p.mu.Lock()
	if r.prev != nil {
		r.prev.next = r.next
	} else {
		p.mu.first = r.next
	}
	if r.next != nil {
		r.next.prev = r.prev
	}
	p.mu.Unlock()
	p.waiting.Add(-1)
	r.prev, r.next, r.partition = nil, nil, nil
}

// fire wakes the owner once per round.
func (w *Waiter) fire() {
	if w.fired.CompareAndSwap(false, true) {
		w.C <- struct{}{} // never blocks: one setter per round, and Cancel empties C
	}
}

// wake counts bytes for everyone who waits and fires those that have enough. No
// lock of the log is held. Readers of committed transactions are counted like
// the others while no transaction holds them back; else they are fired whenever the
// last stable offset has moved, because how many bytes that set free is not known.
// Firing one too early costs a second read, never a lost record.
func (p *Partition) wake(bytes int) {
	if p.waiting.Load() == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for r := p.mu.first; r != nil; r = r.next {
		if r.committed && p.holdsBack(r) {
			continue
		}
		if r.waiter.missing.Add(-int64(bytes)) <= 0 {
			r.waiter.fire()
		}
	}
}

// holdsBack tells whether the bytes that have come do not count for a reader of
// committed transactions; it is fired when there is something for it all the same.
// mu is held, so that a look at older marks cannot come after one at newer ones.
func (p *Partition) holdsBack(r *registration) bool {
	marks := p.log.Offsets()
	r.behind = r.behind || marks.Stable < marks.High
	if r.behind && marks.Stable > r.seen {
		r.waiter.fire()
	}
	return r.behind
}

// wakeAll fires everyone: what they wait for has changed otherwise.
func (p *Partition) wakeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for r := p.mu.first; r != nil; r = r.next {
		r.waiter.fire()
	}
}

// end wakes everyone for good: the partition is gone.
func (p *Partition) end() {
	p.mu.Lock()
	p.mu.ended = true
	p.mu.Unlock()
	p.wakeAll()
}
