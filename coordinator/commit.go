package coordinator

import (
	"sync"
	"time"

	"github.com/barnabas-mq/barnabas/internal/invariant"
	"github.com/barnabas-mq/barnabas/protocol"
)

// write appends and applies the records of a decision.
func (s *shard[M]) write(d Decision, now Moment) error {
	if len(d.Records) == 0 {
		return nil
	}
	life := s.life
	note := &commitNote{report: func(end protocol.Offset, err error) { s.signalCommitted(life, end, err) }}
	base, err := s.rt.options.Journal.Append(s.id,
		Batch{Records: d.Records, Timestamp: now.Wall, Producer: d.Producer}, note.committed)
	if err != nil {
		return err
	}
	s.end = base + protocol.Offset(len(d.Records))
	if done, err := note.ordered(s.end); err != nil {
		return err
	} else if done {
		s.committed = s.end
	}
	producer := NoProducer
	if d.Producer != nil {
		producer = *d.Producer
	}
	for i, r := range d.Records {
		err := s.machine.Apply(base+protocol.Offset(i), r, producer)
		invariant.Check(err == nil, "a machine cannot apply its own record %x: %v", r.Key, err)
	}
	return nil
}

// commitNote joins the two things that are to be known of an append: where it
// ends, which Append returns, and that it is committed, which may come first.
type commitNote struct {
	report func(end protocol.Offset, err error)

	mu                     sync.Mutex
	end                    protocol.Offset
	err                    error
	isOrdered, isCommitted bool
}

// committed is the journal's callback.
func (n *commitNote) committed(err error) {
	n.mu.Lock()
	n.isCommitted, n.err = true, err
	isOrdered, end := n.isOrdered, n.end
	n.mu.Unlock()
	if isOrdered {
		n.report(end, err)
	}
}

// ordered notes the end; true when the journal has spoken already, so that
// committed will not report.
func (n *commitNote) ordered(end protocol.Offset) (bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.isOrdered, n.end = true, end
	return n.isCommitted, n.err
}

// parked is a reply that waits until everything below end is committed, but not
// longer than to its deadline.
type parked struct {
	end      protocol.Offset
	deadline time.Duration
	send     Reply
}

// park sends a reply now if nothing is uncommitted, else when it is committed.
func (s *shard[M]) park(r Reply, now Moment) {
	if s.committed >= s.end && len(s.parked) == 0 {
		r(nil)
		return
	}
	s.parked = append(s.parked, parked{end: s.end, deadline: now.Elapsed + s.rt.options.CommitTimeout, send: r})
	s.setWaiting(len(s.parked))
}

func (s *shard[M]) setWaiting(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.waiting = n
}

// takeCommits sends the replies that the journal's progress sets free.
func (s *shard[M]) takeCommits(e events) {
	if !s.loaded || e.life != s.life {
		return
	}
	if e.failure != nil {
		s.failed(e.failure)
		return
	}
	s.committed = max(s.committed, e.committed)
	s.release(nil, func(p parked) bool { return p.end <= s.committed })
}

// expireParked answers those who have waited too long for a commit. The write
// itself goes on; its outcome stays unknown to them.
func (s *shard[M]) expireParked() {
	if len(s.parked) == 0 {
		return
	}
	now := s.rt.options.Clock.Monotonic()
	s.release(ErrUnavailable, func(p parked) bool { return p.deadline <= now })
}

// release sends the first parked replies, as many as may go.
func (s *shard[M]) release(err error, mayGo func(parked) bool) {
	n := 0
	for n < len(s.parked) && mayGo(s.parked[n]) {
		s.parked[n].send(err)
		s.parked[n] = parked{} // let go of the answer
		n++
	}
	if n == 0 {
		return
	}
	if s.parked = s.parked[n:]; len(s.parked) == 0 {
		s.parked = nil
	}
	s.setWaiting(len(s.parked))
}
