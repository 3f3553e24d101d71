package api

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/internal/fault"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Offsets of a share group are told of topics that a client may see, and changed in those
// that it may read.
func TestShareOffsetsNeedTheirTopics(t *testing.T) {
	w := newGuardedWorld(t)
	w.topic("t", 1)
	id := w.topic("u", 1)
	find(w, 4, 0, "any")
	expectText(t, "altered", alterShare(w, "s", alterTopic("t", 0, 2), alterTopic("u", 0, 3)), "t-0: 0; u-0: 0")
	w.rules("allow alice READ GROUP s; allow alice READ TOPIC t")
	w.become("alice")

	both := []kmsg.DescribeShareGroupOffsetsRequestGroupTopic{offsetsTopic("u", 0), offsetsTopic("nowhere", 0), offsetsTopic("t", 0)}
	expectText(t, "described", shareOffsets(w, 1, "s", both),
		"t-0 at 2 of epoch 0, lag -2, error 0; u-0 at -1 of epoch 0, lag -1, error 29; nowhere-0 at -1 of epoch 0, lag -1, error 29")
	expectText(t, "all", shareOffsets(w, 1, "s", nil), "t-0 at 2 of epoch 0, lag -2, error 0")
	expectText(t, "of another group", shareOffsets(w, 1, "other", both), "error 30")

	expectText(t, "altered", alterShare(w, "s", alterTopic("t", 0, 4), alterTopic("u", 0, 5), alterTopic("nowhere", 0, 5)),
		"u-0: 29; nowhere-0: 29; t-0: 0")
	q := kmsg.NewPtrAlterShareGroupOffsetsRequest()
	q.GroupID, q.Topics = "s", []kmsg.AlterShareGroupOffsetsRequestTopic{alterTopic("u", 0, 5)}
	if p := ask[*kmsg.AlterShareGroupOffsetsResponse](w, 0, q); p.Topics[0].TopicID != id || *p.Topics[0].Partitions[0].ErrorMessage != errTopicDenied.Message {
		t.Errorf("%+v", p)
	}
	denied := "error 30: " + errGroupDenied.Message
	expectText(t, "altered in another group", alterShare(w, "other", alterTopic("t", 0, 4)), denied)
	expectText(t, "deleted by a reader", deleteShareOffsets(w, "s", "t"), denied)
	w.rules("allow alice DELETE GROUP s; allow alice READ TOPIC t")
	expectText(t, "altered by who may delete", alterShare(w, "s", alterTopic("t", 0, 4)), denied)
	expectText(t, "deleted", deleteShareOffsets(w, "s", "t", "u"), fmt.Sprintf("u: 29 %s; t: 0 null", errTopicDenied.Message))
	w.become(worldRoot)
	expectText(t, "left", shareOffsets(w, 1, "s", nil), "u-0 at 3 of epoch 0, lag -3, error 0")
}

// A member of a share group reads its group, and records of topics that it may read.
func TestShareFetchNeedsRead(t *testing.T) {
	w := newGuardedWorld(t)
	id := w.topic("t", 1)
	w.configureGroup("g", "share.auto.offset.reset=earliest")
	w.initShare("g", id)
	w.produce("t", 0, "a", "b")
	w.become("alice")
	m := w.sharer("alice", id)
	m.epoch = shareEpochInitial
	expect(t, "without the group", m.fetch(), "GROUP_AUTHORIZATION_FAILED")
	m.name = "" // it is not looked at before
	expect(t, "without the group", m.acknowledge(false, "0-0:1"), "GROUP_AUTHORIZATION_FAILED")
	m.name = "alice"
	w.rules("allow alice READ GROUP g; allow alice DESCRIBE TOPIC t")
	expect(t, "without the topic", m.fetch(), "[0 TOPIC_AUTHORIZATION_FAILED]")
	w.rules("allow alice READ GROUP g; allow alice READ TOPIC t")
	expect(t, "with both", m.fetch(), "[0 0=a 1=b 0-1:1]")
	w.rules("allow alice READ GROUP g")
	expect(t, "acknowledging without the topic", m.acknowledge(false, "0-0:1"), "TOPIC_AUTHORIZATION_FAILED")
	expect(t, "making no sense without the topic", m.acknowledge(false, "0-0:9"), "INVALID_REQUEST")
	w.fault(fault.Rule{Keys: []int16{int16(kmsg.ShareAcknowledge)}, Topic: "t", Code: protocol.ErrNotLeaderOrFollower.Code, Times: 1})
	expect(t, "acknowledging without the topic, with a fault", m.acknowledge(false, "0-0:1"), "TOPIC_AUTHORIZATION_FAILED")
	expect(t, "fetching with acknowledgements", m.fetch("0-0:1"), "[0 TOPIC_AUTHORIZATION_FAILED ack TOPIC_AUTHORIZATION_FAILED]")
	w.rules("allow alice READ GROUP g; allow alice READ TOPIC t")
	expect(t, "acknowledging", m.acknowledge(false, "0-1:1"), "NONE")
}
