package metadata

import (
	"slices"

	"github.com/barnabas-mq/barnabas/protocol"
)

// Topic is a topic of an Image. It is immutable.
type Topic struct {
	Name string
	ID   protocol.UUID
	// Partitions are in the order of their index. Kafka's topics have the indexes
	// 0 to n-1, so that Partitions[i].Index == i; Partition does not rely on it.
	Partitions []Partition

	owner *owner // the draft that may change it, or one long gone
}

// Partition is the state of one partition. It is immutable.
type Partition struct {
	Index  int32
	Leader int32 // NoLeader when there is none
	// LeaderEpoch rises with every choice of a leader. Invariant: no batch in the
	// partition's log is ahead of it.
	LeaderEpoch protocol.Epoch
	// PartitionEpoch rises with every change of this state.
	PartitionEpoch int32
	// LeaderRecoveryState is 1 after an unclean election until its leader recovered.
	LeaderRecoveryState int8
	// Placement is shared by partitions that have equal ones, which on one node
	// is nearly all of them.
	*Placement
}

// Placement says where a partition's replicas are. It is immutable.
type Placement struct {
	Replicas         []int32
	ISR              []int32
	Directories      []protocol.UUID // one per replica; empty before 3.7
	RemovingReplicas []int32
	AddingReplicas   []int32
	ELR              []int32 // eligible leader replicas (KIP-966)
	LastKnownELR     []int32
}

func (p *Placement) equal(o *Placement) bool {
	return slices.Equal(p.Replicas, o.Replicas) && slices.Equal(p.ISR, o.ISR) &&
		slices.Equal(p.Directories, o.Directories) &&
		slices.Equal(p.RemovingReplicas, o.RemovingReplicas) && slices.Equal(p.AddingReplicas, o.AddingReplicas) &&
		slices.Equal(p.ELR, o.ELR) && slices.Equal(p.LastKnownELR, o.LastKnownELR)
}

// Partition returns the partition with the index, or nil.
func (t *Topic) Partition(index int32) *Partition {
	if i, ok := t.find(index); ok {
		return &t.Partitions[i]
	}
	return nil
}

func (t *Topic) find(index int32) (int, bool) {
	if i := int(index); i >= 0 && i < len(t.Partitions) && t.Partitions[i].Index == index {
		return i, true
	}
	return slices.BinarySearchFunc(t.Partitions, index, func(p Partition, index int32) int { return int(p.Index) - int(index) })
}

// record is the partition as a snapshot holds it. Kafka leaves the eligible
// leader replicas out when there are none.
func (p *Partition) record(topic protocol.UUID) *PartitionRecord {
	r := &PartitionRecord{
		PartitionID: p.Index, TopicID: topic,
		Replicas: p.Replicas, ISR: p.ISR, RemovingReplicas: p.RemovingReplicas, AddingReplicas: p.AddingReplicas,
		Leader: p.Leader, LeaderRecoveryState: p.LeaderRecoveryState,
		LeaderEpoch: p.LeaderEpoch, PartitionEpoch: p.PartitionEpoch, Directories: p.Directories,
	}
	if len(p.ELR) > 0 {
		r.ELR = p.ELR
	}
	if len(p.LastKnownELR) > 0 {
		r.LastKnownELR = p.LastKnownELR
	}
	return r
}

// partitionOf is the state that a PartitionRecord sets.
func partitionOf(r *PartitionRecord) Partition {
	return Partition{
		Index: r.PartitionID, Leader: r.Leader, LeaderEpoch: r.LeaderEpoch,
		PartitionEpoch: r.PartitionEpoch, LeaderRecoveryState: r.LeaderRecoveryState,
		Placement: &Placement{
			Replicas: r.Replicas, ISR: r.ISR, Directories: r.Directories,
			RemovingReplicas: r.RemovingReplicas, AddingReplicas: r.AddingReplicas,
			ELR: r.ELR, LastKnownELR: r.LastKnownELR,
		},
	}
}

// changed is p after a PartitionChangeRecord, by the rules of Kafka's
// PartitionRegistration: naming a leader, even the same one, raises the leader epoch.
// The new placement comes apart, because it is equal to a known one nearly always.
func (p *Partition) changed(r *PartitionChangeRecord) (next Partition, placement Placement) {
	next = *p
	next.PartitionEpoch++
	if r.Leader != LeaderUnchanged {
		next.Leader = r.Leader
		next.LeaderEpoch++
	}
	if r.LeaderRecoveryState != recoveryUnchanged {
		next.LeaderRecoveryState = r.LeaderRecoveryState
	}
	placement = *p.Placement
	for _, change := range []struct{ to, from *[]int32 }{
		{&placement.Replicas, &r.Replicas}, {&placement.ISR, &r.ISR},
		{&placement.RemovingReplicas, &r.RemovingReplicas}, {&placement.AddingReplicas, &r.AddingReplicas},
		{&placement.ELR, &r.ELR}, {&placement.LastKnownELR, &r.LastKnownELR},
	} {
		if *change.from != nil {
			*change.to = *change.from
		}
	}
	if r.Directories != nil {
		placement.Directories = r.Directories
	}
	return next, placement
}
