package share

import (
	"fmt"

	"github.com/barnabas-mq/barnabas/protocol"
)

// Key names a share partition: a partition as one share group sees it.
type Key struct {
	GroupID   string
	TopicID   protocol.UUID
	Partition int32
}

// String is the name that chooses the partition of __share_group_state
// (SharePartitionKey.asCoordinatorKey).
func (k Key) String() string { return fmt.Sprintf("%s:%s:%d", k.GroupID, k.TopicID, k.Partition) }

// Uninitialized is a start offset that nobody has resolved yet, and a number of
// completed deliveries that nobody knows.
const Uninitialized = protocol.None

// DeliveryState is where the delivery of a record stands, in Kafka's numbers
// (RecordState).
type DeliveryState int8

// States of a record. Only Available, Acknowledged and Archived are ever stored.
const (
	Available    DeliveryState = 0
	Acquired     DeliveryState = 1 // a member has it, until its lock ends
	Acknowledged DeliveryState = 2 // processed; final
	Archived     DeliveryState = 4 // given up, or there is no record; final
)

// String is Kafka's name of the state.
func (s DeliveryState) String() string {
	switch s {
	case Available:
		return "Available"
	case Acquired:
		return "Acquired"
	case Acknowledged:
		return "Acknowledged"
	case Archived:
		return "Archived"
	}
	return fmt.Sprintf("DeliveryState(%d)", int8(s))
}

// Batch is a range of offsets, both ends included, in one state.
type Batch struct {
	First, Last protocol.Offset
	State       DeliveryState
	Count       int16 // deliveries so far
}

// InitializeInput begins a life of a share partition, or moves its start. What was
// known of single records is forgotten.
type InitializeInput struct {
	Key
	// StateEpoch numbers the life; a lower one than the present is FENCED_STATE_EPOCH.
	StateEpoch int32
	// StartOffset may be Uninitialized.
	StartOffset protocol.Offset
}

// ReadInput asks for the state; with a leader epoch it also fences earlier leaders.
// None fences nobody.
type ReadInput struct {
	Key
	LeaderEpoch protocol.Epoch
}

// ReadOutput is the answer. The batches are the reader's own.
type ReadOutput struct {
	Err         error
	StateEpoch  int32
	StartOffset protocol.Offset
	Batches     []Batch
}

// WriteInput changes the state of records.
type WriteInput struct {
	Key
	StateEpoch  int32
	LeaderEpoch protocol.Epoch
	// StartOffset is the new one; Uninitialized leaves it.
	StartOffset protocol.Offset
	// DeliveryCompleteCount counts offsets from the start whose delivery is over.
	DeliveryCompleteCount int32
	Batches               []Batch
}

// Summary is what of a share partition is of interest to its group. Of one that
// nobody has initialized, which is no error, StartOffset and DeliveryCompleteCount are
// Uninitialized.
type Summary struct {
	Err                   error
	StateEpoch            int32
	LeaderEpoch           protocol.Epoch
	StartOffset           protocol.Offset
	DeliveryCompleteCount int32
}
