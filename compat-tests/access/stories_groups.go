package access

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/differ"
)

// groupStories look at the groups of the room.
func groupStories() []differ.Story {
	return []differ.Story{
		{Name: "groups/listed", Key: kmsg.ListGroups, Tell: func(s *differ.Session) {
			for i, rules := range [][]rule{
				{}, {allow(alice, read, groupKind, "red-1")}, {ofPrefix(allow(alice, describe, groupKind, "red-"))}, {allow(alice, remove, groupKind, anyName), deny(alice, describe, groupKind, "blue-2")},
				{onCluster(alice, describe)}, {onCluster(alice, describe), deny(alice, all, groupKind, anyName)}, {onCluster(alice, alter), deny(alice, describe, groupKind, "red-1")},
				{allow(alice, all, groupKind, anyName), deny(alice, describe, clusterKind, clusterName)}, {allow(alice, all, topicKind, anyName)},
			} {
				under(s, fmt.Sprintf("rules %d", i), kmsg.NewPtrListGroupsRequest(), rules...)
			}
		}},
		{Name: "groups/described", Key: kmsg.DescribeGroups, Tell: func(s *differ.Session) {
			req := kmsg.NewPtrDescribeGroupsRequest()
			req.Groups, req.IncludeAuthorizedOperations = names, true
			for i, rules := range [][]rule{
				{}, {allow(alice, describe, groupKind, "red-1")}, {allow(alice, read, groupKind, "red-2"), allow(alice, remove, groupKind, "red-9")}, {ofPrefix(allow(alice, all, groupKind, "blue"))},
				{onCluster(alice, describe)},
			} {
				under(s, fmt.Sprintf("rules %d", i), req, rules...)
			}
		}},
		{Name: "groups/coordinators", Key: kmsg.FindCoordinator, Tell: func(s *differ.Session) {
			kinds := map[int8]string{0: "red-1", 1: "red-1"}
			if s.Version >= 6 {
				kinds[2] = shareGroup + ":AAAAAAAAAAAAAAAAAAAAAQ:0"
			}
			for kind := range int8(len(kinds)) {
				req := findCoordinatorOf(kind, kinds[kind], "blue-9")
				if kind == 2 {
					req = findCoordinatorOf(kind, kinds[kind])
				}
				for i, rules := range [][]rule{
					{}, {allow(alice, read, groupKind, "red-1")}, {allow(alice, describe, groupKind, anyName)}, {allow(alice, write, transactionKind, "red-1")},
					{allow(alice, describe, transactionKind, anyName)}, {onCluster(alice, describe)}, {onCluster(alice, clusterAction)},
				} {
					under(s, fmt.Sprintf("kind %d, rules %d", kind, i), req, rules...)
				}
			}
		}},
		{Name: "groups/deleted", Key: kmsg.DeleteGroups, Tell: func(s *differ.Session) {
			r := enter(s)
			for i, rules := range [][]rule{
				{}, {allow(alice, describe, groupKind, anyName)}, {allow(alice, remove, groupKind, "red-2"), allow(alice, remove, groupKind, "red-9")}, {allow(alice, remove, groupKind, "red-3")},
				{onCluster(alice, all)}, {ofPrefix(allow(alice, all, groupKind, "blue-3")), deny(alice, read, groupKind, "blue-3")},
			} {
				under(s, fmt.Sprintf("rules %d", i), deleteGroupsOf("red-2", "red-3", "blue-3", "red-9", "blue-9"), rules...)
			}
			r.commitOffsets("red-3")
			r.commitOffsets("blue-3")
		}},
		{Name: "groups/of consumers described", Key: kmsg.ConsumerGroupDescribe, Tell: func(s *differ.Session) {
			req := kmsg.NewPtrConsumerGroupDescribeRequest()
			req.Groups, req.IncludeAuthorizedOperations = []string{consumerGroup, shareGroup, "red-1", "red-9"}, true
			describeAs(s, req)
		}},
		{Name: "groups/of shares described", Key: kmsg.ShareGroupDescribe, Tell: func(s *differ.Session) {
			req := kmsg.NewPtrShareGroupDescribeRequest()
			req.GroupIDs, req.IncludeAuthorizedOperations = []string{consumerGroup, shareGroup, "red-1", "red-9"}, true
			describeAs(s, req)
		}},
	}
}

// offsetStories are about what groups of the room have committed.
func offsetStories() []differ.Story {
	return []differ.Story{
		{Name: "offsets/fetched", Key: kmsg.OffsetFetch, Tell: func(s *differ.Session) {
			r := enter(s)
			r.nameIDs()
			groups := []string{"red-1", "blue-1", "red-9"}
			for i, rules := range [][]rule{
				{}, {allow(alice, describe, groupKind, anyName)}, {allow(alice, read, groupKind, "red-1"), allow(alice, describe, topicKind, "red-1")},
				{ofPrefix(allow(alice, all, groupKind, "red-")), ofPrefix(allow(alice, read, topicKind, "red-")), allow(alice, describe, topicKind, "blue-9")},
				{allow(alice, describe, topicKind, anyName)}, {allow(alice, all, groupKind, anyName), allow(alice, all, topicKind, anyName), deny(alice, describe, topicKind, "red-2")},
			} {
				under(s, fmt.Sprintf("some, rules %d", i), r.offsetFetchOf(kept, groups...), rules...)
				if s.Version >= 2 {
					under(s, fmt.Sprintf("all, rules %d", i), r.offsetFetchOf(nil, groups...), rules...)
				}
			}
		}},
		{Name: "offsets/committed", Key: kmsg.OffsetCommit, Tell: func(s *differ.Session) {
			r := enter(s)
			r.nameIDs()
			for i, rules := range [][]rule{
				{}, {allow(alice, describe, groupKind, anyName), allow(alice, all, topicKind, anyName)}, {allow(alice, read, groupKind, "red-1")},
				{allow(alice, read, groupKind, "red-1"), allow(alice, read, topicKind, "red-1")}, {allow(alice, read, groupKind, "red-1"), allow(alice, describe, topicKind, anyName)},
				{allow(alice, read, groupKind, "red-1"), allow(alice, read, topicKind, "red-9")}, {allow(alice, read, groupKind, anyName), allow(alice, read, topicKind, anyName)},
			} {
				under(s, fmt.Sprintf("rules %d", i), r.commitOf("red-1", kept...), rules...)
			}
		}},
		{Name: "offsets/deleted", Key: kmsg.OffsetDelete, Tell: func(s *differ.Session) {
			r := enter(s)
			for i, rules := range [][]rule{
				{}, {allow(alice, remove, groupKind, "red-3")}, {allow(alice, read, groupKind, "red-3"), allow(alice, all, topicKind, anyName)},
				{allow(alice, remove, groupKind, "red-3"), allow(alice, describe, topicKind, anyName)}, {allow(alice, remove, groupKind, "red-3"), allow(alice, read, topicKind, "red-1"), allow(alice, read, topicKind, "red-9")},
				{allow(alice, remove, groupKind, anyName), allow(alice, read, topicKind, anyName)},
			} {
				for _, group := range []string{"red-3", "red-9", consumerGroup} {
					under(s, fmt.Sprintf("%s, rules %d", group, i), offsetDeleteOf(group, "red-1", "blue-1", "red-9"), rules...)
				}
			}
			r.commitOffsets("red-3")
		}},
	}
}

// describeAs describes groups with members, with fewer and more rights to what they read.
func describeAs(s *differ.Session, req kmsg.Request) {
	groups := allow(alice, describe, groupKind, anyName)
	for i, rules := range [][]rule{
		{}, {groups}, {groups, allow(alice, describe, topicKind, "red-1"), allow(alice, describe, topicKind, "red-2")}, {groups, allow(alice, read, topicKind, anyName)},
		{groups, allow(alice, all, topicKind, anyName), deny(alice, describe, topicKind, "blue-1"), deny(alice, describe, topicKind, "blue-2")},
		{allow(alice, all, topicKind, anyName)}, {groups, onCluster(alice, all)},
	} {
		impose(s, rules)
		s.Peer(alice).Try(fmt.Sprintf("rules %d", i), req, epochs...)
	}
}

// memberStories are about members of groups that are let in or not.
func memberStories() []differ.Story {
	return []differ.Story{
		{Name: "members/classic", Key: kmsg.JoinGroup, Tell: func(s *differ.Session) {
			group := s.Group("g")
			for i, rules := range [][]rule{{}, {allow(alice, describe, groupKind, group)}, {allow(alice, all, groupKind, group), deny(alice, read, groupKind, group)}, {onCluster(alice, all)}} {
				for _, name := range []string{group, ""} {
					for _, member := range []string{"", unknownMember} {
						under(s, fmt.Sprintf("group %q, member %q, rules %d", name, member, i), joinGroupOf(name, member), rules...)
					}
				}
			}
			bad := joinGroupOf(group, "")
			bad.SessionTimeoutMillis = 1
			under(s, "a bad timeout, without a right", bad)
			under(s, "unknown, with a right", joinGroupOf(group, unknownMember), allow(alice, read, groupKind, group))
			static := joinGroupOf(group, "")
			static.InstanceID = ptr("i")
			under(s, "static, without a right", static)
		}},
		{Name: "members/of consumer groups", Key: kmsg.ConsumerGroupHeartbeat, Tell: tellConsumerMember},
		{Name: "members/by pattern", Key: kmsg.ConsumerGroupHeartbeat, Versions: since(1), Tell: tellPatternMember},
		{Name: "members/of share groups", Key: kmsg.ShareGroupHeartbeat, Tell: func(s *differ.Session) {
			group, none := s.Group("sg"), s.Topic("none")
			req := shareBeat(group, "member", 0)
			req.SubscribedTopicNames = []string{"red-1", none}
			readGroup := allow(alice, read, groupKind, group)
			for i, rules := range [][]rule{
				{}, {readGroup}, {readGroup, allow(alice, describe, topicKind, "red-1")}, {readGroup, allow(alice, describe, topicKind, none)},
				{allow(alice, describe, groupKind, group), allow(alice, describe, topicKind, anyName)}, {readGroup, allow(alice, describe, topicKind, anyName), deny(alice, describe, topicKind, none)},
			} {
				under(s, fmt.Sprintf("rules %d", i), req, rules...)
			}
			bare := shareBeat(group, "member", 5)
			under(s, "nothing new, without a right to topics", bare, readGroup)
			under(s, "leaving, without a right", shareBeat(group, "member", -1))
			empty := shareBeat(group, "", 5)
			under(s, "without a member id or a right", empty)
		}},
	}
}

// tellConsumerMember has a member join by names, whose rights go while it is there.
func tellConsumerMember(s *differ.Session) {
	group, none := s.Group("cg"), s.Topic("none")
	join := consumerBeat(group, "member", 0)
	join.RebalanceTimeoutMillis, join.SubscribedTopicNames, join.Topics = longMillis, []string{"red-1", none}, []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	readGroup := allow(alice, read, groupKind, group)
	for i, rules := range [][]rule{
		{}, {readGroup}, {readGroup, allow(alice, read, topicKind, "red-1")}, {readGroup, allow(alice, describe, topicKind, none)},
		{allow(alice, describe, groupKind, group), allow(alice, all, topicKind, anyName)}, {readGroup, allow(alice, all, topicKind, anyName), deny(alice, describe, topicKind, "red-1")},
	} {
		under(s, fmt.Sprintf("rules %d", i), join, rules...)
	}
	under(s, "nothing new, without a right to topics", consumerBeat(group, "member", 5), readGroup)
	under(s, "leaving, without a right", consumerBeat(group, "member", -1))
	wrong := consumerBeat(group, "member", 0)
	wrong.SubscribedTopicNames = []string{"red-1"}
	under(s, "not what a first one says, without a right", wrong)
	wrong.ServerAssignor = ptr("none")
	wrong.RebalanceTimeoutMillis, wrong.Topics = longMillis, join.Topics
	under(s, "an unknown assignor, without a right to the topic", wrong, readGroup)
}

// tellPatternMember has a member join by a pattern, which stands for what it may see.
func tellPatternMember(s *differ.Session) {
	a, b, group := s.Topic("a"), s.Topic("b"), s.Group("cg")
	makeTopics(s, a, b)
	join := consumerBeat(group, "member", 0)
	join.RebalanceTimeoutMillis, join.SubscribedTopicRegex, join.Topics = longMillis, ptr(s.Topic(".*")), []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	under(s, "without a right", join)
	impose(s, []rule{allow(alice, read, groupKind, group), allow(alice, describe, topicKind, a)})
	s.Peer(alice).Until(join, func(resp kmsg.Response) bool {
		answer := resp.(*kmsg.ConsumerGroupHeartbeatResponse)
		if answer.ErrorCode != 0 {
			s.Stop("the member is not let in: error %d", answer.ErrorCode)
		}
		join.MemberEpoch = answer.MemberEpoch
		if answer.Assignment == nil || len(answer.Assignment.Topics) == 0 {
			return false
		}
		join.Topics = nil
		for _, t := range answer.Assignment.Topics {
			join.Topics = append(join.Topics, kmsg.ConsumerGroupHeartbeatRequestTopic{TopicID: t.TopicID, Partitions: t.Partitions})
		}
		return true
	})
	describe := kmsg.NewPtrConsumerGroupDescribeRequest()
	describe.Groups = []string{group}
	s.Until(describe, func(resp kmsg.Response) bool {
		s.Peer(alice).Quiet(join) // owns what it was given
		return resp.(*kmsg.ConsumerGroupDescribeResponse).Groups[0].State == "Stable"
	})
	s.Peer(admin).Try("what it reads", describe, epochs...)
	s.Peer(alice).Try("as itself", describe, epochs...)
	s.Peer(alice).Try("leaving", consumerBeat(group, "member", -1))
}
