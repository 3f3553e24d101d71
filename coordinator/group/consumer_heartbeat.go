package group

import (
	"strings"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group/assignor"
	"github.com/barnabas-mq/barnabas/protocol"
)

// ConsumerHeartbeat is all that a member of the consumer protocol says: it joins,
// lives, tells what it reads and owns, and leaves (KIP-848).
//
// It goes in three steps, each of which leaves the group in a state to go on
// from after a crash: who is in the group and what it reads, who is to own what,
// and how far this member is.
func (m *Machine) ConsumerHeartbeat(now coordinator.Moment, in ConsumerHeartbeatInput, reply func(ConsumerHeartbeatOutput)) coordinator.Decision {
	m.begin(now)
	h := &heartbeat{m: m, in: &in, reply: reply}
	if err := m.checkHeartbeat(&in); err != nil {
		h.refuse(err)
	} else if in.Epoch == LeaveEpoch || in.Epoch == LeaveStaticEpoch {
		m.leaveConsumer(h)
	} else if err := h.run(); err != nil {
		h.refuse(err)
	}
	return m.finish()
}

// heartbeat is a ConsumerHeartbeat under way.
type heartbeat struct {
	m     *Machine
	in    *ConsumerHeartbeatInput
	reply func(ConsumerHeartbeatOutput)
}

func (h *heartbeat) answer(out ConsumerHeartbeatOutput) {
	h.m.reply(func(err error) {
		if err != nil {
			out = ConsumerHeartbeatOutput{Err: err}
		}
		h.reply(out)
	})
}

func (h *heartbeat) refuse(err error) { h.answer(ConsumerHeartbeatOutput{Err: err}) }

// lost answers when the journal failed in the middle.
func (h *heartbeat) lost(err error) { h.reply(ConsumerHeartbeatOutput{Err: err}) }

// checkHeartbeat judges a request by itself (Kafka's GroupCoordinatorService).
// Whether a member id is needed depends on the version and is the caller's.
func (m *Machine) checkHeartbeat(in *ConsumerHeartbeatInput) error {
	switch {
	case isBlank(&in.GroupID):
		return refuse(ErrInvalidRequest, "GroupId can't be empty.")
	case isBlank(in.InstanceID):
		return refuse(ErrInvalidRequest, "InstanceId can't be empty.")
	case isBlank(in.Rack):
		return refuse(ErrInvalidRequest, "RackId can't be empty.")
	case in.Epoch < LeaveStaticEpoch:
		return refuse(ErrInvalidRequest, "MemberEpoch is invalid.")
	case in.Epoch == LeaveStaticEpoch && in.InstanceID == nil:
		return refuse(ErrInvalidRequest, "InstanceId can't be null.")
	case in.Assignor != nil && !m.hasAssignor(*in.Assignor):
		return refuse(ErrUnsupportedAssignor, "ServerAssignor %s is not supported. Supported assignors: %s.",
			*in.Assignor, strings.Join(m.config.Assignors, ", "))
	}
	if in.Epoch == JoinEpoch {
		if err := checkJoining(in); err != nil {
			return err
		}
	}
	return m.checkSizes(in)
}

func checkJoining(in *ConsumerHeartbeatInput) error {
	switch {
	case in.RebalanceTimeoutMillis == protocol.None:
		return refuse(ErrInvalidRequest, "RebalanceTimeoutMs must be provided in first request.")
	case in.Owned == nil || len(*in.Owned) > 0:
		return refuse(ErrInvalidRequest, "TopicPartitions must be empty when (re-)joining.")
	case in.Topics == nil && in.Pattern == nil:
		return refuse(ErrInvalidRequest, "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.")
	}
	return nil
}

// checkSizes refuses what does not fit in records, and an expression that is longer
// than barnabas.group.regex.max.bytes.
func (m *Machine) checkSizes(in *ConsumerHeartbeatInput) error {
	texts := []string{in.GroupID, in.MemberID, in.ClientID, in.ClientHost}
	for _, p := range []*string{in.InstanceID, in.Rack, in.Pattern, in.Assignor} {
		if p != nil {
			texts = append(texts, *p)
		}
	}
	if err := checkTexts(append(texts, in.Topics...)); err != nil {
		return err
	}
	if in.Pattern != nil && len(*in.Pattern) > m.config.PatternBytesMax {
		return refuse(ErrInvalidPattern, "SubscribedTopicRegex has %d bytes; barnabas.group.regex.max.bytes allows %d.", len(*in.Pattern), m.config.PatternBytesMax)
	}
	return nil
}

func isBlank(s *string) bool { return s != nil && strings.TrimSpace(*s) == "" }

// checkTexts refuses names that do not fit in records.
func checkTexts(texts []string) error {
	for _, text := range texts {
		if len(text) > stringBytesMax {
			return refuse(ErrInvalidRequest, "A name of %d bytes is longer than the %d that a group can keep.", len(text), stringBytesMax)
		}
	}
	return nil
}

func (m *Machine) hasAssignor(name string) bool {
	for _, known := range m.config.Assignors {
		if known == name {
			return true
		}
	}
	return false
}

// run handles a member that joins or lives.
func (h *heartbeat) run() error {
	m, in := h.m, h.in
	entry := m.groups[in.GroupID]
	joins := in.Epoch == JoinEpoch
	var before []coordinator.Record
	switch {
	case entry == nil && !joins:
		return refuse(ErrGroupNotFound, "Consumer group %s not found.", in.GroupID)
	case entry == nil:
		return h.update(newConsumerGroup(in.GroupID), nil)
	case entry.asConsumer() != nil:
		return h.update(entry.consumer, nil)
	case entry.foreign != nil && entry.foreign.kind == Unreadable:
		return ErrUnsupportedGroup
	case !joins || entry.foreign != nil || entry.share != nil:
		return refuse(ErrGroupNotFound, "Group %s is not a consumer group.", in.GroupID)
	case entry.classic.state == Empty:
		// What it has committed stays.
		before = append(before, groupTombstone(in.GroupID))
		return h.update(newConsumerGroup(in.GroupID), before)
	}
	records, err := m.upgrade(entry.classic)
	if err != nil {
		return err
	}
	m.step(records, h.lost, func() {
		m.startSessions(m.groups[in.GroupID].consumer)
		if err := h.run(); err != nil {
			h.refuse(err)
		}
	})
	return nil
}

// update is the first step: who the member is and what it reads.
func (h *heartbeat) update(g *consumerGroup, before []coordinator.Record) error {
	m, in := h.m, h.in
	if err := m.hasConsumerRoom(g, in.MemberID); err != nil {
		return err
	}
	if in.MemberID == "" {
		in.MemberID = m.newMemberID()
	}
	from, err := h.member(g)
	if err != nil {
		return err
	}
	told := from.told().with(in)
	change, err := m.retellConsumer(g, from, in.MemberID, told)
	if err != nil {
		return err
	}
	assigned := from.current().assigned
	m.step(append(before, change.records...), h.lost, func() {
		g := m.groups[in.GroupID].consumer
		m.askPatterns(g, in.Sees)
		h.assign(g, assigned, change.rereads)
	})
	return nil
}

// assign is the second step: who is to own what.
func (h *heartbeat) assign(g *consumerGroup, assigned ownedPartitions, rereads bool) {
	h.m.steps(h.m.newTarget(g), h.lost, func() {
		if err := h.reconcile(g, assigned, rereads); err != nil {
			h.refuse(err)
		}
	})
}

// reconcile is the third step: how far the member is.
func (h *heartbeat) reconcile(g *consumerGroup, assigned ownedPartitions, rereads bool) error {
	m, in := h.m, h.in
	member := g.members[in.MemberID]
	records, err := m.reconcile(g, member, in.Owned, rereads)
	if err != nil {
		return err
	}
	m.steps(records, h.lost, func() {
		if len(records) > 0 {
			m.watchRevocation(member)
		}
		settings := m.config.Settings(g.id)
		m.timers.Stop(&member.join)
		m.timers.Stop(&member.sync)
		m.timers.Set(&member.session, m.now.Elapsed+settings.SessionTimeout)
		out := ConsumerHeartbeatOutput{
			MemberID: member.id, Epoch: member.current.epoch, HeartbeatInterval: settings.HeartbeatInterval,
		}
		if in.isFull() || !assigned.samePartitions(member.current.assigned) {
			a := member.current.assigned.assignment()
			out.Assignment = &a
		}
		h.answer(out)
	})
	return nil
}

// origin is the member that a request continues: itself, one whose place it
// takes, or none.
type origin struct {
	member *consumerMember
	// replaces: the member gets another id and begins at epoch 0 with what the old
	// one owned.
	replaces bool
}

func (o origin) told() *subscription {
	if o.member == nil || o.member.told == nil {
		return &subscription{}
	}
	return o.member.told
}

func (o origin) current() current {
	if o.member == nil {
		return current{}
	}
	return o.member.current
}

// member finds who speaks, and whether it may.
func (h *heartbeat) member(g *consumerGroup) (origin, error) {
	in := h.in
	if in.InstanceID != nil {
		return h.staticMember(g)
	}
	member := g.members[in.MemberID]
	if member == nil {
		if in.Epoch != JoinEpoch {
			return origin{}, unknownMember(g, in.MemberID)
		}
		return origin{}, nil
	}
	return origin{member: member}, checkEpoch(member, in.Epoch, in.Owned)
}

// staticMember is member for one with a group instance id. A new process takes
// the place of an old one that has said it would come back.
func (h *heartbeat) staticMember(g *consumerGroup) (origin, error) {
	in := h.in
	holder := g.static[*in.InstanceID]
	if in.Epoch != JoinEpoch {
		if err := checkHolder(holder, in.MemberID, *in.InstanceID); err != nil {
			return origin{}, err
		}
		return origin{member: holder}, checkEpoch(holder, in.Epoch, in.Owned)
	}
	switch {
	case holder == nil:
		return origin{member: g.members[in.MemberID]}, nil
	case !holder.speaksClassic() && holder.current.epoch != LeaveStaticEpoch:
		return origin{}, refuse(ErrUnreleasedInstance, "Static member %s with instance id %s cannot join the group because the instance id is owned by %s member.",
			in.MemberID, *in.InstanceID, holder.id)
	}
	return origin{member: holder, replaces: true}, nil
}

// checkHolder tells whether the static member that a request names is who sends it.
func checkHolder(holder *consumerMember, memberID, instanceID string) error {
	switch {
	case holder == nil:
		return refuse(ErrUnknownMember, "Instance id %s is unknown.", instanceID)
	case holder.id != memberID:
		return refuse(ErrFencedInstance, "Static member %s with instance id %s was fenced by member %s.", memberID, instanceID, holder.id)
	}
	return nil
}

// checkEpoch fences a member that has missed something. One epoch back is fine
// while it owns nothing beyond its assignment: the answer that told it the new
// one was lost.
func checkEpoch(member *consumerMember, epoch int32, owned *assignor.Assignment) error {
	c := &member.current
	switch {
	case epoch == JoinEpoch || epoch == c.epoch:
		return nil
	case epoch > c.epoch:
		return refuse(ErrFencedEpoch, "The consumer group member has a greater member epoch (%d) than the one known by the group coordinator (%d). "+
			"The member must abandon all its partitions and rejoin.", epoch, c.epoch)
	case epoch == c.previousEpoch && owned != nil && isSubset(*owned, c.assigned):
		return nil
	}
	return refuse(ErrFencedEpoch, "The consumer group member has a smaller member epoch (%d) than the one known by the group coordinator (%d). "+
		"The member must abandon all its partitions and rejoin.", epoch, c.epoch)
}

func isSubset(a assignor.Assignment, of ownedPartitions) bool {
	for _, t := range a {
		for _, p := range t.Partitions {
			if !of.has(partitionID{t.Topic, p}) {
				return false
			}
		}
	}
	return true
}

func unknownMember(g *consumerGroup, memberID string) error {
	return refuse(ErrUnknownMember, "Member %s is not a member of group %s.", memberID, g.id)
}

// hasBytesFor tells whether what a member says is not more than one member and all
// of a group may say.
func (m *Machine) hasBytesFor(g *consumerGroup, from origin, told *subscription) error {
	weight := told.weight()
	if weight > m.config.MemberBytesMax {
		return refuse(ErrInvalidRequest, "The member tells %d bytes of itself; barnabas.group.metadata.max.bytes allows %d.", weight, m.config.MemberBytesMax)
	}
	sum := g.bytes + weight
	if from.member != nil && from.member.told != nil {
		sum -= from.member.told.weight()
	}
	if limit := consumerMembersWeightMax * m.config.MemberBytesMax; sum > limit {
		return refuse(ErrGroupFull, "The members of the group would tell %d bytes of themselves, of which %d can be kept.", sum, limit)
	}
	return nil
}

// consumerMembersWeightMax is how many members a group may have that say as much as
// one may. Each new epoch of a group goes over all that its members say.
const consumerMembersWeightMax = 64

// hasConsumerRoom tells whether the group takes one more.
func (m *Machine) hasConsumerRoom(g *consumerGroup, memberID string) error {
	limit := int(m.config.ConsumerMembersMax)
	if len(g.members) >= limit && g.members[memberID] == nil {
		return refuse(ErrGroupFull, "The consumer group has reached its maximum capacity of %d members.", limit)
	}
	return nil
}

// with is what the member says after a request.
func (s *subscription) with(in *ConsumerHeartbeatInput) *subscription {
	next := *s
	next.clientID, next.clientHost, next.classic = in.ClientID, in.ClientHost, nil
	for _, change := range []struct{ to, from **string }{
		{&next.instanceID, &in.InstanceID}, {&next.rack, &in.Rack}, {&next.assignor, &in.Assignor},
	} {
		if *change.from != nil {
			*change.to = *change.from
		}
	}
	if in.RebalanceTimeoutMillis != protocol.None {
		next.rebalanceTimeoutMillis = in.RebalanceTimeoutMillis
	}
	if in.Topics != nil {
		next.topics = distinctSorted(in.Topics)
	}
	if in.Pattern != nil {
		next.pattern = *in.Pattern
	}
	return &next
}
