package api

// ListOffsets (key 2), versions 0 to 11.
//
// Offsets by time, and by Kafka's special timestamps: -1 latest (high watermark,
// or last stable offset for read_committed), -2 earliest, -3 the record with the
// largest timestamp (v7), -4 earliest local (v8), -5 latest tiered (v9), -6
// earliest pending upload (v11). Nothing is tiered, so the local start is the
// start, and the last two have no answer.
//
//	v0   the offsets where segments begin: list_offsets_v0.go
//	v1   one offset per partition, with its timestamp
//	v2   isolation level
//	v4   leader epochs; FENCED and UNKNOWN_LEADER_EPOCH
//	v6   flexible
//	v10  a timeout for tiered storage, not needed here

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/partition"
	"github.com/barnabas-mq/barnabas/protocol"
)

var listOffsets = bounded(kmsg.ListOffsets, 0, 11, func(q *kmsg.ListOffsetsRequest) int {
	return sum(q.Topics, func(t *kmsg.ListOffsetsRequestTopic) int { return len(t.Partitions) })
}, (*API).listOffsets).needs(need{auth.Describe, auth.Topic})

// Special timestamps (ListOffsetsRequest in Kafka).
const (
	timestampLatest                = -1
	timestampEarliest              = -2
	timestampMax                   = -3
	timestampEarliestLocal         = -4
	timestampLatestTiered          = -5
	timestampEarliestPendingUpload = -6
)

// timestampSince is the first version that knows a special timestamp.
var timestampSince = map[int64]int16{
	timestampLatest: 1, timestampEarliest: 1, timestampMax: 7,
	timestampEarliestLocal: 8, timestampLatestTiered: 9, timestampEarliestPendingUpload: 11,
}

func (a *API) listOffsets(r *Request, q *kmsg.ListOffsetsRequest) *kmsg.ListOffsetsResponse {
	if q.Version == 0 {
		return a.listSegments(r, q)
	}
	p := q.ResponseKind().(*kmsg.ListOffsetsResponse)
	p.Topics = make([]kmsg.ListOffsetsResponseTopic, len(q.Topics))
	image := a.Metadata.Image()
	twice := partitionsNamedTwice(q)
	for i := range q.Topics {
		from, to := &q.Topics[i], &p.Topics[i]
		to.Topic = from.Topic
		topic, denied := image.Topic(from.Topic), !a.may(r, auth.Describe, auth.Topic, from.Topic)
		to.Partitions = make([]kmsg.ListOffsetsResponseTopicPartition, 0, len(from.Partitions))
		for j := range from.Partitions {
			one := kmsg.NewListOffsetsResponseTopicPartition()
			one.Partition, one.Timestamp, one.Offset = from.Partitions[j].Partition, protocol.None, protocol.None
			key := topicPartition{from.Topic, one.Partition}
			if denied {
				one.ErrorCode = errTopicDenied.Code
			} else if again, named := twice[key]; named && again {
				twice[key] = false // answered once, and not looked up
				one.ErrorCode = protocol.ErrInvalidRequest.Code
			} else if !named {
				one.ErrorCode = codeOf(a.listOffset(topic, q, &from.Partitions[j], &one))
			} else {
				continue
			}
			to.Partitions = append(to.Partitions, one)
		}
	}
	return p
}

// topicPartition names a partition as requests do.
type topicPartition struct {
	topic     string
	partition int32
}

// partitionsNamedTwice finds the partitions that Kafka refuses to look up; it
// answers once for each.
func partitionsNamedTwice(q *kmsg.ListOffsetsRequest) map[topicPartition]bool {
	seen := make(map[topicPartition]bool)
	twice := make(map[topicPartition]bool)
	for _, t := range q.Topics {
		for _, p := range t.Partitions {
			key := topicPartition{t.Topic, p.Partition}
			if seen[key] {
				twice[key] = true
			}
			seen[key] = true
		}
	}
	return twice
}

// listOffset answers for one partition.
func (a *API) listOffset(t *metadata.Topic, q *kmsg.ListOffsetsRequest, from *kmsg.ListOffsetsRequestTopicPartition, to *kmsg.ListOffsetsResponseTopicPartition) error {
	if since, known := timestampSince[from.Timestamp]; from.Timestamp < 0 && (!known || q.Version < since) {
		return protocol.ErrUnsupportedVersion // before the partition is looked for (ReplicaManager.fetchOffset)
	}
	p, err := a.partition(t, from.Partition)
	if err != nil {
		return err
	}
	if err := p.Ready(); err != nil {
		return err
	}
	if err := p.CheckEpoch(protocol.Epoch(from.CurrentLeaderEpoch)); err != nil {
		return err
	}
	found, err := findOffset(p, from.Timestamp, isolationOf(q.IsolationLevel))
	if err != nil {
		return err
	}
	to.Timestamp, to.Offset, to.LeaderEpoch = int64(found.Timestamp), int64(found.Offset), int32(found.Epoch)
	return nil
}

// findOffset looks a special timestamp or a time up. What lies beyond the
// reader's bound counts as not there.
func findOffset(p *partition.Partition, timestamp int64, isolation partition.Isolation) (logstore.TimestampOffset, error) {
	none := logstore.TimestampOffset{Timestamp: protocol.None, Offset: protocol.None, Epoch: protocol.None}
	log := p.Log()
	switch timestamp {
	case timestampLatest:
		return logstore.TimestampOffset{Timestamp: protocol.None, Offset: p.Bound(isolation), Epoch: p.LeaderEpoch()}, nil
	case timestampEarliest, timestampEarliestLocal:
		start := p.Offsets().Start
		epoch := log.EpochOf(start)
		if epoch < 0 {
			epoch = p.LeaderEpoch() // nothing is there: a leader notes its epoch at the end when it begins (Partition.makeLeader)
		}
		return logstore.TimestampOffset{Timestamp: protocol.None, Offset: start, Epoch: epoch}, nil
	case timestampLatestTiered, timestampEarliestPendingUpload:
		return none, nil
	}
	find := func() (logstore.TimestampOffset, error) { return log.OffsetForTime(protocol.Timestamp(timestamp)) }
	if timestamp == timestampMax {
		find = log.OffsetOfMaxTimestamp
	}
	found, err := find()
	if err != nil || found.Offset < 0 || found.Offset >= p.Bound(isolation) {
		return none, err
	}
	return found, nil
}
