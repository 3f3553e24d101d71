package api

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

func askEpoch(w *world, version int16, topic string, index, current, epoch int32) kmsg.OffsetForLeaderEpochResponseTopicPartition {
	w.t.Helper()
	q := kmsg.NewPtrOffsetForLeaderEpochRequest()
	t := kmsg.NewOffsetForLeaderEpochRequestTopic()
	t.Topic = topic
	p := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
	p.Partition, p.CurrentLeaderEpoch, p.LeaderEpoch = index, current, epoch
	t.Partitions = append(t.Partitions, p)
	q.Topics = append(q.Topics, t)
	return ask[*kmsg.OffsetForLeaderEpochResponse](w, version, q).Topics[0].Partitions[0]
}

// An epoch ends where the next one begins. Here a log has three records under
// epoch 0 and, after a restart, two under epoch 1.
func TestWhereEpochsEnd(t *testing.T) {
	w := newWorld(t)
	w.topic("x", 1)
	if p := askEpoch(w, 4, "x", 0, 0, 0); p.ErrorCode != 0 || p.LeaderEpoch != 0 || p.EndOffset != 0 {
		t.Errorf("an empty log: %+v", p)
	}
	w.produce("x", 0, "a", "b", "c")
	w.restart()
	w.produce("x", 0, "d", "e")
	const none = protocol.None
	for _, c := range []struct {
		version                         int16
		index, current, epoch, is, ends int32
		code                            *protocol.Error
	}{
		{version: 0, current: none, epoch: 0, is: none, ends: 3}, // it has no place for the epoch
		{version: 1, current: none, epoch: 0, is: 0, ends: 3},
		{version: 2, current: 1, epoch: 0, is: 0, ends: 3},
		{version: 3, current: none, epoch: 0, is: 0, ends: 3},
		{version: 4, current: none, epoch: 1, is: 1, ends: 5},
		{version: 4, current: none, epoch: 2, is: none, ends: none},
		{version: 4, current: none, epoch: none, is: none, ends: none},
		{version: 4, current: 0, epoch: 0, is: none, ends: none, code: protocol.ErrFencedLeaderEpoch},
		{version: 4, current: 2, epoch: 0, is: none, ends: none, code: protocol.ErrUnknownLeaderEpoch},
		{version: 4, index: 7, current: none, is: none, ends: none, code: protocol.ErrUnknownTopicOrPartition},
		{version: 4, index: -1, current: none, is: none, ends: none, code: protocol.ErrUnknownTopicOrPartition},
	} {
		p := askEpoch(w, c.version, "x", c.index, c.current, c.epoch)
		want := int16(0)
		if c.code != nil {
			want = c.code.Code
		}
		if p.ErrorCode != want || p.LeaderEpoch != c.is || p.EndOffset != int64(c.ends) {
			t.Errorf("%+v: %+v", c, p)
		}
	}
	if p := askEpoch(w, 4, "missing", 0, none, 0); p.ErrorCode != protocol.ErrUnknownTopicOrPartition.Code {
		t.Errorf("a missing topic: %+v", p)
	}
}

// After a restart the leader's epoch is raised before its first append; an epoch
// that has begun but has no record ends where the log does.
func TestAnEpochWithoutRecords(t *testing.T) {
	w := newWorld(t)
	w.topic("x", 1)
	w.produce("x", 0, "a")
	w.restart()
	w.produce("x", 0, "b")
	w.restart()
	if p := askEpoch(w, 4, "x", 0, 1, 1); p.ErrorCode != 0 || p.LeaderEpoch != 1 || p.EndOffset != 2 {
		t.Errorf("%+v", p)
	}
}
