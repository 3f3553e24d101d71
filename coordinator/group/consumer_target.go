package group

import (
	"bytes"
	"slices"
	"time"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group/assignor"
	"github.com/barnabas-mq/barnabas/protocol"
)

// newTarget makes the records of a new target when the group's epoch is ahead of
// the last one and that is not too recent (KIP-1263). The epoch comes last: the
// rest means nothing without it.
func (m *Machine) newTarget(g *consumerGroup) []coordinator.Record {
	if g.targetEpoch >= g.epoch || !m.mayAssign(g) {
		return nil
	}
	members := g.sortedMembers()
	input := m.assignorInput(g, members)
	var records []coordinator.Record
	for i, target := range m.assignorOf(g).Assign(input) {
		before, known := g.targets[members[i].id]
		if !known || !before.Equal(target) {
			records = append(records, targetRecord(g.id, members[i].id, target))
		}
	}
	return append(records, targetEpochRecord(g.id, g.epoch, m.now.Wall))
}

// mayAssign: consumer.assignment.interval.ms is over.
func (m *Machine) mayAssign(g *consumerGroup) bool {
	return m.isIntervalOver(g.targetAt, m.config.Settings(g.id).AssignmentInterval)
}

// assignorOf is the assignor that most members wish, else the broker's first.
func (m *Machine) assignorOf(g *consumerGroup) assignor.Assignor {
	for _, name := range []string{g.preferredAssignor(), m.config.Assignors[0]} {
		if a := assignor.ByName(name); a != nil && m.hasAssignor(name) {
			return a
		}
	}
	return assignor.Uniform()
}

// assignorInput is the group as an assignor sees it.
func (m *Machine) assignorInput(g *consumerGroup, members []*consumerMember) *assignor.Group {
	topics := m.config.Topics()
	in := &assignor.Group{Members: make([]assignor.Member, len(members))}
	named := map[string]assignor.Topic{}
	for _, name := range g.subscribedTopics(nil, nil) {
		if t, ok := topics.Topic(name); ok {
			named[name] = assignor.Topic{ID: t.ID, Partitions: t.Partitions}
			in.Topics = append(in.Topics, named[name])
		}
	}
	slices.SortFunc(in.Topics, func(a, b assignor.Topic) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	index := make(map[string]int32, len(named))
	for name, t := range named {
		at, _ := slices.BinarySearchFunc(in.Topics, t, func(a, b assignor.Topic) int { return bytes.Compare(a.ID[:], b.ID[:]) })
		index[name] = int32(at)
	}
	for i, member := range members {
		to := &in.Members[i]
		to.ID, to.Target = member.id, g.targets[member.id]
		if member.told == nil {
			continue
		}
		to.InstanceID = member.told.instanceID
		for _, name := range g.topicsOf(member.told) {
			if at, ok := index[name]; ok {
				to.Topics = append(to.Topics, at)
			}
		}
		slices.Sort(to.Topics)
	}
	return in
}

// reconcile makes the record of a member's next step towards its target, if there
// is one to take.
func (m *Machine) reconcile(g *consumerGroup, member *consumerMember, owned *assignor.Assignment, rereads bool) ([]coordinator.Record, error) {
	if !rereads && member.isReconciledTo(g.targetEpoch) {
		return nil, nil
	}
	r := reconciliation{
		current: member.current, target: g.targetOf(member), targetEpoch: g.targetEpoch, owned: owned, rereads: rereads,
		reads: topicReader(m.config.Topics(), g.topicsOf(member.told)),
		isTaken: func(id partitionID) bool {
			owner := g.owners[id]
			return owner != nil && owner != member
		},
	}
	next, err := r.next()
	if err != nil || next.equal(&member.current) {
		return nil, err
	}
	return []coordinator.Record{currentRecord(g.id, member.id, &next)}, nil
}

// topicReader tells whether topics are among the names, which are sorted. It is
// asked for each partition, the topics one after the other.
func topicReader(topics Topics, names []string) func(protocol.UUID) bool {
	var last protocol.UUID
	var isRead, asked bool
	return func(id protocol.UUID) bool {
		if asked && id == last {
			return isRead
		}
		t, ok := topics.TopicByID(id)
		if ok {
			_, ok = slices.BinarySearch(names, t.Name)
		}
		last, isRead, asked = id, ok, true
		return ok
	}
}

// watchRevocation gives a member its rebalance timeout to give up what it has to.
// Classic members have other timers.
func (m *Machine) watchRevocation(member *consumerMember) {
	if member.speaksClassic() {
		return
	}
	if member.current.state != memberRevoking || member.told == nil {
		m.timers.Stop(&member.rebalance)
		return
	}
	m.timers.Set(&member.rebalance, m.now.Elapsed+millis(member.told.rebalanceTimeoutMillis))
}

// sessionOf is how long a member may be silent.
func (m *Machine) sessionOf(member *consumerMember) time.Duration {
	if member.speaksClassic() {
		return millis(member.told.classic.sessionTimeoutMillis)
	}
	return m.config.Settings(member.group.id).SessionTimeout
}
