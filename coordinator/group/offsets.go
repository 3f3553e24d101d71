package group

import (
	"cmp"
	"math"
	"slices"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Commit journals how far a group has read. With a Producer, the offsets count
// when its transaction commits.
func (m *Machine) Commit(now coordinator.Moment, in CommitInput, reply func(CommitOutput)) coordinator.Decision {
	m.begin(now)
	out := CommitOutput{}
	if out.Err = m.checkCommit(in); out.Err == nil {
		out = m.commit(in)
	}
	m.reply(func(err error) {
		if err != nil {
			out = CommitOutput{Err: err}
		}
		reply(out)
	})
	return m.finish()
}

// checkCommit tells whether the one who commits may (KIP-345, KIP-447; Kafka's
// ClassicGroup.validateOffsetCommit), and counts the commit as a sign of life.
func (m *Machine) checkCommit(in CommitInput) error {
	if in.GroupID == "" && in.Producer != nil || len(in.GroupID) > stringBytesMax {
		return ErrInvalidGroupID // plain commits know a group without a name
	}
	entry := m.groups[in.GroupID]
	switch {
	case entry == nil && in.Generation < 0:
		return nil // a simple group, which begins with its first commit
	case entry == nil && in.NotFoundForUnknownGroup:
		return ErrGroupNotFound
	case entry == nil:
		return ErrIllegalGeneration
	case entry.foreign != nil:
		return entry.foreign.checkCommit(in.Generation)
	case entry.share != nil:
		return refuse(ErrGroupNotFound, "Group %s is not a consumer group.", in.GroupID)
	case entry.consumer != nil:
		return entry.consumer.checkCommit(in)
	}
	g := entry.classic
	if in.Generation < 0 && g.state == Empty {
		return nil // an administrator, or a consumer that assigns itself
	}
	anonymous := in.Generation < 0 && in.MemberID == "" && in.InstanceID == nil
	if anonymous {
		if in.Producer != nil {
			return nil // producers before KIP-447 do not say who they are
		}
		return ErrUnknownMember
	}
	member, err := g.check(in.MemberID, in.InstanceID)
	switch {
	case err != nil:
		return err
	case in.Generation != g.generation:
		return ErrIllegalGeneration
	case in.Producer != nil:
		return nil
	case g.state == CompletingRebalance:
		return ErrRebalanceInProgress
	}
	// Members that are asked to join again still commit what they have read.
	m.startSession(member, member.sessionTimeout)
	return nil
}

func (m *Machine) commit(in CommitInput) CommitOutput {
	out := CommitOutput{Topics: make([]TopicResult, len(in.Topics))}
	expireAt := expiryOf(in.RetentionMillis, m.now.Wall)
	var records []coordinator.Record
	bytes := 0
	for i, topic := range in.Topics {
		result := &out.Topics[i]
		result.Topic, result.TopicID = topic.Topic, topic.TopicID
		if len(topic.Topic) > stringBytesMax {
			return CommitOutput{Err: ErrCommitTooLarge}
		}
		result.Partitions = make([]PartitionResult, len(topic.Partitions))
		for j, p := range topic.Partitions {
			result.Partitions[j].Partition = p.Partition
			if len(p.Metadata) > stringBytesMax || utf16Length(p.Metadata) > int(m.config.OffsetMetadataBytesMax) {
				result.Partitions[j].Err = ErrMetadataTooLarge
				continue
			}
			committedAt := m.now.Wall
			if p.CommittedAt != nil {
				committedAt = *p.CommittedAt
			}
			r := offsetRecord(in.GroupID, topicPartition{topic.Topic, p.Partition}, committed{
				offset: p.Offset, leaderEpoch: p.LeaderEpoch, metadata: p.Metadata,
				committedAt: committedAt, expireAt: expireAt, topicID: topic.TopicID,
			})
			records = append(records, r)
			bytes += len(r.Key) + len(r.Value)
		}
	}
	if bytes > m.config.RecordBytesMax {
		return CommitOutput{Err: ErrCommitTooLarge}
	}
	m.write(records...)
	if in.Producer != nil && len(records) > 0 {
		m.out.Producer, m.out.Pass = in.Producer, in.Pass
	}
	return out
}

// EndTransaction journals the end of a producer's transaction.
func (m *Machine) EndTransaction(now coordinator.Moment, marker coordinator.Marker, reply func(error)) coordinator.Decision {
	m.begin(now)
	m.out.Marker = &marker
	m.reply(reply)
	return m.finish()
}

// expiryOf is when a commit with this retention expires, -1 when that is the
// broker's decision. A retention whose end is past the last timestamp lasts for
// ever; in Kafka it wraps around and is over at once.
func expiryOf(retentionMillis int64, now protocol.Timestamp) protocol.Timestamp {
	if retentionMillis == protocol.None {
		return protocol.None
	}
	if retentionMillis > math.MaxInt64-int64(now) {
		return math.MaxInt64
	}
	return now + protocol.Timestamp(retentionMillis)
}

// utf16Length is the length that Java gives a string, by which Kafka measures
// offset.metadata.max.bytes whatever its name says.
func utf16Length(s string) int {
	n := 0
	for _, r := range s {
		if n++; r >= 0x10000 {
			n++
		}
	}
	return n
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
