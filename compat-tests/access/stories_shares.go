package access

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/differ"
)

// shareStories look at the share group of the room, and at one that nobody is in.
func shareStories() []differ.Story {
	return []differ.Story{
		{Name: "share fetch/who may", Key: kmsg.ShareFetch, Tell: func(s *differ.Session) {
			r := enter(s)
			r.nameIDs()
			first := r.shareFetchOf(shareGroup, "reader", 0, shareReads...)
			for i, rules := range shareRules() {
				under(s, fmt.Sprintf("rules %d", i), first, rules...)
			}
			under(s, "no session, without a right", r.shareFetchOf(shareGroup, "reader", 7, shareReads...))
			under(s, "no group, without a right", r.shareFetchOf("red-9", "reader", 0, shareReads...))
			noName := r.shareFetchOf("", "reader", 0, shareReads...)
			under(s, "no name, without a right", noName)
		}},
		{Name: "share acknowledge/who may", Key: kmsg.ShareAcknowledge, Tell: func(s *differ.Session) {
			r := enter(s)
			r.nameIDs()
			for i, rules := range shareRules() {
				impose(s, []rule{allow(alice, all, groupKind, anyName), allow(alice, all, topicKind, anyName)})
				s.Peer(alice).Quiet(r.shareFetchOf(shareGroup, "reader", 0, shareReads...)) // begins a session
				under(s, fmt.Sprintf("rules %d", i), r.acknowledgeOf(shareGroup, "reader", 1, shareReads...), rules...)
				under(s, fmt.Sprintf("no session, rules %d", i), r.acknowledgeOf(shareGroup, "nobody", 1, shareReads...), rules...)
			}
		}},
		{Name: "share offsets/described", Key: kmsg.DescribeShareGroupOffsets, Tell: func(s *differ.Session) {
			for i, rules := range append(shareRules(), []rule{allow(alice, describe, groupKind, shareGroup), allow(alice, describe, topicKind, "red-2")}) {
				under(s, fmt.Sprintf("some, rules %d", i), shareOffsetsOf([]string{"red-2", "blue-2", "red-9"}, shareGroup, "red-9"), rules...)
				under(s, fmt.Sprintf("all, rules %d", i), shareOffsetsOf(nil, shareGroup, "red-9"), rules...)
			}
		}},
		{Name: "share offsets/altered", Key: kmsg.AlterShareGroupOffsets, Tell: func(s *differ.Session) {
			group := emptyShareGroup(s)
			for i, rules := range shareRulesFor(group) {
				under(s, fmt.Sprintf("rules %d", i), alterShareOffsetsOf(group, "red-2", "blue-2", "red-9"), rules...)
			}
			under(s, "a group with a member, without a right", alterShareOffsetsOf(shareGroup, "red-2"))
			under(s, "a group with a member, with a right", alterShareOffsetsOf(shareGroup, "red-2"), shareRules()[3]...)
			s.Quiet(deleteGroupsOf(group))
		}},
		{Name: "share offsets/deleted", Key: kmsg.DeleteShareGroupOffsets, Tell: func(s *differ.Session) {
			group := emptyShareGroup(s)
			for i, rules := range append(shareRulesFor(group), []rule{allow(alice, remove, groupKind, group)}, []rule{allow(alice, remove, groupKind, group), allow(alice, read, topicKind, "red-2")}) {
				under(s, fmt.Sprintf("rules %d", i), deleteShareOffsetsOf(group, "red-2", "blue-2", "red-9"), rules...)
			}
			under(s, "a group with a member, without a right", deleteShareOffsetsOf(shareGroup, "red-2"))
			s.Quiet(deleteGroupsOf(group))
		}},
	}
}

// shareRules are fewer and more rights to the share group of the room and its topics; those
// at 3 are all that a reader needs.
func shareRules() [][]rule { return shareRulesFor(shareGroup) }

func shareRulesFor(group string) [][]rule {
	readGroup := allow(alice, read, groupKind, group)
	return [][]rule{
		{}, {readGroup}, {readGroup, allow(alice, read, topicKind, "red-2")}, {readGroup, allow(alice, read, topicKind, anyName)}, {readGroup, allow(alice, describe, topicKind, anyName)},
		{allow(alice, describe, groupKind, group), allow(alice, all, topicKind, anyName)}, {allow(alice, all, groupKind, anyName), allow(alice, all, topicKind, anyName), deny(alice, read, topicKind, "red-2")},
		{onCluster(alice, all)},
	}
}

// acknowledgeOf acknowledges a record of each topic that nobody was given.
func (r *room) acknowledgeOf(group, member string, epoch int32, topics ...string) *kmsg.ShareAcknowledgeRequest {
	req := kmsg.NewPtrShareAcknowledgeRequest()
	req.GroupID, req.MemberID, req.ShareSessionEpoch = &group, &member, epoch
	for _, name := range topics {
		b := kmsg.NewShareAcknowledgeRequestTopicPartitionAcknowledgementBatch()
		b.AcknowledgeTypes = []int8{1}
		p := kmsg.NewShareAcknowledgeRequestTopicPartition()
		p.AcknowledgementBatches = append(p.AcknowledgementBatches, b)
		t := kmsg.NewShareAcknowledgeRequestTopic()
		t.TopicID, t.Partitions = r.id(name), append(t.Partitions, p)
		req.Topics = append(req.Topics, t)
	}
	return req
}

// emptyShareGroup is a group of the story whose only member has left. What it read is
// kept.
func emptyShareGroup(s *differ.Session) string {
	group := s.Group("sg")
	req := shareBeat(group, "member", 0)
	req.SubscribedTopicNames = shareReads
	s.Until(req, func(resp kmsg.Response) bool {
		answer := resp.(*kmsg.ShareGroupHeartbeatResponse)
		if answer.ErrorCode == 0 {
			req.MemberEpoch = answer.MemberEpoch
		}
		return answer.ErrorCode == 0 && answer.Assignment != nil && len(answer.Assignment.TopicPartitions) == len(shareReads)
	})
	s.Until(shareOffsetsOf(shareReads, group), func(resp kmsg.Response) bool {
		of := resp.(*kmsg.DescribeShareGroupOffsetsResponse).Groups[0]
		return of.ErrorCode == 0 && len(of.Topics) == len(shareReads)
	})
	s.Quiet(shareBeat(group, "member", -1))
	return group
}
