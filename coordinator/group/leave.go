package group

import "github.com/barnabas-mq/barnabas/coordinator"

// Leave takes members out at their own wish or an administrator's.
func (m *Machine) Leave(now coordinator.Moment, in LeaveInput, reply func(LeaveOutput)) coordinator.Decision {
	m.begin(now)
	out := LeaveOutput{Members: make([]LeaveResult, len(in.Members))}
	if in.GroupID == "" {
		out = LeaveOutput{Err: ErrInvalidGroupID}
	}
	entry := m.groups[in.GroupID]
	if c := entry.asConsumer(); in.GroupID != "" && c != nil {
		m.leaveClassic(c, in, reply)
		return m.finish()
	}
	left := false
	for i := range out.Members {
		out.Members[i] = LeaveResult{LeaveMember: in.Members[i], Err: ErrUnknownMember}
		if entry != nil {
			out.Members[i].Err = m.leave(entry.classic, in.Members[i])
		}
		left = left || out.Members[i].Err == nil
	}
	if left {
		// Members first and then one rebalance, however many left.
		switch g := entry.classic; g.state {
		case Stable, CompletingRebalance:
			m.prepareRebalance(g)
		case PreparingRebalance:
			m.maybeCompleteJoin(g)
		}
	}
	m.reply(func(err error) {
		if err != nil {
			out = LeaveOutput{Err: err}
		}
		reply(out)
	})
	return m.finish()
}

func (m *Machine) leave(g *classicGroup, who LeaveMember) error {
	if who.MemberID == "" && who.InstanceID != nil {
		member := g.static[*who.InstanceID]
		if member == nil {
			return ErrUnknownMember
		}
		m.expel(g, member, ErrUnknownMember)
		return nil
	}
	if g.isPending(who.MemberID) {
		m.dropPending(g, who.MemberID)
		return nil
	}
	member, err := g.check(who.MemberID, who.InstanceID)
	if err != nil {
		return err
	}
	m.expel(g, member, ErrUnknownMember)
	return nil
}
