package differ

import (
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// sharing is what a world knows of share groups. Two groups have one member each, so
// that who reads which partition does not depend on the order of members in a hash map;
// members join and leave them, and their offsets are changed while they are empty. One
// more group has a keeper who never leaves, and two readers of its topic, whose only
// partition nothing else writes to.
type sharing struct {
	sharers []*sharer
	group   string // of keeper, guest and readers
	keeper  *sharer
	guest   *sharer
	topic   randomTopic
	readers []*shareReader
	end     int64 // of the log of the topic
	// held are the offsets that each reader has, in order.
	held [2][]int64
	// gone are those that nobody gets any more.
	gone map[int64]bool
}

func (w *world) newSharing() *sharing {
	s := w.Session
	sh := &sharing{gone: map[int64]bool{}, group: s.Group("sg2")}
	for i := range 2 {
		sh.sharers = append(sh.sharers, s.Sharer(fmt.Sprint("s", i), fmt.Sprint("sg", i), w.topics[0].name, w.topics[1].name))
	}
	name, id := s.MakeTopic("st", 1)
	sh.topic = randomTopic{name, id, 1, true}
	s.Ask("topic "+name, metadataFor(name)) // names its id
	s.Quiet(groupConfigs(sh.group, "share.auto.offset.reset", "earliest"))
	sh.keeper, sh.guest = s.Sharer("keeper", "sg2", name), s.Sharer("guest", "sg2", name)
	sh.keeper.heard(sh.keeper.peer.Quiet(sh.keeper.joinRequest()))
	sh.keeper.settled(1)
	sh.load(s)
	for i := range sh.held {
		sh.readers = append(sh.readers, s.ShareReader(fmt.Sprint("r", i), "sg2", id))
	}
	return sh
}

// load has the partition read once: Kafka answers nothing while it loads it.
func (sh *sharing) load(s *Session) {
	s.Produce(sh.topic.name, sh.topic.id, 0, s.Batch("first"))
	sh.end, sh.gone[0] = 1, true
	first := s.ShareReader("first", "sg2", sh.topic.id)
	if got := first.peer.Quiet(first.request()).(*kmsg.ShareFetchResponse); len(acquiredIn(got)) != 1 {
		s.Stop("%s is not read: %+v", sh.topic.name, got)
	}
	first.epoch = -1
	first.peer.Quiet(first.acknowledgement(acks(0, 0, ackAccept)))
}

// cleanUp has all members leave and takes the groups away.
func (sh *sharing) cleanUp(s *Session) {
	groups := []string{sh.group}
	for _, m := range append([]*sharer{sh.keeper, sh.guest}, sh.sharers...) {
		m.peer.Quiet(m.leaveRequest())
		groups = append(groups, m.group)
	}
	slices.Sort(groups)
	s.Quiet(deleteGroups(slices.Compact(groups)...))
}

// askOf is ask on the connection of somebody.
func (w *world) askOf(p *Peer, what string, req kmsg.Request) kmsg.Response {
	return p.Begin(w.label+": "+what, req).finish()
}

// shareMember is what the members of share groups do, and then they wait until they have
// what they read.
func (w *world) shareMember() {
	m := pick(w, append([]*sharer{w.sharing.guest}, w.sharing.sharers...))
	req, what := m.beatRequest(), "beats"
	topics := m.topics
	switch w.number(7) {
	case 0, 1:
		req, what = m.joinRequest(), "joins"
	case 2:
		what = "reads other topics"
		if m != w.sharing.guest {
			topics = pick(w, [][]string{{w.topics[0].name}, {w.topics[1].name, w.topics[0].name}, {w.topics[1].name, unknownTopic}})
		}
		req.SubscribedTopicNames = topics
	case 3:
		req, what = m.leaveRequest(), "leaves"
	}
	switch w.number(16) {
	case 0:
		req.MemberEpoch, what = req.MemberEpoch+1, what+", epoch ahead"
	case 1:
		req.MemberEpoch, what = req.MemberEpoch-1, what+", old epoch"
	case 2:
		if req.MemberEpoch != 0 { // who is not let in
			req.MemberID, what = "nobody", what+", as a stranger"
		}
	case 3:
		req.MemberID, what = "", what+", without an id"
	case 4:
		req.GroupID, what = "", what+", in no group"
	case 5:
		req.SubscribedTopicNames, what = nil, what+", reading nothing"
	}
	resp, _ := w.askOf(m.peer, fmt.Sprintf("sharer of %s %s", m.group, what), req).(*kmsg.ShareGroupHeartbeatResponse)
	if resp == nil || resp.ErrorCode != 0 {
		return
	}
	if resp.MemberEpoch < 0 {
		return
	}
	if req.SubscribedTopicNames != nil {
		m.topics = topics
	}
	m.heard(resp)
	w.quietly(func() { w.settleShares(m) })
}

// settleShares has a member beat, and the keeper of the same group, until the group
// says that they are where it is, and have all partitions of their topics: their state
// begins behind the answers.
func (w *world) settleShares(m *sharer) {
	all := []*sharer{m}
	if m == w.sharing.guest {
		all = append(all, w.sharing.keeper)
	}
	w.Until(describeShareGroups(m.group), func(r kmsg.Response) bool {
		for _, m := range all {
			m.heard(m.peer.Quiet(m.beatRequest()))
		}
		group := r.(*kmsg.ShareGroupDescribeResponse).Groups[0]
		return group.AssignmentEpoch == group.GroupEpoch && !slices.ContainsFunc(all, func(m *sharer) bool { return !w.hasShares(m, group) })
	})
}

// hasShares tells whether a group gives a member, who has heard of it, all that it reads.
func (w *world) hasShares(m *sharer, group kmsg.ShareGroupDescribeResponseGroup) bool {
	for _, member := range group.Members {
		if member.MemberID != m.id {
			continue
		}
		due, has := map[string]int32{}, map[string]int32{}
		for _, t := range w.topics {
			if slices.Contains(m.topics, t.name) {
				due[t.name] = t.partitions
			}
		}
		for _, t := range member.Assignment.TopicPartitions {
			has[t.Topic] = int32(len(t.Partitions))
		}
		return member.MemberEpoch == group.GroupEpoch && m.epoch == group.GroupEpoch && maps.Equal(due, has)
	}
	return false
}

// administerShares looks at share groups, and changes the offsets of those that are
// empty.
func (w *world) administerShares() {
	group := pick(w, []string{w.Group("sg0"), w.Group("sg1"), w.sharing.group, w.Group("never-made"), "", w.Group("g0"), w.Group("sg0"), w.Group("sg1")})
	topics := []string{w.topics[0].name, w.topics[1].name, unknownTopic, w.sharing.topic.name}
	switch w.number(9) {
	case 0, 1:
		req := describeShareGroups(group)
		if w.rarely(2) {
			req.GroupIDs = append(req.GroupIDs, w.Group("sg0"), w.Group("sg0"))
		}
		req.IncludeAuthorizedOperations = w.rarely(2)
		w.ask("describe share group "+group, req)
	case 2, 3:
		if group == "" {
			group = w.sharing.group // Apache Kafka 4.3.1 answers -1 for a group without a name
		}
		req := shareOffsets(group)
		if w.rarely(2) {
			req = shareOffsets(group, w.someShareOffsets(topics)...)
		}
		w.ask("share offsets of "+group, req)
	case 4, 5, 6:
		w.alterShares(group, topics)
	case 7:
		names := []string{pick(w, topics)}
		if w.rarely(2) {
			names = append(names, w.topics[0].name)
		}
		w.ask(fmt.Sprintf("forget %q in %s", names, group), deleteShareOffsets(group, slices.Compact(names)...))
	case 8:
		if group != w.Group("g0") { // the members of this one are asked elsewhere
			w.ask("delete share group "+group, deleteGroups(group))
		}
	}
}

// someShareOffsets are partitions of one or two topics. Apache Kafka 4.3.1 never answers
// for a topic that is named twice, nor for a partition that a topic has not, and it
// answers with -1 for a topic of no partitions.
func (w *world) someShareOffsets(topics []string) []kmsg.DescribeShareGroupOffsetsRequestGroupTopic {
	first, second := pick(w, topics), pick(w, topics)
	some := []kmsg.DescribeShareGroupOffsetsRequestGroupTopic{shareOffsetsTopic(first, pick(w, [][]int32{{0}, {0, 0}})...)}
	if first != second {
		some = append(some, shareOffsetsTopic(second, 0))
	}
	return some
}

// alterShares sets where a group begins, and waits until it does: Kafka notes that a
// partition has begun after it has answered. Partitions that a topic has not are left out:
// of them alone Apache Kafka 4.3.1 makes a group that it cannot delete.
func (w *world) alterShares(group string, topics []string) {
	var all []kmsg.AlterShareGroupOffsetsRequestTopic
	for range 1 + w.number(2) {
		one := shareStart(pick(w, topics), int64(w.number(2)), pick(w, []int64{0, 1, 3, -1, 99, 5}))
		if one.Topic == w.sharing.topic.name {
			one.Partitions[0].Partition = 0
		}
		if !slices.ContainsFunc(all, func(t kmsg.AlterShareGroupOffsetsRequestTopic) bool { return t.Topic == one.Topic }) {
			all = append(all, one)
		}
	}
	resp, _ := w.ask("begin in "+group, alterShareOffsets(group, all...)).(*kmsg.AlterShareGroupOffsetsResponse)
	if resp == nil || resp.ErrorCode != 0 {
		return
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if p.ErrorCode == 0 {
				w.quietly(func() { w.awaitShareStart(group, t.Topic, p.Partition) })
			}
		}
	}
}

func (w *world) awaitShareStart(group, topic string, partition int32) {
	w.Until(shareOffsets(group), func(r kmsg.Response) bool {
		for _, t := range r.(*kmsg.DescribeShareGroupOffsetsResponse).Groups[0].Topics {
			for _, p := range t.Partitions {
				if t.Topic == topic && p.Partition == partition {
					return true
				}
			}
		}
		return false
	})
}
