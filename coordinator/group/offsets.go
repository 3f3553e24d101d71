package group

import (
	"cmp"
	"slices"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/protocol"
)

// EndTransaction journals the end of a producer's transaction.
func (m *Machine) EndTransaction(now coordinator.Moment, marker coordinator.Marker, reply func(error)) coordinator.Decision {
	m.begin(now)
	m.out.Marker = &marker
	m.reply(reply)
	return m.finish()
}

// Fetch reads committed offsets.
func (m *Machine) Fetch(now coordinator.Moment, in FetchInput, reply func(FetchOutput)) coordinator.Decision {
	m.begin(now)
	out := FetchOutput{}
	if out.Err = m.checkFetch(in); out.Err == nil {
		out.Topics = m.fetch(in)
	}
	m.reply(func(err error) {
		if err != nil {
			out = FetchOutput{Err: err}
		}
		reply(out)
	})
	return m.finish()
}

// checkFetch tells whether the one who reads may: in a classic group anybody
// (Kafka's ClassicGroup.validateOffsetFetch), in others a member with its epoch, or
// somebody who does not claim to be one (ConsumerGroup.validateOffsetFetch).
func (m *Machine) checkFetch(in FetchInput) error {
	g := m.groups[in.GroupID]
	switch {
	case g == nil:
		return nil
	case g.asConsumer() != nil:
		return g.consumer.checkFetch(in.MemberID, in.MemberEpoch)
	case g.foreign == nil: // a share group has no offsets, whoever asks
		return nil
	case g.foreign.kind == Unreadable:
		return ErrUnsupportedGroup // "none" would send its consumers back to the start
	case in.MemberID == nil && in.MemberEpoch < 0:
		return nil
	}
	// Nobody can be a member here, and the epochs of those in the log are not known.
	return ErrUnknownMember
}

func (m *Machine) fetch(in FetchInput) []FetchedTopic {
	g := m.groups[in.GroupID]
	topics := in.Topics
	if in.All {
		if g == nil {
			return nil
		}
		topics = g.allTopics()
	}
	out := make([]FetchedTopic, len(topics))
	for i, topic := range topics {
		out[i] = FetchedTopic{Topic: topic.Topic, TopicID: topic.TopicID}
		out[i].Partitions = make([]FetchedPartition, len(topic.Partitions))
		for j, partition := range topic.Partitions {
			out[i].Partitions[j] = g.fetch(topic, partition, in.RequireStable)
		}
	}
	return out
}

// fetch reads one offset. A group that does not exist has committed nothing,
// which is no error.
func (g *group) fetch(topic FetchTopic, partition int32, requireStable bool) FetchedPartition {
	none := FetchedPartition{Partition: partition, Offset: protocol.None, LeaderEpoch: protocol.None}
	if g == nil {
		return none
	}
	tp := topicPartition{topic.Topic, partition}
	if requireStable && g.isUnstable(tp) {
		none.Err = ErrUnstableOffset
		return none
	}
	c, ok := g.offset(tp)
	if !ok || !topic.TopicID.IsZero() && !c.topicID.IsZero() && topic.TopicID != c.topicID {
		return none
	}
	return FetchedPartition{Partition: partition, Offset: c.offset, LeaderEpoch: c.leaderEpoch, Metadata: c.metadata}
}

// isUnstable: an open transaction moves the offset.
func (g *group) isUnstable(tp topicPartition) bool {
	for _, offsets := range g.pending {
		if _, ok := offsets[tp]; ok {
			return true
		}
	}
	return false
}

// allTopics lists what the group has committed, sorted.
func (g *group) allTopics() []FetchTopic {
	all := make([]topicPartition, 0, len(g.offsets))
	for i := range g.offsets {
		all = append(all, g.offsets[i].topicPartition())
	}
	slices.SortFunc(all, compareTopicPartitions)
	var topics []FetchTopic
	for _, tp := range all {
		if len(topics) == 0 || topics[len(topics)-1].Topic != tp.topic {
			topics = append(topics, FetchTopic{Topic: tp.topic})
		}
		last := &topics[len(topics)-1]
		last.Partitions = append(last.Partitions, tp.partition)
	}
	return topics
}

func compareTopicPartitions(a, b topicPartition) int {
	return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
}
