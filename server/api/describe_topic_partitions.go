package api

// DescribeTopicPartitions (key 75), version 0 (KIP-966).
//
// Describes topics in the order of their names, a page at a time: when the limit
// is reached, the answer says where to go on. A request without topics walks
// through all of them.
//
//	v0     the limit of the request, between 1 and max.request.partition.size.limit;
//	       a cursor must name one of the topics that are asked for and a partition
//	       that is not negative, otherwise every topic is INVALID_REQUEST
//
// A name that no topic can have is INVALID_TOPIC_EXCEPTION; for the empty name
// Kafka 4.3.1 fails the whole request with UNKNOWN_SERVER_ERROR.

import (
	"iter"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var describeTopicPartitions = now(kmsg.DescribeTopicPartitions, 0, 0, (*API).describeTopicPartitions).needs(need{auth.Describe, auth.Topic})

func (a *API) describeTopicPartitions(r *Request, q *kmsg.DescribeTopicPartitionsRequest) *kmsg.DescribeTopicPartitionsResponse {
	p := q.ResponseKind().(*kmsg.DescribeTopicPartitionsResponse)
	names := make([]string, len(q.Topics))
	for i := range q.Topics {
		names[i] = q.Topics[i].Topic
	}
	page := partitionsPage{
		api: a, request: r, response: p, all: len(names) == 0, image: a.Metadata.Image(),
		room: int(max(1, min(q.ResponsePartitionLimit, int32(a.Config().DescribePartitionsMax)))),
	}
	if c := q.Cursor; c != nil {
		if c.Partition < 0 || len(names) > 0 && !slices.Contains(names, c.Topic) {
			page.refuse(names)
			return p
		}
		page.start, page.startPartition = c.Topic, c.Partition
	}
	for name := range page.names(names) {
		if !a.may(r, auth.Describe, auth.Topic, name) { // nor told where a page ends
			page.deny(name)
			continue
		}
		if page.room == 0 {
			page.stop(name, 0)
			break
		}
		if !page.add(name) {
			break
		}
	}
	p.Topics = append(p.Topics, page.denied...)
	return p
}

// partitionsPage is one answer in the making.
type partitionsPage struct {
	api      *API
	request  *Request
	response *kmsg.DescribeTopicPartitionsResponse
	all      bool // nothing was named
	image    *metadata.Image
	room     int // partitions that still fit
	// start is the first topic to describe, from startPartition on.
	start          string
	startPartition int32
	// denied come after all others.
	denied []kmsg.DescribeTopicPartitionsResponseTopic
}

// names yields what to describe: the asked topics, or all, from the start on.
func (g *partitionsPage) names(asked []string) iter.Seq[string] {
	if len(asked) == 0 {
		return func(yield func(string) bool) {
			for t := range g.image.TopicsFrom(g.start) {
				if !yield(t.Name) {
					return
				}
			}
		}
	}
	slices.Sort(asked)
	asked = slices.Compact(asked)
	from, _ := slices.BinarySearch(asked, g.start)
	return slices.Values(asked[from:])
}

// deny notes a topic that was named and may not be described.
func (g *partitionsPage) deny(name string) {
	if g.all {
		return
	}
	one := kmsg.NewDescribeTopicPartitionsResponseTopic()
	one.Topic, one.ErrorCode = &name, errTopicDenied.Code
	g.denied = append(g.denied, one)
}

// add describes a topic and reports whether all of it fitted.
func (g *partitionsPage) add(name string) bool {
	one := kmsg.NewDescribeTopicPartitionsResponseTopic()
	one.Topic, one.IsInternal = &name, isInternalTopic(name)
	one.AuthorizedOperations = g.api.operations(g.request, auth.Topic, name)
	topic := g.image.Topic(name)
	if topic == nil {
		one.ErrorCode = protocol.ErrUnknownTopicOrPartition.Code
		if metadata.ValidateTopicName(name) != nil {
			one.ErrorCode = protocol.ErrInvalidTopicException.Code
		}
		g.response.Topics = append(g.response.Topics, one)
		return true
	}
	one.TopicID = topic.ID
	partitions := topic.Partitions
	if name == g.start {
		from, _ := slices.BinarySearchFunc(partitions, g.startPartition,
			func(p metadata.Partition, index int32) int { return int(p.Index) - int(index) })
		partitions = partitions[from:]
	}
	fitting := partitions[:min(len(partitions), g.room)]
	g.room -= len(fitting)
	for i := range fitting {
		one.Partitions = append(one.Partitions, describePartition(&fitting[i]))
	}
	g.response.Topics = append(g.response.Topics, one)
	if len(fitting) < len(partitions) {
		g.stop(name, partitions[len(fitting)].Index)
		return false
	}
	return true
}

func describePartition(from *metadata.Partition) kmsg.DescribeTopicPartitionsResponseTopicPartition {
	to := kmsg.NewDescribeTopicPartitionsResponseTopicPartition()
	to.Partition, to.LeaderID, to.LeaderEpoch = from.Index, from.Leader, int32(from.LeaderEpoch)
	to.Replicas, to.ISR = from.Replicas, from.ISR
	// Kafka says "none" with an empty array here; null would mean "unknown".
	to.EligibleLeaderReplicas = append([]int32{}, from.ELR...)
	to.LastKnownELR = append([]int32{}, from.LastKnownELR...)
	if from.Leader < 0 {
		to.ErrorCode = protocol.ErrLeaderNotAvailable.Code
	}
	return to
}

// stop says where the next page begins.
func (g *partitionsPage) stop(name string, partition int32) {
	next := kmsg.NewDescribeTopicPartitionsResponseNextCursor()
	next.Topic, next.Partition = name, partition
	g.response.NextCursor = &next
}

// refuse answers a cursor that does not belong to the request.
func (g *partitionsPage) refuse(names []string) {
	for _, name := range names {
		one := kmsg.NewDescribeTopicPartitionsResponseTopic()
		one.Topic, one.ErrorCode = &name, protocol.ErrInvalidRequest.Code
		g.response.Topics = append(g.response.Topics, one)
	}
}
