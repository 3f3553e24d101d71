package api

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

// guardedOffsets is a node with an authorizer, topics t, which alice may read, and u, and
// a group g that has committed offset 42 in both.
func guardedOffsets(t *testing.T) (w *world, readable, hidden protocol.UUID) {
	t.Helper()
	w = newGuardedWorld(t)
	readable, hidden = w.topic("t", 1), w.topic("u", 1)
	find(w, 4, 0, "any")
	ask[*kmsg.OffsetCommitResponse](w, 9, commitRequest("g", commitTopic("t", readable, 0), commitTopic("u", hidden, 0)))
	w.rules("allow alice READ GROUP g; allow alice READ TOPIC t")
	w.become("alice")
	return w, readable, hidden
}

func TestOffsetCommitNeedsRead(t *testing.T) {
	w, readable, hidden := guardedOffsets(t)
	for version := int16(0); version <= 10; version++ {
		q := commitRequest("g", commitTopic("t", readable, 0, 7), commitTopic("u", hidden, 0, 7), commitTopic("nowhere", protocol.UUID{9}, 0))
		got := results(ask[*kmsg.OffsetCommitResponse](w, version, q))
		want := "t 7:3 0:0;u 0:29 7:29;nowhere 0:29;"
		if version >= offsetCommitByID {
			want = " 7:3 0:0; 0:29 7:29; 0:100;"
		}
		expectText(t, fmt.Sprint("version ", version), got, want)
		q.Group = "other"
		want = "t 0:30 7:30;u 0:30 7:30;nowhere 0:30;"
		if version >= offsetCommitByID {
			want = " 0:30 7:30; 0:30 7:30; 0:30;"
		}
		expectText(t, fmt.Sprint("another group's, version ", version), results(ask[*kmsg.OffsetCommitResponse](w, version, q)), want)
	}
}

// fetchedOffsets asks for partition 0 of topics, or for everything without any: topic,
// offset and error of each, and the error of the group.
func fetchedOffsets(w *world, version int16, groupID string, names []string, ids []protocol.UUID) (text string) {
	w.t.Helper()
	q := kmsg.NewPtrOffsetFetchRequest()
	if version < offsetFetchGroups {
		q.Group = groupID
		for _, name := range names {
			one := kmsg.NewOffsetFetchRequestTopic()
			one.Topic, one.Partitions = name, []int32{0}
			q.Topics = append(q.Topics, one)
		}
		p := ask[*kmsg.OffsetFetchResponse](w, version, q)
		for _, topic := range p.Topics {
			text += fmt.Sprint(topic.Topic, " ", topic.Partitions[0].Offset, " ", topic.Partitions[0].ErrorCode, ";")
		}
		return text + fmt.Sprint(p.ErrorCode)
	}
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group, g.MemberEpoch = groupID, -1
	for i, name := range names {
		one := kmsg.NewOffsetFetchRequestGroupTopic()
		one.Topic, one.TopicID, one.Partitions = name, ids[i], []int32{0}
		g.Topics = append(g.Topics, one)
	}
	q.Groups = []kmsg.OffsetFetchRequestGroup{g}
	p := ask[*kmsg.OffsetFetchResponse](w, version, q).Groups[0]
	for _, topic := range p.Topics {
		name := topic.Topic
		if topic := w.store.Image().TopicByID(topic.TopicID); topic != nil {
			name = topic.Name
		}
		text += fmt.Sprint(name, " ", topic.Partitions[0].Offset, " ", topic.Partitions[0].ErrorCode, ";")
	}
	return text + fmt.Sprint(p.ErrorCode)
}

func TestOffsetFetchNeedsDescribe(t *testing.T) {
	w, readable, hidden := guardedOffsets(t)
	names, ids := []string{"u", "nowhere", "t"}, []protocol.UUID{hidden, {9}, readable}
	for version := int16(1); version <= 10; version++ {
		want := "t 42 0;u -1 29;nowhere -1 29;0"
		if version >= offsetFetchByID {
			want = "t 42 0;u -1 29; -1 100;0"
		}
		expectText(t, fmt.Sprint("version ", version), fetchedOffsets(w, version, "g", names, ids), want)
		want = "30"
		if version < offsetFetchTopError {
			want = "u -1 30;nowhere -1 30;t -1 30;0"
		} else {
			expectText(t, fmt.Sprint("everything, version ", version), fetchedOffsets(w, version, "g", nil, nil), "t 42 0;0")
		}
		expectText(t, fmt.Sprint("another group's, version ", version), fetchedOffsets(w, version, "other", names, ids), want)
	}
}

func TestOffsetDeleteNeedsDelete(t *testing.T) {
	w, _, _ := guardedOffsets(t)
	remove := func() (text string) {
		q := kmsg.NewPtrOffsetDeleteRequest()
		q.Group = "g"
		for _, name := range []string{"t", "u", "nowhere"} {
			q.Topics = append(q.Topics, kmsg.OffsetDeleteRequestTopic{Topic: name, Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{Partition: 0}}})
		}
		p := ask[*kmsg.OffsetDeleteResponse](w, 0, q)
		for _, topic := range p.Topics {
			text += fmt.Sprint(topic.Topic, " ", topic.Partitions[0].ErrorCode, ";")
		}
		return text + fmt.Sprint(p.ErrorCode)
	}
	expectText(t, "who may only read", remove(), "30")
	w.rules("allow alice DELETE GROUP g; allow alice READ TOPIC t")
	expectText(t, "who may delete", remove(), "u 29;nowhere 29;t 0;0")
	w.become(worldRoot)
	expectText(t, "what is left", fetchedOffsets(w, 9, "g", nil, nil), "u 42 0;0")
}
