package group

import "github.com/barnabas-mq/barnabas/coordinator"

// Sync hands in the leader's assignment, or fetches the member's own.
func (m *Machine) Sync(now coordinator.Moment, in SyncInput, reply func(SyncOutput)) coordinator.Decision {
	m.begin(now)
	if c := m.groups[in.GroupID].asConsumer(); in.GroupID != "" && c != nil && len(c.members) > 0 {
		m.syncConsumer(c, in, reply)
		return m.finish()
	}
	member, g, err := m.checkSync(in)
	switch {
	case err != nil:
		m.answerSync(reply, SyncOutput{Err: err})
	case g.state == Stable:
		m.noteSync(g, member)
		m.answerSync(reply, g.synced(member))
	default:
		if member.sync != nil {
			// As with a join that comes again, the earlier request must not wait for ever.
			m.finishSync(member, SyncOutput{Err: ErrRebalanceInProgress})
		}
		member.sync = reply
		m.noteSync(g, member)
		if g.leader == member.id {
			m.assign(g, in.Assignments)
		}
	}
	return m.finish()
}

func (m *Machine) checkSync(in SyncInput) (*member, *classicGroup, error) {
	if in.GroupID == "" {
		return nil, nil, ErrInvalidGroupID
	}
	entry := m.groups[in.GroupID]
	if entry == nil || entry.classic.state == Empty { // groups of other kinds have no classic part
		return nil, nil, ErrUnknownMember
	}
	g := entry.classic
	member, err := g.check(in.MemberID, in.InstanceID)
	switch {
	case err != nil:
		return nil, nil, err
	case in.Generation != g.generation:
		return nil, nil, ErrIllegalGeneration
	case in.ProtocolType != nil && *in.ProtocolType != g.protocolType,
		in.Protocol != nil && g.protocol != nil && *in.Protocol != *g.protocol:
		return nil, nil, ErrInconsistentProtocol
	case g.state == PreparingRebalance:
		return nil, nil, ErrRebalanceInProgress
	}
	return member, g, nil
}

// noteSync remembers that the member has asked for its assignment.
func (m *Machine) noteSync(g *classicGroup, member *member) {
	g.setOwesSync(member, false)
	if g.owingSync == 0 {
		m.timers.Stop(&g.syncDeadline)
	}
}

// assign journals what the leader has assigned and then tells all who wait. A
// member that the leader passed over is assigned nothing.
func (m *Machine) assign(g *classicGroup, assignments []Assignment) {
	byMember := make(map[string][]byte, len(assignments))
	for _, a := range assignments {
		byMember[a.MemberID] = a.Bytes
	}
	record := m.assignedRecord(g, byMember)
	if len(record.Value) > m.config.RecordBytesMax {
		m.finishSyncs(g, func(*member) SyncOutput { return SyncOutput{Err: ErrGroupTooLarge} })
		m.prepareRebalance(g)
		return
	}
	m.write(record)
	m.then(func(now coordinator.Moment) coordinator.Decision {
		m.begin(now)
		m.finishSyncs(g, g.synced)
		return m.finish()
	})
}

// synced is the answer that tells a member its assignment.
func (g *classicGroup) synced(member *member) SyncOutput {
	out := SyncOutput{Assignment: member.assignment}
	out.ProtocolType, out.Protocol = g.typeAndProtocol()
	return out
}

// finishSyncs answers every member that waits for its assignment.
func (m *Machine) finishSyncs(g *classicGroup, answer func(*member) SyncOutput) {
	for _, member := range g.members {
		if member.sync != nil {
			m.finishSync(member, answer(member))
			m.startSession(member, member.sessionTimeout)
		}
	}
}

func (m *Machine) finishSync(member *member, out SyncOutput) {
	if member.sync == nil {
		return
	}
	m.answerSync(member.sync, out)
	member.sync = nil
}

// answerSync answers a sync once what it tells is committed.
func (m *Machine) answerSync(reply func(SyncOutput), out SyncOutput) {
	m.reply(func(err error) {
		if err != nil {
			out = SyncOutput{Err: err}
		}
		reply(out)
	})
}

// Heartbeat keeps a member's session alive and tells it whether to join again.
func (m *Machine) Heartbeat(now coordinator.Moment, in HeartbeatInput, reply func(error)) coordinator.Decision {
	m.begin(now)
	err := m.heartbeat(in)
	m.answer(reply, err)
	return m.finish()
}

func (m *Machine) heartbeat(in HeartbeatInput) error {
	if in.GroupID == "" {
		return ErrInvalidGroupID
	}
	entry := m.groups[in.GroupID]
	if entry == nil {
		return ErrUnknownMember
	}
	if c := entry.asConsumer(); c != nil {
		return m.heartbeatConsumer(c, in)
	}
	g := entry.classic
	member, err := g.check(in.MemberID, in.InstanceID)
	if err != nil {
		return err
	}
	if in.Generation != g.generation {
		return ErrIllegalGeneration
	}
	m.startSession(member, member.sessionTimeout)
	if g.state == PreparingRebalance {
		return ErrRebalanceInProgress
	}
	return nil
}

// answer sends an answer that is only an error.
func (m *Machine) answer(reply func(error), err error) {
	m.reply(func(lost error) {
		if lost != nil {
			err = lost
		}
		reply(err)
	})
}
