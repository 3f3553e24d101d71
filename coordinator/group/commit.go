package group

import (
	"math"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Commit is a commit with the memory that it takes, so that those who make many use it
// again. It belongs to the coordinator from Coordinator.Run until done is called, which
// may hand it to somebody else at once.
type Commit struct {
	CommitInput
	// Output is the answer. Its slices are used again by the next run.
	Output CommitOutput

	done   func(*Commit)
	decide func(*Machine, coordinator.Moment) coordinator.Decision
	// settle answers, in the decision and in its place.
	settle  [1]coordinator.Reply
	topics  []TopicResult
	results []PartitionResult // of all topics
	records []coordinator.Record
	bytes   []byte // of the records
}

// NewCommit makes a commit. done is called at the end of each run, from any goroutine,
// also before Run returns, and must not block.
func NewCommit(done func(*Commit)) *Commit {
	c := &Commit{done: done}
	c.decide = func(m *Machine, now coordinator.Moment) coordinator.Decision { return m.runCommit(now, c) }
	c.settle[0] = func(err error) {
		if err != nil {
			c.Output = CommitOutput{Err: err}
		}
		c.done(c)
	}
	return c
}

// keptMax is how many elements a Commit keeps the memory of, and keptBytesMax how many
// bytes: more than usual clients commit at once.
const (
	keptMax      = 64
	keptBytesMax = keptMax * 128
)

// empty forgets the last run.
func (c *Commit) empty() {
	c.Output = CommitOutput{}
	if cap(c.records) > keptMax || cap(c.topics) > keptMax || cap(c.results) > keptMax || cap(c.bytes) > keptBytesMax {
		c.topics, c.results, c.records, c.bytes = nil, nil, nil, nil
	}
	c.topics, c.results, c.records, c.bytes = c.topics[:0], c.results[:0], c.records[:0], c.bytes[:0]
}

// Commit journals how far a group has read. With a Producer, the offsets count
// when its transaction commits.
func (m *Machine) Commit(now coordinator.Moment, in CommitInput, reply func(CommitOutput)) coordinator.Decision {
	c := NewCommit(func(c *Commit) { reply(c.Output) })
	c.CommitInput = in
	return c.decide(m, now)
}

func (m *Machine) runCommit(now coordinator.Moment, c *Commit) coordinator.Decision {
	m.begin(now)
	c.empty()
	if err := m.checkCommit(&c.CommitInput); err != nil {
		c.Output.Err = err
	} else {
		m.commit(c)
	}
	m.out.Replies = c.settle[:]
	return m.finish()
}

// checkCommit tells whether the one who commits may (KIP-345, KIP-447; Kafka's
// ClassicGroup.validateOffsetCommit), and counts the commit as a sign of life.
func (m *Machine) checkCommit(in *CommitInput) error {
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

// commit decides what to write of a commit that is allowed.
func (m *Machine) commit(c *Commit) {
	expireAt := expiryOf(c.RetentionMillis, m.now.Wall)
	for _, topic := range c.Topics {
		if len(topic.Topic) > stringBytesMax {
			c.Output = CommitOutput{Err: ErrCommitTooLarge}
			return
		}
		first := len(c.results)
		for _, p := range topic.Partitions {
			if len(p.Metadata) > stringBytesMax || utf16Length(p.Metadata) > int(m.config.OffsetMetadataBytesMax) {
				c.results = append(c.results, PartitionResult{Partition: p.Partition, Err: ErrMetadataTooLarge})
				continue
			}
			c.results = append(c.results, PartitionResult{Partition: p.Partition})
			committedAt := m.now.Wall
			if p.CommittedAt != nil {
				committedAt = *p.CommittedAt
			}
			c.write(topicPartition{topic.Topic, p.Partition}, committed{
				offset: p.Offset, leaderEpoch: p.LeaderEpoch, metadata: p.Metadata,
				committedAt: committedAt, expireAt: expireAt, topicID: topic.TopicID,
			})
		}
		c.topics = append(c.topics, TopicResult{
			Topic: topic.Topic, TopicID: topic.TopicID, Partitions: c.results[first:len(c.results):len(c.results)],
		})
	}
	if len(c.bytes) > m.config.RecordBytesMax {
		c.Output = CommitOutput{Err: ErrCommitTooLarge}
		return
	}
	c.Output.Topics = c.topics
	m.out.Records = c.records
	if c.Producer != nil && len(c.records) > 0 {
		m.out.Producer, m.out.Pass = c.Producer, c.Pass
	}
}

// write adds a record. Those before it keep their bytes also when there is no room for
// its own beside them.
func (c *Commit) write(tp topicPartition, o committed) {
	r, bytes := appendOffsetRecord(c.bytes, c.GroupID, tp, o)
	c.records, c.bytes = append(c.records, r), bytes
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
