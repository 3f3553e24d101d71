package group

import (
	"errors"
	"fmt"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group/assignor"
	"github.com/barnabas-mq/barnabas/protocol"
)

func isConsumerKind(kind int) bool {
	return kind >= consumerGroupKey && kind <= consumerCurrentKey || kind == consumerPatternKey
}

// applyConsumer changes a consumer group by one record. Records of one batch come
// in Kafka's order, but compaction may have taken earlier ones away, so that a
// member can be known by any one of its records first.
func (m *Machine) applyConsumer(kind int, r coordinator.Record) error {
	groupID, about, err := parseConsumerKey(kind, r.Key)
	if err != nil {
		return err
	}
	if r.Value == nil {
		m.forgetConsumer(kind, groupID, about)
		return nil
	}
	entry := m.groupOrNew(groupID)
	if entry.consumer == nil {
		entry.consumer = newConsumerGroup(groupID)
	}
	err = m.setConsumer(entry.consumer, kind, about, r.Value)
	if errors.Is(err, errNewerValue) {
		m.setUnreadable(groupID)
		return nil
	}
	if err != nil {
		return fmt.Errorf("a record of kind %d of group %.64q: %w", kind, groupID, err)
	}
	return nil
}

func (m *Machine) setConsumer(g *consumerGroup, kind int, about string, value []byte) error {
	switch kind {
	case consumerGroupKey:
		var v epochValue
		if err := readConsumerValue(value, v.walk); err != nil {
			return err
		}
		g.epoch, g.metadataHash = v.epoch, v.hash
	case consumerPartitionsKey:
		g.hasPartitionMetadata = true
	case consumerMemberKey:
		var s subscription
		if err := readConsumerValue(value, s.walk); err != nil {
			return err
		}
		g.setTold(g.memberOrNew(about), &s)
	case consumerTargetAssignmentKey:
		var v targetEpochValue
		if err := readConsumerValue(value, v.walk); err != nil {
			return err
		}
		g.targetEpoch, g.targetAt = v.epoch, v.at
	case consumerTargetMemberKey:
		var a assignor.Assignment
		if err := readConsumerValue(value, func(c *protocol.Coder) { walkTarget(c, &a) }); err != nil {
			return err
		}
		g.targets[about] = sortedAssignment(a)
	case consumerCurrentKey:
		var v current
		if err := readConsumerValue(value, v.walk); err != nil {
			return err
		}
		v.assigned, v.revoking = v.assigned.sorted(), v.revoking.sorted()
		g.setCurrent(g.memberOrNew(about), v)
	case consumerPatternKey:
		r := &resolvedPattern{}
		if err := readConsumerValue(value, r.walk); err != nil {
			return err
		}
		g.resolved[about] = r
	}
	return nil
}

func (m *Machine) forgetConsumer(kind int, groupID, about string) {
	entry := m.groups[groupID]
	if entry == nil || entry.consumer == nil {
		return
	}
	g := entry.consumer
	switch kind {
	case consumerGroupKey:
		for _, member := range g.members {
			m.stopMember(member)
		}
		entry.consumer = nil
		m.dropIfEmpty(groupID, entry)
	case consumerPartitionsKey:
		g.hasPartitionMetadata = false
	case consumerMemberKey:
		if member := g.members[about]; member != nil {
			m.stopMember(member)
			g.remove(member)
		}
	case consumerTargetAssignmentKey:
		g.targetEpoch, g.targetAt = 0, 0
	case consumerTargetMemberKey:
		delete(g.targets, about)
	case consumerCurrentKey:
		if member := g.members[about]; member != nil {
			g.setCurrent(member, current{epoch: LeaveEpoch, previousEpoch: LeaveEpoch})
		}
	case consumerPatternKey:
		delete(g.resolved, about)
	}
}

func (g *consumerGroup) memberOrNew(id string) *consumerMember {
	member := g.members[id]
	if member == nil {
		member = newConsumerMember(g, id)
		g.members[id] = member
	}
	return member
}

// setTold replaces what a member says of itself, and the counts that follow.
func (g *consumerGroup) setTold(m *consumerMember, s *subscription) {
	g.countTold(m, -1)
	m.told = s
	g.countTold(m, +1)
}

func (g *consumerGroup) countTold(m *consumerMember, by int) {
	s := m.told
	if s == nil {
		return
	}
	countSubscription(g.names, g.patterns, s, by)
	g.bytes += by * s.weight()
	if s.assignor != nil {
		count(g.assignors, *s.assignor, by)
	}
	if s.classic != nil {
		g.classic += by
		for _, p := range s.classic.protocols {
			count(g.supported, p.Name, by)
		}
	}
	switch {
	case s.instanceID == nil:
	case by > 0:
		g.static[*s.instanceID] = m
	case g.static[*s.instanceID] == m:
		delete(g.static, *s.instanceID)
	}
}

// setCurrent moves a member on. Two owners of a partition can be seen only while
// a compacted log is replayed; the later record holds then.
func (g *consumerGroup) setCurrent(m *consumerMember, v current) {
	g.release(m)
	m.current = v
	for _, owned := range []ownedPartitions{v.assigned, v.revoking} {
		owned.each(func(id partitionID, _ int32) { g.owners[id] = m })
	}
}

func (g *consumerGroup) release(m *consumerMember) {
	for _, owned := range []ownedPartitions{m.current.assigned, m.current.revoking} {
		owned.each(func(id partitionID, _ int32) {
			if g.owners[id] == m {
				delete(g.owners, id)
			}
		})
	}
}

func (g *consumerGroup) remove(m *consumerMember) {
	g.release(m)
	g.countTold(m, -1)
	delete(g.members, m.id)
}
