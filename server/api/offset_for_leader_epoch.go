package api

// OffsetForLeaderEpoch (key 23), versions 0 to 4 (KIP-101, KIP-320).
//
// Tells where a leader epoch ends in a partition's log, so that a consumer finds
// out whether what it has read is still there. An epoch that has no records ends
// where the epoch before it does; one before the log's first begins the log; one
// that has not begun, and a negative one, have no end: -1 and -1.
//
//	v1     tells the epoch as well
//	v2     the client may say which epoch it takes for the current one
//	v3     replica id; there are no other replicas, so it changes nothing
//	v4     flexible

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var offsetForLeaderEpoch = now(kmsg.OffsetForLeaderEpoch, 0, 4, (*API).offsetForLeaderEpoch).needs(need{auth.ClusterAction, auth.Cluster}, need{auth.Describe, auth.Topic})

func (a *API) offsetForLeaderEpoch(r *Request, q *kmsg.OffsetForLeaderEpochRequest) *kmsg.OffsetForLeaderEpochResponse {
	p := q.ResponseKind().(*kmsg.OffsetForLeaderEpochResponse)
	image := a.Metadata.Image()
	follower := a.maySee(r, auth.ClusterAction, auth.Cluster, auth.ClusterName)
	for _, t := range q.Topics {
		one := kmsg.NewOffsetForLeaderEpochResponseTopic()
		one.Topic = t.Topic
		topic, denied := image.Topic(t.Topic), !follower && !a.may(r, auth.Describe, auth.Topic, t.Topic)
		for _, asked := range t.Partitions {
			answer := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
			answer.Partition = asked.Partition
			if denied {
				answer.ErrorCode = errTopicDenied.Code
			} else if epoch, end, err := a.endOfEpoch(topic, asked); err != nil {
				answer.ErrorCode = codeOf(err)
			} else {
				answer.LeaderEpoch, answer.EndOffset = int32(epoch), int64(end)
			}
			one.Partitions = append(one.Partitions, answer)
		}
		p.Topics = append(p.Topics, one)
	}
	return p
}

func (a *API) endOfEpoch(topic *metadata.Topic, asked kmsg.OffsetForLeaderEpochRequestTopicPartition) (protocol.Epoch, protocol.Offset, error) {
	partition, err := a.partition(topic, asked.Partition)
	if err != nil {
		return 0, 0, err
	}
	if err := partition.CheckEpoch(protocol.Epoch(asked.CurrentLeaderEpoch)); err != nil {
		return 0, 0, err
	}
	if err := partition.Ready(); err != nil {
		return 0, 0, err
	}
	epoch := protocol.Epoch(asked.LeaderEpoch)
	switch {
	case epoch < 0:
		return protocol.None, protocol.None, nil
	case epoch == partition.LeaderEpoch():
		// The log learns of an epoch with its first batch; the leader knows it before.
		return epoch, partition.Offsets().End, nil
	case epoch > partition.LeaderEpoch():
		return protocol.None, protocol.None, nil
	}
	known, end := partition.Log().EndOfEpoch(epoch)
	if known == protocol.None {
		// The epoch has begun, but neither it nor a later one has a record here.
		last, marks := partition.Log().LastEpoch(), partition.Offsets()
		if last == protocol.None {
			return epoch, marks.Start, nil
		}
		return last, marks.End, nil
	}
	return known, end, nil
}
