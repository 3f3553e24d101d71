package api

// DescribeShareGroupOffsets (key 90), versions 0 to 1.
//
// Tells how far share groups have come: in the partitions that are asked for, or with
// null in all that a group has state of. As in Kafka a group need not exist, a partition
// that is named twice is answered once, and one without state starts at -1; so does one
// that the topic has not, for which Kafka 4.3.1 never answers. Topics that the client may not
// see come last with their error, and are left out of all that a group has state of.
//
//	v1  how many records a group has yet to do with in a partition (KIP-1226)

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/partition"
	"github.com/barnabas-mq/barnabas/protocol"
)

var describeShareGroupOffsets = boundedLater(kmsg.DescribeShareGroupOffsets, 0, 1, func(q *kmsg.DescribeShareGroupOffsetsRequest) int {
	return sum(q.Groups, func(g *kmsg.DescribeShareGroupOffsetsRequestGroup) int {
		return 1 + sum(g.Topics, func(t *kmsg.DescribeShareGroupOffsetsRequestGroupTopic) int { return len(t.Partitions) })
	})
}, (*API).describeShareGroupOffsets).needs(need{auth.Describe, auth.Group}, need{auth.Describe, auth.Topic})

func (a *API) describeShareGroupOffsets(r *Request, q *kmsg.DescribeShareGroupOffsetsRequest, reply func(*kmsg.DescribeShareGroupOffsetsResponse)) {
	p := kmsg.NewPtrDescribeShareGroupOffsetsResponse()
	groups := q.Groups
	if len(groups) > repeatsMax { // see repeated
		groups = onceBy(groups, func(g *kmsg.DescribeShareGroupOffsetsRequestGroup) string { return g.GroupID })
	}
	p.Groups = make([]kmsg.DescribeShareGroupOffsetsResponseGroup, len(groups))
	refusal := a.checkShareProtocol(r)
	pending := coordinator.NewCountdown(len(groups), func() { reply(p) })
	for i := range groups {
		from, to := &groups[i], &p.Groups[i]
		to.Default()
		to.GroupID = from.GroupID
		err := refusal
		if err == nil && !a.may(r, auth.Describe, auth.Group, from.GroupID) {
			err = errGroupDenied
		}
		if err != nil {
			to.ErrorCode = codeOf(err)
			pending.Done()
			continue
		}
		a.describeShareOffsets(r, from, to, pending.Done)
	}
}

// describeShareOffsets fills in what is known of one group.
func (a *API) describeShareOffsets(r *Request, from *kmsg.DescribeShareGroupOffsetsRequestGroup, to *kmsg.DescribeShareGroupOffsetsResponseGroup, done func()) {
	image := a.Metadata.Image()
	if from.Topics == nil {
		asker := a.detached(r)
		a.Groups.AllShareOffsets(from.GroupID, func(topics []group.ShareOffsetsTopic, err error) {
			to.ErrorCode, to.ErrorMessage = problemOf(err)
			to.Topics = slices.DeleteFunc(a.shareOffsetsTopics(image, topics), func(t kmsg.DescribeShareGroupOffsetsResponseGroupTopic) bool {
				return !a.may(asker, auth.Describe, auth.Topic, t.Topic)
			})
			done()
		})
		return
	}
	if from.GroupID == "" && len(from.Topics) > 0 {
		to.ErrorCode, to.ErrorMessage = problemOf(group.ErrInvalidGroupID)
		done()
		return
	}
	var asked []group.NamedPartitions
	var unknown, denied []kmsg.DescribeShareGroupOffsetsResponseGroupTopic
	for i := range from.Topics {
		t := &from.Topics[i]
		switch topic := image.Topic(t.Topic); {
		case !a.may(r, auth.Describe, auth.Topic, t.Topic):
			denied = append(denied, withoutShareOffsets(t, errTopicDenied))
		case topic == nil:
			unknown = append(unknown, withoutShareOffsets(t, nil))
		default:
			asked = append(asked, group.NamedPartitions{Topic: t.Topic, TopicID: topic.ID, Partitions: once(t.Partitions)})
		}
	}
	a.Groups.ShareOffsets(from.GroupID, asked, func(topics []group.ShareOffsetsTopic) {
		to.Topics = slices.Concat(a.shareOffsetsTopics(image, topics), unknown, denied)
		done()
	})
}

// withoutShareOffsets is a topic about which nothing is told.
func withoutShareOffsets(t *kmsg.DescribeShareGroupOffsetsRequestGroupTopic, err error) kmsg.DescribeShareGroupOffsetsResponseGroupTopic {
	one := kmsg.NewDescribeShareGroupOffsetsResponseGroupTopic()
	one.Topic = t.Topic
	for _, index := range t.Partitions {
		partition := kmsg.NewDescribeShareGroupOffsetsResponseGroupTopicPartition()
		partition.Partition, partition.StartOffset = index, protocol.None
		partition.ErrorCode, partition.ErrorMessage = problemOf(err)
		one.Partitions = append(one.Partitions, partition)
	}
	return one
}

func (a *API) shareOffsetsTopics(image *metadata.Image, topics []group.ShareOffsetsTopic) []kmsg.DescribeShareGroupOffsetsResponseGroupTopic {
	out := make([]kmsg.DescribeShareGroupOffsetsResponseGroupTopic, len(topics))
	for i, t := range topics {
		out[i].Default()
		out[i].Topic, out[i].TopicID = t.Topic, t.TopicID
		out[i].Partitions = make([]kmsg.DescribeShareGroupOffsetsResponseGroupTopicPartition, len(t.Partitions))
		for j := range t.Partitions {
			to := &out[i].Partitions[j]
			to.Default()
			a.shareOffset(image.TopicByID(t.TopicID), &t.Partitions[j], to)
		}
	}
	return out
}

// shareOffset fills in one partition. An error of the state is told as a partition
// that has none, as in Kafka (GroupCoordinatorService.computeShareGroupLagAndBuildResponse).
func (a *API) shareOffset(topic *metadata.Topic, from *group.ShareOffset, to *kmsg.DescribeShareGroupOffsetsResponseGroupTopicPartition) {
	to.Partition, to.StartOffset, to.Lag = from.Partition, protocol.None, protocol.None
	if from.Err != nil {
		return
	}
	s := &from.Summary
	to.StartOffset, to.LeaderEpoch = int64(s.Start), s.LeaderEpoch
	if s.Start == protocol.None || s.DeliveryComplete == protocol.None {
		return
	}
	p, err := a.partition(topic, from.Partition)
	if err != nil {
		to.StartOffset, to.LeaderEpoch = 0, 0
		to.ErrorCode, to.ErrorMessage = problemOf(err)
		return
	}
	to.Lag = int64(p.Bound(partition.ReadUncommitted)-s.Start) - int64(s.DeliveryComplete)
}
