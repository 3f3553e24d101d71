package api

// DescribeShareGroupOffsets (key 90), versions 0 to 1.
//
// Tells how far share groups have come: in the partitions that are asked for, or with
// null in all that a group has state of. As in Kafka a group need not exist, a partition
// that is named twice is answered once, and one without state starts at -1; so does one
// that the topic has not, for which Kafka 4.3.1 never answers.
//
//	v1  how many records a group has yet to do with in a partition (KIP-1226)

import (
	"github.com/twmb/franz-go/pkg/kmsg"

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
}, (*API).describeShareGroupOffsets)

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
		if refusal != nil {
			to.ErrorCode = codeOf(refusal)
			pending.Done()
			continue
		}
		a.describeShareOffsets(from, to, pending.Done)
	}
}

// describeShareOffsets fills in what is known of one group.
func (a *API) describeShareOffsets(from *kmsg.DescribeShareGroupOffsetsRequestGroup, to *kmsg.DescribeShareGroupOffsetsResponseGroup, done func()) {
	image := a.Metadata.Image()
	if from.Topics == nil {
		a.Groups.AllShareOffsets(from.GroupID, func(topics []group.ShareOffsetsTopic, err error) {
			to.ErrorCode, to.ErrorMessage = problemOf(err)
			to.Topics = a.shareOffsetsTopics(image, topics)
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
	var unknown []kmsg.DescribeShareGroupOffsetsResponseGroupTopic
	for _, t := range from.Topics {
		if topic := image.Topic(t.Topic); topic != nil {
			asked = append(asked, group.NamedPartitions{Topic: t.Topic, TopicID: topic.ID, Partitions: once(t.Partitions)})
			continue
		}
		one := kmsg.NewDescribeShareGroupOffsetsResponseGroupTopic()
		one.Topic = t.Topic
		for _, index := range t.Partitions {
			partition := kmsg.NewDescribeShareGroupOffsetsResponseGroupTopicPartition()
			partition.Partition, partition.StartOffset = index, protocol.None
			one.Partitions = append(one.Partitions, partition)
		}
		unknown = append(unknown, one)
	}
	a.Groups.ShareOffsets(from.GroupID, asked, func(topics []group.ShareOffsetsTopic) {
		to.Topics = append(a.shareOffsetsTopics(image, topics), unknown...)
		done()
	})
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
