package assignor

import (
	"iter"
	"slices"

	"github.com/barnabas-mq/barnabas/protocol"
)

// nobody owns a partition that is still to be assigned.
const nobody int32 = -1

// board is the state of one assignment: who owns what. All partitions of the
// group stand in one row of slots, topic after topic, because an array of owners
// needs no maps and no allocation per partition.
type board struct {
	group *Group
	// first is the slot of each topic's partition 0, and at the end the number of
	// slots.
	first []int
	// owner is a member's index, by slot.
	owner []int32
	// size is the number of partitions, by member.
	size []int32
}

func newBoard(g *Group) *board {
	b := &board{group: g, first: make([]int, len(g.Topics)+1), size: make([]int32, len(g.Members))}
	for t, topic := range g.Topics {
		b.first[t+1] = b.first[t] + int(topic.Partitions)
	}
	b.owner = make([]int32, b.first[len(g.Topics)])
	for slot := range b.owner {
		b.owner[slot] = nobody
	}
	return b
}

// give makes the member own a slot that nobody owns.
func (b *board) give(slot int, member int32) {
	b.owner[slot] = member
	b.size[member]++
}

// take frees a slot that somebody owns.
func (b *board) take(slot int) {
	b.size[b.owner[slot]]--
	b.owner[slot] = nobody
}

// claimTargets gives every member what the last target gave it, as far as it
// still subscribes and nobody before it claims the same.
func (b *board) claimTargets() {
	for m := range b.group.Members {
		for slot := range b.target(m) {
			if b.owner[slot] == nobody {
				b.give(slot, int32(m))
			}
		}
	}
}

// target lists the slots of the member's last target, ascending, without what it
// does not subscribe to and what does not exist.
func (b *board) target(m int) iter.Seq[int] {
	member := &b.group.Members[m]
	return func(yield func(int) bool) {
		next := 0 // both are sorted: a topic is found behind the one before
		for _, entry := range member.Target {
			after, known := findTopic(b.group.Topics[next:], entry.Topic)
			t := next + after
			next = t
			if !known {
				continue
			}
			if _, subscribed := slices.BinarySearch(member.Topics, int32(t)); !subscribed {
				continue
			}
			for _, p := range entry.Partitions {
				if p >= 0 && p < b.group.Topics[t].Partitions && !yield(b.first[t]+int(p)) {
					return
				}
			}
		}
	}
}

func findTopic(topics []Topic, id protocol.UUID) (int, bool) {
	return slices.BinarySearchFunc(topics, id, func(t Topic, id protocol.UUID) int { return compareIDs(t.ID, id) })
}

// targets turns the board into an answer. What changed is allocated member by
// member, so that a target that outlives many assignments keeps no other alive.
func (b *board) targets() []Assignment {
	out := make([]Assignment, len(b.group.Members))
	entries := b.countEntries()
	for m := range out {
		if b.unchanged(m) {
			out[m], entries[m] = b.group.Members[m].Target, 0
		}
	}
	for t, topic := range b.group.Topics {
		for slot := b.first[t]; slot < b.first[t+1]; slot++ {
			m := b.owner[slot]
			if m == nobody || entries[m] == 0 {
				continue
			}
			out[m] = addPartition(out[m], int(entries[m]), int(b.size[m]), topic.ID, int32(slot-b.first[t]))
		}
	}
	return out
}

// addPartition adds the next partition in order. The entries of a member lie one
// behind the other in one array of all its partitions; each is cut off from the
// next one when that begins.
func addPartition(a Assignment, entries, size int, topic protocol.UUID, partition int32) Assignment {
	if a == nil {
		a = append(make(Assignment, 0, entries), Partitions{Topic: topic, Partitions: make([]int32, 0, size)})
	}
	last := &a[len(a)-1]
	if last.Topic != topic {
		free := last.Partitions[len(last.Partitions):]
		last.Partitions = slices.Clip(last.Partitions)
		a = append(a, Partitions{Topic: topic, Partitions: free})
		last = &a[len(a)-1]
	}
	last.Partitions = append(last.Partitions, partition)
	return a
}

// countEntries tells of how many topics each member has partitions.
func (b *board) countEntries() []int32 {
	entries := make([]int32, len(b.size))
	seen := make([]int, len(b.size)) // the topic counted last, plus one
	for t := range b.group.Topics {
		for _, m := range b.owner[b.first[t]:b.first[t+1]] {
			if m != nobody && seen[m] != t+1 {
				seen[m] = t + 1
				entries[m]++
			}
		}
	}
	return entries
}

// unchanged tells whether the member owns its last target, all of it and no more.
func (b *board) unchanged(m int) bool {
	if b.group.Members[m].Target.Count() != int(b.size[m]) {
		return false
	}
	owned := 0
	for slot := range b.target(m) {
		if b.owner[slot] == int32(m) {
			owned++
		}
	}
	return owned == int(b.size[m])
}
