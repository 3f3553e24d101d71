package assignor

import (
	"cmp"
	"slices"
)

// ranges is Kafka's RangeAssignor. The subscribers of a topic get one consecutive
// range each, in an order that is the same for all topics; the first ones get one
// partition more when the number does not divide. So topics of equal size with
// equal subscribers are co-partitioned: a member has the same indexes of each,
// which is what joins need. The last target plays no part.
type ranges struct{}

func (ranges) Name() string { return "range" }

func (ranges) Assign(g *Group) []Assignment {
	b := newBoard(g)
	subscribers, before := make([]int, len(g.Topics)), make([]int, len(g.Topics))
	for m := range g.Members {
		for _, t := range g.Members[m].Topics {
			subscribers[t]++
		}
	}
	for _, m := range rangeOrder(g.Members) {
		for _, t := range g.Members[m].Topics {
			start, end := rangeOf(int(g.Topics[t].Partitions), subscribers[t], before[t])
			before[t]++
			for slot := b.first[t] + start; slot < b.first[t]+end; slot++ {
				b.give(slot, m)
			}
		}
	}
	return b.targets()
}

// rangeOf is the range, its end excluded, of the subscriber with that many others
// before it.
func rangeOf(partitions, subscribers, before int) (start, end int) {
	share, leftOver := partitions/subscribers, partitions%subscribers
	start = before*share + min(before, leftOver)
	end = start + share
	if before < leftOver {
		end++
	}
	return start, end
}

// rangeOrder has static members first, by instance id: they come back under
// another member id and yet to the same place. The others follow by member id,
// which is the order of the group.
func rangeOrder(members []Member) []int32 {
	order := make([]int32, len(members))
	for m := range order {
		order[m] = int32(m)
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		idA, idB := members[a].InstanceID, members[b].InstanceID
		switch {
		case idA != nil && idB != nil:
			return cmp.Compare(*idA, *idB)
		case idA != nil:
			return -1
		case idB != nil:
			return 1
		}
		return 0
	})
	return order
}
