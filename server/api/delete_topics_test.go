package api

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

// deleteNames deletes by name in any version.
func deleteNames(w *world, version int16, names ...string) []kmsg.DeleteTopicsResponseTopic {
	w.t.Helper()
	var topics []kmsg.DeleteTopicsRequestTopic
	for i := range names {
		topics = append(topics, kmsg.DeleteTopicsRequestTopic{Topic: &names[i]})
	}
	q := kmsg.NewPtrDeleteTopicsRequest()
	q.TopicNames, q.Topics, q.TimeoutMillis = names, topics, 5000
	return ask[*kmsg.DeleteTopicsResponse](w, version, q).Topics
}

func deleteTopicsOf(w *world, topics ...kmsg.DeleteTopicsRequestTopic) []kmsg.DeleteTopicsResponseTopic {
	w.t.Helper()
	q := kmsg.NewPtrDeleteTopicsRequest()
	q.Topics, q.TimeoutMillis = topics, 5000
	return ask[*kmsg.DeleteTopicsResponse](w, 6, q).Topics
}

// In every version the topic is gone when the answer is there, and its name can
// be taken again by another topic.
func TestADeletedNameIsFreeAtOnce(t *testing.T) {
	w := newWorld(t)
	for version := int16(0); version <= 6; version++ {
		id := w.topic("x", 2)
		p := deleteNames(w, version, "x")
		if len(p) != 1 || p[0].ErrorCode != 0 || text(p[0].Topic) != "x" {
			t.Fatalf("version %d: %+v", version, p)
		}
		if version >= 6 && p[0].TopicID != id {
			t.Errorf("version %d: id %v, want %v", version, p[0].TopicID, id)
		}
		if w.store.Image().Topic("x") != nil || w.set.Get(id, 1) != nil {
			t.Errorf("version %d: the topic is still there", version)
		}
	}
}

func TestDeletingByID(t *testing.T) {
	w := newWorld(t)
	id := w.topic("x", 1)
	p := deleteTopicsOf(w, kmsg.DeleteTopicsRequestTopic{TopicID: id}, kmsg.DeleteTopicsRequestTopic{TopicID: [16]byte{9}})
	if p[0].ErrorCode != 0 || text(p[0].Topic) != "x" {
		t.Errorf("by id: %+v", p[0])
	}
	if p[1].ErrorCode != protocol.ErrUnknownTopicID.Code || p[1].Topic != nil {
		t.Errorf("an unknown id: %+v", p[1])
	}
}

// A topic must be named in exactly one way, once.
func TestAmbiguousDeletionsAreRefused(t *testing.T) {
	w := newWorld(t)
	id := w.topic("x", 1)
	name := "x"
	byName, byID := kmsg.DeleteTopicsRequestTopic{Topic: &name}, kmsg.DeleteTopicsRequestTopic{TopicID: id}
	for _, topics := range [][]kmsg.DeleteTopicsRequestTopic{
		{{Topic: &name, TopicID: id}},
		{{}},
		{byName, byName},
		{byID, byID},
		{byID, byName},
	} {
		p := deleteTopicsOf(w, topics...)
		if len(p) != 1 || p[0].ErrorCode != protocol.ErrInvalidRequest.Code {
			t.Errorf("%+v: %+v", topics, p)
		}
	}
	if w.store.Image().Topic("x") == nil {
		t.Error("the topic was deleted")
	}
}

func TestUnknownAndInternalTopicsAreNotDeleted(t *testing.T) {
	w := newWorld(t, "offsets.topic.replication.factor=1")
	w.topic("__consumer_offsets", -1)
	w.topic("x", 1)
	p := deleteNames(w, 5, "x", "missing", "__consumer_offsets", "")
	want := []int16{0, protocol.ErrUnknownTopicOrPartition.Code, protocol.ErrInvalidTopicException.Code, protocol.ErrUnknownTopicOrPartition.Code}
	for i, code := range want {
		if p[i].ErrorCode != code {
			t.Errorf("%s: error %d, want %d", text(p[i].Topic), p[i].ErrorCode, code)
		}
	}
}

// delete.topic.enable=false keeps every topic; the two oldest versions do not
// know the code that says so.
func TestDeletionCanBeDisabled(t *testing.T) {
	w := newWorld(t, "delete.topic.enable=false")
	w.topic("x", 1)
	for version, code := range map[int16]*protocol.Error{2: protocol.ErrInvalidRequest, 3: protocol.ErrTopicDeletionDisabled, 6: protocol.ErrTopicDeletionDisabled} {
		if p := deleteNames(w, version, "x"); p[0].ErrorCode != code.Code {
			t.Errorf("version %d: error %d, want %d", version, p[0].ErrorCode, code.Code)
		}
	}
}
