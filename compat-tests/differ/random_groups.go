package differ

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// classicMember is what the only member of a classic group does, rightly or not.
func (w *world) classicMember() {
	m := pick(w, w.members)
	as := *m
	wrong := ""
	switch w.number(12) {
	case 0:
		as.generation, wrong = as.generation+1, ", generation ahead"
	case 1:
		as.generation, wrong = as.generation-1, ", old generation"
	case 2:
		as.id, wrong = "nobody", ", as a stranger"
	}
	what := func(s string) string { return fmt.Sprintf("member of %s %s%s", m.group, s, wrong) }
	switch w.number(5) {
	case 0, 1:
		resp, _ := w.ask(what("joins"), as.joinRequest()).(*kmsg.JoinGroupResponse)
		if resp != nil && (resp.ErrorCode == 0 || resp.ErrorCode == memberIDRequired) {
			m.id, m.generation = resp.MemberID, resp.Generation
		}
		if resp != nil && resp.ErrorCode == memberIDRequired {
			w.visible(m.group)
		}
		if resp != nil && resp.ErrorCode == unknownMemberID && wrong == "" {
			m.id = ""
		}
	case 2:
		w.ask(what("syncs"), as.syncRequest(m))
	case 3:
		w.ask(what("beats"), as.heartbeatRequest())
	case 4:
		w.ask(what("leaves"), as.leaveRequest())
	}
}

// visible waits until a group that may be new is there: Kafka gives the first member its id before it has stored
// the group, and calls it dead until then (GroupMetadataManager.classicGroupJoinToClassicGroup).
func (w *world) visible(group string) {
	w.quietly(func() {
		w.Until(describeGroups(group), func(r kmsg.Response) bool { return r.(*kmsg.DescribeGroupsResponse).Groups[0].State != "Dead" })
	})
}

const (
	unknownMemberID  = 25
	memberIDRequired = 79
)

// commitOffsets commits as a member, as nobody, or as somebody else.
func (w *world) commitOffsets() {
	m := *pick(w, w.members)
	who := "member"
	switch w.number(4) {
	case 0:
		m.id, m.generation, who = "", -1, "nobody"
	case 1:
		m.generation, who = m.generation+int32(w.number(3))-1, "member of another generation"
	case 2:
		m.id, who = "stranger", "stranger"
	}
	t, partition := &w.topics[w.number(2)], int32(w.number(2))
	req := m.commitRequest(t.name, t.id, int64(w.number(50)), pick(w, []*string{nil, ptr(""), ptr("note")}))
	req.Topics[0].Partitions[0].Partition = partition
	if w.versionOf(int16(kmsg.OffsetCommit)) == 0 {
		req.Group = w.Group("old") // what Kafka refuses without ZooKeeper makes a group here
	}
	w.ask(fmt.Sprintf("%s commits %s-%d in %s", who, t.name, partition, m.group), req)
}

func (w *world) fetchOffsets() {
	t := &w.topics[w.number(2)]
	group := pick(w, append([]string{w.Group("txg")}, w.groups...))
	req := offsetsOf(group, offsetTopic(t.name, t.id, 0, 1, 9))
	if w.rarely(3) {
		req = offsetsOf(group)
	}
	req.RequireStable = w.rarely(2)
	w.ask("offsets of "+group, req)
}

func (w *world) administerGroups() {
	m := pick(w, w.members)
	switch w.number(5) {
	case 0:
		w.ask("describe "+m.group, describeGroups(m.group))
	case 1:
		w.ask("delete "+m.group, deleteGroups(m.group))
	case 2:
		w.ask("list", kmsg.NewPtrListGroupsRequest())
	case 3:
		req := kmsg.NewPtrOffsetDeleteRequest()
		req.Group = m.group
		t := kmsg.NewOffsetDeleteRequestTopic()
		t.Topic = w.topics[w.number(2)].name
		t.Partitions = []kmsg.OffsetDeleteRequestTopicPartition{{Partition: int32(w.number(3))}}
		req.Topics = append(req.Topics, t)
		w.ask("delete offsets of "+m.group, req)
	case 4:
		w.ask("describe consumers", describeConsumerGroups(w.groups...))
	}
}

// consumer is what the only member of a consumer group does.
func (w *world) consumer() {
	c := pick(w, w.consumers)
	req := c.beatRequest()
	what := "beats"
	switch w.number(6) {
	case 0, 1:
		req, what = c.joinRequest(), "joins"
	case 2:
		req, what = c.ownsRequest(), "tells what it owns"
	case 3:
		req.MemberEpoch, what = -1, "leaves"
	}
	switch w.number(10) {
	case 0:
		req.MemberEpoch, what = req.MemberEpoch+1, what+", epoch ahead"
	case 1:
		req.MemberID, what = "nobody", what+", as a stranger"
	}
	if resp := w.ask(fmt.Sprintf("consumer of %s %s", c.group, what), req); resp != nil {
		c.heard(resp)
	}
}
