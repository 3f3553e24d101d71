package group

import (
	"slices"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group/assignor"
)

// ShareHeartbeat is all that a member of a share group says to it: it joins, lives,
// tells what it reads, and leaves (KIP-932; Kafka's shareGroupHeartbeat).
//
// It goes in steps as ConsumerHeartbeat does: who is in the group and what it reads,
// who is to read which partitions, what this member has heard of, and which
// partitions are to be initialized so that they can be assigned by and by.
func (m *Machine) ShareHeartbeat(now coordinator.Moment, in ShareHeartbeatInput, reply func(ShareHeartbeatOutput)) coordinator.Decision {
	m.begin(now)
	h := &shareHeartbeat{m: m, in: &in, reply: reply}
	if err := checkShareHeartbeat(&in); err != nil {
		h.refuse(err)
	} else if in.Epoch == LeaveEpoch {
		m.leaveShare(h)
	} else if err := h.run(); err != nil {
		h.refuse(err)
	}
	return m.finish()
}

// shareHeartbeat is a ShareHeartbeat under way.
type shareHeartbeat struct {
	m     *Machine
	in    *ShareHeartbeatInput
	reply func(ShareHeartbeatOutput)
}

func (h *shareHeartbeat) answer(out ShareHeartbeatOutput) {
	h.m.reply(func(err error) {
		if err != nil {
			out = ShareHeartbeatOutput{Err: err}
		}
		h.reply(out)
	})
}

func (h *shareHeartbeat) refuse(err error) { h.answer(ShareHeartbeatOutput{Err: err}) }

// lost answers when the journal failed in the middle.
func (h *shareHeartbeat) lost(err error) { h.reply(ShareHeartbeatOutput{Err: err}) }

// checkShareHeartbeat judges a request by itself (Kafka's GroupCoordinatorService).
func checkShareHeartbeat(in *ShareHeartbeatInput) error {
	switch {
	case isBlank(&in.MemberID):
		return refuse(ErrInvalidRequest, "MemberId can't be empty.")
	case isBlank(&in.GroupID):
		return refuse(ErrInvalidRequest, "GroupId can't be empty.")
	case isBlank(in.Rack):
		return refuse(ErrInvalidRequest, "RackId can't be empty.")
	case in.Epoch == JoinEpoch && len(in.Topics) == 0:
		return refuse(ErrInvalidRequest, "SubscribedTopicNames must be set in first request.")
	case in.Epoch < LeaveEpoch:
		return refuse(ErrInvalidRequest, "MemberEpoch is invalid.")
	}
	texts := append([]string{in.GroupID, in.MemberID, in.ClientID, in.ClientHost}, in.Topics...)
	if in.Rack != nil {
		texts = append(texts, *in.Rack)
	}
	return checkTexts(texts)
}

// run handles a member that joins or lives.
func (h *shareHeartbeat) run() error {
	entry := h.m.groups[h.in.GroupID]
	switch {
	case entry == nil && h.in.Epoch != JoinEpoch:
		return refuse(ErrGroupNotFound, "Share group %s not found.", h.in.GroupID)
	case entry == nil:
		return h.update(newShareGroup(h.in.GroupID))
	}
	g, err := entry.shareOf(h.in.GroupID)
	if err != nil {
		return err
	}
	return h.update(g)
}

// shareOf is the share group of an entry, or why there is none.
func (g *group) shareOf(groupID string) (*shareGroup, error) {
	switch {
	case g == nil:
		return nil, refuse(ErrGroupNotFound, "Group %s not found.", groupID)
	case g.foreign != nil && g.foreign.kind == Unreadable:
		return nil, ErrUnsupportedGroup
	case g.share == nil:
		return nil, refuse(ErrGroupNotFound, "Group %s is not a share group.", groupID)
	}
	return g.share, nil
}

// update is the first step: who the member is and what it reads.
func (h *shareHeartbeat) update(g *shareGroup) error {
	m, in := h.m, h.in
	if limit := int(m.config.ShareMembersMax); len(g.members) >= limit && g.members[in.MemberID] == nil {
		return refuse(ErrGroupFull, "The share group has reached its maximum capacity of %d members.", limit)
	}
	member := g.members[in.MemberID]
	if member == nil {
		if in.Epoch != JoinEpoch {
			return unknownShareMember(g, in.MemberID)
		}
		member = newShareMember(g, in.MemberID) // of no group, unless its record is applied
	}
	if err := checkShareEpoch(member, in.Epoch); err != nil {
		return err
	}
	before := member.told
	if before == nil {
		before = &shareSubscription{}
	}
	told := before.with(in)
	if err := m.hasBytesForShare(g, before, told); err != nil {
		return err
	}
	records, bump := m.retellShare(g, member, before, told)
	assigned := member.current.assigned
	m.step(records, h.lost, func() {
		g := m.groups[in.GroupID].share
		h.assign(g, assigned, bump)
	})
	return nil
}

// retellShare makes the records for what a member now says of itself: the member's
// own, and a new epoch of the group when that, or news of the topics, changes what
// is to be assigned.
func (m *Machine) retellShare(g *shareGroup, member *shareMember, before, told *shareSubscription) (records []coordinator.Record, bump bool) {
	if member.told == nil || !before.equal(told) {
		records = append(records, shareMemberRecord(g.id, member.id, told))
	}
	topics := m.config.Topics()
	bump = !slices.Equal(before.topics, told.topics) || g.targetEpoch >= g.epoch && g.lacksAssignments(topics)
	if bump || !g.refreshed.known || g.refreshed.version != topics.Version() {
		hash := m.hashes.of(g.subscribedTopics(member, told), topics)
		bump = bump || hash != g.metadataHash
		if bump {
			records = append(records, shareEpochRecord(g.id, g.epoch+1, hash))
		}
		g.refreshed.known, g.refreshed.version = true, topics.Version()
	}
	return records, bump
}

// assign is the second step: who is to read which partitions.
func (h *shareHeartbeat) assign(g *shareGroup, assigned assignor.Assignment, bump bool) {
	h.m.steps(h.m.newShareTarget(g), h.lost, func() { h.reconcile(g, assigned, bump) })
}

// newShareTarget makes the records of a new target when the group's epoch is ahead
// of the last one and that is not too recent (KIP-1263).
func (m *Machine) newShareTarget(g *shareGroup) []coordinator.Record {
	interval := m.config.ShareSettings(g.id).AssignmentInterval
	if g.targetEpoch >= g.epoch || !m.isIntervalOver(g.targetAt, interval) {
		return nil
	}
	members := g.sortedMembers()
	topics, input := m.shareAssignorInput(g, members)
	var records []coordinator.Record
	for i, target := range assignor.Simple(topics, input) {
		before, known := g.targets[members[i].id]
		if !known || !before.Equal(target) {
			records = append(records, shareTargetRecord(g.id, members[i].id, target))
		}
	}
	return append(records, shareTargetEpochRecord(g.id, g.epoch, m.now.Wall))
}

// shareAssignorInput is the group as the assignor sees it: of the topics that exist,
// the partitions that are initialized.
func (m *Machine) shareAssignorInput(g *shareGroup, members []*shareMember) ([]assignor.SharedTopic, []assignor.Member) {
	image := m.config.Topics()
	var topics []assignor.SharedTopic
	for name := range g.names { // sorted below
		if t, ok := image.Topic(name); ok {
			topics = append(topics, assignor.SharedTopic{ID: t.ID, Partitions: g.state.initializedOf(t)})
		}
	}
	slices.SortFunc(topics, func(a, b assignor.SharedTopic) int { return compareUUIDs(a.ID, b.ID) })
	input := make([]assignor.Member, len(members))
	for i, member := range members {
		input[i].ID, input[i].Target = member.id, g.targets[member.id]
		if member.told == nil {
			continue
		}
		for _, name := range member.told.topics {
			t, ok := image.Topic(name)
			if !ok {
				continue
			}
			at, _ := slices.BinarySearchFunc(topics, t, func(a assignor.SharedTopic, t Topic) int { return compareUUIDs(a.ID, t.ID) })
			input[i].Topics = append(input[i].Topics, int32(at))
		}
		slices.Sort(input[i].Topics)
	}
	return topics, input
}

// reconcile is the third step: the member hears of the target.
func (h *shareHeartbeat) reconcile(g *shareGroup, assigned assignor.Assignment, bump bool) {
	m, in := h.m, h.in
	member := g.members[in.MemberID]
	var records []coordinator.Record
	if next := m.reconcileShare(g, member, bump); !next.equal(&member.current) {
		records = append(records, shareCurrentRecord(g.id, member.id, &next))
	}
	m.steps(records, h.lost, func() {
		settings := m.config.ShareSettings(g.id)
		m.timers.Set(&member.session, m.now.Elapsed+settings.SessionTimeout)
		out := ShareHeartbeatOutput{
			MemberID: member.id, Epoch: member.current.epoch, HeartbeatInterval: settings.HeartbeatInterval,
		}
		if in.Epoch == JoinEpoch || in.Topics != nil || !assigned.Equal(member.current.assigned) {
			a := member.current.assigned
			out.Assignment = &a
		}
		h.initialize(g, out)
	})
}

// reconcileShare is where the member stands next (Kafka's
// ShareGroupAssignmentBuilder). What it does not read any more is taken from it
// without waiting for the next target.
func (m *Machine) reconcileShare(g *shareGroup, member *shareMember, bump bool) shareCurrent {
	next := member.current
	if !bump && next.isReconciledTo(g.targetEpoch) {
		return next
	}
	if next.epoch != g.targetEpoch {
		next.previousEpoch, next.epoch, next.state = next.epoch, g.targetEpoch, memberStable
	} else if !bump {
		return next
	}
	reads := topicReader(m.config.Topics(), member.told.topics)
	next.assigned = nil
	for _, t := range g.targets[member.id] {
		if reads(t.Topic) {
			next.assigned = append(next.assigned, t)
		}
	}
	return next
}

// initialize is the last step: what is subscribed to and was never initialized is
// noted, and asked for as soon as that is committed.
func (h *shareHeartbeat) initialize(g *shareGroup, out ShareHeartbeatOutput) {
	m := h.m
	missing := m.uninitialized(g)
	if len(missing) == 0 {
		h.answer(out)
		return
	}
	record := shareProgressRecord(g.id, g.state.withInitializing(missing))
	if recordBytes(record) > m.config.RecordBytesMax {
		h.refuse(ErrGroupTooLarge)
		return
	}
	m.step([]coordinator.Record{record}, h.lost, func() {
		m.noteAsked(g, missing)
		h.answer(out)
		m.askFor(ShareInitialization{GroupID: g.id, StateEpoch: g.epoch, Starts: startsOf(missing)})
	})
}

// checkShareEpoch fences a member that has missed something. One epoch back is fine:
// the answer that told it the new one was lost.
func checkShareEpoch(member *shareMember, epoch int32) error {
	c := &member.current
	switch {
	case epoch == JoinEpoch || epoch == c.epoch || epoch < c.epoch && epoch == c.previousEpoch:
		return nil
	case epoch > c.epoch:
		return refuse(ErrFencedEpoch, "The share group member has a greater member epoch (%d) than the one known by the group coordinator (%d). "+
			"The member must abandon all its partitions and rejoin.", epoch, c.epoch)
	}
	return refuse(ErrFencedEpoch, "The share group member has a smaller member epoch (%d) than the one known by the group coordinator (%d), "+
		"and it does not match the previous member epoch (%d). The member must abandon all its partitions and rejoin.", epoch, c.epoch, c.previousEpoch)
}

func unknownShareMember(g *shareGroup, memberID string) error {
	return refuse(ErrUnknownMember, "Member %s is not a member of group %s.", memberID, g.id)
}

// hasBytesForShare tells whether what a member says is not more than one member and
// all of a group may say.
func (m *Machine) hasBytesForShare(g *shareGroup, before, told *shareSubscription) error {
	weight := told.weight()
	if weight > m.config.MemberBytesMax {
		return refuse(ErrInvalidRequest, "The member tells %d bytes of itself; barnabas.group.metadata.max.bytes allows %d.", weight, m.config.MemberBytesMax)
	}
	if sum, limit := g.bytes-before.weight()+weight, consumerMembersWeightMax*m.config.MemberBytesMax; sum > limit {
		return refuse(ErrGroupFull, "The members of the group would tell %d bytes of themselves, of which %d can be kept.", sum, limit)
	}
	return nil
}

// leaveShare handles the last word of a member.
func (m *Machine) leaveShare(h *shareHeartbeat) {
	g, err := m.groups[h.in.GroupID].shareOf(h.in.GroupID)
	if err != nil {
		h.refuse(err)
		return
	}
	member := g.members[h.in.MemberID]
	if member == nil {
		h.refuse(unknownShareMember(g, h.in.MemberID))
		return
	}
	m.removeShareMember(member, h.lost, func() {
		h.answer(ShareHeartbeatOutput{MemberID: h.in.MemberID, Epoch: LeaveEpoch})
	})
}

// shareTimedOut puts a member out that was not heard of in time.
func (m *Machine) shareTimedOut(member *shareMember) { m.removeShareMember(member, nil, func() {}) }

// removeShareMember takes a member out, in a new epoch (Kafka's shareGroupFenceMember).
func (m *Machine) removeShareMember(member *shareMember, lost func(error), next func()) {
	g, topics := member.group, m.config.Topics()
	hash := m.hashes.of(g.subscribedTopics(member, nil), topics)
	records := append(removeShareMemberRecords(g.id, member.id), shareEpochRecord(g.id, g.epoch+1, hash))
	g.refreshed.known, g.refreshed.version = true, topics.Version()
	m.step(records, lost, next)
}
