package differ

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// sharer is one member of a share group (KIP-932), on a connection of its own.
type sharer struct {
	session *Session
	peer    *Peer
	group   string
	id      string
	epoch   int32
	topics  []string
	reads   int // partitions
}

// Sharer is a member who has not joined yet.
func (s *Session) Sharer(name, group string, topics ...string) *sharer {
	m := &sharer{session: s, peer: s.Peer(name), group: s.Group(group), id: name, topics: topics}
	for _, topic := range topics {
		if topic != unknownTopic {
			s.awaitCoordinator(m.group, topic)
		}
	}
	return m
}

// joinRequest tells everything, beatRequest nothing new.
func (m *sharer) joinRequest() *kmsg.ShareGroupHeartbeatRequest {
	req := m.beatRequest()
	req.MemberEpoch, req.SubscribedTopicNames = 0, m.topics
	return req
}

func (m *sharer) beatRequest() *kmsg.ShareGroupHeartbeatRequest {
	req := kmsg.NewPtrShareGroupHeartbeatRequest()
	req.GroupID, req.MemberID, req.MemberEpoch = m.group, m.id, m.epoch
	return req
}

func (m *sharer) leaveRequest() *kmsg.ShareGroupHeartbeatRequest {
	return edited(m.beatRequest(), func(r *kmsg.ShareGroupHeartbeatRequest) { r.MemberEpoch = -1 })
}

func (m *sharer) tell(label string, req *kmsg.ShareGroupHeartbeatRequest) {
	m.heard(m.peer.Ask(label, req))
}

// heard takes over what an answer says about the member.
func (m *sharer) heard(r kmsg.Response) {
	resp := r.(*kmsg.ShareGroupHeartbeatResponse)
	if resp.ErrorCode != 0 {
		return
	}
	m.epoch = resp.MemberEpoch
	if resp.Assignment == nil {
		return
	}
	m.reads = 0
	for _, t := range resp.Assignment.TopicPartitions {
		m.reads += len(t.Partitions)
	}
}

// settled beats until the member has so many partitions: their state begins behind the
// answers, and an assignment is computed once a second.
func (m *sharer) settled(partitions int) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(settleTimeout); m.reads != partitions; <-tick.C {
		m.heard(m.peer.Quiet(m.beatRequest()))
		if time.Now().After(deadline) {
			m.session.Stop("%s has %d partitions, not %d", m.id, m.reads, partitions)
		}
	}
}

func describeShareGroups(groups ...string) *kmsg.ShareGroupDescribeRequest {
	req := kmsg.NewPtrShareGroupDescribeRequest()
	req.GroupIDs = groups
	return req
}

func shareOffsets(group string, topics ...kmsg.DescribeShareGroupOffsetsRequestGroupTopic) *kmsg.DescribeShareGroupOffsetsRequest {
	req := kmsg.NewPtrDescribeShareGroupOffsetsRequest()
	one := kmsg.NewDescribeShareGroupOffsetsRequestGroup()
	one.GroupID, one.Topics = group, topics
	req.Groups = append(req.Groups, one)
	return req
}

func shareOffsetsTopic(name string, partitions ...int32) kmsg.DescribeShareGroupOffsetsRequestGroupTopic {
	t := kmsg.NewDescribeShareGroupOffsetsRequestGroupTopic()
	t.Topic, t.Partitions = name, partitions
	return t
}

func alterShareOffsets(group string, topics ...kmsg.AlterShareGroupOffsetsRequestTopic) *kmsg.AlterShareGroupOffsetsRequest {
	req := kmsg.NewPtrAlterShareGroupOffsetsRequest()
	req.GroupID, req.Topics = group, topics
	return req
}

// shareStart takes pairs of a partition and an offset.
func shareStart(name string, pairs ...int64) kmsg.AlterShareGroupOffsetsRequestTopic {
	t := kmsg.NewAlterShareGroupOffsetsRequestTopic()
	t.Topic = name
	for i := 0; i+1 < len(pairs); i += 2 {
		p := kmsg.NewAlterShareGroupOffsetsRequestTopicPartition()
		p.Partition, p.StartOffset = int32(pairs[i]), pairs[i+1]
		t.Partitions = append(t.Partitions, p)
	}
	return t
}

func deleteShareOffsets(group string, topics ...string) *kmsg.DeleteShareGroupOffsetsRequest {
	req := kmsg.NewPtrDeleteShareGroupOffsetsRequest()
	req.GroupID = group
	for _, name := range topics {
		t := kmsg.NewDeleteShareGroupOffsetsRequestTopic()
		t.Topic = name
		req.Topics = append(req.Topics, t)
	}
	return req
}

func shareGroupStories() []Story {
	var stories []Story
	for _, key := range []kmsg.Key{kmsg.ShareGroupHeartbeat, kmsg.ShareGroupDescribe} {
		stories = append(stories, Story{Name: "share groups/life/" + key.Name(), Key: key, Tell: tellShareGroup})
	}
	for _, key := range []kmsg.Key{kmsg.DescribeShareGroupOffsets, kmsg.AlterShareGroupOffsets, kmsg.DeleteShareGroupOffsets} {
		stories = append(stories,
			Story{Name: "share groups/offsets/" + key.Name(), Key: key, Tell: tellShareOffsets},
			Story{Name: "share groups/offsets refused/" + key.Name(), Key: key, Tell: tellShareOffsetRefusals})
	}
	// Kafka 3.9, which judges the oldest commits, has no share groups.
	oldest := map[kmsg.Key]int16{kmsg.OffsetCommit: 2, kmsg.OffsetFetch: 1}
	for _, key := range []kmsg.Key{
		kmsg.ShareGroupDescribe, kmsg.JoinGroup, kmsg.SyncGroup, kmsg.LeaveGroup, kmsg.DescribeGroups, kmsg.OffsetCommit, kmsg.OffsetFetch,
	} {
		stories = append(stories, Story{Name: "share groups/kinds do not mix/" + key.Name(), Key: key, Versions: since(oldest[key]), Tell: tellShareKinds})
	}
	return append(stories,
		Story{Name: "share groups/refused", Key: kmsg.ShareGroupHeartbeat, Tell: tellShareRefusals},
		Story{Name: "share groups/topics change", Key: kmsg.ShareGroupHeartbeat, Tell: tellShareTopics},
		Story{Name: "share groups/listed", Key: kmsg.ListGroups, Versions: since(4), Tell: tellShareListed},
		Story{Name: "share groups/deleted", Key: kmsg.DeleteGroups, Tell: tellShareDeleted},
	)
}

// tellShareGroup is a member alone, a second one that reads the same partition, and both
// leave.
func tellShareGroup(s *Session) {
	topic, _ := s.MakeTopic("t", 1)
	a, b := s.Sharer("a", "g", topic), s.Sharer("b", "g", topic)
	a.tell("a joins", a.joinRequest())
	a.settled(1)
	a.tell("a has nothing to say", a.beatRequest())
	a.tell("a tells all again", edited(a.joinRequest(), func(r *kmsg.ShareGroupHeartbeatRequest) { r.MemberEpoch = a.epoch }))
	s.Ask("described", describeShareGroups(a.group))
	ops := describeShareGroups(a.group, a.group, s.Group("never-made"), "")
	ops.IncludeAuthorizedOperations = true
	s.Ask("described with operations", ops)
	b.heard(b.peer.Quiet(edited(b.joinRequest(), func(r *kmsg.ShareGroupHeartbeatRequest) { r.RackID = ptr("r") })))
	b.settled(1)
	a.tell("a after b came", a.beatRequest())
	b.tell("b has nothing to say", b.beatRequest())
	s.Ask("both described", describeShareGroups(a.group))
	s.Ask("described as a classic group", describeGroups(a.group))
	s.Ask("not empty", deleteGroups(a.group))
	b.peer.Ask("b leaves", b.leaveRequest())
	b.peer.Ask("b beats on", b.beatRequest())
	b.peer.Ask("b leaves again", b.leaveRequest())
	a.tell("a joins again", a.joinRequest())
	a.peer.Ask("a leaves", a.leaveRequest())
	s.Ask("empty", describeShareGroups(a.group))
	s.Ask("deleted", deleteGroups(a.group))
	s.Ask("gone", describeShareGroups(a.group))
}

func tellShareRefusals(s *Session) {
	topic, _ := s.MakeTopic("t", 2)
	a := s.Sharer("a", "g", topic)
	for _, c := range []struct {
		label string
		edit  func(r *kmsg.ShareGroupHeartbeatRequest)
	}{
		{"empty group", func(r *kmsg.ShareGroupHeartbeatRequest) { r.GroupID = "" }},
		{"blank group", func(r *kmsg.ShareGroupHeartbeatRequest) { r.GroupID = " " }},
		{"no member id", func(r *kmsg.ShareGroupHeartbeatRequest) { r.MemberID = "" }},
		{"blank member id", func(r *kmsg.ShareGroupHeartbeatRequest) { r.MemberID = "  " }},
		{"member id of 37", func(r *kmsg.ShareGroupHeartbeatRequest) { r.MemberID = "0123456789012345678901234567890123456" }},
		{"no topics", func(r *kmsg.ShareGroupHeartbeatRequest) { r.SubscribedTopicNames = nil }},
		{"empty topics", func(r *kmsg.ShareGroupHeartbeatRequest) { r.SubscribedTopicNames = []string{} }},
		{"empty rack", func(r *kmsg.ShareGroupHeartbeatRequest) { r.RackID = ptr("") }},
		{"epoch -2", func(r *kmsg.ShareGroupHeartbeatRequest) { r.MemberEpoch = -2 }},
		{"leaves an unknown group", func(r *kmsg.ShareGroupHeartbeatRequest) { r.MemberEpoch = -1 }},
		{"epoch of an unknown group", func(r *kmsg.ShareGroupHeartbeatRequest) { r.MemberEpoch = 5 }},
	} {
		a.peer.Ask(c.label, edited(a.joinRequest(), c.edit))
	}
	a.tell("joins", a.joinRequest())
	a.settled(2)
	for _, c := range []struct {
		label string
		edit  func(r *kmsg.ShareGroupHeartbeatRequest)
	}{
		{"epoch from the future", func(r *kmsg.ShareGroupHeartbeatRequest) { r.MemberEpoch += 7 }},
		{"epoch before", func(r *kmsg.ShareGroupHeartbeatRequest) { r.MemberEpoch-- }},
		{"old epoch", func(r *kmsg.ShareGroupHeartbeatRequest) { r.MemberEpoch = 1 }},
		{"a stranger", func(r *kmsg.ShareGroupHeartbeatRequest) { r.MemberID = "nobody" }},
		{"a stranger leaves", func(r *kmsg.ShareGroupHeartbeatRequest) { r.MemberID, r.MemberEpoch = "nobody", -1 }},
		{"a rack that was not there", func(r *kmsg.ShareGroupHeartbeatRequest) { r.RackID = ptr("r") }},
		{"still there", func(*kmsg.ShareGroupHeartbeatRequest) {}},
	} {
		a.peer.Ask(c.label, edited(a.beatRequest(), c.edit))
	}
	s.Ask("described", describeShareGroups(a.group))
	b := s.Sharer("b", "nowhere", unknownTopic)
	b.tell("reads a topic that is not there", b.joinRequest())
	s.Ask("described", describeShareGroups(b.group))
}

// tellShareTopics is a member that reads other topics, and topics that come and go.
func tellShareTopics(s *Session) {
	t, _ := s.MakeTopic("t", 1)
	u, uID := s.MakeTopic("u", 2)
	a := s.Sharer("a", "g", t, u)
	a.topics = []string{t}
	a.tell("joins", a.joinRequest())
	a.settled(1)
	retold := func(topics ...string) *kmsg.ShareGroupHeartbeatRequest {
		return edited(a.beatRequest(), func(r *kmsg.ShareGroupHeartbeatRequest) { r.SubscribedTopicNames = topics })
	}
	a.heard(a.peer.Quiet(retold(u, t, u)))
	a.settled(3)
	s.Ask("reads both", describeShareGroups(a.group))
	a.heard(a.peer.Quiet(retold(u)))
	a.settled(2)
	s.Ask("reads the second", describeShareGroups(a.group))
	s.Ask("has begun in both", shareOffsets(a.group))
	s.deleteTopic(u, uID)
	a.settled(0)
	s.Ask("reads nothing", describeShareGroups(a.group))
	s.Until(shareOffsets(a.group), func(r kmsg.Response) bool {
		return len(r.(*kmsg.DescribeShareGroupOffsetsResponse).Groups[0].Topics) == 1
	})
	s.Ask("has begun in one", shareOffsets(a.group))
	a.heard(a.peer.Quiet(retold([]string{}...)))
	a.peer.Ask("wants nothing", retold([]string{}...))
}

// tellShareKinds is what each kind of group hears that is asked as the other.
func tellShareKinds(s *Session) {
	topic, id := s.MakeTopic("t", 1)
	a := s.Sharer("a", "g", topic)
	a.tell("joins", a.joinRequest())
	m := &member{peer: s.Peer("m"), group: a.group, id: a.id, generation: a.epoch}
	m.heartbeat("beats in the classic way")
	m.peer.Ask("syncs", m.syncRequest())
	m.peer.Ask("leaves in the classic way", m.leaveRequest())
	s.Ask("joins in the classic way", edited(s.Member("c", "g", topic).joinRequest("range"), func(r *kmsg.JoinGroupRequest) { r.MemberID = "c" }))
	consumer := s.Consumer("k", "g", topic)
	for _, epoch := range []int32{0, 3, -1} {
		s.Ask("beats as a consumer", edited(consumer.joinRequest(), func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.MemberEpoch = epoch }))
	}
	s.Ask("described as a consumer group", describeConsumerGroups(a.group))
	s.Ask("described as a classic group", describeGroups(a.group))
	s.Ask("commits", m.commitRequest(topic, id, 1, nil))
	nobody := &member{group: a.group, generation: -1}
	s.Ask("nobody commits", nobody.commitRequest(topic, id, 1, nil))
	s.Ask("offsets", offsetsOf(a.group, offsetTopic(topic, id, 0)))
	if s.versionOf(int16(kmsg.OffsetFetch)) >= 9 {
		s.Ask("offsets of a member", edited(offsetsOf(a.group, offsetTopic(topic, id, 0)), func(r *kmsg.OffsetFetchRequest) {
			r.Groups[0].MemberID, r.Groups[0].MemberEpoch = ptr("a"), 2
		}))
	}
	forget := kmsg.NewPtrOffsetDeleteRequest()
	forget.Group = a.group
	forget.Topics = []kmsg.OffsetDeleteRequestTopic{{Topic: topic, Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{Partition: 0}}}}
	s.Ask("offsets are deleted", forget)

	other := s.Consumer("o", "consumers", topic)
	other.tell("a consumer joins", other.joinRequest())
	simple := &member{group: s.Group("simple"), generation: -1}
	s.Quiet(simple.commitRequest(topic, id, 1, nil))
	for _, group := range []string{"consumers", "simple"} {
		b := &sharer{session: s, peer: s.Peer("b"), group: s.Group(group), id: "b", topics: []string{topic}}
		s.Ask("joins "+group, b.joinRequest())
		s.Ask("beats in "+group, edited(b.beatRequest(), func(r *kmsg.ShareGroupHeartbeatRequest) { r.MemberEpoch = 2 }))
		s.Ask("leaves "+group, b.leaveRequest())
		s.Ask("describes "+group, describeShareGroups(b.group))
		s.Ask("offsets of "+group, shareOffsets(b.group))
		s.Ask("alters "+group, alterShareOffsets(b.group, shareStart(topic, 0, 1)))
		s.Ask("deletes from "+group, deleteShareOffsets(b.group, topic))
	}
}

func tellShareListed(s *Session) {
	topic, _ := s.MakeTopic("t", 1)
	a := s.Sharer("a", "g", topic)
	a.tell("joins", a.joinRequest())
	s.Quiet(alterShareOffsets(s.Group("empty"), shareStart(topic, 0, 1)))
	s.Ask("all", kmsg.NewPtrListGroupsRequest())
	s.Ask("stable ones", edited(kmsg.NewPtrListGroupsRequest(), func(r *kmsg.ListGroupsRequest) { r.StatesFilter = []string{"stable"} }))
	if s.Version >= 5 {
		s.Ask("share groups", edited(kmsg.NewPtrListGroupsRequest(), func(r *kmsg.ListGroupsRequest) { r.TypesFilter = []string{"Share"} }))
	}
}

func tellShareDeleted(s *Session) {
	topic, _ := s.MakeTopic("t", 2)
	a := s.Sharer("a", "g", topic)
	a.tell("joins", a.joinRequest())
	a.settled(2)
	s.Ask("with a member", deleteGroups(a.group, s.Group("nowhere")))
	a.peer.Ask("leaves", a.leaveRequest())
	s.Ask("without", deleteGroups(s.Group("nowhere"), a.group))
	s.Ask("again", deleteGroups(a.group))
	s.Ask("nothing is left of it", shareOffsets(a.group, shareOffsetsTopic(topic, 0, 1)))
	a.epoch, a.reads = 0, 0
	a.tell("it begins anew", a.joinRequest())
	a.settled(2)
	s.Ask("described", describeShareGroups(a.group))
}

// tellShareOffsets is where a group begins in its partitions, and that it forgets it.
func tellShareOffsets(s *Session) {
	topic, id := s.MakeTopic("t", 3)
	other, _ := s.MakeTopic("other", 1)
	s.Produce(topic, id, 0, s.Batch("a", "b", "c"))
	group := s.Group("g")
	s.awaitCoordinator(group, topic)
	s.awaitCoordinator(group, other)
	s.Ask("a group begins", alterShareOffsets(group, shareStart(topic, 0, 1, 2, 0), shareStart(other, 0, 5)))
	settle := func(topics int) {
		s.Until(shareOffsets(group), func(r kmsg.Response) bool {
			return len(r.(*kmsg.DescribeShareGroupOffsetsResponse).Groups[0].Topics) == topics
		})
	}
	settle(2)
	s.Ask("described", describeShareGroups(group))
	s.Ask("all", shareOffsets(group))
	s.Ask("some", shareOffsets(group, shareOffsetsTopic(topic, 0, 1), shareOffsetsTopic(unknownTopic, 0)))
	s.Ask("none", shareOffsets(group, []kmsg.DescribeShareGroupOffsetsRequestGroupTopic{}...))
	twice := shareOffsets(group)
	twice.Groups = append(twice.Groups, twice.Groups[0], shareOffsets(s.Group("nowhere")).Groups[0])
	s.Ask("two groups, one of them again", twice)
	s.Ask("it begins elsewhere", alterShareOffsets(group, shareStart(topic, 0, 3, 2, -1)))
	s.Ask("all", shareOffsets(group))
	s.Ask("a topic twice, another that is not there", alterShareOffsets(group, shareStart(topic, 0, 2), shareStart(unknownTopic, 0, 1), shareStart(topic, 1, 1)))
	settle(2)
	s.Ask("nothing", alterShareOffsets(group))
	s.Ask("forgotten", deleteShareOffsets(group, topic))
	s.Ask("the other is left", shareOffsets(group))
	s.Ask("of a topic that was forgotten", shareOffsets(group, shareOffsetsTopic(topic, 0)))
	s.Ask("forgotten again", deleteShareOffsets(group, topic, unknownTopic, other))
	s.Ask("nothing is left", shareOffsets(group))
	s.Ask("nothing is forgotten", deleteShareOffsets(group))
	s.Ask("the group is there", describeShareGroups(group))
}

func tellShareOffsetRefusals(s *Session) {
	topic, _ := s.MakeTopic("t", 1)
	a := s.Sharer("a", "g", topic)
	a.tell("joins", a.joinRequest())
	a.settled(1)
	s.Ask("altered with a member", alterShareOffsets(a.group, shareStart(topic, 0, 1)))
	s.Ask("deleted with a member", deleteShareOffsets(a.group, topic))
	s.Ask("described with a member", shareOffsets(a.group))
	nowhere := s.Group("nowhere")
	s.Ask("altered without a name", alterShareOffsets("", shareStart(topic, 0, 1)))
	s.Ask("deleted without a name", deleteShareOffsets("", topic))
	s.Ask("described without a name", shareOffsets(""))
	s.Ask("only an unknown topic", alterShareOffsets(nowhere, shareStart(unknownTopic, 0, 1)))
	s.Ask("nothing altered", alterShareOffsets(nowhere))
	s.Ask("a partition beyond", alterShareOffsets(s.Group("beyond"), shareStart(topic, 9, 1, 0, 1)))
	s.Ask("deleted from nowhere", deleteShareOffsets(nowhere, topic))
	s.Ask("described from nowhere", shareOffsets(nowhere))
	s.Ask("a topic of nowhere", shareOffsets(nowhere, shareOffsetsTopic(topic, 0)))
	s.Ask("not there", describeShareGroups(nowhere))
}
