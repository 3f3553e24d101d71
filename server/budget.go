package server

import (
	"errors"
	"sync"
	"time"

	"github.com/barnabas-mq/barnabas/internal/clock"
)

// budget bounds the memory of requests under way over all connections
// (queued.max.request.bytes). What a connection with its smallest buffer can receive is not
// counted, so that small requests are served whatever others hold.
//
// A connection waits here before it borrows a larger buffer than it has, and gives that back
// when the request is done. While somebody waits, those that send slower than slowest for
// longer than slowTime may be ended: holding what others need must cost something. Only what
// a connection waits for its peer counts, not what it waits here or works.
type budget struct {
	clock clock.Clock
	mu    sync.Mutex
	room  room
	// looks is the next look for slow ones, nil while nobody waits.
	looks clock.Timer
}

// lookInterval is between two looks for slow ones, while somebody waits.
const lookInterval = 500 * time.Millisecond

// errTooSlow ends a connection whose request took memory that others waited for.
var errTooSlow = errors.New("a large request came too slowly while others waited for memory (queued.max.request.bytes)")

func newBudget(limit int64, c clock.Clock) *budget {
	return &budget{clock: c, room: newRoom(limit)}
}

// isBounded is false for a budget without a limit, which counts nothing.
func (b *budget) isBounded() bool { return b != nil && b.room.limit > 0 }

// grow has a claim hold a larger buffer, once there is room for it. It tells how long that
// took, and false when the claim was ended meanwhile.
func (b *budget) grow(c *claim, held int) (waited time.Duration, ok bool) {
	b.mu.Lock()
	if c.ended.Load() {
		b.mu.Unlock()
		return 0, false
	}
	turn := b.room.ask(c, held)
	if turn == nil {
		b.mu.Unlock()
		return 0, true
	}
	b.lookLaterLocked()
	b.mu.Unlock()
	began := b.clock.Monotonic()
	ok = <-turn
	return b.clock.Monotonic() - began, ok
}

// set is told what a claim really holds.
func (b *budget) set(c *claim, held int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.room.set(c, held)
}

func (b *budget) lookLaterLocked() {
	if b.looks == nil && len(b.room.waiting) > 0 {
		b.looks = b.clock.AfterFunc(lookInterval, b.look)
	}
}

func (b *budget) look() {
	b.mu.Lock()
	ended := b.room.look(b.clock.Monotonic())
	b.looks = nil
	b.lookLaterLocked()
	b.mu.Unlock()
	for _, c := range ended {
		_ = c.close() // of a socket, which has nothing to lose
	}
}

// end lets everybody through, for a stop.
func (b *budget) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.room.letAllIn()
	if b.looks != nil {
		b.looks.Stop()
	}
}
