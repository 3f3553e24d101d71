package api

// ListOffsets version 0 asks where segments begin. Sources: Kafka 3.9,
// UnifiedLog.legacyFetchOffsetsBefore and Partition.legacyFetchOffsetsForTimestamp.

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/partition"
	"github.com/barnabas-mq/barnabas/protocol"
)

// replicaDebugging in a request reads beyond the high watermark (Kafka's
// ListOffsetsRequest.DEBUGGING_REPLICA_ID).
const replicaDebugging = -2

func (a *API) listSegments(r *Request, q *kmsg.ListOffsetsRequest) *kmsg.ListOffsetsResponse {
	a.wait(r) // it looks at the files
	p := q.ResponseKind().(*kmsg.ListOffsetsResponse)
	p.Topics = make([]kmsg.ListOffsetsResponseTopic, len(q.Topics))
	image := a.Metadata.Image()
	found := make(segmentLists)
	for i := range q.Topics {
		from, to := &q.Topics[i], &p.Topics[i]
		to.Topic = from.Topic
		topic, denied := image.Topic(from.Topic), !a.may(r, auth.Describe, auth.Topic, from.Topic)
		to.Partitions = make([]kmsg.ListOffsetsResponseTopicPartition, len(from.Partitions))
		for j := range from.Partitions {
			one := &to.Partitions[j]
			one.Default()
			one.Partition = from.Partitions[j].Partition
			if denied {
				one.ErrorCode = errTopicDenied.Code
				continue
			}
			starts, err := a.segmentStarts(found, topic, &from.Partitions[j], q.ReplicaID)
			one.ErrorCode = codeOf(err)
			for _, offset := range starts {
				one.OldStyleOffsets = append(one.OldStyleOffsets, int64(offset))
			}
		}
	}
	return p
}

// segmentLists are those of one request, which may name a partition often.
type segmentLists map[*partition.Partition][]logstore.SegmentInfo

func (l segmentLists) of(p *partition.Partition) ([]logstore.SegmentInfo, error) {
	if known, ok := l[p]; ok {
		return known, nil
	}
	segments, err := p.Log().Segments()
	if err == nil {
		l[p] = segments
	}
	return segments, err
}

// segmentStarts answers for one partition: newest first, at most as many as are asked for.
func (a *API) segmentStarts(found segmentLists, t *metadata.Topic, asked *kmsg.ListOffsetsRequestTopicPartition, replica int32) ([]protocol.Offset, error) {
	if asked.Timestamp < timestampEarliest {
		return nil, protocol.ErrUnsupportedVersion
	}
	p, err := a.partition(t, asked.Partition)
	if err != nil {
		return nil, err
	}
	segments, err := found.of(p)
	if err != nil {
		return nil, err
	}
	marks := p.Offsets()
	starts := offsetsBefore(segments, marks, protocol.Timestamp(asked.Timestamp), protocol.Timestamp(a.Clock.Now().UnixMilli()))
	starts = starts[:min(len(starts), max(int(asked.MaxNumOffsets), 0))]
	if replica != replicaDebugging {
		starts = belowHigh(starts, marks.High)
	}
	return starts, nil
}

// offsetsBefore lists where the segments begin that were last written at or before a
// time, newest first, and before them the log's end, which is now. A log without a
// segment is one with an empty segment to Kafka.
func offsetsBefore(segments []logstore.SegmentInfo, marks logstore.Offsets, at, now protocol.Timestamp) []protocol.Offset {
	if len(segments) == 0 {
		segments = []logstore.SegmentInfo{{Base: marks.End, Modified: now}}
	}
	if at == timestampEarliest {
		return []protocol.Offset{max(segments[0].Base, marks.Start)}
	}
	var starts []protocol.Offset
	if segments[len(segments)-1].Bytes > 0 && (at == timestampLatest || now <= at) {
		starts = append(starts, marks.End)
	}
	for i := len(segments) - 1; i >= 0; i-- {
		// Once one is old enough, so are those before it, whatever their files say.
		if len(starts) > 0 || at == timestampLatest || segments[i].Modified <= at {
			starts = append(starts, max(segments[i].Base, marks.Start))
		}
	}
	return starts
}

// belowHigh puts the high watermark in the place of what consumers may not know of yet.
func belowHigh(starts []protocol.Offset, high protocol.Offset) []protocol.Offset {
	n := 0
	for n < len(starts) && starts[n] > high {
		n++
	}
	if n == 0 {
		return starts
	}
	return append([]protocol.Offset{high}, starts[n:]...)
}
