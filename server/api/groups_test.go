package api

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group"
	"github.com/barnabas-mq/barnabas/protocol"
)

// What these tests want is what Apache Kafka 4.3.1 has answered to the same
// requests, member ids aside.

// newGroups is the group coordinator over the node's own partitions.
func (w *world) newGroups() *group.Coordinator {
	config := group.DefaultConfig()
	config.InitialRebalanceDelayMillis = 0
	config.Topics = func() group.Topics { return imageTopics{w.store.Image()} }
	ids := 0
	return group.New(group.Options{
		Config: config, Clock: w.clock, Shards: 50,
		NewMemberID: func() string { ids++; return fmt.Sprint(ids) }, ShareState: &w.groupStates,
		Journal: coordinator.NewLogJournal(func(shard int32) coordinator.Partition {
			topic := w.store.Image().Topic(OffsetsTopic)
			if topic == nil {
				return nil
			}
			if p := w.set.Get(topic.ID, shard); p != nil {
				return p
			}
			return nil
		}),
	})
}

// newGroupWorld is a node with topic t of 3 partitions and a group coordinator.
func newGroupWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.topic("t", 3)
	find(w, 4, 0, "any")
	return w
}

func find(w *world, version int16, keyType int8, keys ...string) *kmsg.FindCoordinatorResponse {
	w.t.Helper()
	q := kmsg.NewPtrFindCoordinatorRequest()
	q.CoordinatorType, q.CoordinatorKeys = keyType, keys
	if len(keys) > 0 {
		q.CoordinatorKey = keys[0]
	}
	return ask[*kmsg.FindCoordinatorResponse](w, version, q)
}

func TestTheCoordinatorIsThisNode(t *testing.T) {
	// Its topic is created at the first look.
	w := newWorld(t)
	for version := int16(0); version <= 6; version++ {
		p := find(w, version, 0, "g", "")
		if version < 4 {
			if p.ErrorCode != 0 || p.NodeID != worldNode || p.Host != "broker.example" || p.Port != 9092 {
				t.Errorf("version %d: %+v", version, p)
			}
			if version > 0 && *p.ErrorMessage != "NONE" {
				t.Errorf("version %d: message %q", version, *p.ErrorMessage)
			}
			continue
		}
		if len(p.Coordinators) != 2 {
			t.Fatalf("version %d: %+v", version, p)
		}
		for i, key := range []string{"g", ""} {
			c := p.Coordinators[i]
			if c.Key != key || c.ErrorCode != 0 || c.NodeID != worldNode || *c.ErrorMessage != "" {
				t.Errorf("version %d: %+v", version, c)
			}
		}
	}
	topic := w.store.Image().Topic(OffsetsTopic)
	if topic == nil || len(topic.Partitions) != 50 {
		t.Fatalf("the topic of offsets: %+v", topic)
	}
}

func TestCoordinatorsThatAreNone(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		version  int16
		keyType  int8
		explains bool
	}{{3, 2, true}, {5, 2, false}, {3, 9, true}, {4, 9, true}} {
		p := find(w, c.version, c.keyType, "g:AAAAAAAAAAAAAAAAAAAAAQ:0")
		code, node, message := p.ErrorCode, p.NodeID, p.ErrorMessage
		if c.version >= 4 {
			one := p.Coordinators[0]
			code, node, message = one.ErrorCode, one.NodeID, one.ErrorMessage
		}
		if code != protocol.ErrInvalidRequest.Code || node != -1 || (*message != "") != c.explains {
			t.Errorf("version %d, type %d: error %d, node %d, %q", c.version, c.keyType, code, node, *message)
		}
	}
}

func joinRequest(g, member string) *kmsg.JoinGroupRequest {
	q := kmsg.NewPtrJoinGroupRequest()
	q.Group, q.MemberID = g, member
	q.SessionTimeoutMillis, q.RebalanceTimeoutMillis, q.ProtocolType = 10_000, 6_000, "consumer"
	p := kmsg.NewJoinGroupRequestProtocol()
	p.Name, p.Metadata = "range", []byte("m")
	q.Protocols = append(q.Protocols, p)
	return q
}

// join makes the only member of a group, in as many steps as the version needs.
func join(w *world, version int16, g string) *kmsg.JoinGroupResponse {
	w.t.Helper()
	p := ask[*kmsg.JoinGroupResponse](w, version, joinRequest(g, ""))
	if p.ErrorCode == protocol.ErrMemberIDRequired.Code {
		if version < 4 {
			w.t.Errorf("version %d knows no id that is required", version)
		}
		p = ask[*kmsg.JoinGroupResponse](w, version, joinRequest(g, p.MemberID))
	}
	if p.ErrorCode != 0 {
		w.t.Fatalf("joining with version %d: error %d", version, p.ErrorCode)
	}
	return p
}

func syncRequest(g string, joined *kmsg.JoinGroupResponse) *kmsg.SyncGroupRequest {
	q := kmsg.NewPtrSyncGroupRequest()
	q.Group, q.MemberID, q.Generation = g, joined.MemberID, joined.Generation
	kind, name := "consumer", "range"
	q.ProtocolType, q.Protocol = &kind, &name
	for _, m := range joined.Members {
		one := kmsg.NewSyncGroupRequestGroupAssignment()
		one.MemberID, one.MemberAssignment = m.MemberID, []byte("for "+m.MemberID)
		q.GroupAssignment = append(q.GroupAssignment, one)
	}
	return q
}

// stable makes a stable group with one member.
func stable(w *world, g string) *kmsg.JoinGroupResponse {
	w.t.Helper()
	joined := join(w, 9, g)
	if p := ask[*kmsg.SyncGroupResponse](w, 5, syncRequest(g, joined)); p.ErrorCode != 0 {
		w.t.Fatalf("sync: error %d", p.ErrorCode)
	}
	return joined
}

func TestAMemberInEveryVersion(t *testing.T) {
	w := newGroupWorld(t)
	for version := int16(0); version <= 9; version++ {
		g := fmt.Sprint("g", version)
		joined := join(w, version, g)
		id := joined.MemberID
		if joined.Generation != 1 || joined.LeaderID != id || *joined.Protocol != "range" || len(joined.Members) != 1 ||
			string(joined.Members[0].ProtocolMetadata) != "m" || (joined.ProtocolType != nil) != (version >= 7) {
			t.Errorf("JoinGroup %d: %+v", version, joined)
		}
		v := min(version, 5)
		synced := ask[*kmsg.SyncGroupResponse](w, v, syncRequest(g, joined))
		if synced.ErrorCode != 0 || string(synced.MemberAssignment) != "for "+id || (synced.Protocol != nil) != (v >= 5) {
			t.Errorf("SyncGroup %d: %+v", v, synced)
		}
		beat := kmsg.NewPtrHeartbeatRequest()
		beat.Group, beat.MemberID, beat.Generation = g, id, 1
		if p := ask[*kmsg.HeartbeatResponse](w, min(version, 4), beat); p.ErrorCode != 0 {
			t.Errorf("Heartbeat %d: error %d", min(version, 4), p.ErrorCode)
		}
		leave := kmsg.NewPtrLeaveGroupRequest()
		leave.Group, leave.MemberID = g, id
		member := kmsg.NewLeaveGroupRequestMember()
		member.MemberID = id
		leave.Members = []kmsg.LeaveGroupRequestMember{member}
		for _, want := range []int16{0, protocol.ErrUnknownMemberID.Code} {
			left := ask[*kmsg.LeaveGroupResponse](w, v, leave)
			code := left.ErrorCode
			if v >= leaveGroupBatch {
				code = left.Members[0].ErrorCode
				if left.ErrorCode != 0 || left.Members[0].MemberID != id {
					t.Errorf("LeaveGroup %d: %+v", v, left)
				}
			}
			if code != want {
				t.Errorf("LeaveGroup %d: error %d, want %d", v, code, want)
			}
		}
	}
}

func TestJoinsThatAreRefused(t *testing.T) {
	w := newGroupWorld(t)
	for _, version := range []int16{0, 6, 7, 9} {
		for _, c := range []struct {
			change func(*kmsg.JoinGroupRequest)
			code   int16
			member string
		}{
			{func(q *kmsg.JoinGroupRequest) { q.Group = "" }, protocol.ErrInvalidGroupID.Code, ""},
			{func(q *kmsg.JoinGroupRequest) { q.MemberID = "x" }, protocol.ErrUnknownMemberID.Code, "x"},
			{func(q *kmsg.JoinGroupRequest) { q.Protocols = nil }, protocol.ErrInconsistentGroupProtocol.Code, ""},
			{func(q *kmsg.JoinGroupRequest) { q.SessionTimeoutMillis = 1 }, protocol.ErrInvalidSessionTimeout.Code, ""},
		} {
			q := joinRequest("refused", "")
			c.change(q)
			p := ask[*kmsg.JoinGroupResponse](w, version, q)
			if p.ErrorCode != c.code || p.MemberID != c.member || p.Generation != -1 || p.LeaderID != "" || len(p.Members) != 0 {
				t.Errorf("version %d: %+v, want error %d", version, p, c.code)
			}
			if (p.Protocol == nil) != (version >= 7) {
				t.Errorf("version %d: the protocol is %v", version, p.Protocol)
			}
		}
	}
	q := syncRequest("refused", &kmsg.JoinGroupResponse{})
	q.Protocol = nil
	if p := ask[*kmsg.SyncGroupResponse](w, 5, q); p.ErrorCode != protocol.ErrInconsistentGroupProtocol.Code {
		t.Errorf("a sync without protocol: error %d", p.ErrorCode)
	}
}

func commitRequest(g string, topics ...kmsg.OffsetCommitRequestTopic) *kmsg.OffsetCommitRequest {
	q := kmsg.NewPtrOffsetCommitRequest()
	q.Group, q.Generation, q.Topics = g, -1, topics
	return q
}

func commitTopic(name string, id protocol.UUID, partitions ...int32) kmsg.OffsetCommitRequestTopic {
	t := kmsg.NewOffsetCommitRequestTopic()
	t.Topic, t.TopicID = name, id
	for _, partition := range partitions {
		p := kmsg.NewOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset, p.LeaderEpoch = partition, 42, 5
		t.Partitions = append(t.Partitions, p)
	}
	return t
}

// results are partition, error pairs by topic.
func results(p *kmsg.OffsetCommitResponse) string {
	var s string
	for _, t := range p.Topics {
		s += t.Topic
		for _, one := range t.Partitions {
			s += fmt.Sprintf(" %d:%d", one.Partition, one.ErrorCode)
		}
		s += ";"
	}
	return s
}

func TestOffsetsAreCommittedAndFetchedInEveryVersion(t *testing.T) {
	w := newGroupWorld(t)
	id := w.store.Image().Topic("t").ID
	for version := int16(0); version <= 10; version++ {
		g := fmt.Sprint("c", version)
		q := commitRequest(g, commitTopic("t", id, 1, 9, 0), commitTopic("unknown", protocol.UUID{9}, 1))
		// A generation of a group that does not exist.
		q.Generation, q.MemberID = 3, "m"
		refused := 22
		if version >= 9 {
			refused = 69
		}
		want := fmt.Sprintf("t 9:3 1:%d 0:%d;unknown 1:3;", refused, refused)
		granted := "t 9:3 1:0 0:0;unknown 1:3;"
		if version == 10 {
			want, granted = " 9:3 1:69 0:69; 1:100;", " 9:3 1:0 0:0; 1:100;"
		}
		if version == 0 {
			want = granted // it has no place for a generation
		}
		if got := results(ask[*kmsg.OffsetCommitResponse](w, version, q)); got != want {
			t.Errorf("OffsetCommit %d with a generation: %s, want %s", version, got, want)
		}
		q.Generation, q.MemberID = -1, ""
		if got := results(ask[*kmsg.OffsetCommitResponse](w, version, q)); got != granted {
			t.Errorf("OffsetCommit %d: %s, want %s", version, got, granted)
		}
		if p := ask[*kmsg.OffsetCommitResponse](w, version, commitRequest("")); len(p.Topics) != 0 {
			t.Errorf("OffsetCommit %d of nothing: %+v", version, p)
		}
	}
	w.restart()
	for version := int16(0); version <= 10; version++ {
		g := fmt.Sprint("c", version)
		epoch := int32(-1)
		if version >= 6 {
			epoch = 5
		}
		got := fetched(w, version, g, id)
		want := []string{fmt.Sprintf("0:42/%d/0", epoch), fmt.Sprintf("1:42/%d/0", epoch), "2:-1/-1/0", "77:-1/-1/0"}
		if version == 0 {
			want[2], want[3] = "2:-1/-1/3", "77:-1/-1/3"
		}
		if !slices.Equal(got, want) {
			t.Errorf("OffsetFetch %d: %v, want %v", version, got, want)
		}
	}
}

// fetched asks for four partitions of t: offset/epoch/error of each.
func fetched(w *world, version int16, g string, id protocol.UUID) []string {
	w.t.Helper()
	partitions := []int32{0, 1, 2, 77}
	q := kmsg.NewPtrOffsetFetchRequest()
	var out []string
	if version < offsetFetchGroups {
		one := kmsg.NewOffsetFetchRequestTopic()
		one.Topic, one.Partitions = "t", partitions
		q.Group, q.Topics = g, []kmsg.OffsetFetchRequestTopic{one}
		for _, p := range ask[*kmsg.OffsetFetchResponse](w, version, q).Topics[0].Partitions {
			if version < 5 && p.Offset >= 0 { // the version has no epoch
				p.LeaderEpoch = -1
			}
			out = append(out, fmt.Sprintf("%d:%d/%d/%d", p.Partition, p.Offset, p.LeaderEpoch, p.ErrorCode))
		}
		return out
	}
	one := kmsg.NewOffsetFetchRequestGroupTopic()
	one.Topic, one.TopicID, one.Partitions = "t", id, partitions
	q.Groups = []kmsg.OffsetFetchRequestGroup{{Group: g, MemberEpoch: -1, Topics: []kmsg.OffsetFetchRequestGroupTopic{one}}}
	for _, p := range ask[*kmsg.OffsetFetchResponse](w, version, q).Groups[0].Topics[0].Partitions {
		out = append(out, fmt.Sprintf("%d:%d/%d/%d", p.Partition, p.Offset, p.LeaderEpoch, p.ErrorCode))
	}
	return out
}

func TestFetchingEverythingAndNothing(t *testing.T) {
	w := newGroupWorld(t)
	id := w.store.Image().Topic("t").ID
	ask[*kmsg.OffsetCommitResponse](w, 9, commitRequest("g", commitTopic("t", id, 2, 0)))
	for _, version := range []int16{2, 7} { // null topics: everything
		q := kmsg.NewPtrOffsetFetchRequest()
		q.Group = "g"
		p := ask[*kmsg.OffsetFetchResponse](w, version, q)
		if len(p.Topics) != 1 || len(p.Topics[0].Partitions) != 2 || p.ErrorCode != 0 {
			t.Errorf("version %d: %+v", version, p)
		}
		q.Group = "nowhere"
		if p := ask[*kmsg.OffsetFetchResponse](w, version, q); len(p.Topics) != 0 || p.ErrorCode != 0 {
			t.Errorf("version %d of no group: %+v", version, p)
		}
		q.Group, q.Topics = "g", []kmsg.OffsetFetchRequestTopic{}
		if p := ask[*kmsg.OffsetFetchResponse](w, version, q); len(p.Topics) != 0 || p.ErrorCode != 0 {
			t.Errorf("version %d of no topic: %+v", version, p)
		}
	}
	q := kmsg.NewPtrOffsetFetchRequest()
	strange := kmsg.OffsetFetchRequestGroupTopic{TopicID: protocol.UUID{9}, Partitions: []int32{4}}
	q.Groups = []kmsg.OffsetFetchRequestGroup{
		{Group: "nowhere", MemberEpoch: -1},
		{Group: "g", MemberEpoch: -1},
		{Group: "g", MemberEpoch: -1, Topics: []kmsg.OffsetFetchRequestGroupTopic{strange, {TopicID: id, Partitions: []int32{2}}}},
	}
	groups := ask[*kmsg.OffsetFetchResponse](w, 10, q).Groups
	if groups[0].Group != "nowhere" || len(groups[0].Topics) != 0 || groups[0].ErrorCode != 0 {
		t.Errorf("no group: %+v", groups[0])
	}
	if all := groups[1].Topics; len(all) != 1 || all[0].TopicID != id || len(all[0].Partitions) != 2 {
		t.Errorf("everything: %+v", groups[1])
	}
	if mixed := groups[2].Topics; len(mixed) != 2 || mixed[0].Partitions[0].Offset != 42 ||
		mixed[1].Partitions[0].ErrorCode != protocol.ErrUnknownTopicID.Code {
		t.Errorf("one that is known and one that is not: %+v", groups[2])
	}
	if p := ask[*kmsg.OffsetFetchResponse](w, 8, kmsg.NewPtrOffsetFetchRequest()); len(p.Groups) != 0 {
		t.Errorf("no groups: %+v", p)
	}
}

func TestToolsSeeGroups(t *testing.T) {
	w := newGroupWorld(t)
	joined := stable(w, "g")
	ask[*kmsg.OffsetCommitResponse](w, 9, commitRequest("simple", commitTopic("t", protocol.UUID{}, 0)))

	for version := int16(0); version <= 6; version++ {
		q := kmsg.NewPtrDescribeGroupsRequest()
		q.Groups, q.IncludeAuthorizedOperations = []string{"g", "nowhere"}, true
		p := ask[*kmsg.DescribeGroupsResponse](w, version, q)
		g, none := p.Groups[0], p.Groups[1]
		if g.State != "Stable" || g.Protocol != "range" || g.ErrorCode != 0 || len(g.Members) != 1 || g.Members[0].ClientHost != "/127.0.0.1" ||
			string(g.Members[0].ProtocolMetadata) != "m" || string(g.Members[0].MemberAssignment) != "for "+joined.MemberID {
			t.Errorf("version %d: %+v", version, g)
		}
		operations := int32(operationsNotAsked)
		if version >= 3 {
			operations = 3400
		}
		if g.AuthorizedOperations != operations {
			t.Errorf("version %d: operations %d", version, g.AuthorizedOperations)
		}
		code := int16(0)
		if version >= 6 {
			code, operations = protocol.ErrGroupIDNotFound.Code, operationsNotAsked
		}
		if none.State != "Dead" || none.ErrorCode != code || none.AuthorizedOperations != operations {
			t.Errorf("version %d: %+v", version, none)
		}
		if version >= 6 && *none.ErrorMessage != "Group nowhere not found." {
			t.Errorf("version %d: %q", version, *none.ErrorMessage)
		}
	}

	for _, c := range []struct {
		version       int16
		states, types []string
		want          []string
	}{
		{version: 0, want: []string{"g consumer  ", "simple   "}},
		{version: 4, want: []string{"g consumer Stable ", "simple  Empty "}},
		{version: 4, states: []string{"empty", "bogus"}, want: []string{"simple  Empty "}},
		{version: 5, types: []string{"Classic"}, want: []string{"g consumer Stable classic", "simple  Empty classic"}},
		{version: 5, types: []string{"consumer"}},
	} {
		q := kmsg.NewPtrListGroupsRequest()
		q.StatesFilter, q.TypesFilter = c.states, c.types
		var got []string
		for _, g := range ask[*kmsg.ListGroupsResponse](w, c.version, q).Groups {
			got = append(got, fmt.Sprintf("%s %s %s %s", g.Group, g.ProtocolType, g.GroupState, g.GroupType))
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("ListGroups %d, %v %v: %q, want %q", c.version, c.states, c.types, got, c.want)
		}
	}
}

func TestToolsDeleteGroupsAndOffsets(t *testing.T) {
	w := newGroupWorld(t)
	stable(w, "g")
	ask[*kmsg.OffsetCommitResponse](w, 9, commitRequest("simple", commitTopic("t", protocol.UUID{}, 0, 1)))

	q := kmsg.NewPtrOffsetDeleteRequest()
	topic := kmsg.NewOffsetDeleteRequestTopic()
	topic.Topic = "t"
	for i := range int32(4) {
		topic.Partitions = append(topic.Partitions, kmsg.OffsetDeleteRequestTopicPartition{Partition: i})
	}
	for _, c := range []struct {
		group string
		code  int16
		want  string
	}{
		{"simple", 0, "[{3 3} {0 0} {1 0} {2 0}]"},
		{"g", 0, "[{3 3} {0 86} {1 86} {2 86}]"}, // what its member says is no list of topics
		{"nowhere", protocol.ErrGroupIDNotFound.Code, ""},
		{"", protocol.ErrInvalidGroupID.Code, ""},
	} {
		q.Group, q.Topics = c.group, []kmsg.OffsetDeleteRequestTopic{topic}
		p := ask[*kmsg.OffsetDeleteResponse](w, 0, q)
		got := ""
		if len(p.Topics) > 0 {
			got = fmt.Sprint(p.Topics[0].Partitions)
		}
		if p.ErrorCode != c.code || got != c.want {
			t.Errorf("offsets of %q: error %d, %s; want %d, %s", c.group, p.ErrorCode, got, c.code, c.want)
		}
	}

	deletion := kmsg.NewPtrDeleteGroupsRequest()
	deletion.Groups = []string{"simple", "g", "nowhere", "nowhere", ""}
	var got []string
	for _, g := range ask[*kmsg.DeleteGroupsResponse](w, 2, deletion).Groups {
		got = append(got, fmt.Sprint(g.Group, g.ErrorCode))
	}
	if want := []string{"simple0", "g68", "nowhere69", "69"}; !slices.Equal(got, want) {
		t.Errorf("deleted %q, want %q", got, want)
	}
	ask[*kmsg.OffsetCommitResponse](w, 9, commitRequest("simple", commitTopic("t", protocol.UUID{}, 0, 1)))
	again := ask[*kmsg.DeleteGroupsResponse](w, 3, deletion).Groups
	if again[0].ErrorCode != 0 || again[0].ErrorMessage != nil || again[1].ErrorCode != 68 || again[1].ErrorMessage != nil {
		t.Errorf("version 3: %+v", again)
	}
}

func TestGroupsBeforeTheirTopicExists(t *testing.T) {
	// Nobody has looked for a coordinator yet: there is no group to list, and calls
	// are answered with an error on which clients look for it.
	w := newWorld(t)
	if p := ask[*kmsg.ListGroupsResponse](w, 5, kmsg.NewPtrListGroupsRequest()); p.ErrorCode != 0 || len(p.Groups) != 0 {
		t.Errorf("ListGroups: %+v", p)
	}
	want := protocol.ErrCoordinatorNotAvailable.Code
	if p := ask[*kmsg.JoinGroupResponse](w, 9, joinRequest("g", "")); p.ErrorCode != want {
		t.Errorf("JoinGroup: error %d", p.ErrorCode)
	}
	q := kmsg.NewPtrOffsetFetchRequest()
	q.Group, q.Topics = "g", []kmsg.OffsetFetchRequestTopic{{Topic: "t", Partitions: []int32{0}}}
	if p := ask[*kmsg.OffsetFetchResponse](w, 1, q); p.Topics[0].Partitions[0].ErrorCode != want {
		t.Errorf("OffsetFetch 1: %+v", p)
	}
	if p := ask[*kmsg.OffsetFetchResponse](w, 2, q); p.ErrorCode != want || len(p.Topics) != 0 {
		t.Errorf("OffsetFetch 2: %+v", p)
	}
}

func TestJavaHosts(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:1": "/127.0.0.1", "[::1]:1": "/0:0:0:0:0:0:0:1", "[2001:db8::a:1]:9": "/2001:db8:0:0:0:0:a:1",
		"[::ffff:10.1.2.3]:1": "/10.1.2.3", "[fe80::1%lo]:1": "/fe80:0:0:0:0:0:0:1%lo", "@": "/@",
	} {
		if got := javaHost(address); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

// What a member says that it owns is put in order, in one go however much it is.
func TestOwnedPartitionsArePutInOrder(t *testing.T) {
	topics := make([]kmsg.ConsumerGroupHeartbeatRequestTopic, 100_000)
	for i := range topics {
		binary.BigEndian.PutUint64(topics[i].TopicID[:], uint64(len(topics)-i))
		topics[i].Partitions = []int32{1, 0, 1}
	}
	again := topics[0]
	again.Partitions = []int32{2}
	topics = append(topics, again, kmsg.ConsumerGroupHeartbeatRequestTopic{})
	owned := ownedAssignment(topics)
	if len(owned) != 100_000 || !slices.Equal(owned[0].Partitions, []int32{0, 1}) || !slices.Equal(owned[99_999].Partitions, []int32{0, 1, 2}) {
		t.Errorf("%d topics, the first with %v and the last with %v", len(owned), owned[0].Partitions, owned[len(owned)-1].Partitions)
	}
}
