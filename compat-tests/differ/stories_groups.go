package differ

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func findCoordinator(kind int8, keys ...string) *kmsg.FindCoordinatorRequest {
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.CoordinatorType, req.CoordinatorKeys = kind, keys
	if len(keys) > 0 {
		req.CoordinatorKey = keys[0]
	}
	return req
}

func coordinatorStories() []Story {
	return []Story{{Name: "find coordinator/groups", Key: kmsg.FindCoordinator, Tell: func(s *Session) {
		s.Ask("group", findCoordinator(0, s.Group("g")))
		s.Ask("empty group", findCoordinator(0, ""))
		if s.Version >= 1 {
			s.Try("unknown kind", findCoordinator(9, "x"))
			s.Try("share partition that is none", findCoordinator(2, "x"))
		}
		if s.Version >= 4 {
			s.Ask("two groups", findCoordinator(0, s.Group("g"), s.Group("h")))
			s.Ask("one group twice", findCoordinator(0, s.Group("g"), s.Group("g")))
			s.Ask("none", findCoordinator(0))
		}
		if s.Version >= 6 {
			const partition = "group:AAAAAAAAAAAAAAAAAAAAAQ:0"
			s.Until(findCoordinator(2, partition), func(r kmsg.Response) bool { return r.(*kmsg.FindCoordinatorResponse).Coordinators[0].ErrorCode == 0 })
			s.Ask("share partitions, some of which are none", findCoordinator(2, partition, "a:"+partition, "group", "group:x:0", "group:AAAAAAAAAAAAAAAAAAAAAQ:x", ""))
		}
	}}}
}

// joinStories are what a join alone can be answered.
func joinStories() []Story {
	return []Story{
		{Name: "join group/first member", Key: kmsg.JoinGroup, Tell: func(s *Session) {
			m := s.Member("a", "g", "topic")
			m.join("joins")
			m.heartbeat("between join and sync")
			m.sync("assigns", m)
			m.sync("asks again")
			m.heartbeat("stable")
			m.join("leader joins again")
		}},
		{Name: "join group/refused", Key: kmsg.JoinGroup, Tell: func(s *Session) {
			for _, c := range []struct {
				label string
				edit  func(req *kmsg.JoinGroupRequest)
			}{
				{"empty group", func(req *kmsg.JoinGroupRequest) { req.Group = "" }},
				{"session too short", func(req *kmsg.JoinGroupRequest) { req.SessionTimeoutMillis = 5999 }},
				{"session too long", func(req *kmsg.JoinGroupRequest) { req.SessionTimeoutMillis = 1_800_001 }},
				{"session negative", func(req *kmsg.JoinGroupRequest) { req.SessionTimeoutMillis = -1 }},
				{"id of nobody", func(req *kmsg.JoinGroupRequest) { req.MemberID = "nobody" }},
				{"no protocols", func(req *kmsg.JoinGroupRequest) { req.Protocols = nil }},
				{"no protocol type", func(req *kmsg.JoinGroupRequest) { req.ProtocolType = "" }},
			} {
				req := s.Member("a", "g").joinRequest()
				c.edit(req)
				s.Ask(c.label, req)
			}
		}},
		{Name: "join group/protocols must meet", Key: kmsg.JoinGroup, Tell: func(s *Session) {
			a, b := s.Member("a", "g"), s.Member("b", "g")
			a.join("a joins", "range", "roundrobin")
			a.sync("a assigns", a)
			s.Ask("other protocol type", edited(b.joinRequest(), func(r *kmsg.JoinGroupRequest) { r.ProtocolType = "connect" }))
			s.Ask("no protocol in common", b.joinRequest("sticky"))
			joining := b.joining("b prefers the other", "roundrobin", "range")
			a.awaitRebalance()
			again := a.joining("a joins again", "range", "roundrobin")
			b.joined(joining)
			a.joined(again)
		}},
		{Name: "join group/other protocol types", Key: kmsg.JoinGroup, Tell: func(s *Session) {
			m := s.Member("a", "g")
			m.introduce("connect")
			req := m.joinRequest("default")
			req.ProtocolType = "connect"
			s.Ask("connect worker", req)
			s.Ask("described", describeGroups(m.group))
		}},
	}
}

func edited[T any](req T, edit func(T)) T {
	edit(req)
	return req
}

func rebalanceStories() []Story {
	var stories []Story
	for _, key := range []kmsg.Key{kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat, kmsg.LeaveGroup} {
		stories = append(stories, Story{Name: "rebalance of two/" + key.Name(), Key: key, Tell: tellRebalance})
	}
	for _, key := range []kmsg.Key{kmsg.SyncGroup, kmsg.Heartbeat, kmsg.LeaveGroup} {
		stories = append(stories, Story{Name: "members unknown/" + key.Name(), Key: key, Tell: tellUnknownMembers})
	}
	return stories
}

// tellRebalance is the life of a group: one member, a second one, the first
// leaves, the last leaves.
func tellRebalance(s *Session) {
	a, b := s.Member("a", "g", "t"), s.Member("b", "g", "t")
	a.stable("a")
	joining := b.joining("b joins")
	a.awaitRebalance()
	a.heartbeat("a is told")
	a.sync("a syncs too late", a)
	again := a.joining("a joins again")
	b.joined(joining)
	a.joined(again)
	b.heartbeat("b before the assignment")
	waiting := b.peer.Begin("b waits for the leader", b.syncRequest())
	a.sync("a assigns", a, b)
	waiting.Finish()
	a.heartbeat("a stable")
	b.heartbeat("b stable")
	b.generation--
	b.heartbeat("b with an old generation")
	b.sync("b syncs an old generation")
	b.generation++
	s.Ask("described", describeGroups(a.group))
	a.peer.Ask("a leaves", a.leaveRequest())
	b.awaitRebalance()
	b.join("b alone")
	b.sync("b assigns", b)
	b.peer.Ask("b leaves", b.leaveRequest())
	b.heartbeat("b after it left")
	s.Ask("empty group", describeGroups(a.group))
}

// tellUnknownMembers is what strangers hear.
func tellUnknownMembers(s *Session) {
	stranger := s.Member("s", "never-made")
	stranger.id, stranger.generation = "nobody", 3
	known := s.Member("a", "g", "t")
	known.stable("a")
	for _, group := range []string{stranger.group, known.group} {
		stranger.group = group
		s.Ask("stranger beats in "+group, stranger.heartbeatRequest())
		s.Ask("stranger syncs in "+group, stranger.syncRequest())
		s.Ask("stranger leaves "+group, stranger.leaveRequest())
	}
	stranger.group = ""
	s.Ask("beats in no group", stranger.heartbeatRequest())
	s.Ask("syncs in no group", stranger.syncRequest())
	s.Ask("leaves no group", stranger.leaveRequest())
	other := known.syncRequest()
	other.Protocol = ptr("sticky")
	s.Ask("syncs another protocol", other)
	other = known.syncRequest()
	other.ProtocolType = ptr("connect")
	s.Ask("syncs another protocol type", other)
	if newest(s.catalog, int16(kmsg.LeaveGroup)) >= 3 {
		both := known.leaveRequest()
		both.Members = append(both.Members, stranger.leaveRequest().Members...)
		s.Ask("known and stranger leave", both)
	}
}

func membershipStories() []Story {
	return []Story{
		{Name: "static members/replaced", Key: kmsg.JoinGroup, Versions: since(5), Tell: func(s *Session) {
			a, twin := s.Member("a", "g", "t"), s.Member("twin", "g", "t")
			a.instance = ptr("i-1")
			twin.instance, twin.metadata = a.instance, a.metadata
			a.stable("a")
			twin.join("its twin takes over")
			a.heartbeat("the old one is fenced")
			a.sync("the old one syncs")
			twin.heartbeat("the new one")
			twin.sync("the new one asks for the assignment")
			s.Ask("described", describeGroups(a.group))
			leave := twin.leaveRequest()
			leave.Members[0].MemberID = ""
			s.Ask("leaves by instance id", leave)
		}},
		{Name: "static members/wrong pair", Key: kmsg.Heartbeat, Versions: since(3), Tell: func(s *Session) {
			a := s.Member("a", "g", "t")
			a.instance = ptr("i-1")
			a.stable("a")
			a.instance = ptr("i-2")
			a.heartbeat("unknown instance")
			a.instance = ptr("i-1")
			id := a.id
			a.id = "nobody"
			a.heartbeat("instance with another id")
			a.peer.Ask("leaves with another id", a.leaveRequest())
			a.id = id
			a.heartbeat("right")
		}},
		{Name: "pending members/may leave", Key: kmsg.JoinGroup, Versions: since(4), Tell: func(s *Session) {
			a := s.Member("a", "g", "t")
			// Kafka describes the group as dead or as empty here: its reads see what is
			// committed, and a member that is only pending commits nothing.
			a.introduce("a")
			a.peer.Ask("leaves", a.leaveRequest())
			s.Ask("joins with the old id", a.joinRequest())
		}},
	}
}

func groupAdminStories() []Story {
	list := func(states, types []string) *kmsg.ListGroupsRequest {
		req := kmsg.NewPtrListGroupsRequest()
		req.StatesFilter, req.TypesFilter = states, types
		return req
	}
	return []Story{
		{Name: "describe groups/states", Key: kmsg.DescribeGroups, Tell: func(s *Session) {
			m := s.Member("a", "g", "t")
			m.join("joins")
			s.Ask("completing", describeGroups(m.group))
			m.sync("assigns", m)
			s.Ask("stable", describeGroups(m.group))
			s.Ask("unknown", describeGroups(s.Group("never-made")))
			s.Ask("empty id", describeGroups(""))
			s.Ask("none", describeGroups())
			s.Ask("twice", describeGroups(m.group, m.group))
			ops := describeGroups(m.group)
			ops.IncludeAuthorizedOperations = true
			s.Ask("with operations", ops)
		}},
		{Name: "list groups/filters", Key: kmsg.ListGroups, Tell: func(s *Session) {
			s.Member("a", "stable", "t").stable("a")
			left := s.Member("b", "empty", "t")
			left.stable("b")
			left.peer.Ask("b leaves", left.leaveRequest())
			s.Ask("all", list(nil, nil))
			if s.Version >= 4 {
				s.Ask("stable", list([]string{"Stable"}, nil))
				s.Ask("empty in small letters", list([]string{"empty"}, nil))
				s.Ask("unknown state", list([]string{"Sleeping"}, nil))
			}
			if s.Version >= 5 {
				s.Ask("classic", list(nil, []string{"classic"}))
				s.Ask("consumer", list(nil, []string{"Consumer"}))
				s.Ask("unknown type", list(nil, []string{"choir"}))
			}
		}},
		{Name: "delete groups/every way", Key: kmsg.DeleteGroups, Tell: func(s *Session) {
			topic, id := s.MakeTopic("t", 1)
			m := s.Member("a", "g", topic)
			m.stable("a")
			s.Ask("not empty", deleteGroups(m.group))
			s.Ask("unknown", deleteGroups(s.Group("never-made")))
			s.Ask("empty id", deleteGroups(""))
			s.Ask("none", deleteGroups())
			m.peer.Ask("commits", m.commitRequest(topic, id, 5, nil))
			m.peer.Ask("leaves", m.leaveRequest())
			s.Ask("empty and unknown", deleteGroups(m.group, s.Group("never-made")))
			s.Ask("gone", deleteGroups(m.group))
			s.Ask("its offsets too", offsetsOf(m.group))
		}},
	}
}

func offsetStories() []Story {
	var stories []Story
	for _, key := range []kmsg.Key{kmsg.OffsetCommit, kmsg.OffsetFetch} {
		stories = append(stories,
			Story{Name: "offsets/simple group/" + key.Name(), Key: key, Tell: tellSimpleOffsets},
			Story{Name: "offsets/of members/" + key.Name(), Key: key, Tell: tellMemberOffsets})
	}
	return stories
}

// tellSimpleOffsets is a group that only keeps offsets.
func tellSimpleOffsets(s *Session) {
	topic, id := s.MakeTopic("t", 2)
	nobody := s.Member("", "g")
	s.Ask("nothing yet", offsetsOf(nobody.group, offsetTopic(topic, id, 0, 1)))
	s.Ask("commit", nobody.commitRequest(topic, id, 7, ptr("note")))
	s.Ask("commit without a note", nobody.commitRequest(topic, id, 8, nil))
	s.Ask("commit with an empty note", nobody.commitRequest(topic, id, 9, ptr("")))
	s.Ask("longest note", nobody.commitRequest(topic, id, 10, ptr(strings.Repeat("x", 4096))))
	s.Ask("note too long", nobody.commitRequest(topic, id, 11, ptr(strings.Repeat("x", 4097))))
	s.Ask("negative offset", nobody.commitRequest(topic, id, -1, nil))
	s.Ask("offset beyond the log", nobody.commitRequest(topic, id, 1<<40, ptr("far")))
	s.Ask("unknown topic", nobody.commitRequest(unknownTopic, unknownID, 1, nil))
	s.Ask("unknown partition", edited(nobody.commitRequest(topic, id, 1, nil), func(r *kmsg.OffsetCommitRequest) { r.Topics[0].Partitions[0].Partition = 9 }))
	s.Ask("no group", edited(nobody.commitRequest(topic, id, 1, nil), func(r *kmsg.OffsetCommitRequest) { r.Group = "" }))
	s.Ask("no topics", edited(nobody.commitRequest(topic, id, 1, nil), func(r *kmsg.OffsetCommitRequest) { r.Topics = nil }))
	stranger := s.Member("", "never-made")
	stranger.id, stranger.generation = "nobody", 4
	s.Ask("generation in an unknown group", stranger.commitRequest(topic, id, 1, nil))
	stranger.group = nobody.group
	s.Ask("generation in an empty group", stranger.commitRequest(topic, id, 1, nil))

	s.Ask("fetch", offsetsOf(nobody.group, offsetTopic(topic, id, 0, 1)))
	s.Ask("fetch unknown places", offsetsOf(nobody.group, offsetTopic(topic, id, 9), offsetTopic(unknownTopic, unknownID, 0)))
	s.Ask("fetch of an unknown group", offsetsOf(s.Group("never-made"), offsetTopic(topic, id, 0)))
	s.Ask("fetch of no group", offsetsOf("", offsetTopic(topic, id, 0)))
	s.Ask("fetch no topics", edited(offsetsOf(nobody.group), func(r *kmsg.OffsetFetchRequest) {
		r.Topics, r.Groups[0].Topics = []kmsg.OffsetFetchRequestTopic{}, []kmsg.OffsetFetchRequestGroupTopic{}
	}))
	fetch := s.versionOf(int16(kmsg.OffsetFetch))
	if fetch >= 2 {
		s.Ask("fetch all", offsetsOf(nobody.group))
		s.Ask("fetch all of an unknown group", offsetsOf(s.Group("never-made")))
	}
	if fetch >= 7 {
		s.Ask("fetch stable ones", edited(offsetsOf(nobody.group, offsetTopic(topic, id, 0)), func(r *kmsg.OffsetFetchRequest) { r.RequireStable = true }))
	}
	if fetch >= 8 {
		two := offsetsOf(nobody.group, offsetTopic(topic, id, 0))
		two.Groups = append(two.Groups, offsetsOf(s.Group("never-made"), offsetTopic(topic, id, 0)).Groups...)
		s.Ask("fetch of two groups", two)
		if s.key == int16(kmsg.OffsetFetch) { // Kafka 3.9 never answers it
			two.Groups = nil
			s.Ask("fetch of none", two)
		}
	}
	if fetch >= 9 {
		s.Ask("fetch as a member of nothing", edited(offsetsOf(nobody.group, offsetTopic(topic, id, 0)), func(r *kmsg.OffsetFetchRequest) {
			r.Groups[0].MemberID, r.Groups[0].MemberEpoch = ptr("nobody"), 3
		}))
	}
}

// tellMemberOffsets is who may commit while a group has members.
func tellMemberOffsets(s *Session) {
	topic, id := s.MakeTopic("t", 1)
	a, b := s.Member("a", "g", topic), s.Member("b", "g", topic)
	outsider := s.Member("", "g")
	a.join("a joins")
	s.Ask("member between join and sync", a.commitRequest(topic, id, 1, nil))
	a.sync("a assigns", a)
	s.Ask("member", a.commitRequest(topic, id, 2, nil))
	s.Ask("outsider", outsider.commitRequest(topic, id, 3, nil))
	outsider.id, outsider.generation = "nobody", a.generation
	s.Ask("stranger of the right generation", outsider.commitRequest(topic, id, 4, nil))
	a.generation++
	s.Ask("generation from the future", a.commitRequest(topic, id, 5, nil))
	a.generation--
	joining := b.joining("b joins")
	a.awaitRebalance()
	s.Ask("member during a rebalance", a.commitRequest(topic, id, 6, nil))
	old := a.generation
	again := a.joining("a joins again")
	b.joined(joining)
	a.joined(again)
	a.sync("a assigns both", a, b)
	current := a.generation
	a.generation = old
	s.Ask("old generation", a.commitRequest(topic, id, 7, nil))
	a.generation = current
	s.Ask("committed", offsetsOf(a.group, offsetTopic(topic, id, 0)))
}

func offsetDeleteStories() []Story {
	request := func(group, topic string, partitions ...int32) *kmsg.OffsetDeleteRequest {
		t := kmsg.NewOffsetDeleteRequestTopic()
		t.Topic = topic
		for _, p := range partitions {
			t.Partitions = append(t.Partitions, kmsg.OffsetDeleteRequestTopicPartition{Partition: p})
		}
		req := kmsg.NewPtrOffsetDeleteRequest()
		req.Group = group
		req.Topics = append(req.Topics, t)
		return req
	}
	return []Story{{Name: "offset delete/every way", Key: kmsg.OffsetDelete, Tell: func(s *Session) {
		topic, id := s.MakeTopic("t", 2)
		simple := s.Member("", "simple")
		s.Ask("commit", simple.commitRequest(topic, id, 7, nil))
		s.Ask("unknown group", request(s.Group("never-made"), topic, 0))
		s.Ask("no group", request("", topic, 0))
		s.Ask("unknown topic", request(simple.group, unknownTopic, 0))
		s.Ask("unknown partition", request(simple.group, topic, 9))
		s.Ask("one with, one without an offset", request(simple.group, topic, 0, 1))
		s.Ask("gone", offsetsOf(simple.group, offsetTopic(topic, id, 0)))
		member := s.Member("a", "busy", topic)
		member.stable("a")
		s.Ask("member commits", member.commitRequest(topic, id, 7, nil))
		s.Ask("subscribed topic", request(member.group, topic, 0))
		other, otherID := s.MakeTopic("other", 1)
		s.Ask("member commits elsewhere", member.commitRequest(other, otherID, 7, nil))
		s.Ask("topic not subscribed", request(member.group, other, 0))
	}}}
}
