package api

// OffsetCommit (key 8), versions 0 to 10.
//
// Stores how far a group has read. Topics and partitions must exist; the offsets
// are not compared with the log. Errors come per partition.
//
//	v0   a group, without member and generation; ZooKeeper kept it, we do as any other
//	v1   a time of its own per partition
//	v2   a retention of its own, until v4
//	v6   leader epoch
//	v7   static members (KIP-345)
//	v9   GROUP_ID_NOT_FOUND where there was ILLEGAL_GENERATION (KIP-848)
//	v10  topic ids in place of names
//
// The answer lists topics as Kafka does: first those with a partition that was
// refused here, then those that went to the coordinator whole.

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator/group"
	"github.com/barnabas-mq/barnabas/protocol"
)

var offsetCommit = later(0, 10, (*API).offsetCommit)

// The retention of a commit is in versions 2 to 4 only; -1 is the broker's. The time
// of a commit is in version 1 only; -1 is now.
const (
	offsetCommitTimestamp      = 1
	offsetCommitRetentionFrom  = 2
	offsetCommitRetentionUntil = 4
	offsetCommitByID           = 10
)

func (a *API) offsetCommit(r *Request, q *kmsg.OffsetCommitRequest, reply func(*kmsg.OffsetCommitResponse)) {
	in := group.CommitInput{
		GroupID: q.Group, MemberID: q.MemberID, InstanceID: q.InstanceID, Generation: q.Generation,
		RetentionMillis: protocol.None, NotFoundForUnknownGroup: q.Version >= 9, TakesMemberEpoch: q.Version >= 9,
	}
	if q.Version >= offsetCommitRetentionFrom && q.Version <= offsetCommitRetentionUntil {
		in.RetentionMillis = q.RetentionTimeMillis
	}
	answer := &offsetCommitAnswer{byID: q.Version >= offsetCommitByID}
	image := a.Metadata.Image()
	in.Topics = make([]group.CommitTopic, 0, len(q.Topics))
	for i := range q.Topics {
		t := &q.Topics[i]
		ref := findTopic(image, answer.byID, t.Topic, t.TopicID)
		known := group.CommitTopic{Topic: ref.name, TopicID: ref.id, Partitions: make([]group.CommitPartition, 0, len(t.Partitions))}
		if ref.topic != nil {
			known.Topic, known.TopicID = ref.topic.Name, ref.topic.ID
		}
		for j := range t.Partitions {
			p := &t.Partitions[j]
			if err := ref.check(p.Partition); err != nil {
				answer.add(known, p.Partition, err)
				continue
			}
			one := group.CommitPartition{
				Partition: p.Partition, Offset: protocol.Offset(p.Offset), LeaderEpoch: protocol.Epoch(p.LeaderEpoch),
			}
			if q.Version == offsetCommitTimestamp && p.Timestamp != protocol.None {
				at := protocol.Timestamp(p.Timestamp)
				one.CommittedAt = &at
			}
			if p.Metadata != nil {
				one.Metadata = *p.Metadata
			}
			known.Partitions = append(known.Partitions, one)
		}
		if len(known.Partitions) > 0 {
			in.Topics = append(in.Topics, known)
		}
	}
	if len(in.Topics) == 0 {
		reply(answer.response())
		return
	}
	in.Alone = mayWait(r)
	a.Groups.Commit(in, func(out group.CommitOutput) {
		for i, t := range in.Topics {
			for j, p := range t.Partitions {
				err := out.Err
				if err == nil {
					err = out.Topics[i].Partitions[j].Err
				}
				answer.add(t, p.Partition, err)
			}
		}
		reply(answer.response())
	})
}

// check tells whether the topic has the partition.
func (t topicRef) check(partition int32) error {
	switch {
	case t.topic != nil && t.topic.Partition(partition) != nil:
		return nil
	case t.topic == nil && t.id != [16]byte{}:
		return protocol.ErrUnknownTopicID
	default:
		return protocol.ErrUnknownTopicOrPartition
	}
}

// offsetCommitAnswer gathers results by topic, in the order of the first one.
type offsetCommitAnswer struct {
	byID   bool
	topics []kmsg.OffsetCommitResponseTopic
	// index finds a topic; nil while there is one topic at most, as in most commits.
	index map[string]int
}

func (w *offsetCommitAnswer) add(t group.CommitTopic, partition int32, err error) {
	i := w.place(t)
	one := kmsg.NewOffsetCommitResponseTopicPartition()
	one.Partition, one.ErrorCode = partition, codeOf(err)
	w.topics[i].Partitions = append(w.topics[i].Partitions, one)
}

// place is where the topic is, or is put.
func (w *offsetCommitAnswer) place(t group.CommitTopic) int {
	n := len(w.topics)
	if n > 0 && w.key(n-1) == w.keyOf(t.Topic, t.TopicID) {
		return n - 1
	}
	if n == 1 {
		w.index = map[string]int{w.key(0): 0}
	}
	if i, ok := w.index[w.keyOf(t.Topic, t.TopicID)]; ok {
		return i
	}
	topic := kmsg.NewOffsetCommitResponseTopic()
	topic.Topic, topic.TopicID = t.Topic, t.TopicID
	w.topics = append(w.topics, topic)
	if w.index != nil {
		w.index[w.key(n)] = n
	}
	return n
}

func (w *offsetCommitAnswer) key(i int) string {
	return w.keyOf(w.topics[i].Topic, w.topics[i].TopicID)
}

func (w *offsetCommitAnswer) keyOf(topic string, id [16]byte) string {
	if w.byID {
		return string(id[:])
	}
	return topic
}

func (w *offsetCommitAnswer) response() *kmsg.OffsetCommitResponse {
	p := kmsg.NewPtrOffsetCommitResponse()
	p.Topics = w.topics
	return p
}
