package api

// OffsetFetch (key 9), versions 0 to 10.
//
// Reads how far groups have read. A group or partition without an offset is no
// error: its offset is -1. Topics that the client may not see come last with their error,
// and are left out of everything that a group has committed.
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

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var offsetFetch = later(kmsg.OffsetFetch, 0, 10, (*API).offsetFetch).
	needs(need{auth.Describe, auth.Group}, need{auth.Describe, auth.Topic})

const (
	offsetFetchTopError = 2
	offsetFetchGroups   = 8
	offsetFetchByID     = 10
)

func (a *API) offsetFetch(r *Request, q *kmsg.OffsetFetchRequest, reply func(*kmsg.OffsetFetchResponse)) {
	p := kmsg.NewPtrOffsetFetchResponse()
	if q.Version < offsetFetchGroups {
		a.fetchSingleGroup(r, q, func(out group.FetchOutput) {
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
		if !a.may(r, auth.Describe, auth.Group, from.Group) {
			to.ErrorCode = errGroupDenied.Code
			all.Done()
			continue
		}
		in, failed := a.groupInput(r, image, q, from)
		asker := a.detached(r)
		a.Groups.Fetch(in, func(out group.FetchOutput) {
			if in.All {
				out.Topics = a.visibleTopics(asker, out.Topics)
			}
			to.ErrorCode = codeOf(out.Err)
			to.Topics = groupTopics(image, q.Version >= offsetFetchByID, in.All, out.Topics)
			if out.Err == nil {
				to.Topics = append(to.Topics, failed...)
			}
			all.Done()
		})
	}
}

// fetchSingleGroup answers a request of the versions that know one group.
func (a *API) fetchSingleGroup(r *Request, q *kmsg.OffsetFetchRequest, answer func(group.FetchOutput)) {
	if !a.may(r, auth.Describe, auth.Group, q.Group) {
		answer(group.FetchOutput{Err: errGroupDenied})
		return
	}
	in := group.FetchInput{GroupID: q.Group, MemberEpoch: protocol.None, All: q.Topics == nil, RequireStable: q.RequireStable}
	var failed []group.FetchedTopic
	for _, t := range q.Topics {
		if !a.may(r, auth.Describe, auth.Topic, t.Topic) {
			failed = append(failed, topicNotFetched(group.FetchedTopic{Topic: t.Topic}, t.Partitions, errTopicDenied))
			continue
		}
		in.Topics = append(in.Topics, group.FetchTopic{Topic: t.Topic, Partitions: t.Partitions})
	}
	asker := a.detached(r)
	a.Groups.Fetch(in, func(out group.FetchOutput) {
		if in.All {
			out.Topics = a.visibleTopics(asker, out.Topics)
		}
		if out.Err == nil {
			out.Topics = append(out.Topics, failed...)
		}
		answer(out)
	})
}

// visibleTopics are those of the topics that the client may describe.
func (a *API) visibleTopics(asker *Request, topics []group.FetchedTopic) []group.FetchedTopic {
	if asker == nil {
		return topics
	}
	var visible []group.FetchedTopic
	for _, t := range topics {
		if a.may(asker, auth.Describe, auth.Topic, t.Topic) {
			visible = append(visible, t)
		}
	}
	return visible
}

// fillSingleGroup answers such a request. Before there was a place for the
// group's error, each partition carried it.
func fillSingleGroup(p *kmsg.OffsetFetchResponse, q *kmsg.OffsetFetchRequest, out group.FetchOutput) {
	p.Topics = []kmsg.OffsetFetchResponseTopic{}
	p.ErrorCode = codeOf(out.Err)
	if out.Err != nil && q.Version < offsetFetchTopError {
		for _, t := range q.Topics {
			out.Topics = append(out.Topics, topicNotFetched(group.FetchedTopic{Topic: t.Topic}, t.Partitions, out.Err))
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

// topicNotFetched is the topic with the error for each partition.
func topicNotFetched(t group.FetchedTopic, partitions []int32, err error) group.FetchedTopic {
	for _, index := range partitions {
		t.Partitions = append(t.Partitions, group.FetchedPartition{Partition: index, Offset: protocol.None, LeaderEpoch: protocol.None, Err: err})
	}
	return t
}

// groupInput reads one group of a request, and answers at once for topic ids that
// nobody knows and topics that the client may not see.
func (a *API) groupInput(r *Request, image *metadata.Image, q *kmsg.OffsetFetchRequest, g *kmsg.OffsetFetchRequestGroup) (group.FetchInput, []kmsg.OffsetFetchResponseGroupTopic) {
	in := group.FetchInput{
		GroupID: g.Group, MemberID: g.MemberID, MemberEpoch: g.MemberEpoch,
		All: g.Topics == nil, RequireStable: q.RequireStable,
	}
	var failed []kmsg.OffsetFetchResponseGroupTopic
	for _, t := range g.Topics {
		wanted := group.FetchTopic{Topic: t.Topic, Partitions: t.Partitions}
		if q.Version >= offsetFetchByID {
			topic := image.TopicByID(t.TopicID)
			if topic == nil {
				failed = append(failed, groupTopic(topicNotFetched(group.FetchedTopic{TopicID: t.TopicID}, t.Partitions, protocol.ErrUnknownTopicID)))
				continue
			}
			wanted.Topic, wanted.TopicID = topic.Name, topic.ID
		}
		if !a.may(r, auth.Describe, auth.Topic, wanted.Topic) {
			failed = append(failed, groupTopic(topicNotFetched(group.FetchedTopic{Topic: wanted.Topic, TopicID: wanted.TopicID}, t.Partitions, errTopicDenied)))
			continue
		}
		in.Topics = append(in.Topics, wanted)
	}
	return in, failed
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
