package txn

import (
	"maps"
	"slices"
	"time"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Config is what a Machine is told once.
type Config struct {
	// TimeoutMax is transaction.max.timeout.ms.
	TimeoutMax time.Duration
	// IDExpiration is transactional.id.expiration.ms.
	IDExpiration time.Duration
	// RecordBytesMax is the longest record that the journal takes.
	RecordBytesMax int
	// FeatureLevel gives the present one of transaction.version.
	FeatureLevel func() int16
}

// markersPatience is how long a decided transaction waits before its markers are
// asked for again, and how long those wait who want to begin the next one.
const markersPatience = time.Second

// idRetry is the pause before a timeout asks again for a producer id.
const idRetry = 100 * time.Millisecond

// epochLast is the last epoch that a producer id is given out with. The one above
// it is for the broker: it fences (TransactionMetadata.isEpochExhausted).
const epochLast = 1<<15 - 1 - 1

// transaction is one transactional id.
type transaction struct {
	id string
	durable
	// lastEpoch is the epoch before the last change, by which a producer that did
	// not hear of the change is known again; None after a load, as in Kafka.
	lastEpoch int16
	// timer is the timeout of an open transaction, the patience of a decided one
	// and the expiration of an idle id.
	timer coordinator.Timer[*transaction]
	// decision numbers the decisions of this machine; isWriting: the markers of this
	// one were asked for.
	decision  uint64
	isWriting bool
	// isAsking: a timeout waits for a producer id.
	isAsking bool
	// waiting are those who want to begin the next transaction.
	waiting []waiter
}

// waiter is an input that goes on when the transaction before it has ended.
type waiter struct {
	resume func()
	refuse func(error)
}

// Machine is the transactional ids of one shard. It implements
// coordinator.Machine. Durable state changes in Apply alone.
type Machine struct {
	config       Config
	transactions map[string]*transaction
	timers       coordinator.TimerQueue[*transaction]
	hooks        Hooks
	decisions    uint64

	// now and out belong to the input that is being handled.
	now coordinator.Moment
	out coordinator.Decision
}

// Hooks are what a machine has others do. They must not block; the answers come
// as inputs.
type Hooks struct {
	// WriteMarkers has the markers of a decided transaction written, for as long as it
	// takes, answered by MarkersWritten.
	WriteMarkers func(Markers)
	// HurryMarkers says that those of an id take long. Nil is nobody.
	HurryMarkers func(transactionalID string)
	// NeedID has a transaction timed out with a new producer id, by TimedOut.
	NeedID func(transactionalID string, producer coordinator.Producer)
	// Abandoned says that the machine is not used any more, and why. Nil is nobody.
	Abandoned func(error)
}

// NewMachine makes an empty machine.
func NewMachine(config Config, hooks Hooks) *Machine {
	return &Machine{config: config, transactions: map[string]*transaction{}, hooks: hooks}
}

func (m *Machine) begin(now coordinator.Moment) { m.now, m.out = now, coordinator.Decision{} }

func (m *Machine) finish() coordinator.Decision {
	out := m.out
	m.out = coordinator.Decision{}
	return out
}

func (m *Machine) reply(r coordinator.Reply) { m.out.Replies = append(m.out.Replies, r) }

// change writes the new state of an id.
func (m *Machine) change(id string, d durable) {
	d.updatedAt = m.now.Wall
	m.out.Records = append(m.out.Records, d.record(id, m.config.FeatureLevel()))
}

// fits tells whether the record of an open transaction leaves room for that of its
// end, which has another id at most, and for longer lengths in an older version.
func (m *Machine) fits(id string, d durable) bool {
	const forTheEnd, forATopic = 64, 8
	limit := m.config.RecordBytesMax - protocol.BatchHeaderBytes
	if d.recordBytesAtMost(id)+forTheEnd+forATopic*len(d.partitions) <= limit {
		return true // nearly all do, and need not be written for it
	}
	r := d.record(id, m.config.FeatureLevel())
	topics := countTopics(d.partitions)
	return len(r.Key)+len(r.Value)+forTheEnd+forATopic*topics <= limit
}

// then goes on once the records are applied.
func (m *Machine) then(next func()) {
	m.out.Then = func(now coordinator.Moment) coordinator.Decision {
		m.begin(now)
		next()
		return m.finish()
	}
}

// Apply implements coordinator.Machine.
func (m *Machine) Apply(_ protocol.Offset, r coordinator.Record, _ coordinator.Producer) error {
	id, err := parseKey(r.Key)
	if err == errUnknownKey {
		return nil // a newer version wrote it; KIP-915 has older ones pass over it
	}
	if err != nil {
		return err
	}
	t := m.transactions[id]
	if r.Value == nil {
		if t != nil {
			m.timers.Stop(&t.timer)
			delete(m.transactions, id)
		}
		return nil
	}
	d, err := parseValue(r.Value)
	if err != nil {
		return err
	}
	if t == nil {
		t = &transaction{id: id, lastEpoch: protocol.None}
		t.timer = coordinator.NewTimer(t)
		m.transactions[id] = t
	}
	t.durable = d
	return nil
}

// ApplyMarker implements coordinator.Machine. No transaction writes here.
func (m *Machine) ApplyMarker(coordinator.Producer, bool) {}

// Loaded implements coordinator.Machine: what was decided is finished at once, and
// open transactions keep the time that they have left.
func (m *Machine) Loaded(now coordinator.Moment) coordinator.Decision {
	m.begin(now)
	for _, id := range slices.Sorted(maps.Keys(m.transactions)) {
		t := m.transactions[id]
		m.arm(t)
		if t.state.isDecided() {
			m.timers.Set(&t.timer, now.Elapsed)
		}
	}
	return m.finish()
}

// arm sets the timer that the state of a transaction needs.
func (m *Machine) arm(t *transaction) {
	var left time.Duration
	switch {
	case t.state == Ongoing:
		left = t.timeout - since(t.startedAt, m.now.Wall)
	case t.state.isDecided():
		left = markersPatience
	default:
		left = m.config.IDExpiration - since(t.updatedAt, m.now.Wall)
	}
	m.timers.Stop(&t.timer)
	m.timers.Set(&t.timer, m.now.Elapsed+max(left, 0))
}

// since is the time between two readings of the wall clock, which may go back.
func since(then, now protocol.Timestamp) time.Duration {
	return max(time.Duration(now-then)*time.Millisecond, 0)
}

// NextWake implements coordinator.Machine.
func (m *Machine) NextWake() (time.Duration, bool) { return m.timers.Next() }

// Wake implements coordinator.Machine.
func (m *Machine) Wake(now coordinator.Moment) (coordinator.Decision, bool) {
	timer := m.timers.Take(now.Elapsed)
	if timer == nil {
		return coordinator.Decision{}, false
	}
	m.begin(now)
	switch t := timer.Of; {
	case t.state == Ongoing:
		m.timeOut(t)
	case t.state.isDecided():
		m.refuseWaiting(t, protocol.ErrConcurrentTransactions)
		if t.isWriting {
			m.arm(t)
			if m.hooks.HurryMarkers != nil {
				m.hooks.HurryMarkers(t.id)
			}
		} else {
			m.finishDecided(t)
		}
	default:
		m.out.Records = append(m.out.Records, tombstone(t.id))
	}
	return m.finish(), true
}

func tombstone(id string) coordinator.Record { return coordinator.Record{Key: recordKey(id)} }

// Abandon implements coordinator.Machine.
func (m *Machine) Abandon(err error) {
	for _, id := range slices.Sorted(maps.Keys(m.transactions)) {
		m.refuseWaiting(m.transactions[id], err)
	}
	m.transactions = nil
	if m.hooks.Abandoned != nil {
		m.hooks.Abandoned(err)
	}
}

func (m *Machine) refuseWaiting(t *transaction, err error) {
	waiting := t.waiting
	t.waiting = nil
	for _, w := range waiting {
		w.refuse(err)
	}
}
