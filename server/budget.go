package server

import "sync"

// budget bounds the memory of requests under way over all connections
// (queued.max.request.bytes). A connection that holds only its small buffer
// waits here before it borrows a larger one; one that already holds a buffer
// may finish the frame it is in, else everybody could wait for everybody.
type budget struct {
	limit int64 // 0 is without limit
	mu    sync.Mutex
	room  sync.Cond
	used  int64
	ended bool
}

func newBudget(limit int64) *budget {
	b := &budget{limit: limit}
	b.room.L = &b.mu
	return b
}

// wait blocks while the budget is spent.
func (b *budget) wait() {
	if b.limit <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.used >= b.limit && !b.ended {
		b.room.Wait()
	}
}

// change accounts for n bytes more, or less.
func (b *budget) change(n int) {
	if n == 0 || b.limit <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used += int64(n)
	if n < 0 {
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
