package api

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

func partitionsRequest(topic string, count int32, assignments ...[]int32) kmsg.CreatePartitionsRequestTopic {
	t := kmsg.NewCreatePartitionsRequestTopic()
	t.Topic, t.Count = topic, count
	for _, replicas := range assignments {
		t.Assignment = append(t.Assignment, kmsg.CreatePartitionsRequestTopicAssignment{Replicas: replicas})
	}
	return t
}

func askPartitions(w *world, version int16, validateOnly bool, topics ...kmsg.CreatePartitionsRequestTopic) []kmsg.CreatePartitionsResponseTopic {
	w.t.Helper()
	q := kmsg.NewPtrCreatePartitionsRequest()
	q.Topics, q.TimeoutMillis, q.ValidateOnly = topics, 5000, validateOnly
	return ask[*kmsg.CreatePartitionsResponse](w, version, q).Topics
}

func TestAddingPartitionsInEveryVersion(t *testing.T) {
	w := newWorld(t)
	id := w.topic("x", 1)
	for version := int16(0); version <= 3; version++ {
		count := int32(version) + 2
		p := askPartitions(w, version, false, partitionsRequest("x", count))
		if p[0].ErrorCode != 0 || p[0].ErrorMessage != nil {
			t.Fatalf("version %d: %+v", version, p[0])
		}
		if w.set.Get(id, count-1) == nil || w.set.Get(id, count) != nil {
			t.Errorf("version %d: not exactly %d partitions are served", version, count)
		}
	}
	if p := askPartitions(w, 3, false, partitionsRequest("x", 7, []int32{1}, []int32{1})); p[0].ErrorCode != 0 {
		t.Errorf("with an assignment: %+v", p[0])
	}
}

func TestPartitionsThatAreRefused(t *testing.T) {
	w := newWorld(t, "offsets.topic.replication.factor=1")
	w.topic("x", 3)
	w.topic("__consumer_offsets", -1)
	none := partitionsRequest("x", 4)
	none.Assignment = []kmsg.CreatePartitionsRequestTopicAssignment{} // not null
	for _, c := range []struct {
		topic kmsg.CreatePartitionsRequestTopic
		code  *protocol.Error
		says  string
	}{
		{partitionsRequest("x", 3), protocol.ErrInvalidPartitions, "already has 3"},
		{partitionsRequest("x", 2), protocol.ErrInvalidPartitions, "would not be an increase"},
		{partitionsRequest("x", 20_000), protocol.ErrPolicyViolation, "large number"},
		{partitionsRequest("missing", 3), protocol.ErrUnknownTopicOrPartition, ""},
		{partitionsRequest("", 3), protocol.ErrUnknownTopicOrPartition, ""},
		{partitionsRequest("x", 5, []int32{1}), protocol.ErrInvalidReplicaAssignment, "only 1 assignment(s)"},
		{partitionsRequest("x", 4, []int32{9}), protocol.ErrInvalidReplicaAssignment, "no such broker"},
		{partitionsRequest("x", 4, []int32{}), protocol.ErrInvalidReplicaAssignment, "empty replica list"},
		{none, protocol.ErrInvalidReplicaAssignment, "only 0 assignment(s)"},
		{partitionsRequest("__consumer_offsets", 60), protocol.ErrInvalidTopicException, "internal"},
	} {
		p := askPartitions(w, 3, false, c.topic)
		if p[0].ErrorCode != c.code.Code || !strings.Contains(text(p[0].ErrorMessage), c.says) {
			t.Errorf("%s to %d: error %d %q, want %d with %q", c.topic.Topic, c.topic.Count, p[0].ErrorCode, text(p[0].ErrorMessage), c.code.Code, c.says)
		}
	}
	if n := len(w.store.Image().Topic("x").Partitions); n != 3 {
		t.Errorf("x has %d partitions", n)
	}
}

// A topic that is there twice is told once, and does not harm the others;
// validate_only adds nothing.
func TestPartitionsOfSeveralTopics(t *testing.T) {
	w := newWorld(t)
	w.topic("x", 1)
	w.topic("y", 1)
	topics := []kmsg.CreatePartitionsRequestTopic{partitionsRequest("x", 2), partitionsRequest("y", 2), partitionsRequest("x", 3)}
	for _, validateOnly := range []bool{true, false} {
		p := askPartitions(w, 3, validateOnly, topics...)
		if len(p) != 2 || p[0].ErrorCode != protocol.ErrInvalidRequest.Code || p[1].ErrorCode != 0 {
			t.Fatalf("%+v", p)
		}
		if got, want := len(w.store.Image().Topic("y").Partitions) == 2, !validateOnly; got != want {
			t.Errorf("validate only %t: y was changed: %t", validateOnly, got)
		}
	}
}
