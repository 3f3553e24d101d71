package assignor

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/barnabas-mq/barnabas/protocol"
)

// Partitions is a set of partitions of one topic.
//
// Invariant: Partitions is ascending, without repetitions and never empty.
type Partitions struct {
	Topic      protocol.UUID
	Partitions []int32
}

// Assignment is a set of partitions of several topics.
//
// Invariant: sorted by the bytes of the topic's id, no topic twice.
//
// An assignment is never written to once it is made; results of Union, Minus and
// Intersect may share parts with their operands.
type Assignment []Partitions

// compareIDs compares the bytes, eight at a time: most of the time of an assignment
// that changes nothing goes by finding topics.
func compareIDs(a, b protocol.UUID) int {
	if order := cmp.Compare(binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(b[:8])); order != 0 {
		return order
	}
	return cmp.Compare(binary.BigEndian.Uint64(a[8:]), binary.BigEndian.Uint64(b[8:]))
}

// Equal tells whether both have the same partitions.
func (a Assignment) Equal(b Assignment) bool {
	return slices.EqualFunc(a, b, func(x, y Partitions) bool {
		return x.Topic == y.Topic && slices.Equal(x.Partitions, y.Partitions)
	})
}

// Count is the number of partitions.
func (a Assignment) Count() int {
	n := 0
	for _, entry := range a {
		n += len(entry.Partitions)
	}
	return n
}

// Contains tells whether the partition is in the set.
func (a Assignment) Contains(topic protocol.UUID, partition int32) bool {
	at, found := slices.BinarySearchFunc(a, topic, func(p Partitions, id protocol.UUID) int { return compareIDs(p.Topic, id) })
	if !found {
		return false
	}
	_, found = slices.BinarySearch(a[at].Partitions, partition)
	return found
}

// Union has what a or b has.
func (a Assignment) Union(b Assignment) Assignment {
	return merge(a, b, keep{left: true, both: true, right: true})
}

// Minus has what a has and b has not.
func (a Assignment) Minus(b Assignment) Assignment { return merge(a, b, keep{left: true}) }

// Intersect has what both have.
func (a Assignment) Intersect(b Assignment) Assignment { return merge(a, b, keep{both: true}) }

// keep says which elements of two sets a merge keeps: those of the left one
// alone, of both, of the right one alone.
type keep struct{ left, both, right bool }

func merge(a, b Assignment, k keep) Assignment {
	var out Assignment
	for len(a) > 0 || len(b) > 0 {
		switch order := compareHeads(a, b); {
		case order < 0:
			if k.left {
				out = append(out, a[0])
			}
			a = a[1:]
		case order > 0:
			if k.right {
				out = append(out, b[0])
			}
			b = b[1:]
		default:
			if merged := mergePartitions(a[0].Partitions, b[0].Partitions, k); len(merged) > 0 {
				out = append(out, Partitions{Topic: a[0].Topic, Partitions: merged})
			}
			a, b = a[1:], b[1:]
		}
	}
	return out
}

// compareHeads compares the first topics; an exhausted side comes last.
func compareHeads(a, b Assignment) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	}
	return compareIDs(a[0].Topic, b[0].Topic)
}

func mergePartitions(a, b []int32, k keep) []int32 {
	var out []int32
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0] < b[0]:
			if k.left {
				out = append(out, a[0])
			}
			a = a[1:]
		case len(a) == 0 || b[0] < a[0]:
			if k.right {
				out = append(out, b[0])
			}
			b = b[1:]
		default:
			if k.both {
				out = append(out, a[0])
			}
			a, b = a[1:], b[1:]
		}
	}
	return out
}
