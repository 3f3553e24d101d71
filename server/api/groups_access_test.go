package api

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/protocol"
)

// guardedGroups is a node with an authorizer, topics t and u of one partition and the
// stable classic groups seen and hidden.
func guardedGroups(t *testing.T) *world {
	t.Helper()
	w := newGuardedWorld(t)
	w.topic("t", 1)
	w.topic("u", 1)
	find(w, 4, 0, "any")
	stable(w, "seen")
	stable(w, "hidden")
	return w
}

func TestFindCoordinatorNeedsDescribe(t *testing.T) {
	w := newGuardedWorld(t)
	w.rules("allow alice READ GROUP mine; allow alice DESCRIBE TRANSACTIONAL_ID mine")
	w.become("alice")
	for version := int16(0); version < 4; version++ {
		if p := find(w, version, 0, "other"); p.ErrorCode != errGroupDenied.Code || p.NodeID != -1 || version > 0 && *p.ErrorMessage != errGroupDenied.Message {
			t.Errorf("version %d: %+v", version, p)
		}
	}
	if w.store.Image().Topic(OffsetsTopic) != nil {
		t.Error("a denied question has made a topic")
	}
	for keyType, denied := range map[int8]int16{0: errGroupDenied.Code, 1: errTxnDenied.Code} {
		p := find(w, 6, keyType, "other", "mine")
		if c := p.Coordinators[0]; c.ErrorCode != denied || c.NodeID != -1 || *c.ErrorMessage != "" {
			t.Errorf("type %d: %+v", keyType, c)
		}
		if c := p.Coordinators[1]; c.ErrorCode != 0 || c.NodeID != worldNode {
			t.Errorf("type %d: %+v", keyType, c)
		}
		if p := find(w, 3, keyType, "other"); p.ErrorCode != denied {
			t.Errorf("type %d: %+v", keyType, p)
		}
	}
	for rule, want := range map[string]int16{"": errClusterDenied.Code, "allow alice CLUSTER_ACTION CLUSTER kafka-cluster": protocol.ErrInvalidRequest.Code} {
		w.rules(rule)
		c := find(w, 6, 2, "no key of a share partition").Coordinators[0]
		if c.ErrorCode != want || (*c.ErrorMessage != "") != (rule == "") {
			t.Errorf("%q: %+v", rule, c)
		}
	}
}

func TestToolsSeeGroupsThatTheyMay(t *testing.T) {
	w := guardedGroups(t)
	w.rules("allow alice DESCRIBE GROUP seen; allow alice DELETE GROUP empty")
	w.become("alice")
	describe := kmsg.NewPtrDescribeGroupsRequest()
	describe.Groups, describe.IncludeAuthorizedOperations = []string{"seen", "hidden", "none"}, true
	p := ask[*kmsg.DescribeGroupsResponse](w, 6, describe)
	var got []string
	for _, g := range p.Groups {
		got = append(got, fmt.Sprint(g.Group, g.ErrorCode, g.State, g.AuthorizedOperations, len(g.Members)))
	}
	denied := fmt.Sprint(errGroupDenied.Code, "", int32(operationsNotAsked), 0)
	want := []string{"hidden" + denied, "none" + denied, fmt.Sprint("seen", 0, "Stable", 1<<8, 1)}
	if !slices.Equal(got, want) {
		t.Errorf("described %q\nwant %q", got, want)
	}
	list := func() (ids []string) {
		for _, g := range ask[*kmsg.ListGroupsResponse](w, 5, kmsg.NewPtrListGroupsRequest()).Groups {
			ids = append(ids, g.Group)
		}
		slices.Sort(ids)
		return ids
	}
	if got := list(); !slices.Equal(got, []string{"seen"}) {
		t.Errorf("listed %q", got)
	}
	remove := kmsg.NewPtrDeleteGroupsRequest()
	remove.Groups = []string{"hidden", "empty", "seen", "hidden"}
	got = nil
	for _, g := range ask[*kmsg.DeleteGroupsResponse](w, 2, remove).Groups {
		got = append(got, fmt.Sprint(g.Group, g.ErrorCode))
	}
	want = []string{fmt.Sprint("empty", protocol.ErrGroupIDNotFound.Code), fmt.Sprint("hidden", errGroupDenied.Code), fmt.Sprint("seen", errGroupDenied.Code)}
	if !slices.Equal(got, want) {
		t.Errorf("deleted %q\nwant %q", got, want)
	}
	w.rules("allow alice DESCRIBE CLUSTER kafka-cluster")
	if got := list(); !slices.Equal(got, []string{"hidden", "seen"}) {
		t.Errorf("who may see the cluster: listed %q", got)
	}
}

func consumerBeat(w *world, groupID, member string, epoch int32, topics ...string) *kmsg.ConsumerGroupHeartbeatResponse {
	w.t.Helper()
	q := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	q.Group, q.MemberID, q.MemberEpoch, q.RebalanceTimeoutMillis = groupID, member, epoch, 10_000
	q.SubscribedTopicNames, q.Topics = topics, []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	return ask[*kmsg.ConsumerGroupHeartbeatResponse](w, 1, q)
}

func TestConsumerGroupsNeedTheirTopics(t *testing.T) {
	w := guardedGroups(t)
	w.rules("allow alice READ GROUP c; allow alice DESCRIBE TOPIC t; allow bob DESCRIBE GROUP c")
	w.become("alice")
	for _, c := range []struct {
		groupID, member string
		topics          []string
		code            int16
	}{
		{"c", "m", []string{"t", "u"}, errTopicDenied.Code},
		{"c", "m", []string{"nowhere"}, errTopicDenied.Code},
		{"other", "m", []string{"t"}, errGroupDenied.Code},
		{"other", "", []string{"t"}, errGroupDenied.Code},
		{"c", "", []string{"t"}, protocol.ErrInvalidRequest.Code},
		{"c", "m", []string{"t"}, 0},
	} {
		if p := consumerBeat(w, c.groupID, c.member, 0, c.topics...); p.ErrorCode != c.code || c.code == errTopicDenied.Code && p.ErrorMessage != nil {
			t.Errorf("%+v: %+v", c, p)
		}
	}
	describe := func() string {
		q := kmsg.NewPtrConsumerGroupDescribeRequest()
		q.Groups, q.IncludeAuthorizedOperations = []string{"c", "other"}, true
		var all []string
		for _, g := range ask[*kmsg.ConsumerGroupDescribeResponse](w, 1, q).Groups {
			message := ""
			if g.ErrorMessage != nil {
				message = *g.ErrorMessage
			}
			all = append(all, fmt.Sprint(g.Group, " ", g.ErrorCode, " ", len(g.Members), " ", g.AuthorizedOperations, " ", message))
		}
		return strings.Join(all, ";")
	}
	other := fmt.Sprint("other ", errGroupDenied.Code, " 0 ", int32(operationsNotAsked), " ;")
	expectText(t, "who reads the topic", describe(), other+fmt.Sprint("c 0 1 ", 1<<3|1<<8, " "))
	w.become("bob")
	expectText(t, "who does not", describe(), other+fmt.Sprint("c ", errTopicDenied.Code, " 0 ", int32(operationsNotAsked), " ", errHiddenTopic.Message))
}

// A pattern stands for what the member may see whose heartbeat has it compared with the
// topics.
func TestPatternsStandForVisibleTopics(t *testing.T) {
	w := guardedGroups(t)
	w.rules("allow alice READ GROUP c; allow alice DESCRIBE TOPIC t")
	w.become("alice")
	pattern := "[a-z]"
	q := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	q.Group, q.MemberID, q.RebalanceTimeoutMillis = "c", "m", 10_000
	q.SubscribedTopicRegex, q.Topics = &pattern, []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	p := ask[*kmsg.ConsumerGroupHeartbeatResponse](w, 1, q)
	for p.ErrorCode == 0 && (p.Assignment == nil || len(p.Assignment.Topics) == 0) {
		w.clock.Advance(1e9) // consumer.assignment.interval.ms, at most
		q.MemberEpoch = p.MemberEpoch
		p = ask[*kmsg.ConsumerGroupHeartbeatResponse](w, 1, q)
	}
	if p.ErrorCode != 0 || len(p.Assignment.Topics) != 1 || p.Assignment.Topics[0].TopicID != w.store.Image().Topic("t").ID {
		t.Errorf("%+v", p)
	}
}

func TestShareGroupsNeedTheirTopics(t *testing.T) {
	w := guardedGroups(t)
	w.rules("allow alice READ GROUP s; allow alice DESCRIBE TOPIC t; allow bob DESCRIBE GROUP s")
	w.become("alice")
	for _, c := range []struct {
		member string
		topics []string
		code   int16
	}{
		{"m", []string{"t", "u"}, errTopicDenied.Code},
		{"", []string{"u"}, protocol.ErrInvalidRequest.Code},
		{"m", []string{"t"}, 0},
	} {
		if p := shareBeat(w, c.member, 0, c.topics...); p.ErrorCode != c.code {
			t.Errorf("%+v: %+v", c, p)
		}
	}
	expectText(t, "groups", shareGroupsText(w), fmt.Sprint("other ", errGroupDenied.Code, " 0;s 0 1;"))
	for !strings.Contains(shareOffsets(w, 1, "s", nil), "t-") { // until it has state
		w.clock.Advance(1)
	}
	w.clock.Advance(1e9) // share.assignment.interval.ms
	if p := shareBeat(w, "m", 2); p.ErrorCode != 0 || len(p.Assignment.TopicPartitions) != 1 {
		t.Fatalf("%+v", p)
	}
	w.become("bob")
	expectText(t, "groups of hidden topics", shareGroupsText(w), fmt.Sprint("other ", errGroupDenied.Code, " 0;s ", errTopicDenied.Code, " 0;"))
	w.rules("")
	if p := shareBeat(w, "", 2); p.ErrorCode != errGroupDenied.Code {
		t.Errorf("%+v", p)
	}
}

func shareGroupsText(w *world) (text string) {
	for _, g := range shareDescribed(w, "s", "other") {
		text += fmt.Sprint(g.GroupID, " ", g.ErrorCode, " ", len(g.Members), ";")
	}
	return text
}

// What a heartbeat brings along of its client's rights is made once, and tells of the
// rights as they are when it is asked.
func TestHeartbeatsOfTheSameClientShareItsSight(t *testing.T) {
	w := newGuardedWorld(t)
	a := New(Rooms{Metadata: w.store, Access: w.access, Clock: w.clock})
	p := &Peer{view: a.viewOf(""), who: auth.User("alice"), grants: &grants{host: "10.0.0.1"}}
	r := &Request{Peer: p}
	r.Header.Key = int16(kmsg.ConsumerGroupHeartbeat)
	sees := a.seesTopics(r)
	if n := testing.AllocsPerRun(100, func() { sees = a.seesTopics(r) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	if sees("t") {
		t.Error("alice sees what nobody allowed")
	}
	if w.rules("allow alice DESCRIBE TOPIC t"); !sees("t") || sees("u") {
		t.Error("alice sees what was allowed before")
	}
	p.loggedIn(auth.User("bob"))
	if a.seesTopics(r)("t") || !sees("t") {
		t.Error("bob sees what alice does")
	}
	if (&API{}).seesTopics(r) != nil {
		t.Error("without an authorizer somebody is kept from seeing")
	}
}
