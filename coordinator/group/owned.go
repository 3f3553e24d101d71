package group

import (
	"bytes"
	"slices"

	"github.com/barnabas-mq/barnabas/coordinator/group/assignor"
	"github.com/barnabas-mq/barnabas/protocol"
)

// ownedTopic is what a member owns of one topic, and since which epoch of its
// own: a commit that is older than that is not its own (KIP-1251).
type ownedTopic struct {
	topic      protocol.UUID
	partitions []int32 // ascending
	epochs     []int32 // as many as partitions
}

// ownedPartitions are sorted by topic id; no topic without a partition. They are
// immutable.
type ownedPartitions []ownedTopic

// own is an assignment that a member owns since an epoch.
func own(a assignor.Assignment, epoch int32) ownedPartitions {
	owned := make(ownedPartitions, len(a))
	for i, t := range a {
		owned[i] = ownedTopic{topic: t.Topic, partitions: t.Partitions, epochs: slices.Repeat([]int32{epoch}, len(t.Partitions))}
	}
	return owned
}

// assignment is o without epochs.
func (o ownedPartitions) assignment() assignor.Assignment {
	a := make(assignor.Assignment, len(o))
	for i, t := range o {
		a[i] = assignor.Partitions{Topic: t.topic, Partitions: t.partitions}
	}
	return a
}

// each calls fn for every partition.
func (o ownedPartitions) each(fn func(id partitionID, epoch int32)) {
	for _, t := range o {
		for i, p := range t.partitions {
			fn(partitionID{t.topic, p}, t.epochs[i])
		}
	}
}

// epochOf is since when a partition is owned.
func (o ownedPartitions) epochOf(id partitionID) (int32, bool) {
	i, ok := slices.BinarySearchFunc(o, id.topic, func(t ownedTopic, topic protocol.UUID) int { return bytes.Compare(t.topic[:], topic[:]) })
	if !ok {
		return 0, false
	}
	j, ok := slices.BinarySearch(o[i].partitions, id.partition)
	if !ok {
		return 0, false
	}
	return o[i].epochs[j], true
}

func (o ownedPartitions) has(id partitionID) bool {
	_, ok := o.epochOf(id)
	return ok
}

// split is the part of o for which fn is true, and the rest.
func (o ownedPartitions) split(fn func(partitionID) bool) (kept, rest ownedPartitions) {
	var k, r ownedBuilder
	o.each(func(id partitionID, epoch int32) {
		if fn(id) {
			k.add(id, epoch)
		} else {
			r.add(id, epoch)
		}
	})
	return k.owned, r.owned
}

// union is what is in o or in p; the epochs of o win.
func (o ownedPartitions) union(p ownedPartitions) ownedPartitions {
	if len(o) == 0 {
		return p
	}
	if len(p) == 0 {
		return o
	}
	all := o.entries()
	p.each(func(id partitionID, epoch int32) {
		if !o.has(id) {
			all = append(all, ownedEntry{id, epoch})
		}
	})
	return ownedFrom(all)
}

// ownedEntry is one partition of ownedPartitions.
type ownedEntry struct {
	id    partitionID
	epoch int32
}

func (o ownedPartitions) entries() []ownedEntry {
	var all []ownedEntry
	o.each(func(id partitionID, epoch int32) { all = append(all, ownedEntry{id, epoch}) })
	return all
}

// ownedFrom puts entries in order; of two for a partition one counts.
func ownedFrom(all []ownedEntry) ownedPartitions {
	slices.SortStableFunc(all, func(a, b ownedEntry) int { return comparePartitionIDs(a.id, b.id) })
	all = slices.CompactFunc(all, func(a, b ownedEntry) bool { return a.id == b.id })
	var b ownedBuilder
	for _, e := range all {
		b.add(e.id, e.epoch)
	}
	return b.owned
}

func (o ownedPartitions) equal(p ownedPartitions) bool {
	return slices.EqualFunc(o, p, func(a, b ownedTopic) bool {
		return a.topic == b.topic && slices.Equal(a.partitions, b.partitions) && slices.Equal(a.epochs, b.epochs)
	})
}

// samePartitions is equal but for the epochs.
func (o ownedPartitions) samePartitions(p ownedPartitions) bool {
	return slices.EqualFunc(o, p, func(a, b ownedTopic) bool {
		return a.topic == b.topic && slices.Equal(a.partitions, b.partitions)
	})
}

// withEpoch is o with one epoch for all.
func (o ownedPartitions) withEpoch(epoch int32) ownedPartitions { return own(o.assignment(), epoch) }

// ownedBuilder builds ownedPartitions from partitions in order.
type ownedBuilder struct{ owned ownedPartitions }

func (b *ownedBuilder) add(id partitionID, epoch int32) {
	if n := len(b.owned); n == 0 || b.owned[n-1].topic != id.topic {
		b.owned = append(b.owned, ownedTopic{topic: id.topic})
	}
	t := &b.owned[len(b.owned)-1]
	t.partitions, t.epochs = append(t.partitions, id.partition), append(t.epochs, epoch)
}

func comparePartitionIDs(a, b partitionID) int {
	if c := bytes.Compare(a.topic[:], b.topic[:]); c != 0 {
		return c
	}
	return int(a.partition) - int(b.partition)
}

// sorted is o in order, as others than this program may not have written it.
func (o ownedPartitions) sorted() ownedPartitions {
	isSorted := slices.IsSortedFunc(o, func(a, b ownedTopic) int { return bytes.Compare(a.topic[:], b.topic[:]) })
	for _, t := range o {
		isSorted = isSorted && len(t.partitions) > 0 && slices.IsSorted(t.partitions)
	}
	if isSorted {
		return o
	}
	return ownedFrom(o.entries())
}

// sortedAssignment is a in order, likewise.
func sortedAssignment(a assignor.Assignment) assignor.Assignment {
	owned := make(ownedPartitions, len(a))
	for i, t := range a {
		owned[i] = ownedTopic{topic: t.Topic, partitions: t.Partitions, epochs: make([]int32, len(t.Partitions))}
	}
	return owned.sorted().assignment()
}
