package group

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group/assignor"
)

// Online migration (KIP-848): a classic group becomes a consumer group when the
// first member of the consumer protocol joins, and classic again when the last
// one has left. Everything is one batch of records: one group ends in it and the
// other begins with what the members own.

// turnBytesMax bounds the one batch in which a group turns: some ten thousand
// members whose ids are not extraordinarily long.
const turnBytesMax = 32 << 20

func batchBytes(records []coordinator.Record) int {
	sum := 0
	for _, r := range records {
		sum += recordBytes(r)
	}
	return sum
}

// upgrade makes the records that turn a classic group with members into a
// consumer group. Whoever waits in the classic group is sent to join again.
func (m *Machine) upgrade(c *classicGroup) ([]coordinator.Record, error) {
	if err := m.mayUpgrade(c); err != nil {
		return nil, err
	}
	g, err := m.consumerFrom(c)
	if err != nil {
		return nil, err
	}
	members := g.sortedMembers()
	// Ids that were given out and have not come back go with the classic group.
	records := []coordinator.Record{groupTombstone(c.id)}
	for _, member := range members {
		records = append(records, memberRecord(g.id, member.id, member.told))
	}
	records = append(records, epochRecord(g.id, g.epoch, g.metadataHash))
	for _, member := range members {
		records = append(records, targetRecord(g.id, member.id, g.targets[member.id]))
	}
	records = append(records, targetEpochRecord(g.id, g.epoch, 0))
	for _, member := range members {
		records = append(records, currentRecord(g.id, member.id, &member.current))
	}
	if batchBytes(records) > turnBytesMax {
		return nil, refuse(ErrGroupNotFound, "Cannot upgrade classic group %s to consumer group because it is too large.", c.id)
	}
	for _, member := range c.members {
		m.finishJoin(c, member, refusedJoin(ErrRebalanceInProgress, member.id))
		m.finishSync(member, SyncOutput{Err: ErrRebalanceInProgress})
	}
	return records, nil
}

func (m *Machine) mayUpgrade(c *classicGroup) error {
	why := ""
	switch {
	case !m.config.Migration.Upgrade:
		why = "online upgrade is disabled"
	case c.protocolType != consumerProtocolType:
		why = "the group does not use the consumer embedded protocol"
	case len(c.members) > int(m.config.ConsumerMembersMax):
		why = "the group size exceeds the consumer group maximum size"
	default:
		return nil
	}
	return refuse(ErrGroupNotFound, "Cannot upgrade classic group %s to consumer group because %s.", c.id, why)
}

// consumerFrom is the consumer group that a classic one becomes. Every member owns
// what the last assignment gave it.
func (m *Machine) consumerFrom(c *classicGroup) (*consumerGroup, error) {
	topics := m.config.Topics()
	g := newConsumerGroup(c.id)
	g.epoch = max(c.generation, firstGroupEpoch)
	for _, from := range c.members {
		metadata := from.protocols[0].Metadata
		if c.protocol != nil {
			metadata = from.metadata(*c.protocol)
		}
		said, err := parseSubscription(metadata)
		var owned assignor.Assignment
		var userData []byte
		if err == nil {
			owned, userData, err = parseAssignment(from.assignment, topics)
		}
		switch {
		case err != nil:
			return nil, refuse(ErrGroupNotFound, "Cannot upgrade classic group %s to consumer group because the embedded consumer protocol is malformed.", c.id)
		case len(userData) > 0:
			return nil, refuse(ErrGroupNotFound, "Cannot upgrade classic group %s to consumer group because an unsupported custom assignor is in use. "+
				"Use one of Kafka's own assignors before the upgrade.", c.id)
		}
		member := g.memberOrNew(from.id)
		g.setTold(member, &subscription{
			instanceID: from.instanceID, rack: said.Rack, clientID: from.clientID, clientHost: from.clientHost,
			topics: distinctSorted(said.Topics), rebalanceTimeoutMillis: int32(from.rebalanceTimeout.Milliseconds()),
			classic: &classicSubscription{sessionTimeoutMillis: int32(from.sessionTimeout.Milliseconds()), protocols: from.protocols},
		})
		g.targets[from.id] = owned
		g.setCurrent(member, current{epoch: g.epoch, previousEpoch: g.epoch, assigned: own(owned, g.epoch)})
	}
	g.metadataHash = m.hashes.of(g.subscribedTopics(nil, nil), topics)
	return g, nil
}

// mayDowngrade tells whether the group becomes classic when these members leave.
func (m *Machine) mayDowngrade(g *consumerGroup, leaving []*consumerMember) bool {
	left := len(g.members) - len(leaving)
	return m.config.Migration.Downgrade && left > 0 && left <= int(m.config.MembersMax) && g.allClassicExcept(leaving)
}

// mayDowngradeReplacing tells whether the group becomes classic when a classic
// member takes the place of this static one.
func (m *Machine) mayDowngradeReplacing(g *consumerGroup, holder *consumerMember) bool {
	return m.config.Migration.Downgrade && !holder.speaksClassic() && len(g.members) <= int(m.config.MembersMax) &&
		g.allClassicExcept([]*consumerMember{holder})
}

// downgrade is a consumer group's turn to a classic one.
type downgrade struct {
	records []coordinator.Record
	// protocols are what members say for all their protocols. The record keeps only
	// the selected one, as ever; the others are known as long as this shard lives.
	protocols map[string][]Protocol
}

// downgrade turns a consumer group, without the members that leave, into a
// classic one, in which each member is assigned its target. false when the group does not
// fit in a record.
func (m *Machine) downgrade(g *consumerGroup, leaving []*consumerMember) (downgrade, bool) {
	d := downgrade{protocols: map[string][]Protocol{}}
	gone := map[*consumerMember]bool{}
	for _, member := range leaving {
		gone[member] = true
	}
	c := newClassicGroup(g.id)
	for _, member := range g.sortedMembers() {
		if gone[member] {
			continue
		}
		to := newMember(c, member.id)
		to.protocols = member.told.classic.protocols
		d.protocols[to.id] = to.protocols
		c.add(to, consumerProtocolType)
	}
	selected := c.selectProtocol()
	topics := m.config.Topics()
	v := m.emptyValue(consumerProtocolType, g.epoch)
	v.Protocol = &selected
	v.Leader = &c.leader
	for _, to := range c.members {
		from := g.members[to.id].told
		one := kmsg.NewGroupMetadataValueMember()
		one.MemberID, one.InstanceID, one.ClientID, one.ClientHost = to.id, from.instanceID, from.clientID, from.clientHost
		one.RebalanceTimeoutMillis, one.SessionTimeoutMillis = from.rebalanceTimeoutMillis, from.classic.sessionTimeoutMillis
		one.Subscription = orEmpty(to.metadata(selected))
		one.Assignment = encodeAssignment(g.targets[to.id], one.Subscription, topics)
		v.Members = append(v.Members, one)
	}
	record := groupRecord(g.id, v)
	d.records = append(g.tombstones(), record)
	return d, len(record.Value) <= m.config.RecordBytesMax && batchBytes(d.records) <= turnBytesMax
}

// beginClassic starts the sessions of a group that has just become classic.
func (m *Machine) beginClassic(groupID string, d downgrade) *classicGroup {
	c := m.groups[groupID].classic
	for _, member := range c.members {
		c.setProtocols(member, d.protocols[member.id])
		m.startSession(member, member.sessionTimeout)
	}
	return c
}
