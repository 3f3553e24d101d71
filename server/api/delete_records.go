package api

// DeleteRecords (key 21), versions 0 to 2.
//
// Raises the log start of partitions: the records before the offset are gone
// when the answer is given, their bytes a little later. -1 means up to the high
// watermark. An offset above it, or below -1, is OFFSET_OUT_OF_RANGE; one that is
// deleted already changes nothing. Topics that are only compacted are
// POLICY_VIOLATION, and internal topics INVALID_TOPIC_EXCEPTION.
//
//	v1     as v0
//	v2     flexible
//
// The timeout of the request is for replicas to follow; there are none. A
// partition that is named twice is answered once, for the later offset, and a
// topic without partitions not at all, as in Kafka.

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var deleteRecords = now(kmsg.DeleteRecords, 0, 2, (*API).deleteRecords).needs(need{auth.Delete, auth.Topic})

func (a *API) deleteRecords(r *Request, q *kmsg.DeleteRecordsRequest) *kmsg.DeleteRecordsResponse {
	p := q.ResponseKind().(*kmsg.DeleteRecordsResponse)
	image := a.Metadata.Image()
	for _, t := range mergeDeletions(q.Topics) {
		denied := !a.may(r, auth.Delete, auth.Topic, t.Topic)
		one := kmsg.NewDeleteRecordsResponseTopic()
		one.Topic = t.Topic
		topic := image.Topic(t.Topic)
		for _, asked := range t.Partitions {
			answer := kmsg.NewDeleteRecordsResponseTopicPartition()
			answer.Partition = asked.Partition
			var start protocol.Offset
			var err error = errTopicDenied
			if !denied {
				start, err = a.deleteBefore(r, image, topic, asked)
			}
			if err != nil {
				answer.LowWatermark, answer.ErrorCode = protocol.None, codeOf(err)
			} else {
				answer.LowWatermark = int64(start)
			}
			one.Partitions = append(one.Partitions, answer)
		}
		p.Topics = append(p.Topics, one)
	}
	return p
}

// deleteBefore returns the partition's new log start.
func (a *API) deleteBefore(r *Request, image *metadata.Image, topic *metadata.Topic, asked kmsg.DeleteRecordsRequestTopicPartition) (protocol.Offset, error) {
	a.wait(r)
	offset := protocol.Offset(asked.Offset)
	partition, err := a.partition(topic, asked.Partition)
	if err != nil {
		return 0, err
	}
	if isInternalTopic(topic.Name) {
		return 0, protocol.ErrInvalidTopicException.WithMessage("Records of the internal topic %s cannot be deleted", topic.Name)
	}
	if policy := a.policies.of(image, a.Config(), topic); policy.CleanupCompact && !policy.CleanupDelete {
		return 0, protocol.ErrPolicyViolation.WithMessage("Records of %s are compacted, not deleted", topic.Name)
	}
	if err := partition.Ready(); err != nil {
		return 0, err
	}
	marks := partition.Offsets()
	if offset == protocol.None {
		offset = marks.High
	}
	if offset < 0 || offset > marks.High {
		return 0, protocol.ErrOffsetOutOfRange
	}
	if offset <= marks.Start {
		return marks.Start, nil
	}
	return partition.Log().DeleteBefore(offset)
}

// mergeDeletions joins what is asked of one topic, in the order of the request.
func mergeDeletions(topics []kmsg.DeleteRecordsRequestTopic) []kmsg.DeleteRecordsRequestTopic {
	type place struct {
		topic     string
		partition int32
	}
	var merged []kmsg.DeleteRecordsRequestTopic
	topicAt, partitionAt := make(map[string]int), make(map[place]int)
	for _, t := range topics {
		for _, asked := range t.Partitions {
			at, known := topicAt[t.Topic]
			if !known {
				at = len(merged)
				topicAt[t.Topic] = at
				merged = append(merged, kmsg.DeleteRecordsRequestTopic{Topic: t.Topic})
			}
			one := &merged[at]
			if i, twice := partitionAt[place{t.Topic, asked.Partition}]; twice {
				one.Partitions[i].Offset = asked.Offset
				continue
			}
			partitionAt[place{t.Topic, asked.Partition}] = len(one.Partitions)
			one.Partitions = append(one.Partitions, asked)
		}
	}
	return merged
}
