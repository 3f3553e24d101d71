package group

import (
	"slices"

	"github.com/barnabas-mq/barnabas/coordinator"
)

// change is what a member's word does to its group.
type change struct {
	records []coordinator.Record
	// rereads: the member's own subscription is another.
	rereads bool
}

// retellConsumer makes the records for what a member now says of itself: the
// member's own, and a new epoch of the group when that changes who reads what.
// They are appended at once: a member without the epoch would never be given
// anything.
func (m *Machine) retellConsumer(g *consumerGroup, from origin, id string, told *subscription) (change, error) {
	var c change
	if err := m.hasBytesFor(g, from, told); err != nil {
		return change{}, err
	}
	before := from.told()
	if from.replaces {
		c.records = replaceRecords(g, from.member, id)
	}
	rereads := !slices.Equal(before.topics, told.topics)
	if from.member == nil || from.member.told == nil || rereads || before.pattern != told.pattern || !before.equal(told) {
		c.records = append(c.records, memberRecord(g.id, id, told))
	}
	patternRecords, resolved, err := m.retellPattern(g, before.pattern, told.pattern)
	if err != nil {
		return change{}, err
	}
	c.records = append(c.records, patternRecords...)
	c.rereads = rereads || before.pattern != told.pattern

	topics := m.config.Topics()
	bump := rereads || resolved
	if bump || !g.refreshed.known || g.refreshed.version != topics.Version() {
		var without []*consumerMember
		if from.member != nil {
			without = append(without, from.member)
		}
		hash := m.hashes.of(g.subscribedTopics(without, told), topics)
		if bump || hash != g.metadataHash {
			c.records = append(c.records, g.epochRecords(hash)...)
		}
		g.refreshed.known, g.refreshed.version = true, topics.Version()
	}
	return c, nil
}

// epochRecords begin the next epoch.
func (g *consumerGroup) epochRecords(hash int64) []coordinator.Record {
	records := []coordinator.Record{epochRecord(g.id, g.epoch+1, hash)}
	if g.hasPartitionMetadata {
		records = append(records, consumerTombstone(consumerPartitionsKey, g.id))
	}
	return records
}

// replaceRecords give a static member's place to another member id, with all that
// it owns; its epoch begins anew.
func replaceRecords(g *consumerGroup, old *consumerMember, id string) []coordinator.Record {
	c := old.current
	c.epoch, c.previousEpoch = JoinEpoch, JoinEpoch
	return append(removeMemberRecords(g.id, old.id),
		memberRecord(g.id, id, old.told),
		targetRecord(g.id, id, g.targets[old.id]),
		currentRecord(g.id, id, &c))
}

// removeConsumers takes members out, and goes on with next. When the rest speaks
// the classic protocol, the group becomes a classic one.
func (m *Machine) removeConsumers(g *consumerGroup, members []*consumerMember, lost func(error), next func()) {
	if m.mayDowngrade(g, members) {
		if d, ok := m.downgrade(g, members); ok {
			m.step(d.records, lost, func() {
				m.prepareRebalance(m.beginClassic(g.id, d))
				next()
			})
			return
		}
	}
	var records []coordinator.Record
	leaving := map[string]int{}
	for _, member := range members {
		records = append(records, removeMemberRecords(g.id, member.id)...)
		if member.told != nil && member.told.pattern != "" {
			leaving[member.told.pattern]++
		}
	}
	for _, pattern := range sortedKeys(leaving) {
		if leaving[pattern] == g.patterns[pattern] {
			records = append(records, consumerTombstone(consumerPatternKey, g.id, pattern))
		}
	}
	topics := m.config.Topics()
	hash := m.hashes.of(g.subscribedTopics(members, nil), topics)
	g.refreshed.known, g.refreshed.version = true, topics.Version()
	// When it takes several batches the epoch comes first, so that what follows is
	// counted, however much of it a crash leaves.
	epoch := g.epochRecords(hash)
	if all := append(records, epoch...); m.fitsBatch(all) {
		m.step(all, lost, next)
		return
	}
	m.step(epoch, lost, func() { m.steps(records, lost, next) })
}

// leaveConsumer handles the last word of a member.
func (m *Machine) leaveConsumer(h *heartbeat) {
	member, err := m.leaver(h.in)
	if err != nil {
		h.refuse(err)
		return
	}
	g := member.group
	answer := func() { h.answer(ConsumerHeartbeatOutput{MemberID: h.in.MemberID, Epoch: h.in.Epoch}) }
	if h.in.InstanceID == nil || h.in.Epoch == LeaveEpoch {
		m.removeConsumers(g, []*consumerMember{member}, h.lost, answer)
		return
	}
	// It means to come back: its place is kept for its session timeout.
	away := current{
		epoch: LeaveStaticEpoch, previousEpoch: member.current.previousEpoch, state: member.current.state,
		assigned: member.current.assigned.withEpoch(0),
	}
	m.step([]coordinator.Record{currentRecord(g.id, member.id, &away)}, h.lost, func() {
		m.timers.Stop(&member.rebalance) // it owns no more than it may
		answer()
	})
}

func (m *Machine) leaver(in *ConsumerHeartbeatInput) (*consumerMember, error) {
	entry := m.groups[in.GroupID]
	switch {
	case entry == nil:
		return nil, refuse(ErrGroupNotFound, "Group %s not found.", in.GroupID)
	case entry.foreign != nil && entry.foreign.kind == Unreadable:
		return nil, ErrUnsupportedGroup
	case entry.asConsumer() == nil:
		return nil, refuse(ErrGroupNotFound, "Group %s is not a consumer group.", in.GroupID)
	}
	return entry.consumer.find(in.MemberID, in.InstanceID)
}

// find is the member that a request names by id and instance id.
func (g *consumerGroup) find(memberID string, instanceID *string) (*consumerMember, error) {
	if instanceID != nil {
		holder := g.static[*instanceID]
		return holder, checkHolder(holder, memberID, *instanceID)
	}
	member := g.members[memberID]
	if member == nil {
		return nil, unknownMember(g, memberID)
	}
	return member, nil
}

// memberTimedOut puts a member out that did not do in time what it had to.
func (m *Machine) memberTimedOut(member *consumerMember) {
	m.stopMember(member)
	m.removeConsumers(member.group, []*consumerMember{member}, nil, func() {})
}

func (m *Machine) stopMember(member *consumerMember) {
	for _, t := range []*timer{&member.session, &member.rebalance, &member.join, &member.sync} {
		m.timers.Stop(t)
	}
}

// startSessions gives every member of a group its time anew, after a load or when
// the group has just become a consumer group.
func (m *Machine) startSessions(g *consumerGroup) {
	for _, member := range g.sortedMembers() {
		m.timers.Set(&member.session, m.now.Elapsed+m.sessionOf(member))
		m.watchRevocation(member)
	}
}
