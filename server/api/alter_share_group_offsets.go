package api

// AlterShareGroupOffsets (key 91), version 0.
//
// Lets an empty share group begin elsewhere in partitions; a group that does not exist
// begins with that. A topic that is named twice is answered once, with the partitions
// of both, and topics come first that do not exist or that the client may not read, as in
// Kafka.

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/coordinator/group"
	"github.com/barnabas-mq/barnabas/protocol"
)

var alterShareGroupOffsets = boundedLater(kmsg.AlterShareGroupOffsets, 0, 0, func(q *kmsg.AlterShareGroupOffsetsRequest) int {
	return sum(q.Topics, func(t *kmsg.AlterShareGroupOffsetsRequestTopic) int { return len(t.Partitions) })
}, (*API).alterShareGroupOffsets).needs(need{auth.Read, auth.Group}, need{auth.Read, auth.Topic})

func (a *API) alterShareGroupOffsets(r *Request, q *kmsg.AlterShareGroupOffsetsRequest, reply func(*kmsg.AlterShareGroupOffsetsResponse)) {
	p := kmsg.NewPtrAlterShareGroupOffsetsResponse()
	if err := a.checkShareOffsets(r, auth.Read, q.GroupID); err != nil {
		p.ErrorCode, p.ErrorMessage = problemOf(err)
		reply(p)
		return
	}
	image := a.Metadata.Image()
	in := group.AlterShareOffsetsInput{GroupID: q.GroupID}
	var failed []group.TopicResult
	for _, t := range q.Topics {
		topic := image.Topic(t.Topic)
		switch {
		case !a.may(r, auth.Read, auth.Topic, t.Topic):
			result := failedShareTopic(&t, errTopicDenied)
			if topic != nil {
				result.TopicID = topic.ID
			}
			failed = append(failed, result)
			continue
		case topic == nil:
			failed = append(failed, failedShareTopic(&t, group.ErrUnknownPartition))
			continue
		}
		altered := group.AlterShareTopic{Topic: t.Topic}
		for _, index := range t.Partitions {
			altered.Starts = append(altered.Starts, group.ShareStart{Partition: index.Partition, Offset: protocol.Offset(index.StartOffset)})
		}
		in.Topics = append(in.Topics, altered)
	}
	a.Groups.AlterShareOffsets(in, func(out group.AlterShareOffsetsOutput) {
		if p.ErrorCode, p.ErrorMessage = problemOf(out.Err); out.Err == nil {
			p.Topics = alteredShareTopics(append(failed, out.Topics...))
		}
		reply(p)
	})
}

func failedShareTopic(t *kmsg.AlterShareGroupOffsetsRequestTopic, err error) group.TopicResult {
	result := group.TopicResult{Topic: t.Topic}
	for _, index := range t.Partitions {
		result.Partitions = append(result.Partitions, group.PartitionResult{Partition: index.Partition, Err: err})
	}
	return result
}

// checkShareOffsets is what changes of a share group's offsets need.
func (a *API) checkShareOffsets(r *Request, o auth.Operation, groupID string) error {
	if err := a.checkShareProtocol(r); err != nil {
		return err
	}
	if !a.may(r, o, auth.Group, groupID) {
		return errGroupDenied
	}
	if groupID == "" {
		return group.ErrInvalidGroupID
	}
	return nil
}

func alteredShareTopics(results []group.TopicResult) []kmsg.AlterShareGroupOffsetsResponseTopic {
	topics := make([]kmsg.AlterShareGroupOffsetsResponseTopic, 0, len(results))
	places := make(map[string]int, len(results))
	for _, result := range results {
		at, named := places[result.Topic]
		if !named {
			at = len(topics)
			places[result.Topic] = at
			one := kmsg.NewAlterShareGroupOffsetsResponseTopic()
			one.Topic, one.TopicID = result.Topic, result.TopicID
			topics = append(topics, one)
		}
		for _, from := range result.Partitions {
			one := kmsg.NewAlterShareGroupOffsetsResponseTopicPartition()
			one.Partition = from.Partition
			one.ErrorCode, one.ErrorMessage = problemOf(from.Err)
			topics[at].Partitions = append(topics[at].Partitions, one)
		}
	}
	return topics
}
