package group

import (
	"slices"
	"strings"

	"github.com/barnabas-mq/barnabas/coordinator"
)

// DeleteOffsets forgets offsets of topics that no member reads (KIP-496).
func (m *Machine) DeleteOffsets(now coordinator.Moment, in DeleteOffsetsInput, reply func(DeleteOffsetsOutput)) coordinator.Decision {
	m.begin(now)
	out := DeleteOffsetsOutput{}
	if out.Err = m.checkDeleteOffsets(in.GroupID); out.Err == nil {
		out.Topics = m.deleteOffsets(m.groups[in.GroupID], in)
	}
	m.reply(func(err error) {
		if err != nil {
			out = DeleteOffsetsOutput{Err: err}
		}
		reply(out)
	})
	return m.finishInParts()
}

func (m *Machine) checkDeleteOffsets(groupID string) error {
	if groupID == "" {
		return ErrInvalidGroupID
	}
	entry := m.groups[groupID]
	switch {
	case entry == nil:
		return ErrGroupNotFound
	case entry.foreign != nil:
		return entry.foreign.checkDeleteOffsets()
	case entry.share != nil:
		return refuse(ErrGroupNotFound, "Group %s is not a consumer group.", groupID)
	case entry.consumer != nil:
		return nil
	case entry.classic.state != Empty && entry.classic.protocolType != consumerProtocolType:
		return ErrGroupNotEmpty // nobody here can tell what its members read
	}
	return nil
}

func (m *Machine) deleteOffsets(g *group, in DeleteOffsetsInput) []TopicResult {
	out := make([]TopicResult, len(in.Topics))
	for i, topic := range in.Topics {
		out[i] = TopicResult{Topic: topic.Topic, TopicID: topic.TopicID}
		out[i].Partitions = make([]PartitionResult, len(topic.Partitions))
		subscribed := g.isSubscribedTo(topic.Topic)
		for j, partition := range topic.Partitions {
			out[i].Partitions[j].Partition = partition
			if subscribed {
				out[i].Partitions[j].Err = ErrSubscribed
				continue
			}
			tp := topicPartition{topic.Topic, partition}
			if g.find(tp) >= 0 || g.isUnstable(tp) {
				m.write(offsetTombstone(in.GroupID, tp))
			}
		}
	}
	return out
}

// DeleteTopicOffsets forgets every group's offsets of topics that were deleted.
func (m *Machine) DeleteTopicOffsets(now coordinator.Moment, topics []string, reply func(error)) coordinator.Decision {
	m.begin(now)
	for _, id := range sortedKeys(m.groups) {
		for _, tp := range m.groups[id].everyOffset() {
			if slices.Contains(topics, tp.topic) {
				m.write(offsetTombstone(id, tp))
			}
		}
	}
	m.answer(reply, nil)
	return m.finishInParts()
}

// everyOffset lists the partitions with an offset, pending or not, sorted.
func (g *group) everyOffset() []topicPartition {
	var all []topicPartition
	for i := range g.offsets {
		all = append(all, g.offsets[i].topicPartition())
	}
	for _, offsets := range g.pending {
		for tp := range offsets {
			all = append(all, tp)
		}
	}
	slices.SortFunc(all, compareTopicPartitions)
	return slices.Compact(all)
}

// DeleteGroups removes empty groups with everything they have committed.
func (m *Machine) DeleteGroups(now coordinator.Moment, ids []string, reply func([]GroupResult, error)) coordinator.Decision {
	m.begin(now)
	results := make([]GroupResult, len(ids))
	for i, id := range ids {
		results[i].GroupID = id
		if results[i].Err = m.checkDelete(id); results[i].Err != nil {
			continue
		}
		entry := m.groups[id]
		for _, tp := range entry.everyOffset() {
			m.write(offsetTombstone(id, tp))
		}
		m.write(entry.tombstones(id)...)
	}
	m.reply(func(err error) {
		if err != nil {
			results = nil
		}
		reply(results, err)
	})
	return m.finishInParts()
}

func (m *Machine) checkDelete(groupID string) error {
	entry := m.groups[groupID]
	switch {
	case entry == nil:
		return ErrGroupNotFound
	case entry.foreign != nil:
		return entry.foreign.checkDelete()
	case entry.classic.state != Empty, entry.consumer != nil && len(entry.consumer.members) > 0,
		entry.share != nil && len(entry.share.members) > 0:
		return ErrGroupNotEmpty
	}
	return nil
}

// List shows the groups of this shard that pass the filters.
func (m *Machine) List(now coordinator.Moment, in ListInput, reply func([]Listing, error)) coordinator.Decision {
	m.begin(now)
	var out []Listing
	for _, id := range sortedKeys(m.groups) {
		g := m.groups[id]
		l := Listing{GroupID: id, ProtocolType: g.classic.protocolType, State: g.classic.state, Type: Classic}
		switch {
		case g.foreign != nil:
			l = g.foreign.listing(id)
		case g.share != nil:
			l = Listing{GroupID: id, ProtocolType: string(Share), State: g.share.groupState(), Type: Share}
		case g.consumer != nil:
			l = Listing{GroupID: id, ProtocolType: consumerProtocolType, State: g.consumer.state(), Type: Consumer}
		}
		if passes(in.States, string(l.State)) && passes(in.Types, string(l.Type)) {
			out = append(out, l)
		}
	}
	m.reply(func(err error) { reply(out, err) })
	return m.finish()
}

// passes tells whether a filter names the value, in whatever case.
func passes(filter []string, value string) bool {
	return len(filter) == 0 || slices.ContainsFunc(filter, func(f string) bool {
		return strings.EqualFold(strings.TrimSpace(f), value)
	})
}

// Describe shows groups with their members.
func (m *Machine) Describe(now coordinator.Moment, ids []string, reply func([]Description, error)) coordinator.Decision {
	m.begin(now)
	out := make([]Description, len(ids))
	for i, id := range ids {
		out[i] = Description{GroupID: id, State: Dead, Err: refuse(ErrGroupNotFound, "Group %s not found.", id)}
		switch entry := m.groups[id]; {
		case entry == nil:
		case entry.foreign != nil || entry.consumer != nil || entry.share != nil:
			out[i].Err = refuse(ErrGroupNotFound, "Group %s is not a classic group.", id)
		default:
			out[i] = entry.classic.describe()
		}
	}
	m.reply(func(err error) { reply(out, err) })
	return m.finish()
}

func (g *classicGroup) describe() Description {
	d := Description{GroupID: g.id, State: g.state, ProtocolType: g.protocolType}
	if g.state == Stable {
		d.Protocol = *g.protocol
	}
	d.Members = make([]MemberDescription, len(g.members))
	for i, m := range g.members {
		d.Members[i] = MemberDescription{
			MemberID: m.id, InstanceID: m.instanceID, ClientID: m.clientID, ClientHost: m.clientHost,
			Assignment: m.assignment,
		}
		if g.state == Stable {
			d.Members[i].Metadata = m.metadata(*g.protocol)
		}
	}
	return d
}
