package coordinator

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/protocol"
)

// task is one call in a shard's queue.
type task[M Machine] struct {
	decide func(M, Moment) Decision
	refuse func(error)
}

// shard is one machine and its goroutine. Fields outside mu belong to whoever has
// the turn: the goroutine, or a caller that found the shard idle (here.go).
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
		waiting         int // replies parked, for the bound
		// busy: somebody has the turn. missed: the goroutine was woken meanwhile and
		// left it at that. ready: the last turn left a machine.
		busy, missed, ready bool
	}

	loaded  bool
	machine M
	// life numbers the machines of this shard, so that what the journal says of an
	// append of an earlier one is not taken for this one's.
	life int
	// Invariant: end is the offset after the last record that this machine
	// applied, committed <= end, and parked is ordered by end. Nothing is known of
	// end before the first append of a life (endKnown).
	end       protocol.Offset
	endKnown  bool
	committed protocol.Offset
	parked    []parked
	// batch are records that are applied and not appended yet. Invariant: it is
	// empty between turns, and its last record lies just below end.
	batch openBatch

	spare   []task[M] // an empty queue, kept for its memory
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
		if s.mu.busy {
			s.mu.missed = true
			s.mu.Unlock()
			continue
		}
		queue, events, closed := s.mu.queue, s.mu.events, s.mu.closed
		s.mu.queue, s.spare = s.spare, nil
		s.mu.events.timer, s.mu.events.unload = false, false
		s.mu.busy = true
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
		s.expireParked()
		s.runDue(s.now())
		s.drain(queue)
		s.flush()
		s.takeCommits(s.currentEvents())
		s.arm(s.now())
		s.spare = emptied(queue)
		s.endTurn()
	}
}

// momentCalls is how many calls in a row are made under one check and at one moment:
// some dozen microseconds, of which to ask each time would be a tenth.
const momentCalls = 16

// drain runs calls in order.
func (s *shard[M]) drain(queue []task[M]) {
	var now Moment
	for i, t := range queue {
		if i%momentCalls == 0 || !s.loaded {
			if err := s.prepare(); err != nil {
				// What came meanwhile gets a new attempt; what was here shares this one.
				refuseAll(queue[i:], err)
				return
			}
			now = s.now()
		}
		s.step(t.decide, now)
		s.runDue(now)
	}
}

// endTurn lets the next one have the shard.
func (s *shard[M]) endTurn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.busy, s.mu.ready = false, s.loaded
	s.mu.waiting = len(s.parked)
	if s.mu.missed {
		s.mu.missed = false
		s.wake()
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
	s.end, s.endKnown, s.committed = 0, false, 0
	s.step(func(m M, now Moment) Decision { return m.Loaded(now) }, s.now())
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
func (s *shard[M]) step(decide func(M, Moment) Decision, now Moment) {
	s.carryOut(decide(s.machine, now), now)
}

func (s *shard[M]) carryOut(d Decision, now Moment) {
	for {
		if err := s.write(d, now); err != nil {
			s.unwritten(d, err, now)
			return
		}
		for _, r := range d.Replies {
			s.park(r, now)
		}
		if d.Then == nil {
			return
		}
		d = d.Then(now)
	}
}

// unwritten is the end of a decision whose records or marker could not be written.
func (s *shard[M]) unwritten(d Decision, err error, now Moment) {
	var refused *RefusedError
	if errors.As(err, &refused) {
		s.refuse(d, refused, now)
		return
	}
	s.lose(d, err)
}

// refuse answers those whom d would have answered. They hear it no sooner than what
// the verdict may rest upon is committed.
func (s *shard[M]) refuse(d Decision, refused *RefusedError, now Moment) {
	replies := d.Replies
	if d.Lost != nil {
		replies = append(replies, d.Lost)
	}
	for _, r := range replies {
		s.park(func(err error) {
			if err == nil {
				err = refused
			}
			r(err)
		}, now)
	}
}

// lose ends the life of the machine after a failed append, and answers those whom
// d would have answered.
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
	s.loaded, s.machine, s.parked, s.batch = false, none, nil, openBatch{}
	for _, p := range waiting {
		p.send(err)
	}
	machine.Abandon(err)
}

// runDue runs the machine's timers that are due now. Those that come due meanwhile
// have to wait, so that timers alone cannot keep the shard from its calls.
func (s *shard[M]) runDue(now Moment) {
	for s.loaded {
		at, ok := s.machine.NextWake()
		if !ok || at > now.Elapsed {
			return
		}
		d, ok := s.machine.Wake(now)
		if !ok {
			return
		}
		s.carryOut(d, now)
	}
}

// arm sets the one timer of the shard to whatever is due first. A timer that
// fires too early costs one empty run, so it is only ever moved forward.
func (s *shard[M]) arm(now Moment) {
	if !s.loaded {
		return
	}
	at, ok := s.machine.NextWake()
	if len(s.parked) > 0 && (!ok || s.parked[0].deadline < at) {
		at, ok = s.parked[0].deadline, true
	}
	if !ok || s.timer != nil && s.timerAt <= at && s.timerAt > now.Elapsed {
		return
	}
	if s.timer != nil {
		s.timer.Stop()
	}
	s.timerAt = at
	s.timer = s.rt.options.Clock.AfterFunc(at-now.Elapsed, s.signalTimer)
}
