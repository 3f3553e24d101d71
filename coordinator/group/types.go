package group

import (
	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Byte slices in inputs are copied by Coordinator before its methods return; those
// in outputs belong to the machine and must not be changed.

// Protocol is one way to assign partitions that a member supports, by name, with
// what the member tells the one who assigns. Both are opaque to the group.
type Protocol struct {
	Name     string
	Metadata []byte
}

// JoinInput is a JoinGroup request.
type JoinInput struct {
	GroupID    string
	MemberID   string  // "" for a member that has none yet
	InstanceID *string // set for a static member (KIP-345)
	ClientID   string
	ClientHost string // as Kafka writes it, "/127.0.0.1"

	SessionTimeoutMillis   int32
	RebalanceTimeoutMillis int32

	ProtocolType string
	Protocols    []Protocol // the most wanted first

	// MemberIDRequired: a new dynamic member must come back with the id that it is
	// given (KIP-394, version 4 and newer).
	MemberIDRequired bool
	// CanSkipAssignment: a static leader that returns understands that it need not
	// assign (KIP-814, version 9 and newer).
	CanSkipAssignment bool
	// StartsSlowly: the member may not lead a group in its first moments.
	StartsSlowly bool
}

// JoinMember is what the leader is told of a member.
type JoinMember struct {
	MemberID   string
	InstanceID *string
	Metadata   []byte
}

// JoinOutput answers a JoinInput. With Err, only MemberID is meaningful.
type JoinOutput struct {
	Err            error
	Generation     int32
	ProtocolType   *string
	Protocol       *string
	Leader         string
	SkipAssignment bool
	MemberID       string
	Members        []JoinMember // for the leader alone
}

// Assignment is what the leader gives to a member.
type Assignment struct {
	MemberID string
	Bytes    []byte
}

// SyncInput is a SyncGroup request.
type SyncInput struct {
	GroupID      string
	MemberID     string
	InstanceID   *string
	Generation   int32
	ProtocolType *string // nil where the version has none
	Protocol     *string
	Assignments  []Assignment // from the leader alone
}

// SyncOutput answers a SyncInput.
type SyncOutput struct {
	Err          error
	ProtocolType *string
	Protocol     *string
	Assignment   []byte
}

// HeartbeatInput is a Heartbeat request.
type HeartbeatInput struct {
	GroupID    string
	MemberID   string
	InstanceID *string
	Generation int32
}

// LeaveMember names a member that leaves: by member id, or, with an empty one,
// by group instance id.
type LeaveMember struct {
	MemberID   string
	InstanceID *string
}

// LeaveInput is a LeaveGroup request.
type LeaveInput struct {
	GroupID string
	Members []LeaveMember
}

// LeaveOutput answers a LeaveInput; Members has one entry for each that was asked.
type LeaveOutput struct {
	Err     error
	Members []LeaveResult
}

// LeaveResult tells how it went with one member.
type LeaveResult struct {
	LeaveMember
	Err error
}

// CommitInput is an OffsetCommit request, or a TxnOffsetCommit with Producer.
type CommitInput struct {
	GroupID    string
	MemberID   string
	InstanceID *string
	Generation int32
	// RetentionMillis overrides offsets.retention.minutes (versions 2 to 4); only -1 does not.
	RetentionMillis int64
	// NotFoundForUnknownGroup: a group that does not exist is ErrGroupNotFound
	// (version 9 and newer), not ErrIllegalGeneration.
	NotFoundForUnknownGroup bool
	// TakesMemberEpoch: the generation can be the epoch of a member of the consumer
	// protocol (OffsetCommit from version 9 on).
	TakesMemberEpoch bool
	// Producer makes this part of a transaction; nil does not.
	Producer *coordinator.Producer
	// Pass is what the log of the group's shard gave for the producer before the
	// transaction coordinator was asked; 0 asks for no check.
	Pass   logstore.Pass
	Topics []CommitTopic
	// Alone: the caller would only wait, so that the commit may be done on its
	// goroutine. Else it is better queued, and shares an append with others.
	Alone bool
}

// CommitTopic is a topic's part of a commit.
type CommitTopic struct {
	Topic      string
	TopicID    protocol.UUID
	Partitions []CommitPartition
}

// CommitPartition is how far the group has read a partition.
type CommitPartition struct {
	Partition   int32
	Offset      protocol.Offset
	LeaderEpoch protocol.Epoch
	Metadata    string
	// CommittedAt is when the client says that it committed; nil is now.
	CommittedAt *protocol.Timestamp
}

// CommitOutput answers a CommitInput. With Err nothing was committed.
type CommitOutput struct {
	Err    error
	Topics []TopicResult
}

// TopicResult tells how it went with each partition of a topic.
type TopicResult struct {
	Topic      string
	TopicID    protocol.UUID
	Partitions []PartitionResult
}

// PartitionResult tells how it went with one partition.
type PartitionResult struct {
	Partition int32
	Err       error
}

// FetchInput is one group of an OffsetFetch request.
type FetchInput struct {
	GroupID string
	// MemberID and MemberEpoch say who reads (version 9 and newer); nil and -1 do not.
	MemberID    *string
	MemberEpoch int32
	// All asks for every committed offset; Topics is not looked at then.
	All           bool
	Topics        []FetchTopic
	RequireStable bool // KIP-447
}

// FetchTopic is a topic of a FetchInput. With a TopicID, an offset committed for
// an earlier topic of the same name is not found.
type FetchTopic struct {
	Topic      string
	TopicID    protocol.UUID
	Partitions []int32
}

// FetchOutput answers a FetchInput.
type FetchOutput struct {
	Err    error
	Topics []FetchedTopic
}

// FetchedTopic is a topic of a FetchOutput.
type FetchedTopic struct {
	Topic      string
	TopicID    protocol.UUID
	Partitions []FetchedPartition
}

// FetchedPartition is a committed offset; Offset and LeaderEpoch are -1 when
// there is none.
type FetchedPartition struct {
	Partition   int32
	Offset      protocol.Offset
	LeaderEpoch protocol.Epoch
	Metadata    string
	Err         error
}

// DeleteOffsetsInput is an OffsetDelete request.
type DeleteOffsetsInput struct {
	GroupID string
	Topics  []FetchTopic
}

// DeleteOffsetsOutput answers a DeleteOffsetsInput.
type DeleteOffsetsOutput struct {
	Err    error
	Topics []TopicResult
}

// ListInput is a ListGroups request. Empty filters let everything through.
type ListInput struct {
	States []string
	Types  []string
}

// Listing is a group as ListGroups shows it.
type Listing struct {
	GroupID      string
	ProtocolType string
	State        State
	Type         Type
}

// ListOutput answers a ListInput.
type ListOutput struct {
	Err    error
	Groups []Listing
}

// Description is a group as DescribeGroups shows it.
type Description struct {
	GroupID      string
	Err          error // ErrGroupNotFound comes with the state Dead
	State        State
	ProtocolType string
	Protocol     string
	Members      []MemberDescription
}

// MemberDescription is a member as DescribeGroups shows it.
type MemberDescription struct {
	MemberID   string
	InstanceID *string
	ClientID   string
	ClientHost string
	Metadata   []byte // only in a stable group
	Assignment []byte
}

// GroupResult tells how it went with one group.
type GroupResult struct {
	GroupID string
	Err     error
}
