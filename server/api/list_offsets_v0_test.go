package api

import (
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// What Kafka 3.9 lists of a log with segments at 0, 100 and 200, written last at
// times 10, 20 and 30, that begins at 50 and ends at 250; now is 40.
func TestWhereSegmentsBegin(t *testing.T) {
	segments := []logstore.SegmentInfo{{Base: 0, Bytes: 9, Modified: 10}, {Base: 100, Bytes: 9, Modified: 20}, {Base: 200, Bytes: 9, Modified: 30}}
	emptyLast := slices.Clone(segments)
	emptyLast[2].Bytes = 0
	marks := logstore.Offsets{Start: 50, High: 220, End: 250}
	for _, c := range []struct {
		name     string
		segments []logstore.SegmentInfo
		at       protocol.Timestamp
		want     []protocol.Offset
		below    []protocol.Offset // the high watermark
	}{
		{"latest", segments, timestampLatest, []protocol.Offset{250, 200, 100, 50}, []protocol.Offset{220, 200, 100, 50}},
		{"latest, the last one empty", emptyLast, timestampLatest, []protocol.Offset{200, 100, 50}, []protocol.Offset{200, 100, 50}},
		{"earliest", segments, timestampEarliest, []protocol.Offset{50}, []protocol.Offset{50}},
		{"a time", segments, 25, []protocol.Offset{100, 50}, []protocol.Offset{100, 50}},
		{"before everything", segments, 5, nil, nil},
		{"now", segments, 40, []protocol.Offset{250, 200, 100, 50}, []protocol.Offset{220, 200, 100, 50}},
		{"no segments", nil, timestampLatest, []protocol.Offset{250}, []protocol.Offset{220}},
		{"no segments, earliest", nil, timestampEarliest, []protocol.Offset{250}, []protocol.Offset{220}},
	} {
		got := offsetsBefore(c.segments, marks, c.at, 40)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if got := belowHigh(got, marks.High); !slices.Equal(got, c.below) {
			t.Errorf("%s, for a consumer: %v, want %v", c.name, got, c.below)
		}
	}
}

func TestListOffsetsVersion0(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 1)
	list := func(partition int32, at int64, most int32) kmsg.ListOffsetsResponseTopicPartition {
		q := listOffsetsOf(at)
		q.Topics[0].Partitions[0].Partition, q.Topics[0].Partitions[0].MaxNumOffsets = partition, most
		return ask[*kmsg.ListOffsetsResponse](w, 0, q).Topics[0].Partitions[0]
	}
	if p := list(0, timestampLatest, 2); p.ErrorCode != 0 || !slices.Equal(p.OldStyleOffsets, []int64{0}) {
		t.Errorf("an empty log: %+v", p)
	}
	w.produce("t", 0, "a", "b", "c")
	for _, c := range []struct {
		at   int64
		most int32
		want []int64
		code int16
	}{
		{timestampLatest, 2, []int64{3, 0}, 0},
		{timestampLatest, 1, []int64{3}, 0},
		{timestampEarliest, 2, []int64{0}, 0},
		{timestampLatest, 0, nil, 0},
		{timestampLatest, -1, nil, 0},
		{timestampMax, 1, nil, protocol.ErrUnsupportedVersion.Code},
	} {
		if p := list(0, c.at, c.most); p.ErrorCode != c.code || !slices.Equal(p.OldStyleOffsets, c.want) {
			t.Errorf("%d, at most %d: %+v, want %v", c.at, c.most, p, c.want)
		}
	}
	if p := list(9, timestampLatest, 1); p.ErrorCode != protocol.ErrUnknownTopicOrPartition.Code {
		t.Errorf("no such partition: %+v", p)
	}
}
