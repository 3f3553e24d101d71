package group

import (
	"time"

	"github.com/barnabas-mq/barnabas/coordinator/group/assignor"
	"github.com/barnabas-mq/barnabas/protocol"
)

// ShareState keeps how far share groups have come in each partition (Kafka's
// Persister). Methods return at once; reply is called once, from any goroutine, also
// before the method returns, when what it tells is committed. Errors may be of
// type *protocol.Error.
type ShareState interface {
	// Initialize makes the state of a share partition, or begins it anew: it starts at
	// the offset, or with -1 where share.auto.offset.reset says. State of a
	// later epoch is an error.
	Initialize(groupID string, topic protocol.UUID, partition, stateEpoch int32, start protocol.Offset, reply func(error))
	// Summary tells how far the group has come. A share partition that was not
	// initialized is no error: its Start is -1.
	Summary(groupID string, topic protocol.UUID, partition int32, reply func(ShareSummary, error))
	// Delete forgets a share partition. One that is not there is no error.
	Delete(groupID string, topic protocol.UUID, partition int32, reply func(error))
}

// ShareSummary is how far a share group has come in a partition.
type ShareSummary struct {
	StateEpoch  int32
	LeaderEpoch int32           // of the partition when it last wrote
	Start       protocol.Offset // the first that is not done with; -1 when not known
	// DeliveryComplete counts the records from Start on that are done with; -1 when
	// not known.
	DeliveryComplete int32
}

// withoutShareState is for a coordinator that is given none: nothing is ever
// initialized, so that members of share groups get no partitions.
type withoutShareState struct{}

func (withoutShareState) Initialize(_ string, _ protocol.UUID, _, _ int32, _ protocol.Offset, reply func(error)) {
	reply(protocol.ErrCoordinatorNotAvailable)
}

func (withoutShareState) Summary(_ string, _ protocol.UUID, _ int32, reply func(ShareSummary, error)) {
	reply(ShareSummary{Start: protocol.None, DeliveryComplete: protocol.None}, nil)
}

func (withoutShareState) Delete(_ string, _ protocol.UUID, _ int32, reply func(error)) { reply(nil) }

// ShareHeartbeatInput is a ShareGroupHeartbeat request (KIP-932).
type ShareHeartbeatInput struct {
	GroupID    string
	MemberID   string // made by the client
	Epoch      int32  // the member's, or JoinEpoch, LeaveEpoch
	ClientID   string
	ClientHost string // as Kafka writes it, "/127.0.0.1"

	// Of the following, nil says that nothing changed since the last request.

	Rack   *string
	Topics []string
}

// ShareHeartbeatOutput answers a ShareHeartbeatInput.
type ShareHeartbeatOutput struct {
	Err               error
	MemberID          string
	Epoch             int32
	HeartbeatInterval time.Duration
	// Assignment is all that the member is to read; nil when that did not change.
	Assignment *assignor.Assignment
}

// ShareDescription is a group as ShareGroupDescribe shows it.
type ShareDescription struct {
	GroupID     string
	Err         error
	State       State
	Epoch       int32
	TargetEpoch int32
	Assignor    string
	Members     []ShareMemberDescription
}

// ShareMemberDescription is a member as ShareGroupDescribe shows it.
type ShareMemberDescription struct {
	MemberID   string
	Rack       *string
	Epoch      int32
	ClientID   string
	ClientHost string
	Topics     []string
	Assigned   []NamedPartitions
}

// ShareStart is where a share group is to begin in a partition.
type ShareStart struct {
	Topic     protocol.UUID
	Partition int32
	Offset    protocol.Offset // -1: where share.auto.offset.reset says
}

// ShareInitialization asks for the state of share partitions.
type ShareInitialization struct {
	GroupID    string
	StateEpoch int32
	Starts     []ShareStart
}

// ShareInitialized tells how a ShareInitialization went.
type ShareInitialized struct {
	GroupID string
	// Done have state now; for Failed somebody has to ask again.
	Done, Failed assignor.Assignment
}
