package group

import (
	"time"

	"github.com/barnabas-mq/barnabas/coordinator"
)

// Join lets a member in, or notes that it is back for the next generation.
func (m *Machine) Join(now coordinator.Moment, in JoinInput, reply func(JoinOutput)) coordinator.Decision {
	m.begin(now)
	if err := m.checkJoin(in); err != nil {
		m.answerJoin(reply, refusedJoin(err, in.MemberID))
		return m.finish()
	}
	entry := m.groups[in.GroupID]
	if entry == nil {
		if in.MemberID != "" {
			m.answerJoin(reply, refusedJoin(ErrUnknownMember, in.MemberID))
			return m.finish()
		}
		m.beginGroup(in, reply)
		return m.finish()
	}
	switch {
	case entry.foreign != nil:
		m.answerJoin(reply, refusedJoin(entry.foreign.refusesMembers(), ""))
		return m.finish()
	case entry.share != nil:
		m.answerJoin(reply, refusedJoin(ErrInconsistentProtocol, ""))
		return m.finish()
	case entry.consumer != nil && len(entry.consumer.members) > 0:
		in.Protocols = distinct(in.Protocols)
		m.joinConsumer(entry.consumer, in, reply)
		return m.finish()
	case entry.consumer != nil:
		m.joinEmptyConsumer(entry.consumer, in, reply)
		return m.finish()
	}
	m.join(entry.classic, in, reply)
	return m.finish()
}

// joinEmptyConsumer makes an empty consumer group classic; what it has committed
// stays (Kafka's maybeDeleteEmptyConsumerGroup).
func (m *Machine) joinEmptyConsumer(g *consumerGroup, in JoinInput, reply func(JoinOutput)) {
	if in.MemberID != "" {
		m.answerJoin(reply, refusedJoin(ErrUnknownMember, in.MemberID))
		return
	}
	m.write(g.tombstones()...)
	m.beginGroup(in, reply)
}

// beginGroup makes an empty classic group, which exists from its first join on,
// also for tools, and then joins.
func (m *Machine) beginGroup(in JoinInput, reply func(JoinOutput)) {
	m.write(groupRecord(in.GroupID, m.emptyValue("", 0)))
	m.then(func(now coordinator.Moment) coordinator.Decision { return m.Join(now, in, reply) })
	m.out.Lost = func(err error) { reply(refusedJoin(err, "")) }
}

func (m *Machine) checkJoin(in JoinInput) error {
	if in.GroupID == "" || len(in.GroupID) > stringBytesMax {
		return ErrInvalidGroupID
	}
	if !fitsRecord(in) {
		return ErrGroupTooLarge
	}
	if in.SessionTimeoutMillis < m.config.SessionTimeoutMinMillis ||
		in.SessionTimeoutMillis > m.config.SessionTimeoutMaxMillis {
		return ErrInvalidSessionTimeout
	}
	return nil
}

// fitsRecord tells whether a group's record can hold what the member says of
// itself, and the member id that is made of it.
func fitsRecord(in JoinInput) bool {
	const addedToID = len("-00000000-0000-0000-0000-000000000000")
	longest := max(len(in.ClientID)+addedToID, len(in.ClientHost), len(in.ProtocolType), len(in.MemberID))
	if in.InstanceID != nil {
		longest = max(longest, len(*in.InstanceID)+addedToID)
	}
	for _, p := range in.Protocols {
		longest = max(longest, len(p.Name))
	}
	return longest <= stringBytesMax
}

func (m *Machine) join(g *classicGroup, in JoinInput, reply func(JoinOutput)) {
	in.Protocols = distinct(in.Protocols)
	switch err := m.hasRoom(g, in); err {
	case nil:
	case ErrGroupFull:
		if member := g.find(in.MemberID); member != nil {
			m.expel(g, member, ErrGroupFull)
			m.maybeCompleteJoin(g)
		}
		fallthrough
	default:
		m.answerJoin(reply, refusedJoin(err, ""))
		return
	}
	if !g.supports(in.ProtocolType, in.Protocols) {
		m.answerJoin(reply, refusedJoin(ErrInconsistentProtocol, in.MemberID))
		return
	}
	switch {
	case in.MemberID != "":
		m.joinKnown(g, in, reply)
	case in.InstanceID != nil:
		m.joinStatic(g, in, reply)
	case in.MemberIDRequired:
		m.givePendingID(g, in, reply)
	default:
		m.addMember(g, m.makeMemberID(in.ClientID), in, reply)
	}
}

// hasRoom tells whether the group takes one who joins. A member of a group that
// is over its limit is turned away only when the group rebalances.
func (m *Machine) hasRoom(g *classicGroup, in JoinInput) error {
	member := g.find(in.MemberID)
	limit := int(m.config.MembersMax)
	switch g.state {
	case PreparingRebalance:
		if (member == nil || member.join == nil) && g.awaitingJoin >= limit {
			return ErrGroupFull
		}
	case CompletingRebalance, Stable:
		if member == nil && len(g.members) >= limit {
			return ErrGroupFull
		}
	}
	weight := weightOf(in.Protocols)
	sum := g.bytes + weight
	if member != nil {
		sum -= weightOf(member.protocols)
	}
	if weight > m.config.MemberBytesMax || sum > m.config.GroupBytesMax {
		return ErrGroupTooLarge
	}
	return nil
}

// joinKnown handles a member that has its id already.
func (m *Machine) joinKnown(g *classicGroup, in JoinInput, reply func(JoinOutput)) {
	if g.isPending(in.MemberID) && in.InstanceID == nil {
		m.addMember(g, in.MemberID, in, reply)
		return
	}
	member, err := g.check(in.MemberID, in.InstanceID)
	if err != nil {
		m.answerJoin(reply, refusedJoin(err, in.MemberID))
		return
	}
	unchanged := member.matches(in.Protocols)
	switch {
	case g.state == PreparingRebalance:
		m.updateMember(g, member, in, reply)
	case g.state == CompletingRebalance && unchanged:
		// The answer to its first join got lost.
		m.answerJoin(reply, g.joined(member))
	case g.state == Stable && unchanged && g.leader != member.id:
		m.answerJoin(reply, g.joined(member))
	default:
		// A leader that joins again asks for a new assignment.
		m.updateMember(g, member, in, reply)
	}
}

// givePendingID makes up an id and asks the client to come back with it
// (KIP-394), so that a lost answer does not leave a member behind.
func (m *Machine) givePendingID(g *classicGroup, in JoinInput, reply func(JoinOutput)) {
	if len(g.pending) >= m.config.PendingMembersMax {
		m.answerJoin(reply, refusedJoin(ErrGroupFull, ""))
		return
	}
	id := m.makeMemberID(in.ClientID)
	if g.pending == nil {
		g.pending = map[string]*timer{}
	}
	t := newTimer(sessionTimer, g, id)
	g.pending[id] = &t
	m.timers.Set(&t, m.now.Elapsed+millis(in.SessionTimeoutMillis))
	m.answerJoin(reply, refusedJoin(ErrMemberIDRequired, id))
}

func (m *Machine) dropPending(g *classicGroup, memberID string) {
	m.timers.Stop(g.pending[memberID])
	delete(g.pending, memberID)
}

// makeMemberID is Kafka's form: the client id or group instance id, a dash, and
// something unique.
func (m *Machine) makeMemberID(prefix string) string { return prefix + "-" + m.newMemberID() }

// addMember takes a new member in.
func (m *Machine) addMember(g *classicGroup, id string, in JoinInput, reply func(JoinOutput)) {
	if g.isPending(id) {
		m.dropPending(g, id)
	}
	member := newMember(g, id)
	member.instanceID = in.InstanceID
	member.clientID, member.clientHost = in.ClientID, in.ClientHost
	member.sessionTimeout = millis(in.SessionTimeoutMillis)
	member.rebalanceTimeout = millis(in.RebalanceTimeoutMillis)
	member.protocols = in.Protocols
	member.isNew = true
	if g.state == PreparingRebalance && g.initialJoin {
		g.arrived = true
	}
	g.add(member, in.ProtocolType)
	g.setJoin(member, reply)
	if in.StartsSlowly {
		g.notBefore = m.now.Elapsed + slowStart
	}
	m.startSession(member, newMemberTimeoutMillis*time.Millisecond)
	m.rebalance(g)
}

// updateMember takes what a member says now, and has it wait for the next
// generation.
func (m *Machine) updateMember(g *classicGroup, member *member, in JoinInput, reply func(JoinOutput)) {
	m.retell(g, member, in, reply)
	m.rebalance(g)
}

// retell replaces what the member has said, and whom to answer.
func (m *Machine) retell(g *classicGroup, member *member, in JoinInput, reply func(JoinOutput)) {
	if earlier := member.join; earlier != nil {
		// It lost its connection and came back on another; the old one, if it still
		// lives, must not wait for ever.
		m.answerJoin(earlier, refusedJoin(ErrRebalanceInProgress, member.id))
	}
	g.setProtocols(member, in.Protocols)
	member.sessionTimeout = millis(in.SessionTimeoutMillis)
	member.rebalanceTimeout = millis(in.RebalanceTimeoutMillis)
	g.setJoin(member, reply)
}

// answerJoin answers a join once what it tells is committed.
func (m *Machine) answerJoin(reply func(JoinOutput), out JoinOutput) {
	m.reply(func(err error) {
		if err != nil {
			out = refusedJoin(err, "")
		}
		reply(out)
	})
}

// finishJoin answers the join that the member waits for, if it does.
func (m *Machine) finishJoin(g *classicGroup, member *member, out JoinOutput) {
	if member.join == nil {
		return
	}
	m.answerJoin(member.join, out)
	g.setJoin(member, nil)
}

func refusedJoin(err error, memberID string) JoinOutput {
	return JoinOutput{Err: err, Generation: noGeneration, MemberID: memberID}
}

// noGeneration is what answers carry that have none.
const noGeneration = -1

// joined is the answer that tells a member of the present generation.
func (g *classicGroup) joined(member *member) JoinOutput {
	out := JoinOutput{Generation: g.generation, Leader: g.leader, MemberID: member.id}
	out.ProtocolType, out.Protocol = g.typeAndProtocol()
	if g.leader == member.id {
		out.Members = g.roster()
	}
	return out
}

// distinct is the list without protocols that are named again.
func distinct(protocols []Protocol) []Protocol {
	own := make([]Protocol, 0, len(protocols))
	seen := make(map[string]struct{}, len(protocols))
	for _, p := range protocols {
		if _, again := seen[p.Name]; !again {
			seen[p.Name] = struct{}{}
			own = append(own, Protocol{Name: p.Name, Metadata: orEmpty(p.Metadata)})
		}
	}
	return own
}

func millis(n int32) time.Duration { return time.Duration(n) * time.Millisecond }
