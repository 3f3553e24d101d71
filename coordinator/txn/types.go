package txn

import (
	"cmp"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/protocol"
)

// TopicPartition names a partition by its topic's name, as the records do.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// InitInput is InitProducerId of a transactional producer.
type InitInput struct {
	TransactionalID string
	TimeoutMillis   int32
	// Expected is who the producer believes to be (KIP-360), or coordinator.NoProducer.
	Expected coordinator.Producer
	// NewID is a producer id that nobody has, or None until the answer asks for it.
	NewID protocol.ProducerID
}

// InitOutput is the answer to InitInput.
type InitOutput struct {
	Err error
	// NeedID asks for the same input again, with a new id; nothing else holds then.
	NeedID   bool
	Producer coordinator.Producer
}

// AddInput adds partitions to the transaction of a producer, which it begins if
// there is none, or asks whether they are in it.
type AddInput struct {
	TransactionalID string
	Producer        coordinator.Producer
	Partitions      []TopicPartition
	VerifyOnly      bool
	// Version is the transaction.version that the client acts by.
	Version int16
	// Alone: the caller has nothing else to do, and may do the work of an idle shard.
	Alone bool
}

// AddOutput is the answer to AddInput.
type AddOutput struct {
	// Err is that of the transaction; the partitions were not looked at then.
	Err error
	// Partitions are the errors of the partitions, in their order.
	Partitions []error
}

// First is the first error.
func (o AddOutput) First() error { return cmp.Or(append([]error{o.Err}, o.Partitions...)...) }

// EndInput commits or aborts the transaction of a producer.
type EndInput struct {
	TransactionalID string
	Producer        coordinator.Producer
	Commit          bool
	// Version is the transaction.version that the client acts by. From 2 on a
	// producer's epoch changes with every transaction (KIP-890).
	Version int16
	// NewID is as in InitInput, Alone as in AddInput.
	NewID protocol.ProducerID
	Alone bool
	// Afterwards takes over to run work, the writing of the markers, soon after End has
	// returned; nil has others do it. It is called before End returns, if at all, and is
	// for a caller with nothing else to do.
	Afterwards func(work func())
}

// EndOutput is the answer to EndInput.
type EndOutput struct {
	Err    error
	NeedID bool
	// Producer is who the producer goes on as.
	Producer coordinator.Producer
}

// Markers is what is left to do for a transaction whose outcome is decided.
type Markers struct {
	TransactionalID string
	Producer        coordinator.Producer
	Commit          bool
	Version         int16
	Partitions      []TopicPartition
	decision        uint64 // of the machine that asks
}

// Description shows a transaction.
type Description struct {
	Err             error
	TransactionalID string
	Producer        coordinator.Producer
	TimeoutMillis   int32
	State           State
	// StartedAt is None unless the transaction has partitions.
	StartedAt  protocol.Timestamp
	Partitions []TopicPartition
}

// ListInput says which transactions are listed; an empty filter lets all pass.
type ListInput struct {
	States      []string
	ProducerIDs []protocol.ProducerID
	// LongerThanMillis is the least age of an open transaction; negative for any.
	LongerThanMillis int64
	// Matches is the pattern for ids, nil for any.
	Matches func(transactionalID string) bool
}

// Listing is one transactional id of a list.
type Listing struct {
	TransactionalID string
	ProducerID      protocol.ProducerID
	State           State
}

// ListOutput is the answer to ListInput.
type ListOutput struct {
	Err           error
	UnknownStates []string
	Transactions  []Listing
}
