package group

import "github.com/barnabas-mq/barnabas/coordinator"

// joinStatic handles a static member that comes without a member id: a new one,
// or one whose process was started again (KIP-345).
func (m *Machine) joinStatic(g *classicGroup, in JoinInput, reply func(JoinOutput)) {
	id := m.makeMemberID(*in.InstanceID)
	if member := g.static[*in.InstanceID]; member != nil {
		m.takeOver(g, member, id, in, reply)
		return
	}
	m.addMember(g, id, in, reply)
}

// takeOver gives the place of a static member to its new process. Whoever still
// speaks under the old member id is fenced. A stable group need not rebalance:
// the new process continues with the old assignment.
func (m *Machine) takeOver(g *classicGroup, member *member, id string, in JoinInput, reply func(JoinOutput)) {
	m.finishJoin(g, member, refusedJoin(ErrFencedInstance, member.id))
	m.finishSync(member, SyncOutput{Err: ErrFencedInstance})
	leaderBefore := g.leader
	g.rename(member, id)
	member.isNew = false
	m.startSession(member, member.sessionTimeout)
	m.retell(g, member, in, reply)

	switch g.state {
	case Stable:
		if g.selectProtocol() != *g.protocol || !m.keepAssignment(g, member, leaderBefore, in.CanSkipAssignment) {
			m.rebalance(g)
		}
	case CompletingRebalance:
		m.prepareRebalance(g)
	default:
		m.maybeCompleteJoin(g)
	}
}

// keepAssignment journals the member's new id with the assignment that stands,
// and answers its join with the present generation; false when that does not fit
// in a record.
func (m *Machine) keepAssignment(g *classicGroup, member *member, leaderBefore string, canSkip bool) bool {
	record := m.assignedRecord(g, g.assignments())
	if len(record.Value) > m.config.RecordBytesMax {
		return false
	}
	m.write(record)
	m.then(func(now coordinator.Moment) coordinator.Decision {
		m.begin(now)
		out := g.joined(member)
		if canSkip {
			// The leader watches for changes again without assigning anew (KIP-814).
			out.SkipAssignment = g.leader == member.id
		} else {
			// Told that it leads, an older client would assign, and a stable group would
			// not listen. The old id as leader keeps it from that.
			out.Leader, out.Members = leaderBefore, nil
		}
		m.finishJoin(g, member, out)
		return m.finish()
	})
	return true
}

func (g *classicGroup) assignments() map[string][]byte {
	all := make(map[string][]byte, len(g.members))
	for _, m := range g.members {
		all[m.id] = m.assignment
	}
	return all
}
