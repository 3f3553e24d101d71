package api

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

// deletionOf asks for pairs of partition and offset.
func deletionOf(topic string, pairs ...int64) kmsg.DeleteRecordsRequestTopic {
	t := kmsg.NewDeleteRecordsRequestTopic()
	t.Topic = topic
	for i := 0; i < len(pairs); i += 2 {
		t.Partitions = append(t.Partitions, kmsg.DeleteRecordsRequestTopicPartition{Partition: int32(pairs[i]), Offset: pairs[i+1]})
	}
	return t
}

func askDeletion(w *world, version int16, topics ...kmsg.DeleteRecordsRequestTopic) []kmsg.DeleteRecordsResponseTopic {
	w.t.Helper()
	q := kmsg.NewPtrDeleteRecordsRequest()
	q.Topics, q.TimeoutMillis = topics, 1000
	return ask[*kmsg.DeleteRecordsResponse](w, version, q).Topics
}

// The log start moves to the offset, or with -1 to the high watermark, and never back.
func TestDeletingRecordsMovesTheLogStart(t *testing.T) {
	w := newWorld(t)
	w.topic("x", 1)
	w.produce("x", 0, "a", "b", "c", "d")
	for _, c := range []struct {
		version int16
		offset  int64
		start   int64
	}{{0, 0, 0}, {0, 1, 1}, {1, 2, 2}, {2, 1, 2}, {2, -1, 4}} {
		p := askDeletion(w, c.version, deletionOf("x", 0, c.offset))[0].Partitions[0]
		if p.ErrorCode != 0 || p.LowWatermark != c.start {
			t.Errorf("version %d, before %d: error %d, log start %d; want %d", c.version, c.offset, p.ErrorCode, p.LowWatermark, c.start)
		}
	}
	if marks := w.set.Get(w.store.Image().Topic("x").ID, 0).Offsets(); marks.Start != 4 || marks.End != 4 {
		t.Errorf("the log has %+v", marks)
	}
}

func TestRecordsThatAreNotDeleted(t *testing.T) {
	w := newWorld(t, "offsets.topic.replication.factor=1")
	w.topic("x", 1)
	w.produce("x", 0, "a")
	w.topic("compacted", 1, "cleanup.policy", "compact")
	w.topic("both", 1, "cleanup.policy", "compact,delete")
	w.topic("__consumer_offsets", -1)
	for _, c := range []struct {
		topic             string
		partition, offset int64
		code              int16
	}{
		{"x", 0, 2, protocol.ErrOffsetOutOfRange.Code},
		{"x", 0, -2, protocol.ErrOffsetOutOfRange.Code},
		{"x", 7, 0, protocol.ErrUnknownTopicOrPartition.Code},
		{"missing", 0, 0, protocol.ErrUnknownTopicOrPartition.Code},
		{"compacted", 0, 0, protocol.ErrPolicyViolation.Code},
		{"both", 0, 0, 0},
		{"__consumer_offsets", 0, 0, protocol.ErrInvalidTopicException.Code},
	} {
		p := askDeletion(w, 2, deletionOf(c.topic, c.partition, c.offset))[0].Partitions[0]
		if p.ErrorCode != c.code || c.code != 0 && p.LowWatermark != -1 {
			t.Errorf("%s-%d before %d: error %d, log start %d; want error %d", c.topic, c.partition, c.offset, p.ErrorCode, p.LowWatermark, c.code)
		}
	}
}

// A partition that is named twice is answered once, for the later offset; a topic
// without partitions is not answered.
func TestDeletionsOfOneTopicAreMerged(t *testing.T) {
	w := newWorld(t)
	w.topic("x", 2)
	w.produce("x", 0, "a", "b")
	p := askDeletion(w, 2, deletionOf("x", 0, 1, 1, 0), deletionOf("empty"), deletionOf("x", 0, 2))
	if len(p) != 1 || len(p[0].Partitions) != 2 || p[0].Partitions[0].LowWatermark != 2 {
		t.Errorf("%+v", p)
	}
}
