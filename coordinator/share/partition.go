package share

import (
	"sync"
	"time"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Partition is a share partition in use: what is in flight, its timer, those who wait
// for it, and the writes of its state. Methods are safe for concurrent use.
type Partition struct {
	key         Key
	owner       *Leader
	leaderEpoch protocol.Epoch
	stateEpoch  int32

	loaded chan struct{} // closed when err is known
	err    error

	// fetching is held from the look at the next offset to the acquisition of what was
	// read from there. It is taken before mu, never after.
	fetching sync.Mutex
	// writing keeps writes in the order in which their changes were made. It is taken
	// before mu; replies do not take it, as they may come within a write.
	writing sync.Mutex

	mu struct {
		sync.Mutex
		inFlight *InFlight
		waiting  map[chan<- struct{}]struct{}
		// timer fires at timerAt, when the first lock ends or earlier; nil when nobody waits
		// for that.
		timer   clock.Timer
		timerAt time.Duration
		ended   bool
	}
}

func (p *Partition) isLoaded() bool {
	select {
	case <-p.loaded:
		return true
	default:
		return false
	}
}

// load reads the stored state.
func (p *Partition) load(resolve func() (protocol.Offset, error)) error {
	read := make(chan ReadOutput, 1)
	p.owner.options.Persister.Read(ReadInput{Key: p.key, LeaderEpoch: p.leaderEpoch}, func(out ReadOutput) { read <- out })
	out := <-read
	if out.Err != nil {
		return shownError(out.Err)
	}
	if out.StartOffset == Uninitialized {
		var err error
		if out.StartOffset, err = resolve(); err != nil {
			return err
		}
	}
	p.stateEpoch = out.StateEpoch
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.inFlight = NewInFlight(out.StartOffset, out.Batches)
	p.mu.waiting = map[chan<- struct{}]struct{}{}
	return nil
}

// Watch has a channel with room for one value hear of everything that may let a fetch
// find more: records given back, locks that ended, room in the window. It is called
// before the look that finds nothing.
func (p *Partition) Watch(wake chan<- struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.waiting[wake] = struct{}{}
}

// Unwatch ends that.
func (p *Partition) Unwatch(wake chan<- struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.mu.waiting, wake)
}

func (p *Partition) wakeLocked() {
	for wake := range p.mu.waiting {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}

// BeginFetch gives the offset to read from; false when nothing can be acquired now. With
// true, EndFetch must follow.
func (p *Partition) BeginFetch(logStart protocol.Offset) (from protocol.Offset, ok bool) {
	p.fetching.Lock()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.inFlight.Advance(logStart)
	if p.mu.ended || !p.mu.inFlight.CanAcquire(p.settings().LocksMax) {
		p.fetching.Unlock()
		return 0, false
	}
	return p.mu.inFlight.Next(), true
}

// FetchedEnd is the end of what was fetched so far.
func (p *Partition) FetchedEnd() protocol.Offset {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mu.inFlight.end
}

// EndFetch ends what BeginFetch began, after Acquire or without it.
func (p *Partition) EndFetch() { p.fetching.Unlock() }

// Acquire gives records to a member. Until, LocksMax and DeliveriesMax are filled in
// here.
func (p *Partition) Acquire(in AcquireInput) []Delivery {
	settings := p.settings()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.ended {
		return nil
	}
	in.LocksMax, in.DeliveriesMax = settings.LocksMax, settings.DeliveriesMax
	in.Until = p.now() + settings.LockDuration
	out := p.mu.inFlight.Acquire(in)
	p.armLocked()
	return out
}

// Acknowledge notes what a member has done. reply hears once when that is stored, or
// why it is not: ErrRecordState, ErrBeyondFetched, or an error of the persister.
func (p *Partition) Acknowledge(member string, batches []Acknowledgement, reply func(error)) {
	settings := p.settings()
	p.change(reply, func(s *InFlight) (*Change, error) {
		return s.Acknowledge(AcknowledgeInput{
			Member: member, Batches: batches, DeliveriesMax: settings.DeliveriesMax,
			RenewAllowed: settings.RenewAllowed, RenewUntil: p.now() + settings.LockDuration,
		})
	})
}

// Release takes back what a member has; reply as Acknowledge's.
func (p *Partition) Release(member string, reply func(error)) {
	settings := p.settings()
	p.change(reply, func(s *InFlight) (*Change, error) { return s.Release(member, settings.DeliveriesMax), nil })
}

// change makes a change, writes and settles it.
func (p *Partition) change(reply func(error), make func(*InFlight) (*Change, error)) {
	p.writing.Lock()
	defer p.writing.Unlock()
	p.mu.Lock()
	if p.mu.ended {
		p.mu.Unlock()
		reply(protocol.ErrUnknownTopicOrPartition) // as where it is not found any more
		return
	}
	c, err := make(p.mu.inFlight)
	p.beginWriteLocked(c)
	p.mu.Unlock()
	if c == nil {
		reply(err)
		return
	}
	p.write(c, func(err error) {
		p.settle(c, err == nil)
		reply(err)
	})
}

// beginWriteLocked announces that write follows, if there is a change.
func (p *Partition) beginWriteLocked(c *Change) {
	if c != nil {
		p.owner.writes.Add(1)
	}
}

// write has a change stored. writing is held.
func (p *Partition) write(c *Change, done func(error)) {
	in := WriteInput{
		Key: p.key, StateEpoch: p.stateEpoch, LeaderEpoch: p.leaderEpoch,
		StartOffset: c.Start, DeliveryCompleteCount: c.Complete, Batches: c.Batches,
	}
	p.owner.options.Persister.Write(in, func(err error) {
		defer p.owner.writes.Done()
		if endsPartition(err) {
			p.owner.drop(p)
		}
		done(shownError(err))
	})
}

func (p *Partition) settle(c *Change, stored bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.inFlight.Settle(c, stored, p.now())
	p.armLocked() // for a lock that was given back
	p.wakeLocked()
}

// expire gives back what members have had for too long.
func (p *Partition) expire() {
	settings := p.settings()
	p.writing.Lock()
	defer p.writing.Unlock()
	p.mu.Lock()
	p.mu.timer = nil
	if p.mu.ended {
		p.mu.Unlock()
		return
	}
	c := p.mu.inFlight.ExpireLocks(p.now(), settings.DeliveriesMax)
	p.beginWriteLocked(c)
	p.armLocked()
	if c != nil {
		p.wakeLocked()
	}
	p.mu.Unlock()
	if c == nil {
		return
	}
	p.write(c, func(err error) {
		if err != nil {
			// Nobody waits for it. Were the broker to stop now, the records would be
			// delivered once more than they are counted.
			p.owner.options.Log.Warn("The end of acquisition locks could not be stored.", "group", p.key.GroupID,
				"topic.id", p.key.TopicID, "partition", p.key.Partition, "error", err)
		}
	})
}

// armLocked sets the timer for the lock that ends first. It is never moved later: it
// finds nothing then and is set anew.
func (p *Partition) armLocked() {
	at, ok := p.mu.inFlight.NextExpiry()
	if !ok || p.mu.ended || p.mu.timer != nil && p.mu.timerAt <= at {
		return
	}
	if p.mu.timer != nil {
		p.mu.timer.Stop() // the setting is lower than it was
	}
	p.mu.timer, p.mu.timerAt = p.owner.options.Clock.AfterFunc(max(at-p.now(), 0), p.expire), at
}

// end stops the timer and wakes everyone for good.
func (p *Partition) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.ended = true
	if p.mu.timer != nil {
		p.mu.timer.Stop()
		p.mu.timer = nil
	}
	p.wakeLocked()
}

func (p *Partition) settings() Settings { return p.owner.options.Settings(p.key.GroupID) }

func (p *Partition) now() time.Duration { return p.owner.options.Clock.Monotonic() }
