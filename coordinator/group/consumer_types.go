package group

import (
	"time"

	"github.com/barnabas-mq/barnabas/coordinator/group/assignor"
	"github.com/barnabas-mq/barnabas/protocol"
)

// ConsumerHeartbeatInput is a ConsumerGroupHeartbeat request (KIP-848).
type ConsumerHeartbeatInput struct {
	GroupID    string
	MemberID   string // made by the client; "" in version 0 for one that has none
	Epoch      int32  // the member's, or JoinEpoch, LeaveEpoch, LeaveStaticEpoch
	ClientID   string
	ClientHost string // as Kafka writes it, "/127.0.0.1"
	// Sees tells which topics patterns may stand for when this request has them compared;
	// nil for all. It is called later, from another goroutine.
	Sees func(topic string) bool

	// Of the following, nil and -1 say that nothing changed since the last request.

	InstanceID             *string
	Rack                   *string
	RebalanceTimeoutMillis int32
	Topics                 []string
	Pattern                *string // RE2 of topic names, "" for none any more
	Assignor               *string
	Owned                  *assignor.Assignment
}

// isFull: the member says everything anew, as after an error, and is told its
// assignment.
func (in *ConsumerHeartbeatInput) isFull() bool {
	return in.Epoch == JoinEpoch ||
		in.RebalanceTimeoutMillis != protocol.None && (in.Topics != nil || in.Pattern != nil) && in.Owned != nil
}

// ConsumerHeartbeatOutput answers a ConsumerHeartbeatInput.
type ConsumerHeartbeatOutput struct {
	Err               error
	MemberID          string
	Epoch             int32
	HeartbeatInterval time.Duration
	// Assignment is all that the member may own now; nil when that did not change.
	Assignment *assignor.Assignment
}

// ConsumerDescription is a group as ConsumerGroupDescribe shows it.
type ConsumerDescription struct {
	GroupID     string
	Err         error
	State       State
	Epoch       int32
	TargetEpoch int32
	Assignor    string
	Members     []ConsumerMemberDescription
}

// ConsumerMemberDescription is a member as ConsumerGroupDescribe shows it.
type ConsumerMemberDescription struct {
	MemberID      string
	InstanceID    *string
	Rack          *string
	Epoch         int32
	ClientID      string
	ClientHost    string
	Topics        []string
	Pattern       string
	Assigned      []NamedPartitions // with what it still has to give up
	Target        []NamedPartitions
	SpeaksClassic bool
}

// NamedPartitions are partitions of a topic, which exists.
type NamedPartitions struct {
	Topic      string
	TopicID    protocol.UUID
	Partitions []int32
}

// Settings are those of one group in the consumer protocol: what was set on it,
// else the broker's defaults.
type Settings struct {
	SessionTimeout     time.Duration // consumer.session.timeout.ms
	HeartbeatInterval  time.Duration // consumer.heartbeat.interval.ms
	AssignmentInterval time.Duration // consumer.assignment.interval.ms (KIP-1263)
}

// MigrationPolicy says which way groups may change between the classic and the
// consumer protocol while they have members (group.consumer.migration.policy).
type MigrationPolicy struct {
	Upgrade   bool // classic to consumer
	Downgrade bool // consumer to classic
}
