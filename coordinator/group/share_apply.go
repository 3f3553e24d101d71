package group

import (
	"errors"
	"fmt"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group/assignor"
	"github.com/barnabas-mq/barnabas/protocol"
)

// applyShare changes a share group by one record. As in a consumer group, a member
// can be known by any one of its records first.
func (m *Machine) applyShare(kind int, r coordinator.Record) error {
	groupID, memberID, err := parseShareKey(kind, r.Key)
	if err != nil {
		return err
	}
	if r.Value == nil {
		m.forgetShare(kind, groupID, memberID)
		return nil
	}
	entry := m.groupOrNew(groupID)
	if entry.share == nil {
		entry.share = newShareGroup(groupID)
	}
	entry.share.settled, entry.share.begun.known = false, false
	err = entry.share.set(kind, memberID, r.Value)
	if errors.Is(err, errNewerValue) {
		m.setUnreadable(groupID)
		return nil
	}
	if err != nil {
		return fmt.Errorf("a record of kind %d of group %.64q: %w", kind, groupID, err)
	}
	return nil
}

func (g *shareGroup) set(kind int, memberID string, value []byte) error {
	switch kind {
	case shareGroupKey:
		var v shareEpochValue
		if err := readConsumerValue(value, v.walk); err != nil {
			return err
		}
		g.epoch, g.metadataHash = v.epoch, v.hash
	case shareMemberKey:
		var s shareSubscription
		if err := readConsumerValue(value, s.walk); err != nil {
			return err
		}
		s.topics = distinctSorted(s.topics)
		g.setTold(g.memberOrNew(memberID), &s)
	case shareTargetAssignmentKey:
		var v targetEpochValue
		if err := readConsumerValue(value, v.walk); err != nil {
			return err
		}
		g.targetEpoch, g.targetAt = v.epoch, v.at
	case shareTargetMemberKey:
		var a assignor.Assignment
		if err := readConsumerValue(value, func(c *protocol.Coder) { walkTarget(c, &a) }); err != nil {
			return err
		}
		g.targets[memberID] = sortedAssignment(a)
	case shareCurrentKey:
		var v shareCurrent
		if err := readConsumerValue(value, v.walk); err != nil {
			return err
		}
		v.assigned = sortedAssignment(v.assigned)
		g.memberOrNew(memberID).current = v
	case shareProgressKey:
		var v shareProgress
		if err := readConsumerValue(value, v.walk); err != nil {
			return err
		}
		g.state = v.sorted()
	}
	return nil
}

func (m *Machine) forgetShare(kind int, groupID, memberID string) {
	entry := m.groups[groupID]
	if entry == nil || entry.share == nil {
		return
	}
	g := entry.share
	g.settled, g.begun.known = false, false
	switch kind {
	case shareGroupKey:
		for _, member := range g.members {
			m.timers.Stop(&member.session)
		}
		entry.share = nil
		m.dropIfEmpty(groupID, entry)
	case shareMemberKey:
		if member := g.members[memberID]; member != nil {
			m.timers.Stop(&member.session)
			g.countTold(member, -1)
			delete(g.members, memberID)
		}
	case shareTargetAssignmentKey:
		g.targetEpoch, g.targetAt = firstGroupEpoch, 0
	case shareTargetMemberKey:
		delete(g.targets, memberID)
	case shareCurrentKey:
		if member := g.members[memberID]; member != nil {
			member.current = shareCurrent{epoch: LeaveEpoch, previousEpoch: LeaveEpoch}
		}
	case shareProgressKey:
		g.state = shareProgress{}
	}
}

func (g *shareGroup) memberOrNew(id string) *shareMember {
	member := g.members[id]
	if member == nil {
		member = newShareMember(g, id)
		g.members[id] = member
	}
	return member
}

// setTold replaces what a member says of itself, and the counts that follow.
func (g *shareGroup) setTold(m *shareMember, s *shareSubscription) {
	g.countTold(m, -1)
	m.told = s
	g.countTold(m, +1)
}

func (g *shareGroup) countTold(m *shareMember, by int) {
	if m.told == nil {
		return
	}
	for _, topic := range m.told.topics {
		count(g.names, topic, by)
	}
	g.bytes += by * m.told.weight()
}
