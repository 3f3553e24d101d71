package metadata

import "github.com/barnabas-mq/barnabas/protocol"

// TopicRecord makes a topic exist, without partitions.
type TopicRecord struct {
	Name    string
	TopicID protocol.UUID
}

// Type implements Record.
func (*TopicRecord) Type() RecordType { return TypeTopic }

func (r *TopicRecord) walk(c *coder) {
	c.string(&r.Name)
	c.uuid(&r.TopicID)
	c.tags()
}

// RemoveTopicRecord removes a topic with its partitions and configs.
type RemoveTopicRecord struct {
	TopicID protocol.UUID
}

// Type implements Record.
func (*RemoveTopicRecord) Type() RecordType { return TypeRemoveTopic }

func (r *RemoveTopicRecord) walk(c *coder) {
	c.uuid(&r.TopicID)
	c.tags()
}

// PartitionRecord sets the whole state of one partition.
type PartitionRecord struct {
	PartitionID         int32
	TopicID             protocol.UUID
	Replicas            []int32
	ISR                 []int32
	RemovingReplicas    []int32
	AddingReplicas      []int32
	Leader              int32
	LeaderRecoveryState int8
	LeaderEpoch         protocol.Epoch
	PartitionEpoch      int32
	Directories         []protocol.UUID // v1+: where each replica lies
	ELR                 []int32         // v2+
	LastKnownELR        []int32         // v2+
}

// Type implements Record.
func (*PartitionRecord) Type() RecordType { return TypePartition }

func (r *PartitionRecord) walk(c *coder) {
	c.int32(&r.PartitionID)
	c.uuid(&r.TopicID)
	c.int32s(&r.Replicas)
	c.int32s(&r.ISR)
	c.int32s(&r.RemovingReplicas)
	c.int32s(&r.AddingReplicas)
	c.int32(&r.Leader)
	c.epoch(&r.LeaderEpoch)
	c.int32(&r.PartitionEpoch)
	if c.version >= 1 {
		c.uuids(&r.Directories)
	}
	recovery := tag{0, r.LeaderRecoveryState != 0, func(c *coder) { c.int8(&r.LeaderRecoveryState) }}
	if c.version < 2 {
		c.tags(recovery)
		return
	}
	c.tags(recovery,
		tag{1, r.ELR != nil, func(c *coder) { nullableArray(c, &r.ELR, (*coder).int32) }},
		tag{2, r.LastKnownELR != nil, func(c *coder) { nullableArray(c, &r.LastKnownELR, (*coder).int32) }})
}

// Values of PartitionChangeRecord.Leader.
const (
	// NoLeader says that the partition has no leader.
	NoLeader = -1
	// LeaderUnchanged leaves the leader and its epoch as they are. Every other
	// value raises the leader epoch, the present leader's own id included.
	LeaderUnchanged = -2
)

// recoveryUnchanged leaves LeaderRecoveryState as it is.
const recoveryUnchanged = -1

// PartitionChangeRecord changes some of a partition's state; nil and the
// constants above mean "as before". It always raises the partition epoch.
type PartitionChangeRecord struct {
	PartitionID         int32
	TopicID             protocol.UUID
	ISR                 []int32
	Leader              int32
	Replicas            []int32
	RemovingReplicas    []int32
	AddingReplicas      []int32
	LeaderRecoveryState int8
	ELR                 []int32         // v2+
	LastKnownELR        []int32         // v2+
	Directories         []protocol.UUID // v1+
}

// NewPartitionChange returns a record that names the partition and changes
// nothing but its partition epoch.
func NewPartitionChange(topic protocol.UUID, partition int32) *PartitionChangeRecord {
	r := newPartitionChange()
	r.TopicID, r.PartitionID = topic, partition
	return r
}

func newPartitionChange() *PartitionChangeRecord {
	return &PartitionChangeRecord{Leader: LeaderUnchanged, LeaderRecoveryState: recoveryUnchanged}
}

// Type implements Record.
func (*PartitionChangeRecord) Type() RecordType { return TypePartitionChange }

func (r *PartitionChangeRecord) walk(c *coder) {
	c.int32(&r.PartitionID)
	c.uuid(&r.TopicID)
	ids := func(number uint64, v *[]int32, since int16) tag {
		return tag{number, *v != nil && c.version >= since, func(c *coder) { nullableArray(c, v, (*coder).int32) }}
	}
	c.tags(
		ids(0, &r.ISR, 0),
		tag{1, r.Leader != LeaderUnchanged, func(c *coder) { c.int32(&r.Leader) }},
		ids(2, &r.Replicas, 0),
		ids(3, &r.RemovingReplicas, 0),
		ids(4, &r.AddingReplicas, 0),
		tag{5, r.LeaderRecoveryState != recoveryUnchanged, func(c *coder) { c.int8(&r.LeaderRecoveryState) }},
		ids(6, &r.ELR, 2),
		ids(7, &r.LastKnownELR, 2),
		tag{8, r.Directories != nil && c.version >= 1, func(c *coder) { nullableArray(c, &r.Directories, (*coder).uuid) }})
}

// ClearELRRecord forgets the eligible leader replicas of a topic, or of all
// topics when the name is empty.
type ClearELRRecord struct {
	TopicName string
}

// Type implements Record.
func (*ClearELRRecord) Type() RecordType { return TypeClearELR }

func (r *ClearELRRecord) walk(c *coder) {
	c.string(&r.TopicName)
	c.tags()
}
