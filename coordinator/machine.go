package coordinator

import (
	"errors"
	"time"

	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Errors with which a call is refused or lost. Clients retry all of them.
var (
	// ErrLoading: the shard's state is still being replayed and its queue is full.
	ErrLoading = errors.New("the coordinator is loading its state")
	// ErrUnavailable: stopping, overloaded, or the journal failed; the outcome of
	// a write that ends so is unknown.
	ErrUnavailable = errors.New("the coordinator is not available")
	// ErrNotOwner: another node owns the shard.
	ErrNotOwner = errors.New("this broker is not the coordinator")
)

// Record is one fact in a journal, in Kafka's bytes. A nil value is a tombstone.
type Record struct {
	Key, Value []byte
}

// Producer is who wrote a record inside a transaction.
type Producer struct {
	ID    protocol.ProducerID
	Epoch int16
}

// NoProducer marks a record outside any transaction.
var NoProducer = Producer{ID: protocol.None, Epoch: protocol.None}

// Moment is an instant on both clocks: the wall clock dates records, the
// monotonic one drives timeouts.
type Moment struct {
	Wall    protocol.Timestamp
	Elapsed time.Duration
}

// Reply sends one answer. It is called once: with nil when what the answer
// depends on is committed, else with one of the errors above or a RefusedError. It
// must not block.
type Reply func(error)

// Decision is what a machine answers to an input. The zero value changes nothing.
type Decision struct {
	// Records are applied, and appended as one batch, with those of other decisions
	// of the same turn.
	Records []Record
	// Producer makes the records part of a transaction; nil is the usual case.
	Producer *Producer
	// Pass is that of the transaction, from the journal's log; 0 asks for no check.
	Pass logstore.Pass
	// Marker ends a producer's transaction, in place of records.
	Marker *Marker
	// Replies are sent when everything appended so far is committed. If the journal
	// refused the marker or the transaction's records they get its RefusedError.
	Replies []Reply
	// Then goes on once the records are applied. Lost is called in its place when the
	// machine's life ended before, or the journal refused them; a life that ends
	// later, because the turn's append failed, answers the Replies instead.
	Then func(Moment) Decision
	Lost func(error)
}

// Machine is the state of one shard. It is pure: no goroutine, clock, socket or
// file inside, and the same inputs give the same outputs. Only who has the shard's
// turn calls it. Calls from clients are the machine's own methods, which
// Runtime.Do is given as functions.
type Machine interface {
	// Apply changes the durable state by one record, live and in replay. An error
	// means that the record cannot be read; the shard is not served then.
	Apply(offset protocol.Offset, r Record, p Producer) error
	// ApplyMarker ends a producer's open transaction.
	ApplyMarker(p Producer, commit bool)
	// Loaded is called once, after the replay; timers start here.
	Loaded(now Moment) Decision
	// NextWake is when the machine next wants to be woken. It may be too early.
	NextWake() (at time.Duration, ok bool)
	// Wake runs timers that are due until one of them decides something; false
	// means that no more is due.
	Wake(now Moment) (Decision, bool)
	// Abandon answers everyone who waits inside the machine. The machine is not
	// used afterwards.
	Abandon(err error)
}
