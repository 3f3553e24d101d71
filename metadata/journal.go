package metadata

import "github.com/barnabas-mq/barnabas/protocol"

// Journal is the log of __cluster_metadata-0. Package broker adapts it to the
// log store. The Store is its only writer.
type Journal interface {
	// Append orders the batch and returns once it is as durable as an acks=all
	// write. It keeps the leader epoch that the batch carries. After an error the
	// batch must not become readable, unless End has moved.
	Append(b protocol.Batch) (base protocol.Offset, err error)
	// Replay calls fn with every batch from the one that contains from to the end,
	// undamaged and in order. The bytes are fn's only until it returns.
	Replay(from protocol.Offset, fn func(protocol.Batch) error) error
	// Start is the first offset that can be replayed, End the next one to be given.
	Start() protocol.Offset
	End() protocol.Offset
	// Flush makes everything appended so far durable, in every durability mode.
	Flush() error
	// DeleteBefore frees what lies before offset, where a snapshot stands.
	DeleteBefore(offset protocol.Offset) error
}
