package server

import (
	"sync"

	"github.com/barnabas-mq/barnabas/internal/invariant"
)

// queue holds the answers of one connection that cannot be sent yet because an
// earlier call is parked. It is ordered and bounded.
//
// Ownership of the socket's output: while active is false the connection's
// goroutine writes; while it is true the writer goroutine does. Only the
// connection's goroutine sets it, with a push; only the writer clears it, when
// nothing waits.
type queue struct {
	mu        sync.Mutex
	ready     sync.Cond // the head became complete, or closed
	space     sync.Cond // the writer went idle, there is room again, or closed
	active    bool
	closed    bool
	ending    bool // the connection is to end: nobody waits for answers to be sent
	lengthMax int
	bytes     int // in the answers of waiting that are complete already
	// waiting are tickets in request order.
	waiting []*Ticket
}

func (q *queue) init(lengthMax int) {
	q.lengthMax = lengthMax
	q.ready.L = &q.mu
	q.space.L = &q.mu
}

// isActive tells whether answers must go through the queue.
func (q *queue) isActive() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.active
}

// queuedBytesMax is how much a connection's complete answers may take while an
// earlier call is parked: a request of a few bytes can have an answer of megabytes.
const queuedBytesMax = 4 << 20

// push appends a ticket, waiting for room, and makes the writer the owner. It
// reports false, and drops the ticket, once the queue is closed.
func (q *queue) push(t *Ticket) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.awaitSpaceLocked()
	if q.closed {
		dropTicket(t)
		return false
	}
	if t.out != nil {
		q.bytes += len(t.out.buf)
	}
	q.waiting = append(q.waiting, t)
	q.active = true
	if len(q.waiting) == 1 && t.done {
		q.ready.Signal()
	}
	return true
}

// awaitSpace waits until the next push will not wait, or the queue is closed.
func (q *queue) awaitSpace() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.awaitSpaceLocked()
}

func (q *queue) awaitSpaceLocked() {
	for (len(q.waiting) >= q.lengthMax || q.bytes >= queuedBytesMax) && !q.closed {
		q.space.Wait()
	}
}

func (q *queue) complete(t *Ticket, encode func(*Out)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	invariant.Check(!t.done, "a ticket is completed twice")
	t.done, t.encode = true, encode
	if t.timed.lengths != nil {
		t.timed.end()
	}
	if len(q.waiting) > 0 && q.waiting[0] == t {
		q.ready.Signal()
	}
}

// take waits for complete answers at the head and returns them all. It returns
// nil when the queue is closed. An empty queue ends the writer's ownership.
func (q *queue) take(batch []*Ticket) []*Ticket {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		if q.closed {
			return nil
		}
		n := 0
		for n < len(q.waiting) && q.waiting[n].done {
			n++
		}
		if n > 0 {
			batch = append(batch[:0], q.waiting[:n]...)
			for _, t := range batch {
				if t.out != nil {
					q.bytes -= len(t.out.buf)
				}
			}
			q.waiting = append(q.waiting[:0], q.waiting[n:]...)
			q.space.Broadcast()
			return batch
		}
		if len(q.waiting) == 0 {
			q.active = false
			q.space.Broadcast()
		}
		q.ready.Wait()
	}
}

// idle waits until the writer owns nothing any more, or the queue is closed.
func (q *queue) idle() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.active && !q.closed {
		q.space.Wait()
	}
}

// answered waits until all that was parked is sent, the connection is to end, or the
// queue is closed.
func (q *queue) answered() (sent, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.active && !q.closed && !q.ending {
		q.space.Wait()
	}
	return !q.active, q.closed
}

// end wakes who waits in answered.
func (q *queue) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ending = true
	q.space.Broadcast()
}

// close ends the writer and drops what waits. Tickets may still be completed.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for _, t := range q.waiting {
		dropTicket(t)
	}
	q.waiting = nil
	q.ready.Broadcast()
	q.space.Broadcast()
}

// write is the writer goroutine: it sends complete answers in order until the
// queue is closed or the peer fails.
func (q *queue) write(t transport) error {
	var batch []*Ticket
	var out Out
	for {
		if batch = q.take(batch); batch == nil {
			return nil
		}
		for i, ticket := range batch {
			if err := q.send(t, ticket, &out); err != nil {
				for _, rest := range batch[i+1:] {
					dropTicket(rest)
				}
				return err
			}
		}
		if err := out.writeTo(t); err != nil {
			return err
		}
	}
}

// send gathers small answers in out and writes those that carry file ranges.
func (q *queue) send(t transport, ticket *Ticket, out *Out) error {
	if ticket.hangUp {
		return q.hangUp(t, ticket, out)
	}
	if ticket.out == nil {
		if ticket.encode != nil {
			ticket.encode(out)
		}
		if ticket.charge != nil {
			ticket.tell(out)
		}
		if out.size() < flushBytes {
			return nil
		}
		return out.writeTo(t)
	}
	if err := out.writeTo(t); err != nil {
		ticket.out.reset()
		return err
	}
	return ticket.out.writeTo(t)
}

// tell has the call charged for its answer, which is the last in out.
func (t *Ticket) tell(out *Out) {
	var answer []byte
	if t.encode != nil {
		answer = out.last()
	}
	t.charge(answer)
}

// hangUp sends what was gathered before the ticket and drops its answer. That is
// made all the same, since what it refers to must be given back.
func (q *queue) hangUp(t transport, ticket *Ticket, out *Out) error {
	if err := out.writeTo(t); err != nil {
		dropTicket(ticket)
		return err
	}
	if ticket.encode != nil {
		ticket.encode(out)
	}
	out.reset()
	dropTicket(ticket)
	return ErrHangUp
}

func dropTicket(t *Ticket) {
	if t.out != nil {
		t.out.reset()
	}
}
