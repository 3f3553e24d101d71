package api

// OffsetFetch (key 9), versions 0 to 10.
//
// Reads how far groups have read. A group or partition without an offset is no
// error: its offset is -1.
//
//	v0   a group and its partitions; without an offset UNKNOWN_TOPIC_OR_PARTITION, as
//	     Kafka said of what ZooKeeper did not have
//	v1   offset -1 and no error for these
//	v2   no topics (null) means everything the group has committed; a top-level error
//	v5   leader epochs
//	v7   require stable: UNSTABLE_OFFSET_COMMIT while a transaction moves an offset (KIP-447)
//	v8   several groups, each with its own error
//	v9   member id and epoch, for groups of the consumer protocol
//	v10  topic ids in place of names

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var offsetFetch = later(kmsg.OffsetFetch, 0, 10, (*API).offsetFetch)

const (
	offsetFetchTopError = 2
	offsetFetchGroups   = 8
	offsetFetchByID     = 10
)

func (a *API) offsetFetch(_ *Request, q *kmsg.OffsetFetchRequest, reply func(*kmsg.OffsetFetchResponse)) {
	p := kmsg.NewPtrOffsetFetchResponse()
	if q.Version < offsetFetchGroups {
		a.Groups.Fetch(singleGroupInput(q), func(out group.FetchOutput) {
			fillSingleGroup(p, q, out)
			reply(p)
		})
		return
	}
	p.Groups = make([]kmsg.OffsetFetchResponseGroup, len(q.Groups))
	all := coordinator.NewCountdown(len(q.Groups), func() { reply(p) })
	image := a.Metadata.Image()
	for i := range q.Groups {
		from, to := &q.Groups[i], &p.Groups[i]
		to.Default()
		to.Group = from.Group
		in, unknown := groupInput(image, q, from)
		a.Groups.Fetch(in, func(out group.FetchOutput) {
			to.ErrorCode = codeOf(out.Err)
			to.Topics = groupTopics(image, q.Version >= offsetFetchByID, in.All, out.Topics)
			if out.Err == nil {
				to.Topics = append(to.Topics, unknown...)
			}
			all.Done()
		})
	}
}

// singleGroupInput reads a request of the versions that know one group.
func singleGroupInput(q *kmsg.OffsetFetchRequest) group.FetchInput {
	in := group.FetchInput{GroupID: q.Group, MemberEpoch: protocol.None, All: q.Topics == nil, RequireStable: q.RequireStable}
	for _, t := range q.Topics {
		in.Topics = append(in.Topics, group.FetchTopic{Topic: t.Topic, Partitions: t.Partitions})
	}
	return in
}

// fillSingleGroup answers such a request. Before there was a place for the
// group's error, each partition carried it.
func fillSingleGroup(p *kmsg.OffsetFetchResponse, q *kmsg.OffsetFetchRequest, out group.FetchOutput) {
	p.Topics = []kmsg.OffsetFetchResponseTopic{}
	p.ErrorCode = codeOf(out.Err)
	if out.Err != nil && q.Version < offsetFetchTopError {
		for _, t := range q.Topics {
			failed := group.FetchedTopic{Topic: t.Topic}
			for _, partition := range t.Partitions {
				failed.Partitions = append(failed.Partitions, notFetched(partition, out.Err))
			}
			out.Topics = append(out.Topics, failed)
		}
	}
	for _, t := range out.Topics {
		topic := kmsg.NewOffsetFetchResponseTopic()
		topic.Topic = t.Topic
		for i := range t.Partitions {
			from := &t.Partitions[i]
			one := kmsg.NewOffsetFetchResponseTopicPartition()
			one.Partition, one.Offset, one.LeaderEpoch = from.Partition, int64(from.Offset), int32(from.LeaderEpoch)
			one.Metadata, one.ErrorCode = &from.Metadata, codeOf(from.Err)
			if q.Version == 0 && from.Err == nil && from.Offset < 0 {
				one.ErrorCode = protocol.ErrUnknownTopicOrPartition.Code
			}
			topic.Partitions = append(topic.Partitions, one)
		}
		p.Topics = append(p.Topics, topic)
	}
}

func notFetched(partition int32, err error) group.FetchedPartition {
	return group.FetchedPartition{Partition: partition, Offset: protocol.None, LeaderEpoch: protocol.None, Err: err}
}

// groupInput reads one group of a request, and answers at once for topic ids that
// nobody knows.
func groupInput(image *metadata.Image, q *kmsg.OffsetFetchRequest, g *kmsg.OffsetFetchRequestGroup) (group.FetchInput, []kmsg.OffsetFetchResponseGroupTopic) {
	in := group.FetchInput{
		GroupID: g.Group, MemberID: g.MemberID, MemberEpoch: g.MemberEpoch,
		All: g.Topics == nil, RequireStable: q.RequireStable,
	}
	var unknown []kmsg.OffsetFetchResponseGroupTopic
	for _, t := range g.Topics {
		wanted := group.FetchTopic{Topic: t.Topic, Partitions: t.Partitions}
		if q.Version >= offsetFetchByID {
			topic := image.TopicByID(t.TopicID)
			if topic == nil {
				failed := group.FetchedTopic{TopicID: t.TopicID}
				for _, partition := range t.Partitions {
					failed.Partitions = append(failed.Partitions, notFetched(partition, protocol.ErrUnknownTopicID))
				}
				unknown = append(unknown, groupTopic(failed))
				continue
			}
			wanted.Topic, wanted.TopicID = topic.Name, topic.ID
		}
		in.Topics = append(in.Topics, wanted)
	}
	return in, unknown
}

// groupTopics answers for the topics of one group. When everything is asked for
// by id, topics that are gone have no name that a client could use.
func groupTopics(image *metadata.Image, byID, all bool, topics []group.FetchedTopic) []kmsg.OffsetFetchResponseGroupTopic {
	answer := make([]kmsg.OffsetFetchResponseGroupTopic, 0, len(topics))
	for _, t := range topics {
		if byID && all {
			topic := image.Topic(t.Topic)
			if topic == nil {
				continue
			}
			t.TopicID = topic.ID
		}
		answer = append(answer, groupTopic(t))
	}
	return answer
}

func groupTopic(t group.FetchedTopic) kmsg.OffsetFetchResponseGroupTopic {
	topic := kmsg.NewOffsetFetchResponseGroupTopic()
	topic.Topic, topic.TopicID = t.Topic, t.TopicID
	for i := range t.Partitions {
		from := &t.Partitions[i]
		one := kmsg.NewOffsetFetchResponseGroupTopicPartition()
		one.Partition, one.Offset, one.LeaderEpoch = from.Partition, int64(from.Offset), int32(from.LeaderEpoch)
		one.Metadata, one.ErrorCode = &from.Metadata, codeOf(from.Err)
		topic.Partitions = append(topic.Partitions, one)
	}
	return topic
}
