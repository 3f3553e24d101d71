package server

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// budget bounds the memory of requests under way over all connections
// (queued.max.request.bytes). What a connection with its smallest buffer can receive is not
// counted, so that small requests are served whatever others hold.
//
// A connection waits here before it borrows a larger buffer than it has. Everybody may hold
// a part of a request and wait for the rest of it: so one at a time may go over the limit,
// which ends the request that it is in. While somebody waits, whoever sends a request
// slower than slowest for longer than slowTime is ended: holding what others need must cost
// something.
type budget struct {
	limit int64 // 0 is without limit
	mu    sync.Mutex
	room  sync.Cond
	used  int64
	over  *claim // who is over the limit, if anybody
	ended bool
	// claims is a ring of those that hold something, and itself.
	claims claim
}

const (
	slowTime = 5 * time.Second
	slowest  = 1 << 20 // bytes a second
	// lookInterval is between two looks for slow ones, while somebody waits.
	lookInterval = 500 * time.Millisecond
)

// errTooSlow ends a connection whose request took memory that others waited for.
var errTooSlow = errors.New("a large request came too slowly while others waited for memory (queued.max.request.bytes)")

// claim is a connection's part of the budget.
type claim struct {
	held       int // guarded by budget.mu, as the ring is
	next, prev *claim
	// since is when the request began for which the connection waits, in nanoseconds since
	// 1970, 0 while it waits for none; have is how much has come of it.
	since, have atomic.Int64
	// sock has its wait for the peer ended, with evicted set before.
	sock interface {
		SetReadDeadline(t time.Time) error
	}
	evicted atomic.Bool
	// over says that the connection is over the limit: it gives back what it can with every
	// request that has come whole, so that others have their turn.
	over atomic.Bool
}

// awaits notes that the connection waits for the rest of a request.
func (c *claim) awaits(since time.Time, have int) {
	c.have.Store(int64(have))
	c.since.Store(since.UnixNano())
}

func (c *claim) isSlow(now time.Time) bool {
	since := c.since.Load()
	if since == 0 {
		return false
	}
	took := now.Sub(time.Unix(0, since))
	return took > slowTime && float64(c.have.Load()) < slowest*took.Seconds()
}

func newBudget(limit int64) *budget {
	b := &budget{limit: limit}
	b.room.L = &b.mu
	b.claims.next, b.claims.prev = &b.claims, &b.claims
	return b
}

// grow has a claim hold a larger buffer, once there is room for it.
func (b *budget) grow(c *claim, held int) {
	if b.limit <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for more := int64(held - c.held); b.used+more > b.limit && b.used > 0 && b.over != c && !b.ended; {
		if b.over == nil {
			b.over = c
			c.over.Store(true)
			break
		}
		b.evictLocked()
		later := time.AfterFunc(lookInterval, b.room.Broadcast)
		b.room.Wait()
		later.Stop()
	}
	b.setLocked(c, held)
}

// evictLocked ends those that are slow.
func (b *budget) evictLocked() {
	now := time.Now()
	for c := b.claims.next; c != &b.claims; c = c.next {
		if c.isSlow(now) && !c.evicted.Swap(true) {
			_ = c.sock.SetReadDeadline(time.Unix(1, 0)) // a closed socket needs no deadline
		}
	}
}

// set is told what a claim really holds.
func (b *budget) set(c *claim, held int) {
	if b.limit <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.setLocked(c, held)
}

func (b *budget) setLocked(c *claim, held int) {
	before := c.held
	c.held = held
	b.used += int64(held - before)
	switch {
	case before == 0 && held > 0:
		c.next, c.prev = &b.claims, b.claims.prev
		c.prev.next, c.next.prev = c, c
	case before > 0 && held == 0:
		c.prev.next, c.next.prev = c.next, c.prev
	}
	if held < before {
		if b.over == c {
			b.over = nil
			c.over.Store(false)
		}
		b.room.Broadcast()
	}
}

// end lets everybody through, for a stop.
func (b *budget) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	b.room.Broadcast()
}
