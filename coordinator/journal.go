package coordinator

import (
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Journal keeps the records of every shard in order. Methods are safe for
// concurrent use by different shards. Nobody else writes to it while a shard has a
// machine: the shard counts offsets ahead, and loads anew when they are not so.
type Journal interface {
	// Check is asked at the start of a call, or of some in a row: nil while this node
	// owns the shard, else ErrNotOwner or ErrUnavailable. It must be cheap.
	Check(shard int32) error
	// Load calls fn for every entry in order. It returns nil once all of them are
	// committed, so that nothing replayed can be lost later.
	Load(shard int32, fn func(Entry) error) error
	// Append orders the batch after all earlier ones of the shard and returns its
	// base offset. Unless it returns an error, it calls committed once: from any
	// goroutine, also before it returns, with nil when this batch and all before
	// it are committed. An error of either kind leaves the outcome unknown, but for a
	// RefusedError, after which all is as it was. The batch is valid only during the
	// call.
	Append(shard int32, b Batch, committed func(error)) (protocol.Offset, error)
}

// Batch is what is appended at once: records, or a marker alone.
type Batch struct {
	Records   []Record
	Timestamp protocol.Timestamp
	Producer  *Producer
	Pass      logstore.Pass // see logstore.AppendInput; for records of a transaction
	Marker    *Marker
}

// count is the number of offsets that the batch takes.
func (b *Batch) count() protocol.Offset {
	if b.Marker != nil {
		return 1
	}
	return protocol.Offset(len(b.Records))
}

// Marker ends a producer's transaction in a journal, whether or not the producer
// has written there.
type Marker struct {
	Producer         Producer
	Commit           bool  // or abort
	CoordinatorEpoch int32 // the leader epoch of the transaction coordinator
	// TransactionVersion is that of the transaction; see logstore.AppendInput.
	TransactionVersion int16
}

// RefusedError is a journal's verdict on a marker or on records of a transaction:
// their producer may not write them, and nothing was written.
type RefusedError struct{ Err error }

func (e *RefusedError) Error() string { return "the journal refuses it: " + e.Err.Error() }

// Unwrap gives the reason.
func (e *RefusedError) Unwrap() error { return e.Err }

// MarkerKind tells what kind of entry a journal holds.
type MarkerKind uint8

const (
	// NoMarker: the entry is a record.
	NoMarker MarkerKind = iota
	// CommitMarker and AbortMarker end the producer's transaction.
	CommitMarker
	AbortMarker
)

// Entry is one record or marker read from a journal. Its bytes are valid only
// during the call that hands it over.
type Entry struct {
	Offset   protocol.Offset
	Record   Record
	Producer Producer
	Marker   MarkerKind
}
