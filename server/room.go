package server

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"
)

// room decides who may hold how much: who waits, who goes over the limit, and who is ended
// for it. It knows of no sockets and no clock, and belongs to a budget, which locks it.
//
// Who fits goes at once. Everybody may hold a part of a request and wait for room for the
// rest of it: so one at a time may have room beside the limit, until the request that it is
// in is done; those who wait have it in their order. That one never waits, so that each turn
// ends, with the request or with its end for slowness.
type room struct {
	limit int64
	used  int64
	// leaving is how much of used those hold who were ended and have not given it back yet.
	leaving int64
	over    *claim   // who is over the limit, if anybody
	waiting []*claim // in the order in which they came
	holders claim    // a ring of those that hold something, and itself
	open    bool     // everybody passes: the server stops
}

// claim is a connection's part of the room. All but the atomics belongs to the room.
type claim struct {
	held       int
	next, prev *claim
	wants      int       // to hold, while it waits
	turn       chan bool // ends its wait: whether it may go on
	// slowAt is when the connection counts as slow if nothing more comes of its request, on
	// the budget's clock; 0 while the wait is not for its peer.
	slowAt atomic.Int64
	ended  atomic.Bool
	// close ends the connection, whatever it does.
	close func() error
}

const (
	slowTime = 5 * time.Second
	slowest  = 1 << 20 // bytes a second
)

// patience is how long a request may take of which so many bytes have come.
func patience(have int) time.Duration {
	return max(slowTime, time.Duration(have)*time.Second/slowest)
}

func newRoom(limit int64) room { return room{limit: limit} }

// ask is for a claim that is to hold more. It may at once when there is no turn to wait for.
func (r *room) ask(c *claim, held int) (turn <-chan bool) {
	c.wants = held
	if r.fits(c) || len(r.waiting) == 0 && r.mayGoOver(c) {
		r.set(c, held)
		return nil
	}
	c.turn = make(chan bool, 1)
	r.waiting = append(r.waiting, c)
	return c.turn
}

// fits tells whether a claim may have what it wants. What is still free then is a quarter of
// that, so that large ones cannot keep small ones out.
func (r *room) fits(c *claim) bool {
	return r.open || r.over == c || r.missing(c) <= 0
}

// missing is by how much a claim's wish is too large. What the one over the limit holds
// takes nothing from the others, or small ones had to wait for its end.
func (r *room) missing(c *claim) int64 {
	missing := r.used + int64(c.wants-c.held+c.wants/4) - r.limit
	if r.over != nil {
		missing -= int64(r.over.held)
	}
	return missing
}

func (r *room) mayGoOver(c *claim) bool {
	if r.over != nil {
		return false
	}
	r.over = c
	return true
}

// set notes what a claim holds from now on. Who gives back has its turn over the limit behind
// it, and others may have theirs.
func (r *room) set(c *claim, held int) {
	before := c.held
	c.held = held
	r.used += int64(held - before)
	if c.ended.Load() {
		r.leaving += int64(held - before)
	}
	switch {
	case before == 0 && held > 0:
		if r.holders.next == nil {
			r.holders.next, r.holders.prev = &r.holders, &r.holders
		}
		c.next, c.prev = &r.holders, r.holders.prev
		c.prev.next, c.next.prev = c, c
	case before > 0 && held == 0:
		c.prev.next, c.next.prev = c.next, c.prev
	}
	if held < before {
		if r.over == c {
			r.over = nil
		}
		r.admit()
	}
}

// admit lets in who has room now, and the first who has none over the limit if nobody is.
func (r *room) admit() {
	waiting := r.waiting
	r.waiting = r.waiting[:0]
	for _, c := range waiting {
		if !r.fits(c) && (len(r.waiting) > 0 || !r.mayGoOver(c)) {
			r.waiting = append(r.waiting, c)
			continue
		}
		r.set(c, c.wants)
		c.turn <- true
	}
	clear(waiting[len(r.waiting):])
}

// look ends slow ones, while somebody waits: who is over the limit, for then the first has
// its turn, or else as many of the slowest as the first needs. It returns them, for their
// connections to be closed.
func (r *room) look(now time.Duration) (ended []*claim) {
	for len(r.waiting) > 0 && r.waiting[0].isSlow(now) {
		ended = append(ended, r.end(r.waiting[0]))
	}
	if len(r.waiting) == 0 || r.over.ended.Load() {
		return ended
	}
	if r.over.isSlow(now) {
		return append(ended, r.end(r.over))
	}
	missing := r.missing(r.waiting[0]) - r.leaving
	for _, c := range r.slow(now) {
		if missing <= 0 {
			break
		}
		missing -= int64(c.held)
		ended = append(ended, r.end(c))
	}
	return ended
}

// slow are those that are, the slowest first.
func (r *room) slow(now time.Duration) (all []*claim) {
	for c := r.holders.next; c != &r.holders; c = c.next {
		if c.isSlow(now) && !c.ended.Load() {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b *claim) int { return cmp.Compare(a.slowAt.Load(), b.slowAt.Load()) })
	return all
}

// end has a claim wait no more, and takes what it holds for free soon.
func (r *room) end(c *claim) *claim {
	c.ended.Store(true)
	r.leaving += int64(c.held)
	if i := slices.Index(r.waiting, c); i >= 0 {
		r.waiting = slices.Delete(r.waiting, i, i+1)
		c.turn <- false
	}
	return c
}

// letAllIn is for a stop.
func (r *room) letAllIn() {
	r.open = true
	r.admit()
}

func (c *claim) isSlow(now time.Duration) bool {
	at := c.slowAt.Load()
	return at != 0 && now > time.Duration(at)
}
