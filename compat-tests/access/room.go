package access

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/differ"
	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// The names of topics, groups and transactions alike, so that one prefix is about some of
// each. The last ones are of nothing.
//
//	         topics              groups                                transactions
//	red-1    with records        classic, with offsets                 open
//	blue-1   with records        classic, with offsets                 open
//	red-2                        consumer, a member reads red-1 and    ended
//	                             blue-1
//	blue-2                       share, a member reads red-2 and       ended
//	                             blue-2
//	red-3    made to be deleted  classic, made to be deleted
//	blue-3   made to be deleted  classic, made to be deleted
var names = []string{"red-1", "blue-1", "red-2", "blue-2", "red-3", "blue-3", "red-9", "blue-9"}

var (
	topics          = names[:6]
	passing         = names[4:6]
	missing         = names[6:]
	openOnes        = names[:2]
	consumerReads   = names[:2]
	shareReads      = names[2:4]
	classicGroups   = []string{"red-1", "blue-1", "red-3", "blue-3"}
	consumerGroup   = "red-2"
	shareGroup      = "blue-2"
	partitionsPer   = int32(1)
	longMillis      = int32(600_000)
	unknownProducer = int64(1_000_000)
)

// unknownMember is the id of nobody.
const unknownMember = "nobody"

func ptr[T any](v T) *T { return &v }

// room is what a session knows of its broker.
type room struct {
	*differ.Session
	ids map[string][16]byte // of topics
	// rules are those that are imposed.
	rules []rule
}

// enter looks around, as admin.
func enter(s *differ.Session) *room {
	r := &room{Session: s}
	r.look()
	return r
}

// look learns the ids of the topics.
func (r *room) look() {
	r.ids = map[string][16]byte{}
	for _, t := range r.Quiet(metadataOf(topics...)).(*kmsg.MetadataResponse).Topics {
		if t.ErrorCode == 0 && t.Topic != nil {
			r.ids[*t.Topic] = t.TopicID
		}
	}
}

// id is that of a topic; one that does not exist has one that is made from its name.
func (r *room) id(topic string) [16]byte {
	if id, ok := r.ids[topic]; ok {
		return id
	}
	id := [16]byte{0xba, 6: 0x40, 8: 0x80}
	copy(id[9:], topic)
	return id
}

// metadataOf asks for topics by name and creates none.
func metadataOf(names ...string) *kmsg.MetadataRequest {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{}
	for _, name := range names {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &name
		req.Topics = append(req.Topics, t)
	}
	return req
}

// layOut makes what names says, as admin.
func layOut(s *differ.Session) {
	makeTopics(s, topics...)
	r := enter(s)
	for _, name := range topics[:2] {
		s.Produce(name, r.id(name), 0, s.Batch("a"), s.Batch("b"))
	}
	for _, group := range classicGroups {
		r.commitOffsets(group)
	}
	r.joinConsumer()
	r.joinShare()
	for i, name := range names[:4] {
		r.beginTransaction(name, i < len(openOnes))
	}
}

// makeTopics makes topics and waits until they are served.
func makeTopics(s *differ.Session, names ...string) {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = 10_000
	for _, name := range names {
		req.Topics = append(req.Topics, topicOf(name))
	}
	for _, t := range s.Quiet(req).(*kmsg.CreateTopicsResponse).Topics {
		if t.ErrorCode != 0 {
			s.Stop("topic %s is not created: error %d", t.Topic, t.ErrorCode)
		}
	}
	for _, name := range names {
		s.AwaitTopic(name, int(partitionsPer))
	}
}

// topicOf is a topic to be made.
func topicOf(name string) kmsg.CreateTopicsRequestTopic {
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = name, partitionsPer, 1
	return t
}

// commitOffsets gives a classic group its offsets.
func (r *room) commitOffsets(group string) {
	resp := r.Quiet(r.commitOf(group, topics[:4]...)).(*kmsg.OffsetCommitResponse)
	if code := resp.Topics[0].Partitions[0].ErrorCode; code != 0 {
		r.Stop("offsets of %s are not committed: error %d", group, code)
	}
}

// commitOf commits an offset of each topic, as somebody who is in no group.
func (r *room) commitOf(group string, topics ...string) *kmsg.OffsetCommitRequest {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.Generation = group, -1
	for _, name := range topics {
		p := kmsg.NewOffsetCommitRequestTopicPartition()
		p.Offset, p.LeaderEpoch, p.Metadata = 1, -1, ptr("")
		t := kmsg.NewOffsetCommitRequestTopic()
		t.Topic, t.TopicID, t.Partitions = name, r.id(name), append(t.Partitions, p)
		req.Topics = append(req.Topics, t)
	}
	return req
}

// joinConsumer joins the consumer group and waits until it has its partitions.
func (r *room) joinConsumer() {
	req := consumerBeat(consumerGroup, "member", 0)
	req.RebalanceTimeoutMillis, req.SubscribedTopicNames, req.Topics = longMillis, consumerReads, []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	r.Until(req, func(resp kmsg.Response) bool {
		answer := resp.(*kmsg.ConsumerGroupHeartbeatResponse)
		if answer.ErrorCode != 0 {
			return false
		}
		req.MemberEpoch = answer.MemberEpoch
		if answer.Assignment == nil {
			return false
		}
		req.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{}
		for _, t := range answer.Assignment.Topics {
			req.Topics = append(req.Topics, kmsg.ConsumerGroupHeartbeatRequestTopic{TopicID: t.TopicID, Partitions: t.Partitions})
		}
		return len(req.Topics) == len(consumerReads)
	})
	describe := kmsg.NewPtrConsumerGroupDescribeRequest()
	describe.Groups = []string{consumerGroup}
	r.Until(describe, func(resp kmsg.Response) bool {
		r.Quiet(req) // owns what it was given
		return resp.(*kmsg.ConsumerGroupDescribeResponse).Groups[0].State == "Stable"
	})
}

// consumerBeat is a heartbeat that tells nothing new.
func consumerBeat(group, member string, epoch int32) *kmsg.ConsumerGroupHeartbeatRequest {
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Group, req.MemberID, req.MemberEpoch, req.RebalanceTimeoutMillis = group, member, epoch, -1
	return req
}

// joinShare joins the share group, waits until it has its partitions, and has them read
// once: Kafka keeps a read waiting while it loads what is kept of them.
func (r *room) joinShare() {
	req := shareBeat(shareGroup, "member", 0)
	req.SubscribedTopicNames = shareReads
	r.Until(req, func(resp kmsg.Response) bool {
		answer := resp.(*kmsg.ShareGroupHeartbeatResponse)
		if answer.ErrorCode != 0 {
			return false
		}
		req.MemberEpoch = answer.MemberEpoch
		return answer.Assignment != nil && len(answer.Assignment.TopicPartitions) == len(shareReads)
	})
	read := r.shareFetchOf(shareGroup, "reader", 0, shareReads...)
	for i := range read.Topics {
		read.Topics[i].Partitions[0].Partition = 0
	}
	r.Until(read, func(resp kmsg.Response) bool {
		answer := resp.(*kmsg.ShareFetchResponse)
		return answer.ErrorCode == 0 && !slices.ContainsFunc(answer.Topics, func(t kmsg.ShareFetchResponseTopic) bool { return t.Partitions[0].ErrorCode != 0 })
	})
}

// shareBeat is as consumerBeat.
func shareBeat(group, member string, epoch int32) *kmsg.ShareGroupHeartbeatRequest {
	req := kmsg.NewPtrShareGroupHeartbeatRequest()
	req.GroupID, req.MemberID, req.MemberEpoch = group, member, epoch
	return req
}

// beginTransaction has a producer begin one that stays open, or end the one before that
// there is none.
func (r *room) beginTransaction(name string, open bool) {
	init := kmsg.NewPtrInitProducerIDRequest()
	init.TransactionalID, init.TransactionTimeoutMillis = &name, longMillis
	init.ProducerID, init.ProducerEpoch = -1, -1
	resp := r.Until(init, func(resp kmsg.Response) bool { return resp.(*kmsg.InitProducerIDResponse).ErrorCode == 0 }).(*kmsg.InitProducerIDResponse)
	if !open {
		return
	}
	b := wire.NewBatch(r.Base, wire.Record{Value: []byte("in a transaction")})
	b.Attributes, b.ProducerID, b.ProducerEpoch, b.BaseSequence = transactional, resp.ProducerID, resp.ProducerEpoch, 0
	for _, topic := range consumerReads {
		req := r.produceOf(b, topic)
		req.TransactionID = &name
		r.Until(req, func(resp kmsg.Response) bool {
			return resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode == 0
		})
	}
}

// transactional is the attribute of a batch inside a transaction.
const transactional = 1 << 4
