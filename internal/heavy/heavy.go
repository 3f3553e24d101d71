// Package heavy keeps a processor free of work that takes long: handshakes of strangers, and
// batches that decompress to much. Go's scheduler knows no priorities, and looks for what has
// come from the network only when a processor has nothing else to do, or after ten
// milliseconds. With as many pieces of heavy work as processors every request would wait for
// that long, and again for each step of its answer.
package heavy

import (
	"runtime"
	"sync"
)

// Kind is why work is heavy. Those who wait get their turns by kinds in rotation, and within
// one in the order in which they came: however many strangers come, a batch waits for one.
type Kind int

// The kinds.
const (
	Strangers Kind = iota // those who have not shown yet who they are
	Unpacking             // batches
	kinds
)

// Turns are those of heavy work that is done at once. Whoever has one must not wait for
// anything but the processor.
type Turns struct {
	mu struct {
		sync.Mutex
		// Invariant: free is above 0 only while nobody waits.
		free    int
		waiting [kinds][]chan struct{} // closed for whoever is given the turn
		last    Kind                   // that was let in
	}
}

// New has turns for so many processors: one fewer, and one where there is one.
func New(processors int) *Turns {
	t := &Turns{}
	t.mu.free = max(processors-1, 1)
	return t
}

// Take waits for a turn.
func (t *Turns) Take(k Kind) {
	if mine := t.ask(k); mine != nil {
		<-mine
	}
}

// TryTake takes a turn if nobody has to be waited for.
func (t *Turns) TryTake() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mu.free == 0 {
		return false
	}
	t.mu.free--
	return true
}

// ask gives what to wait for, nil for a turn.
func (t *Turns) ask(k Kind) <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mu.free > 0 {
		t.mu.free--
		return nil
	}
	return t.queueLocked(k)
}

func (t *Turns) queueLocked(k Kind) <-chan struct{} {
	mine := make(chan struct{})
	t.mu.waiting[k] = append(t.mu.waiting[k], mine)
	return mine
}

// Leave gives a turn to the next who waits.
func (t *Turns) Leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.giveLocked() {
		t.mu.free++
	}
}

// Yield is Leave and Take, unless nobody waits. It is for the midst of work that goes on.
func (t *Turns) Yield(k Kind) {
	if mine := t.handOver(k); mine != nil {
		<-mine
		return
	}
	runtime.Gosched() // whoever is ready, and on this processor's list, goes first all the same
}

// handOver gives the turn away, and what to wait for; nil when nobody wants it.
func (t *Turns) handOver(k Kind) <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.giveLocked() {
		return nil
	}
	return t.queueLocked(k)
}

// giveLocked gives a turn to the next who waits, false when nobody does.
func (t *Turns) giveLocked() bool {
	for i := range kinds {
		k := (t.mu.last + 1 + i) % kinds
		if queue := t.mu.waiting[k]; len(queue) > 0 {
			close(queue[0])
			t.mu.waiting[k], t.mu.last = queue[1:], k
			return true
		}
	}
	return false
}
