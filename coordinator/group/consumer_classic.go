package group

import (
	"time"
)

// Members of the classic protocol in a consumer group, while it changes from one
// protocol to the other (KIP-848, online migration; Kafka's
// classicGroupJoinToConsumerGroup and its neighbours). To the group they are
// members as all others: JoinGroup tells what they read and own, its answer is
// their epoch as a generation, SyncGroup gives them what they own, and Heartbeat
// sends them back to JoinGroup as long as there is something to give up or to get.

// classicJoin is a JoinGroup to a consumer group under way.
type classicJoin struct {
	m     *Machine
	in    JoinInput
	reply func(JoinOutput)
}

func (j *classicJoin) refuse(err error, memberID string) {
	j.m.answerJoin(j.reply, refusedJoin(err, memberID))
}

func (j *classicJoin) lost(err error) { j.reply(refusedJoin(err, "")) }

func (m *Machine) joinConsumer(g *consumerGroup, in JoinInput, reply func(JoinOutput)) {
	j := &classicJoin{m: m, in: in, reply: reply}
	if err := j.run(g); err != nil {
		j.refuse(err, in.MemberID)
	}
}

func (j *classicJoin) run(g *consumerGroup) error {
	m, in := j.m, &j.in
	isNew := in.MemberID == ""
	if err := j.check(g); err != nil {
		return err
	}
	if isNew {
		in.MemberID = m.makeMemberID(in.ClientID)
		if in.InstanceID != nil {
			in.MemberID = m.makeMemberID(*in.InstanceID)
		} else if in.MemberIDRequired {
			j.refuse(ErrMemberIDRequired, in.MemberID)
			return nil
		}
	}
	from, err := g.classicOrigin(in, isNew)
	if err != nil {
		return err
	}
	told, err := from.told().withClassic(in)
	if err != nil {
		return err
	}
	c, err := m.retellConsumer(g, from, in.MemberID, told)
	if err != nil {
		return err
	}
	downgrades := from.replaces && m.mayDowngradeReplacing(g, from.member)
	m.step(c.records, j.lost, func() {
		g := m.groups[in.GroupID].consumer
		if downgrades && j.downgrade(g) {
			return
		}
		m.steps(m.newTarget(g), j.lost, func() { j.reconcile(g, c.rereads, j.joined) })
	})
	return nil
}

// check tells whether one who speaks classic may join.
func (j *classicJoin) check(g *consumerGroup) error {
	m, in := j.m, &j.in
	policy := m.config.Migration
	switch {
	case !policy.Upgrade && !policy.Downgrade:
		return refuse(ErrInconsistentProtocol, "Cannot join the consumer group %s with the classic protocol because the group migration is disabled.", g.id)
	case !g.supportsClassic(in.ProtocolType, in.Protocols):
		return refuse(ErrInconsistentProtocol, "Member %s's protocols are not supported.", in.MemberID)
	case weightOf(in.Protocols) > m.config.MemberBytesMax:
		return ErrGroupTooLarge
	}
	return m.hasConsumerRoom(g, in.MemberID)
}

// classicOrigin finds the member that a JoinGroup continues. A static member that
// has no member id takes the place of whoever has its instance id.
func (g *consumerGroup) classicOrigin(in *JoinInput, isNew bool) (origin, error) {
	if in.InstanceID == nil {
		return origin{member: g.members[in.MemberID]}, nil
	}
	holder := g.static[*in.InstanceID]
	if !isNew {
		return origin{member: holder}, checkHolder(holder, in.MemberID, *in.InstanceID)
	}
	return origin{member: holder, replaces: holder != nil}, nil
}

// withClassic is what the member says after a JoinGroup.
func (s *subscription) withClassic(in *JoinInput) (*subscription, error) {
	said, err := parseSubscription(in.Protocols[0].Metadata)
	if err != nil {
		return nil, refuse(ErrInconsistentProtocol, "The subscription of protocol %.64q cannot be read: %v.", in.Protocols[0].Name, err)
	}
	next := *s
	next.clientID, next.clientHost = in.ClientID, in.ClientHost
	if in.InstanceID != nil {
		next.instanceID = in.InstanceID
	}
	if said.Rack != nil && *said.Rack != "" {
		next.rack = said.Rack
	}
	next.rebalanceTimeoutMillis = in.RebalanceTimeoutMillis
	next.topics, next.pattern = distinctSorted(said.Topics), ""
	next.classic = &classicSubscription{sessionTimeoutMillis: in.SessionTimeoutMillis, protocols: in.Protocols}
	return &next, nil
}

func (j *classicJoin) reconcile(g *consumerGroup, rereads bool, next func(*consumerMember)) {
	m, in := j.m, &j.in
	member := g.members[in.MemberID]
	said, err := parseSubscription(in.Protocols[0].Metadata)
	if err != nil {
		j.refuse(ErrInconsistentProtocol, in.MemberID)
		return
	}
	owned := ownedByName(&said, m.config.Topics())
	records, err := m.reconcile(g, member, &owned, rereads)
	if err != nil {
		j.refuse(err, in.MemberID)
		return
	}
	m.steps(records, j.lost, func() { next(member) })
}

// joined answers, and expects the member's SyncGroup.
func (j *classicJoin) joined(member *consumerMember) {
	m := j.m
	m.timers.Stop(&member.join)
	m.timers.Stop(&member.rebalance)
	m.timers.Set(&member.session, m.now.Elapsed+millis(j.in.SessionTimeoutMillis))
	m.timers.Set(&member.sync, m.now.Elapsed+millis(j.in.RebalanceTimeoutMillis))
	j.answer(member.current.epoch)
}

func (j *classicJoin) answer(epoch int32) {
	protocolType, name := consumerProtocolType, j.in.Protocols[0].Name
	j.m.answerJoin(j.reply, JoinOutput{Generation: epoch, ProtocolType: &protocolType, Protocol: &name, MemberID: j.in.MemberID})
}

// downgrade makes the group classic: its last member of the consumer protocol has
// just been replaced by this one. false when that is not possible. Unless everybody
// has arrived at the target, which is what classic members are assigned, the classic
// group rebalances: nobody would tell them to give up the rest.
func (j *classicJoin) downgrade(g *consumerGroup) bool {
	m := j.m
	convert := func() bool {
		epoch, settled := g.members[j.in.MemberID].current.epoch, g.state() == Stable
		d, ok := m.downgrade(g, nil)
		if !ok {
			return false
		}
		m.step(d.records, j.lost, func() {
			c := m.beginClassic(g.id, d)
			if !settled {
				m.prepareRebalance(c)
			}
			j.answer(epoch)
		})
		return true
	}
	if g.targetEpoch < g.epoch {
		return convert()
	}
	j.reconcile(g, false, func(member *consumerMember) {
		if !convert() {
			j.joined(member)
		}
	})
	return true
}

// syncConsumer gives a classic member what it owns.
func (m *Machine) syncConsumer(g *consumerGroup, in SyncInput, reply func(SyncOutput)) {
	member, err := g.findClassic(in.MemberID, in.InstanceID, in.Generation)
	if err == nil {
		err = m.checkSyncConsumer(g, member, &in)
	}
	if err != nil {
		m.answerSync(reply, SyncOutput{Err: err})
		return
	}
	m.timers.Stop(&member.sync)
	m.timers.Set(&member.session, m.now.Elapsed+m.sessionOf(member))
	m.answerSync(reply, SyncOutput{
		ProtocolType: in.ProtocolType, Protocol: in.Protocol,
		Assignment: encodeAssignment(member.current.assigned.assignment(), member.told.classic.protocols[0].Metadata, m.config.Topics()),
	})
}

func (m *Machine) checkSyncConsumer(g *consumerGroup, member *consumerMember, in *SyncInput) error {
	switch {
	case in.ProtocolType != nil && *in.ProtocolType != consumerProtocolType,
		in.Protocol != nil && *in.Protocol != member.told.classic.protocols[0].Name:
		return ErrInconsistentProtocol
	case g.targetEpoch > member.current.epoch && member.current.state != memberRevoking:
		m.expectJoin(member)
		return ErrRebalanceInProgress
	}
	return nil
}

// heartbeatConsumer keeps a classic member alive, and sends it to join again while
// it has something to give up or there is something for it.
func (m *Machine) heartbeatConsumer(g *consumerGroup, in HeartbeatInput) error {
	member, err := g.findClassic(in.MemberID, in.InstanceID, in.Generation)
	if err != nil {
		return err
	}
	m.timers.Set(&member.session, m.now.Elapsed+m.sessionOf(member))
	c := &member.current
	if c.epoch < g.targetEpoch || c.state == memberRevoking || c.state == memberWaiting && !g.lacksPartitions(member) {
		m.expectJoin(member)
		return ErrRebalanceInProgress
	}
	return nil
}

// expectJoin gives a classic member its rebalance timeout to join again.
func (m *Machine) expectJoin(member *consumerMember) {
	if !member.join.IsSet() {
		m.timers.Set(&member.join, m.now.Elapsed+time.Duration(member.told.rebalanceTimeoutMillis)*time.Millisecond)
	}
}

// findClassic is the classic member that a request names.
func (g *consumerGroup) findClassic(memberID string, instanceID *string, generation int32) (*consumerMember, error) {
	member, err := g.find(memberID, instanceID)
	switch {
	case err != nil:
		return nil, err
	case !member.speaksClassic():
		return nil, refuse(ErrUnknownMember, "Member %s does not use the classic protocol.", memberID)
	case member.current.epoch != generation:
		return nil, ErrIllegalGeneration
	}
	return member, nil
}

// leaveClassic handles a LeaveGroup to a consumer group; an administrator removes
// members of either protocol with it.
func (m *Machine) leaveClassic(g *consumerGroup, in LeaveInput, reply func(LeaveOutput)) {
	out := LeaveOutput{Members: make([]LeaveResult, len(in.Members))}
	var leaving []*consumerMember
	seen := map[*consumerMember]bool{}
	for i, who := range in.Members {
		member, err := g.findLeaving(who)
		out.Members[i] = LeaveResult{LeaveMember: who, Err: err}
		if err == nil && !seen[member] {
			seen[member] = true
			leaving = append(leaving, member)
		}
	}
	answer := func() {
		m.reply(func(err error) {
			if err != nil {
				out = LeaveOutput{Err: err}
			}
			reply(out)
		})
	}
	if len(leaving) == 0 {
		answer()
		return
	}
	m.removeConsumers(g, leaving, func(err error) { reply(LeaveOutput{Err: err}) }, answer)
}

func (g *consumerGroup) findLeaving(who LeaveMember) (*consumerMember, error) {
	if who.InstanceID != nil && who.MemberID == "" {
		if holder := g.static[*who.InstanceID]; holder != nil {
			return holder, nil
		}
		return nil, ErrUnknownMember
	}
	return g.find(who.MemberID, who.InstanceID)
}
