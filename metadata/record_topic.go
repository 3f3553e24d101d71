package metadata

import "github.com/barnabas-mq/barnabas/protocol"

// TopicRecord makes a topic exist, without partitions.
type TopicRecord struct {
	Name    string
	TopicID protocol.UUID
}

// Type implements Record.
func (*TopicRecord) Type() RecordType { return TypeTopic }

func (r *TopicRecord) walk(c *protocol.Coder) {
	c.String(&r.Name)
	c.UUID(&r.TopicID)
	c.Tags()
}

// RemoveTopicRecord removes a topic with its partitions and configs.
type RemoveTopicRecord struct {
	TopicID protocol.UUID
}

// Type implements Record.
func (*RemoveTopicRecord) Type() RecordType { return TypeRemoveTopic }

func (r *RemoveTopicRecord) walk(c *protocol.Coder) {
	c.UUID(&r.TopicID)
	c.Tags()
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

func (r *PartitionRecord) walk(c *protocol.Coder) {
	c.Int32(&r.PartitionID)
	c.UUID(&r.TopicID)
	c.Int32s(&r.Replicas)
	c.Int32s(&r.ISR)
	c.Int32s(&r.RemovingReplicas)
	c.Int32s(&r.AddingReplicas)
	c.Int32(&r.Leader)
	c.Epoch(&r.LeaderEpoch)
	c.Int32(&r.PartitionEpoch)
	if c.Version >= 1 {
		c.UUIDs(&r.Directories)
	}
	if !c.Reading() && r.LeaderRecoveryState == 0 && r.ELR == nil && r.LastKnownELR == nil {
		c.Tags() // the usual case, without what the others need
		return
	}
	recovery := protocol.TagOf(0, r.LeaderRecoveryState != 0, func(c *protocol.Coder) { c.Int8(&r.LeaderRecoveryState) })
	if c.Version < 2 {
		c.Tags(recovery)
		return
	}
	c.Tags(recovery,
		protocol.TagOf(1, r.ELR != nil, func(c *protocol.Coder) { protocol.NullableArray(c, &r.ELR, (*protocol.Coder).Int32) }),
		protocol.TagOf(2, r.LastKnownELR != nil, func(c *protocol.Coder) { protocol.NullableArray(c, &r.LastKnownELR, (*protocol.Coder).Int32) }))
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

func (r *PartitionChangeRecord) walk(c *protocol.Coder) {
	c.Int32(&r.PartitionID)
	c.UUID(&r.TopicID)
	ids := func(number uint64, v *[]int32, since int16) protocol.Tag {
		return protocol.TagOf(number, *v != nil && c.Version >= since, func(c *protocol.Coder) { protocol.NullableArray(c, v, (*protocol.Coder).Int32) })
	}
	c.Tags(
		ids(0, &r.ISR, 0),
		protocol.TagOf(1, r.Leader != LeaderUnchanged, func(c *protocol.Coder) { c.Int32(&r.Leader) }),
		ids(2, &r.Replicas, 0),
		ids(3, &r.RemovingReplicas, 0),
		ids(4, &r.AddingReplicas, 0),
		protocol.TagOf(5, r.LeaderRecoveryState != recoveryUnchanged, func(c *protocol.Coder) { c.Int8(&r.LeaderRecoveryState) }),
		ids(6, &r.ELR, 2),
		ids(7, &r.LastKnownELR, 2),
		protocol.TagOf(8, r.Directories != nil && c.Version >= 1, func(c *protocol.Coder) { protocol.NullableArray(c, &r.Directories, (*protocol.Coder).UUID) }))
}

// ClearELRRecord forgets the eligible leader replicas of a topic, or of all
// topics when the name is empty.
type ClearELRRecord struct {
	TopicName string
}

// Type implements Record.
func (*ClearELRRecord) Type() RecordType { return TypeClearELR }

func (r *ClearELRRecord) walk(c *protocol.Coder) {
	c.String(&r.TopicName)
	c.Tags()
}
