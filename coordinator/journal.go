package coordinator

import "github.com/barnabas-mq/barnabas/protocol"

// Journal keeps the records of every shard in order. Methods are safe for
// concurrent use by different shards. Nobody else writes to it while a shard has a
// machine: the shard counts offsets ahead, and loads anew when they are not so.
type Journal interface {
	// Check is asked at the start of every call: nil while this node owns the
	// shard, else ErrNotOwner or ErrUnavailable. It must be cheap.
	Check(shard int32) error
	// Load calls fn for every entry in order. It returns nil once all of them are
	// committed, so that nothing replayed can be lost later.
	Load(shard int32, fn func(Entry) error) error
	// Append orders the batch after all earlier ones of the shard and returns its
	// base offset. Unless it returns an error, it calls committed once: from any
	// goroutine, also before it returns, with nil when this batch and all before
	// it are committed. An error of either kind leaves the outcome unknown. The
	// batch is valid only during the call.
	Append(shard int32, b Batch, committed func(error)) (protocol.Offset, error)
}

// Batch is what is appended at once.
type Batch struct {
	Records   []Record
	Timestamp protocol.Timestamp
	Producer  *Producer
}

// Marker tells what kind of entry a journal holds.
type Marker uint8

const (
	// NoMarker: the entry is a record.
	NoMarker Marker = iota
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
	Marker   Marker
}
