package coordinator

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/invariant"
	"github.com/barnabas-mq/barnabas/protocol"
)

// task is one call in a shard's queue.
type task[M Machine] struct {
	decide func(M, Moment) Decision
	refuse func(error)
}

// parked is a reply that waits until everything below end is committed.
type parked struct {
	end  protocol.Offset
	send Reply
}

// shard is one machine and its goroutine. Fields outside mu belong to the
// goroutine.
type shard[M Machine] struct {
	rt *Runtime[M]
	id int32
	// signal wakes the goroutine; one pending signal stands for all.
	signal chan struct{}

	mu struct {
		sync.Mutex
		started, closed bool
		queue           []task[M]
		events          events
		loading         bool
		waiting         int // replies parked by the goroutine, for the bound
	}

	loaded  bool
	machine M
	// life numbers the machines of this shard, so that what the journal says of an
	// append of an earlier one is not taken for this one's.
	life int
	// Invariant: end is the offset after the last record that this machine
	// appended, committed <= end, and parked is ordered by end.
	end       protocol.Offset
	committed protocol.Offset
	parked    []parked

	timer   clock.Timer
	timerAt time.Duration // when the timer fires; meaningless while timer is nil
}

// events are what others tell the goroutine besides calls.
type events struct {
	timer     bool
	unload    bool
	life      int // the machine that committed and failure are about
	committed protocol.Offset
	failure   error
}

func newShard[M Machine](rt *Runtime[M], id int32) *shard[M] {
	return &shard[M]{rt: rt, id: id, signal: make(chan struct{}, 1)}
}

// enqueue adds a call, or says why it cannot.
func (s *shard[M]) enqueue(t task[M]) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.mu.closed:
		return ErrUnavailable
	case len(s.mu.queue)+s.mu.waiting >= s.rt.options.QueueMax && s.mu.loading:
		return ErrLoading
	case len(s.mu.queue)+s.mu.waiting >= s.rt.options.QueueMax:
		return ErrUnavailable
	}
	s.mu.queue = append(s.mu.queue, t)
	if !s.mu.started {
		s.mu.started = true
		s.rt.start(s)
	}
	s.wake()
	return nil
}

func (s *shard[M]) wake() {
	select {
	case s.signal <- struct{}{}:
	default:
	}
}

func (s *shard[M]) signalUnload() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.events.unload = true
	s.wake()
}

func (s *shard[M]) signalTimer() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.events.timer = true
	s.wake()
}

// signalCommitted is the journal's callback for an append that ends at end.
func (s *shard[M]) signalCommitted(life int, end protocol.Offset, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := &s.mu.events
	if life < e.life {
		return // of a machine that is gone
	}
	if life > e.life {
		e.life, e.committed, e.failure = life, 0, nil
	}
	if err != nil && e.failure == nil {
		e.failure = err
	}
	e.committed = max(e.committed, end)
	s.wake()
}

func (s *shard[M]) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.closed = true
	s.wake()
}

// run is the shard's goroutine.
func (s *shard[M]) run() {
	for {
		<-s.signal
		s.mu.Lock()
		queue, events, closed := s.mu.queue, s.mu.events, s.mu.closed
		s.mu.queue = nil
		s.mu.events.timer, s.mu.events.unload = false, false
		s.mu.Unlock()

		if closed {
			s.drop(ErrUnavailable)
			refuseAll(queue, ErrUnavailable)
			return
		}
		if events.unload {
			s.drop(ErrNotOwner)
		}
		s.takeCommits(events)
		s.runDue()
		for i, t := range queue {
			if err := s.prepare(); err != nil {
				// What came meanwhile gets a new attempt; what was here shares this one.
				refuseAll(queue[i:], err)
				break
			}
			s.step(t.decide)
			s.runDue()
		}
		s.takeCommits(s.currentEvents())
		s.arm()
	}
}

func refuseAll[M Machine](queue []task[M], err error) {
	for _, t := range queue {
		t.refuse(err)
	}
}

func (s *shard[M]) currentEvents() events {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.events
}

// prepare checks ownership and loads the machine when there is none.
func (s *shard[M]) prepare() error {
	if err := s.rt.options.Journal.Check(s.id); err != nil {
		if s.loaded {
			s.drop(err)
		}
		return refusal(err)
	}
	if s.loaded {
		return nil
	}
	s.setLoading(true)
	defer s.setLoading(false)
	machine := s.rt.options.NewMachine(s.id)
	err := s.rt.options.Journal.Load(s.id, func(e Entry) error {
		if e.Marker != NoMarker {
			machine.ApplyMarker(e.Producer, e.Marker == CommitMarker)
			return nil
		}
		if err := machine.Apply(e.Offset, e.Record, e.Producer); err != nil {
			return fmt.Errorf("offset %d: %w", e.Offset, err)
		}
		return nil
	})
	if err != nil {
		s.rt.options.Log.Error("A coordinator could not load its state; it is not served until it can.",
			"coordinator", s.rt.options.Name, "shard", s.id, "error", err)
		return refusal(err)
	}
	s.loaded, s.machine = true, machine
	s.life++
	s.end, s.committed = 0, 0
	s.step(func(m M, now Moment) Decision { return m.Loaded(now) })
	if !s.loaded {
		return ErrUnavailable
	}
	return nil
}

func (s *shard[M]) setLoading(v bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.loading = v
}

// refusal is err if it is one of the errors that callers know, else ErrUnavailable.
func refusal(err error) error {
	for _, known := range []error{ErrNotOwner, ErrLoading, ErrUnavailable} {
		if errors.Is(err, known) {
			return known
		}
	}
	return ErrUnavailable
}

func (s *shard[M]) now() Moment {
	c := s.rt.options.Clock
	return Moment{Wall: protocol.Timestamp(c.Now().UnixMilli()), Elapsed: c.Monotonic()}
}

// step lets the machine decide and carries the decision out.
func (s *shard[M]) step(decide func(M, Moment) Decision) {
	now := s.now()
	s.carryOut(decide(s.machine, now), now)
}

func (s *shard[M]) carryOut(d Decision, now Moment) {
	for {
		if err := s.write(d, now); err != nil {
			s.lose(d, err)
			return
		}
		for _, r := range d.Replies {
			s.park(r)
		}
		if d.Then == nil {
			return
		}
		d = d.Then(now)
	}
}

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

// park sends a reply now if nothing is uncommitted, else when it is committed.
func (s *shard[M]) park(r Reply) {
	if s.committed >= s.end && len(s.parked) == 0 {
		r(nil)
		return
	}
	s.parked = append(s.parked, parked{end: s.end, send: r})
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
	n := 0
	for n < len(s.parked) && s.parked[n].end <= s.committed {
		s.parked[n].send(nil)
		s.parked[n] = parked{}
		n++
	}
	if n == 0 {
		return
	}
	s.parked = s.parked[n:]
	if len(s.parked) == 0 {
		s.parked = nil
	}
	s.setWaiting(len(s.parked))
}

// lose ends the life of the machine after a failed append of d.
func (s *shard[M]) lose(d Decision, err error) {
	s.failed(err)
	for _, r := range d.Replies {
		r(ErrUnavailable)
	}
	if d.Lost != nil {
		d.Lost(ErrUnavailable)
	}
}

func (s *shard[M]) failed(err error) {
	s.rt.options.Log.Warn("A coordinator's journal failed; its state is loaded again at the next call.",
		"coordinator", s.rt.options.Name, "shard", s.id, "error", err)
	s.drop(refusal(err))
}

// drop forgets the machine and answers everyone who waits.
func (s *shard[M]) drop(err error) {
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	if !s.loaded {
		return
	}
	waiting, machine := s.parked, s.machine
	var none M
	s.loaded, s.machine, s.parked = false, none, nil
	s.setWaiting(0)
	for _, p := range waiting {
		p.send(err)
	}
	machine.Abandon(err)
}

// runDue runs the machine's timers that are due.
func (s *shard[M]) runDue() {
	for s.loaded {
		at, ok := s.machine.NextWake()
		if !ok {
			return
		}
		now := s.now()
		if at > now.Elapsed {
			return
		}
		d, ok := s.machine.Wake(now)
		if !ok {
			return
		}
		s.carryOut(d, now)
	}
}

// arm sets the one timer of the shard to the machine's earliest wake-up. A timer
// that fires too early costs one empty run, so it is only ever moved forward.
func (s *shard[M]) arm() {
	if !s.loaded {
		return
	}
	at, ok := s.machine.NextWake()
	if !ok || s.timer != nil && s.timerAt <= at && s.timerAt > s.rt.options.Clock.Monotonic() {
		return
	}
	if s.timer != nil {
		s.timer.Stop()
	}
	s.timerAt = at
	s.timer = s.rt.options.Clock.AfterFunc(at-s.rt.options.Clock.Monotonic(), s.signalTimer)
}
