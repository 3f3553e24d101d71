package assignor

import (
	"slices"

	"github.com/barnabas-mq/barnabas/protocol"
)

// SharedTopic is a topic that members of a share group subscribe to, with those
// of its partitions that may be assigned.
//
// Invariant: Partitions is ascending, none twice.
type SharedTopic struct {
	ID         protocol.UUID
	Partitions []int32
}

// SimpleName is what Apache Kafka calls the assignor of share groups, the only one.
const SimpleName = "simple"

// Simple computes targets for the members of a share group, where several members
// may own one partition (KIP-932, Kafka 4.3.1's SimpleAssignor). Topics are sorted
// by id and members by id, Member.Topics are indexes into topics. The targets are
// in the order of the members.
//
// Members that all subscribe to the same topics share out all partitions
// together, else each topic is shared out among its subscribers by itself. Within
// such a pool of p partitions and m members, every partition is to have
// ceil(m/p) owners, and every member its even part of those; a member keeps what
// it has as far as that allows.
func Simple(topics []SharedTopic, members []Member) []Assignment {
	pools := poolsOf(topics, members)
	granted := make([][]ownedPartition, len(members))
	for _, p := range pools {
		p.share(members)
		for i, member := range p.members {
			granted[member] = append(granted[member], p.owned[i]...)
		}
	}
	targets := make([]Assignment, len(members))
	for i := range members {
		targets[i] = assignmentOf(topics, granted[i])
		if targets[i].Equal(members[i].Target) {
			targets[i] = members[i].Target
		}
	}
	return targets
}

// ownedPartition is one partition of the topic with that index.
type ownedPartition struct {
	topic     int32
	partition int32
}

func compareOwned(a, b ownedPartition) int {
	if a.topic != b.topic {
		return int(a.topic - b.topic)
	}
	return int(a.partition - b.partition)
}

// sharedPool is partitions that are shared out together among some members.
type sharedPool struct {
	topics     []SharedTopic
	partitions []ownedPartition // sorted
	members    []int32          // indexes, ascending
	// owned is what each of members gets, owners how many each of partitions has.
	owned  [][]ownedPartition
	owners []int
}

func poolsOf(topics []SharedTopic, members []Member) []*sharedPool {
	if len(members) == 0 {
		return nil
	}
	if sameSubscriptions(members) {
		all := &sharedPool{topics: topics}
		for i := range members {
			all.members = append(all.members, int32(i))
		}
		for _, t := range members[0].Topics {
			all.add(t)
		}
		return []*sharedPool{all}
	}
	var pools []*sharedPool
	for t := range topics {
		pool := &sharedPool{topics: topics}
		pool.add(int32(t))
		for i := range members {
			if _, ok := slices.BinarySearch(members[i].Topics, int32(t)); ok {
				pool.members = append(pool.members, int32(i))
			}
		}
		pools = append(pools, pool)
	}
	return pools
}

func (p *sharedPool) add(topic int32) {
	for _, partition := range p.topics[topic].Partitions {
		p.partitions = append(p.partitions, ownedPartition{topic, partition})
	}
}

// share fills owned.
func (p *sharedPool) share(members []Member) {
	p.owned, p.owners = make([][]ownedPartition, len(p.members)), make([]int, len(p.partitions))
	if len(p.partitions) == 0 || len(p.members) == 0 {
		return
	}
	ownersMax := (len(p.members) + len(p.partitions) - 1) / len(p.partitions)
	for i, member := range p.members {
		for _, had := range p.targetOf(&members[member]) {
			if at := p.find(had); len(p.owned[i]) < p.quota(i, ownersMax) && p.owners[at] < ownersMax {
				p.give(i, at)
			}
		}
	}
	p.fill(ownersMax)
}

// quota is how many partitions the i-th member is to have: the quotas differ by
// one at most, and are together what all partitions want.
func (p *sharedPool) quota(i, ownersMax int) int {
	n, all := len(p.members), ownersMax*len(p.partitions)
	upTo := func(i int) int { return (all*i + n - 1) / n }
	return upTo(i+1) - upTo(i)
}

// targetOf is what a member had of the pool, in order.
func (p *sharedPool) targetOf(m *Member) []ownedPartition {
	var had []ownedPartition
	for _, t := range m.Target {
		topic, ok := slices.BinarySearchFunc(p.topics, t.Topic, func(s SharedTopic, id protocol.UUID) int { return compareIDs(s.ID, id) })
		if !ok {
			continue
		}
		for _, partition := range t.Partitions {
			if one := (ownedPartition{int32(topic), partition}); p.find(one) >= 0 {
				had = append(had, one)
			}
		}
	}
	return had
}

// find is the place of a partition, -1 when it is not in the pool.
func (p *sharedPool) find(one ownedPartition) int {
	at, ok := slices.BinarySearchFunc(p.partitions, one, compareOwned)
	if !ok {
		return -1
	}
	return at
}

func (p *sharedPool) give(member, at int) {
	p.owned[member] = append(p.owned[member], p.partitions[at])
	p.owners[at]++
}

// fill gives the partitions that lack owners to members below their quota, one
// each in turn.
func (p *sharedPool) fill(ownersMax int) {
	var hungry []int
	for i := range p.members {
		if len(p.owned[i]) < p.quota(i, ownersMax) {
			hungry = append(hungry, i)
		}
	}
	next := 0
	for at := range p.partitions {
		for passed := 0; p.owners[at] < ownersMax && passed < len(hungry); {
			next %= len(hungry)
			member := hungry[next]
			if slices.Contains(p.owned[member], p.partitions[at]) {
				next++
				passed++ // they all have it already: it has to do with fewer owners
				continue
			}
			p.give(member, at)
			passed = 0
			if len(p.owned[member]) < p.quota(member, ownersMax) {
				next++
			} else {
				hungry = slices.Delete(hungry, next, next+1)
			}
		}
	}
}

// assignmentOf is a set of partitions as an Assignment.
func assignmentOf(topics []SharedTopic, owned []ownedPartition) Assignment {
	slices.SortFunc(owned, compareOwned)
	var a Assignment
	for _, one := range owned {
		if id := topics[one.topic].ID; len(a) == 0 || a[len(a)-1].Topic != id {
			a = append(a, Partitions{Topic: id})
		}
		last := &a[len(a)-1]
		last.Partitions = append(last.Partitions, one.partition)
	}
	return a
}
