package group

import "github.com/barnabas-mq/barnabas/coordinator"

// DescribeConsumer shows consumer groups with their members.
func (m *Machine) DescribeConsumer(now coordinator.Moment, ids []string, reply func([]ConsumerDescription, error)) coordinator.Decision {
	m.begin(now)
	out := make([]ConsumerDescription, len(ids))
	for i, id := range ids {
		switch entry := m.groups[id]; {
		case entry == nil:
			out[i] = ConsumerDescription{GroupID: id, Err: refuse(ErrGroupNotFound, "Group %s not found.", id)}
		case entry.foreign != nil && entry.foreign.kind == Unreadable:
			out[i] = ConsumerDescription{GroupID: id, Err: ErrUnsupportedGroup}
		case entry.asConsumer() == nil:
			out[i] = ConsumerDescription{GroupID: id, Err: refuse(ErrGroupNotFound, "Group %s is not a consumer group.", id)}
		default:
			out[i] = m.describeConsumer(entry.consumer)
		}
	}
	m.reply(func(err error) { reply(out, err) })
	return m.finish()
}

func (m *Machine) describeConsumer(g *consumerGroup) ConsumerDescription {
	d := ConsumerDescription{
		GroupID: g.id, State: g.state(), Epoch: g.epoch, TargetEpoch: g.targetEpoch, Assignor: m.assignorOf(g).Name(),
	}
	topics := m.config.Topics()
	for _, member := range g.sortedMembers() {
		c := &member.current
		one := ConsumerMemberDescription{
			MemberID: member.id, Epoch: c.epoch, SpeaksClassic: member.speaksClassic(),
			Assigned: named(c.assigned.union(c.revoking).assignment(), topics),
			Target:   named(g.targetOf(member), topics),
		}
		if s := member.told; s != nil {
			one.InstanceID, one.Rack, one.ClientID, one.ClientHost = s.instanceID, s.rack, s.clientID, s.clientHost
			one.Topics, one.Pattern = s.topics, s.pattern
		}
		d.Members = append(d.Members, one)
	}
	return d
}

// checkCommit tells whether a commit may go into a consumer group (Kafka's
// ConsumerGroup.validateOffsetCommit). A member that has moved on since it read
// may commit for what it has owned since before the epoch it names (KIP-1251).
func (g *consumerGroup) checkCommit(in *CommitInput) error {
	if in.Generation < 0 && len(g.members) == 0 {
		return nil // an administrator, or a consumer that assigns itself
	}
	if in.Producer != nil && in.Generation == noGeneration && in.MemberID == "" && in.InstanceID == nil {
		return nil // producers before KIP-447 do not say who they are
	}
	member := g.members[in.MemberID]
	if member == nil {
		return unknownMember(g, in.MemberID)
	}
	classic := member.speaksClassic()
	if in.Producer == nil && !classic && !in.TakesMemberEpoch {
		return refuse(ErrUnsupportedVersion, "OffsetCommit version 9 or above must be used by members using the consumer group protocol")
	}
	stale := ErrStaleEpoch
	if classic {
		stale = ErrIllegalGeneration
	}
	switch epoch := member.current.epoch; {
	case in.Generation == epoch:
		return nil
	case in.Generation > epoch:
		return refuse(stale, "Received member epoch %d is newer than current member epoch %d.", in.Generation, epoch)
	}
	for _, topic := range in.Topics {
		for _, p := range topic.Partitions {
			id := partitionID{topic.TopicID, p.Partition}
			since, ok := member.current.assigned.epochOf(id)
			if !ok {
				since, ok = member.current.revoking.epochOf(id)
			}
			if !ok || in.Generation < since {
				return refuse(stale, "Received member epoch %d is older than the assignment of partition %s-%d.", in.Generation, topic.Topic, p.Partition)
			}
		}
	}
	return nil
}

// checkFetch tells whether a member may read offsets: one that does not say who it
// is may.
func (g *consumerGroup) checkFetch(memberID *string, epoch int32) error {
	if memberID == nil && epoch < 0 {
		return nil
	}
	id := ""
	if memberID != nil {
		id = *memberID
	}
	member := g.members[id]
	switch {
	case member == nil:
		return unknownMember(g, id)
	case member.current.epoch == epoch:
		return nil
	case member.speaksClassic():
		return refuse(ErrIllegalGeneration, "The received generation id %d does not match the expected member epoch %d.", epoch, member.current.epoch)
	}
	return refuse(ErrStaleEpoch, "The received member epoch %d does not match the expected member epoch %d.", epoch, member.current.epoch)
}
