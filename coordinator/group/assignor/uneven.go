package assignor

import (
	"cmp"
	"slices"
)

// balanceRounds is how often all topics are balanced one after the other. Where
// those who share a topic share all their topics, one round suffices; a chain of
// members, each sharing one topic with the next, may take more than these. Then
// neighbours in it end up to ten partitions apart (seen with 20 members), and the
// next assignment goes on from there. It is Kafka's number, and it bounds the time
// that the group's goroutine spends here.
const balanceRounds = 16

// uneven serves a group whose members subscribe to different topics, as Kafka's
// UniformHeterogeneousAssignmentBuilder does: members keep what they have, what
// is free goes to the least loaded subscriber, and then each topic's partitions
// move from the most loaded owner to the least loaded subscriber while that is at
// least two below.
//
// It ends: each move makes the sum of the squares of the sizes smaller.
type uneven struct {
	*board
	// subscribers are by topic; each list is ascending.
	subscribers [][]int32
	ladder      ladder
	// newest is the last partition of the topic in hand that a member owns, and
	// older the one before it, by partition: lists without allocations.
	newest, older []int32
}

func newUneven(b *board) *uneven {
	u := &uneven{board: b, ladder: ladder{size: b.size}}
	u.subscribers = subscribersOf(b.group)
	u.newest = make([]int32, len(b.group.Members))
	widest := int32(0)
	for _, topic := range b.group.Topics {
		widest = max(widest, topic.Partitions)
	}
	u.older = make([]int32, widest)
	return u
}

// subscribersOf lists the members by topic, all in one array.
func subscribersOf(g *Group) [][]int32 {
	counts, total := make([]int, len(g.Topics)), 0
	for m := range g.Members {
		for _, t := range g.Members[m].Topics {
			counts[t]++
			total++
		}
	}
	all := make([]int32, total)
	subscribers := make([][]int32, len(g.Topics))
	for t, n := range counts {
		subscribers[t], all = all[:0:n], all[n:]
	}
	for m := range g.Members {
		for _, t := range g.Members[m].Topics {
			subscribers[t] = append(subscribers[t], int32(m))
		}
	}
	return subscribers
}

func (u *uneven) assign() {
	topics := u.topicsInOrder()
	for _, t := range topics {
		u.assignFree(t)
	}
	topics = slices.DeleteFunc(topics, func(t int) bool { return len(u.subscribers[t]) < 2 })
	quiet := 0 // topics in a row where nothing moved
	for range balanceRounds {
		for _, t := range topics {
			if u.balance(t) {
				quiet = 0
				continue
			}
			if quiet++; quiet == len(topics) {
				return
			}
		}
	}
}

// topicsInOrder begins with those that weigh most on each subscriber, so that the
// lighter ones can even out what they leave; among equals with those that have
// the fewest to choose from.
func (u *uneven) topicsInOrder() []int {
	topics := make([]int, 0, len(u.subscribers))
	for t, subscribers := range u.subscribers {
		if len(subscribers) > 0 {
			topics = append(topics, t)
		}
	}
	slices.SortStableFunc(topics, func(a, b int) int {
		inA, inB := int64(len(u.subscribers[a])), int64(len(u.subscribers[b]))
		heavier := cmp.Compare(int64(u.group.Topics[b].Partitions)*inA, int64(u.group.Topics[a].Partitions)*inB)
		return cmp.Or(heavier, cmp.Compare(inA, inB))
	})
	return topics
}

// assignFree gives the topic's partitions that nobody owns to its subscribers.
func (u *uneven) assignFree(t int) {
	standing := false
	for slot := u.first[t]; slot < u.first[t+1]; slot++ {
		if u.owner[slot] != nobody {
			continue
		}
		if !standing {
			u.ladder.stand(u.subscribers[t])
			standing = true
		}
		u.give(slot, u.ladder.lowest())
	}
}

// balance moves partitions of one topic and tells whether any moved.
func (u *uneven) balance(t int) bool {
	if u.imbalance(t) < 2 {
		return false
	}
	u.listOwned(t)
	u.ladder.stand(u.subscribers[t])
	moved := false
	for {
		from := u.ladder.highest()
		for from != nobody && u.newest[from] == nobody {
			u.ladder.setAside()
			from = u.ladder.highest()
		}
		if from == nobody {
			return moved
		}
		to := u.ladder.lowest()
		if u.size[from]-u.size[to] < 2 {
			return moved
		}
		partition := u.newest[from]
		u.newest[from] = u.older[partition]
		slot := u.first[t] + int(partition)
		u.take(slot)
		u.give(slot, to)
		moved = true
	}
}

// imbalance is how far the most loaded owner of the topic is above its least
// loaded subscriber. Most topics of most calls end here, without sorting.
func (u *uneven) imbalance(t int) int32 {
	lowest := u.size[u.subscribers[t][0]]
	for _, m := range u.subscribers[t] {
		lowest = min(lowest, u.size[m])
	}
	highest := lowest
	for _, m := range u.owner[u.first[t]:u.first[t+1]] {
		highest = max(highest, u.size[m])
	}
	return highest - lowest
}

// listOwned prepares newest and older for the topic.
func (u *uneven) listOwned(t int) {
	for _, m := range u.subscribers[t] {
		u.newest[m] = nobody
	}
	for p, m := range u.owner[u.first[t]:u.first[t+1]] {
		u.older[p], u.newest[m] = u.newest[m], int32(p)
	}
}
