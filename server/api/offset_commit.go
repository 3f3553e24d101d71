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
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/coordinator/group"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var offsetCommit = laterByHand[*kmsg.OffsetCommitRequest](kmsg.OffsetCommit, 0, 10, (*API).offsetCommit).
	needs(need{auth.Read, auth.Group}, need{auth.Read, auth.Topic})

// offsetCommitByID is the first version with topic ids.
const offsetCommitByID = 10

// offsetCommitCall is an OffsetCommit under way. It is used again once its answer has
// been appended; one whose connection ends before is left to the collector.
type offsetCommitCall struct {
	lateAnswer
	request    protocol.OffsetCommitRequest // valid only while the handler runs
	instanceID string
	commit     *group.Commit
	partitions []group.CommitPartition // of all topics
	results    offsetCommitResults
}

var offsetCommitCalls = sync.Pool{New: func() any {
	c := new(offsetCommitCall)
	c.commit = group.NewCommit(func(*group.Commit) { c.committed() })
	return c
}}

// committer is who commits on a connection, nearly always the same member.
type committer struct{ groupID, memberID string }

// rememberedMax is how long a name may be that a connection keeps.
const rememberedMax = 256

// textOf is b as a string, which is the last one, if that is the same.
func textOf(b []byte, last *string) string {
	if string(b) == *last {
		return *last
	}
	text := string(b)
	if len(text) <= rememberedMax {
		*last = text
	}
	return text
}

func (a *API) offsetCommit(r *Request, body []byte) (*lateAnswer, error) {
	c := offsetCommitCalls.Get().(*offsetCommitCall)
	if err := c.request.Decode(r.Header.Version, body, r.decodedMax); err != nil {
		return nil, err
	}
	c.begin(r)
	if !a.may(r, auth.Read, auth.Group, c.commit.GroupID) {
		c.refuseAll(errGroupDenied)
		c.give(c)
		return &c.lateAnswer, nil
	}
	c.takeTopics(a, r)
	if len(c.commit.Topics) == 0 {
		c.give(c)
		return &c.lateAnswer, nil
	}
	c.commit.Alone = mayWait(r)
	a.Groups.Run(c.commit)
	return &c.lateAnswer, nil
}

// begin forgets the last request and takes in who commits.
func (c *offsetCommitCall) begin(r *Request) {
	c.header, c.refusal, c.body, c.ticket = r.Header, r.refusal, nil, nil
	q, version := &c.request, r.Header.Version
	c.results.begin(version >= offsetCommitByID)
	in := &c.commit.CommitInput
	*in = group.CommitInput{
		GroupID: textOf(q.Group, &r.Peer.commits.groupID), MemberID: textOf(q.MemberID, &r.Peer.commits.memberID),
		Generation: q.Generation, RetentionMillis: q.RetentionMillis,
		NotFoundForUnknownGroup: version >= 9, TakesMemberEpoch: version >= 9, Topics: kept(in.Topics)[:0],
	}
	if q.InstanceID != nil {
		c.instanceID = string(q.InstanceID)
		in.InstanceID = &c.instanceID
	}
}

// refuseAll answers every partition with the error.
func (c *offsetCommitCall) refuseAll(err error) {
	for i := range c.request.Topics {
		t := &c.request.Topics[i]
		named := group.CommitTopic{Topic: string(t.Name), TopicID: t.ID}
		for j := range t.Partitions {
			c.results.add(&named, t.Partitions[j].Index, err)
		}
	}
}

// takeTopics puts what exists and is allowed into the commit, and the rest into the answer.
func (c *offsetCommitCall) takeTopics(a *API, r *Request) {
	image := a.Metadata.Image()
	c.partitions = kept(c.partitions)[:0]
	for i := range c.request.Topics {
		t := &c.request.Topics[i]
		known, topic := group.CommitTopic{TopicID: t.ID}, (*metadata.Topic)(nil)
		allowed := true // an id that nobody knows is told as that
		if !c.results.byID {
			topic = image.TopicBytes(t.Name)
			allowed = a.mayBytes(r, auth.Read, auth.Topic, t.Name)
		} else if topic = image.TopicByID(t.ID); topic != nil {
			allowed = a.may(r, auth.Read, auth.Topic, topic.Name)
		}
		if topic != nil {
			known.Topic, known.TopicID = topic.Name, topic.ID
		} else {
			known.Topic = string(t.Name)
		}
		first := len(c.partitions)
		for j := range t.Partitions {
			p := &t.Partitions[j]
			ref := topicRef{id: t.ID, topic: topic}
			err := ref.check(p.Index)
			if !allowed {
				err = errTopicDenied
			}
			if err != nil {
				c.results.add(&known, p.Index, err)
				continue
			}
			one := group.CommitPartition{
				Partition: p.Index, Offset: p.Offset, LeaderEpoch: p.LeaderEpoch, Metadata: string(p.Metadata),
			}
			if p.Timestamp != protocol.None {
				at := p.Timestamp
				one.CommittedAt = &at
			}
			c.partitions = append(c.partitions, one)
		}
		if known.Partitions = c.partitions[first:len(c.partitions):len(c.partitions)]; len(known.Partitions) > 0 {
			c.commit.Topics = append(c.commit.Topics, known)
		}
	}
}

// committed answers once the coordinator has.
func (c *offsetCommitCall) committed() {
	out := &c.commit.Output
	for i := range c.commit.Topics {
		t := &c.commit.Topics[i]
		for j, p := range t.Partitions {
			err := out.Err
			if err == nil {
				err = out.Topics[i].Partitions[j].Err
			}
			c.results.add(t, p.Partition, err)
		}
	}
	c.give(c)
}

// AppendTo implements answerBody.
func (c *offsetCommitCall) AppendTo(dst []byte) []byte {
	return protocol.AppendOffsetCommitResponse(dst, c.header.Version, c.results.topics)
}

// reuse implements reusedBody.
func (c *offsetCommitCall) reuse() { offsetCommitCalls.Put(c) }

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

// offsetCommitResults gathers results by topic, in the order of the first one.
type offsetCommitResults struct {
	byID   bool
	topics []protocol.OffsetCommitTopicResult
	// index finds a topic; nil while there is one topic at most, as in most commits.
	index map[topicName]int
}

// topicName is a topic as a request names it, the other field being zero.
type topicName struct {
	name string
	id   protocol.UUID
}

// begin forgets what was there but not its memory.
func (w *offsetCommitResults) begin(byID bool) {
	w.byID, w.topics, w.index = byID, kept(w.topics)[:0], nil
}

func (w *offsetCommitResults) add(t *group.CommitTopic, partition int32, err error) {
	topic := &w.topics[w.place(t)]
	topic.Partitions = append(topic.Partitions, protocol.OffsetCommitPartitionResult{Index: partition, ErrorCode: codeOf(err)})
}

// place is where the topic is, or is put.
func (w *offsetCommitResults) place(t *group.CommitTopic) int {
	n, name := len(w.topics), w.nameOf(t.Topic, t.TopicID)
	if n > 0 && w.nameAt(n-1) == name {
		return n - 1
	}
	if n == 1 {
		w.index = map[topicName]int{w.nameAt(0): 0}
	}
	if i, ok := w.index[name]; ok {
		return i
	}
	if n < cap(w.topics) {
		w.topics = w.topics[:n+1] // with the memory of an earlier request's partitions
	} else {
		w.topics = append(w.topics, protocol.OffsetCommitTopicResult{})
	}
	topic := &w.topics[n]
	topic.Name, topic.ID, topic.Partitions = t.Topic, t.TopicID, kept(topic.Partitions)[:0]
	if w.index != nil {
		w.index[name] = n
	}
	return n
}

func (w *offsetCommitResults) nameAt(i int) topicName {
	return w.nameOf(w.topics[i].Name, w.topics[i].ID)
}

func (w *offsetCommitResults) nameOf(topic string, id protocol.UUID) topicName {
	if w.byID {
		return topicName{id: id}
	}
	return topicName{name: topic}
}
