package differ

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// consumer is one member of a group of the consumer protocol (KIP-848), on a
// connection of its own.
type consumer struct {
	peer   *Peer
	group  string
	id     string
	epoch  int32
	topics []string
	// owned is what the group has assigned.
	owned []kmsg.ConsumerGroupHeartbeatRequestTopic
}

// Consumer is a member who has not joined yet. Its id is the same for both brokers
// where the version lets the client make it.
func (s *Session) Consumer(name, group string, topics ...string) *consumer {
	c := &consumer{peer: s.Peer(name), group: s.Group(group), topics: topics}
	if s.versionOf(int16(kmsg.ConsumerGroupHeartbeat)) >= 1 {
		c.id = s.prefix + name
	}
	for _, topic := range topics {
		if topic != unknownTopic {
			s.awaitCoordinator(c.group, topic)
		}
	}
	return c
}

// awaitCoordinator waits until the shard of a group sees a topic: each learns of it by
// itself, and a group that begins before gets nothing at first. Other groups of the same
// shard, one after the other, find out.
func (s *Session) awaitCoordinator(group, topic string) {
	shard, attempt := shardOf(group), 0
	probe := &consumer{peer: s.Peer(""), topics: []string{topic}}
	ask := func(epoch int32) *kmsg.ConsumerGroupHeartbeatResponse {
		req := probe.joinRequest()
		req.MemberEpoch = epoch
		return probe.heard(probe.peer.Quiet(req))
	}
	for deadline := time.Now().Add(settleTimeout); ; {
		for probe.group = ""; probe.group == "" || shardOf(probe.group) != shard; attempt++ {
			probe.group = fmt.Sprintf("%sprobe-%s-%d", s.prefix, group, attempt)
		}
		probe.id = ""
		if s.versionOf(int16(kmsg.ConsumerGroupHeartbeat)) >= 1 {
			probe.id = probe.group
		}
		resp := ask(0)
		found := resp.Assignment != nil && len(resp.Assignment.Topics) > 0
		ask(-1)
		s.Quiet(deleteGroups(probe.group))
		if found {
			return
		}
		if time.Now().After(deadline) {
			s.Stop("the coordinator of %s does not see %s: %+v", group, topic, resp)
		}
	}
}

// shardOf is the partition of the offsets topic that a group belongs to, by Java's hash
// of a string.
func shardOf(group string) int32 {
	const shards = 50
	hash := int32(0)
	for _, c := range []byte(group) { // of ASCII alone
		hash = 31*hash + int32(c)
	}
	return hash & (1<<31 - 1) % shards
}

// joinRequest tells everything, as a member does that begins.
func (c *consumer) joinRequest() *kmsg.ConsumerGroupHeartbeatRequest {
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Group, req.MemberID, req.MemberEpoch = c.group, c.id, 0
	req.RebalanceTimeoutMillis, req.SubscribedTopicNames = 30_000, c.topics
	req.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	return req
}

// beatRequest tells nothing new.
func (c *consumer) beatRequest() *kmsg.ConsumerGroupHeartbeatRequest {
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Group, req.MemberID, req.MemberEpoch = c.group, c.id, c.epoch
	req.RebalanceTimeoutMillis = -1
	return req
}

// ownsRequest says that the member has what it was assigned.
func (c *consumer) ownsRequest() *kmsg.ConsumerGroupHeartbeatRequest {
	req := c.beatRequest()
	req.Topics = c.owned
	if req.Topics == nil {
		req.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	}
	return req
}

func (c *consumer) tell(label string, req *kmsg.ConsumerGroupHeartbeatRequest) *kmsg.ConsumerGroupHeartbeatResponse {
	return c.heard(c.peer.Ask(label, req))
}

// heard takes over what an answer says about the member.
func (c *consumer) heard(r kmsg.Response) *kmsg.ConsumerGroupHeartbeatResponse {
	resp := r.(*kmsg.ConsumerGroupHeartbeatResponse)
	if resp.ErrorCode != 0 {
		return resp
	}
	c.epoch = resp.MemberEpoch
	if resp.MemberID != nil {
		c.id = *resp.MemberID
	}
	if resp.Assignment != nil {
		c.owned = nil
		for _, t := range resp.Assignment.Topics {
			c.owned = append(c.owned, kmsg.ConsumerGroupHeartbeatRequestTopic{TopicID: t.TopicID, Partitions: t.Partitions})
		}
	}
	return resp
}

// settled beats until the member has so many partitions, owning what it is given.
func (c *consumer) settled(partitions int) {
	c.peer.Until(c.ownsRequest(), func(r kmsg.Response) bool {
		resp := c.heard(r)
		have := 0
		for _, t := range c.owned {
			have += len(t.Partitions)
		}
		return resp.ErrorCode == 0 && have == partitions
	})
	c.peer.Quiet(c.ownsRequest())
}

func describeConsumerGroups(groups ...string) *kmsg.ConsumerGroupDescribeRequest {
	req := kmsg.NewPtrConsumerGroupDescribeRequest()
	req.Groups = groups
	return req
}

func consumerGroupStories() []Story {
	var stories []Story
	for _, key := range []kmsg.Key{kmsg.ConsumerGroupHeartbeat, kmsg.ConsumerGroupDescribe} {
		stories = append(stories, Story{Name: "consumer groups/life/" + key.Name(), Key: key, Tell: tellConsumerGroup})
	}
	return append(stories,
		Story{Name: "consumer groups/one gives up", Key: kmsg.ConsumerGroupHeartbeat, Tell: tellOneGivesUp},
		Story{Name: "consumer groups/refused", Key: kmsg.ConsumerGroupHeartbeat, Tell: tellConsumerRefusals},
		Story{Name: "consumer groups/static members", Key: kmsg.ConsumerGroupHeartbeat, Tell: tellStaticConsumers},
		Story{Name: "consumer groups/patterns", Key: kmsg.ConsumerGroupHeartbeat, Versions: since(1), Tell: tellPatterns},
		Story{Name: "consumer groups/offsets", Key: kmsg.OffsetCommit, Versions: since(5), Tell: tellConsumerOffsets},
		Story{Name: "consumer groups/offsets are fetched", Key: kmsg.OffsetFetch, Versions: since(6), Tell: tellConsumerOffsets},
		Story{Name: "consumer groups/kinds do not mix", Key: kmsg.ConsumerGroupDescribe, Tell: tellKinds},
		Story{Name: "consumer groups/classic requests", Key: kmsg.Heartbeat, Tell: tellClassicRequests},
	)
}

// tellConsumerGroup is a member alone, a second one, and both leave.
func tellConsumerGroup(s *Session) {
	topic, _ := s.MakeTopic("t", 4)
	a, b := s.Consumer("a", "g", topic), s.Consumer("b", "g", topic)
	a.tell("a joins", a.joinRequest())
	a.tell("a has its partitions", a.ownsRequest())
	a.tell("a has nothing to say", a.beatRequest())
	s.Ask("described", describeConsumerGroups(a.group))
	ops := describeConsumerGroups(a.group, a.group, s.Group("never-made"), "")
	ops.IncludeAuthorizedOperations = true
	s.Ask("described with operations", ops)
	b.heard(b.peer.Quiet(b.joinRequest()))
	a.settled(2)
	b.settled(2)
	a.tell("a after the rebalance", a.beatRequest())
	b.tell("b after the rebalance", b.beatRequest())
	s.Ask("both described", describeConsumerGroups(a.group))
	s.Ask("described as a classic group", describeGroups(a.group))
	s.Ask("not empty", deleteGroups(a.group))
	leave := b.beatRequest()
	leave.MemberEpoch = -1
	b.peer.Ask("b leaves", leave)
	b.peer.Ask("b beats on", b.beatRequest())
	a.settled(4)
	a.tell("a has all again", a.beatRequest())
	leave = a.beatRequest()
	leave.MemberEpoch = -1
	a.peer.Ask("a leaves", leave)
	s.Ask("empty", describeConsumerGroups(a.group))
	s.Ask("deleted", deleteGroups(a.group))
	s.Ask("gone", describeConsumerGroups(a.group))
}

// tellOneGivesUp: what is another's is given to a member when the other has said that it gave it up, not before.
func tellOneGivesUp(s *Session) {
	topic, _ := s.MakeTopic("t", 4)
	a, b := s.Consumer("a", "g", topic), s.Consumer("b", "g", topic)
	a.heard(a.peer.Quiet(a.joinRequest()))
	a.settled(4)
	b.heard(b.peer.Quiet(b.joinRequest()))
	a.peer.Until(a.beatRequest(), func(r kmsg.Response) bool { // which does not say that it has heard
		a.heard(r)
		return len(a.owned) == 1 && len(a.owned[0].Partitions) == 2
	})
	b.tell("b waits", b.ownsRequest())
	b.tell("b waits on", b.ownsRequest())
	a.tell("a gives up", a.ownsRequest())
	b.tell("b gets them", b.ownsRequest())
	b.tell("b has them", b.ownsRequest())
}

func tellConsumerRefusals(s *Session) {
	topic, id := s.MakeTopic("t", 2)
	a := s.Consumer("a", "g", topic)
	for _, c := range []struct {
		label string
		edit  func(r *kmsg.ConsumerGroupHeartbeatRequest)
	}{
		{"empty group", func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.Group = "" }},
		{"blank group", func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.Group = " " }},
		{"no topics subscribed", func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.SubscribedTopicNames = nil }},
		{"owned partitions unknown", func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.Topics = nil }},
		{"owns partitions already", func(r *kmsg.ConsumerGroupHeartbeatRequest) {
			r.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{{TopicID: id, Partitions: []int32{0}}}
		}},
		{"no rebalance timeout", func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.RebalanceTimeoutMillis = -1 }},
		{"rebalance timeout 0", func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.RebalanceTimeoutMillis = 0 }},
		{"unknown assignor", func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.ServerAssignor = ptr("dice") }},
		{"empty assignor", func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.ServerAssignor = ptr("") }},
		{"empty instance", func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.InstanceID = ptr("") }},
		{"empty rack", func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.RackID = ptr("") }},
		{"epoch -2 without instance", func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.MemberEpoch = -2 }},
		{"epoch -3", func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.MemberEpoch = -3 }},
		{"leaves an unknown group", func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.MemberEpoch = -1 }},
		{"epoch of an unknown group", func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.MemberEpoch = 5 }},
		{"epoch without an id", func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.MemberID, r.MemberEpoch = "", 5 }},
	} {
		a.peer.Ask(c.label, edited(a.joinRequest(), c.edit))
	}
	if s.Version >= 1 {
		a.peer.Ask("no id", edited(a.joinRequest(), func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.MemberID = "" }))
	}
	a.tell("joins", a.joinRequest())
	a.tell("has its partitions", a.ownsRequest())
	for _, c := range []struct {
		label string
		edit  func(r *kmsg.ConsumerGroupHeartbeatRequest)
	}{
		{"epoch from the future", func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.MemberEpoch += 7 }},
		{"old epoch", func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.MemberEpoch-- }},
		{"a stranger", func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.MemberID = "nobody" }},
		{"unknown assignor in the middle", func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.ServerAssignor = ptr("dice") }},
		{"a stranger leaves", func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.MemberID, r.MemberEpoch = "nobody", -1 }},
		{"instance id that was not there", func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.InstanceID = ptr("i-1") }},
		{"still there", func(*kmsg.ConsumerGroupHeartbeatRequest) {}},
	} {
		a.peer.Ask(c.label, edited(a.beatRequest(), c.edit))
	}
	b := s.Consumer("b", "range", unknownTopic)
	b.tell("reads a topic that is not there", edited(b.joinRequest(), func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.ServerAssignor = ptr("range") }))
	s.Ask("described", describeConsumerGroups(b.group))
}

func tellStaticConsumers(s *Session) {
	topic, _ := s.MakeTopic("t", 2)
	a, twin := s.Consumer("a", "g", topic), s.Consumer("twin", "g", topic)
	static := func(c *consumer) *kmsg.ConsumerGroupHeartbeatRequest {
		return edited(c.joinRequest(), func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.InstanceID = ptr("i-1") })
	}
	at := func(c *consumer, epoch int32) *kmsg.ConsumerGroupHeartbeatRequest {
		return edited(c.beatRequest(), func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.InstanceID, r.MemberEpoch = ptr("i-1"), epoch })
	}
	a.tell("joins", static(a))
	twin.tell("its twin comes too early", static(twin))
	a.tell("still there", at(a, a.epoch))
	a.peer.Ask("goes for a while", at(a, -2))
	s.Ask("described while it is away", describeConsumerGroups(a.group))
	twin.tell("its twin takes over", static(twin))
	a.peer.Ask("the old one is fenced", at(a, a.epoch))
	a.peer.Ask("the old one leaves", at(a, -1))
	twin.tell("the new one", at(twin, twin.epoch))
	s.Ask("described", describeConsumerGroups(a.group))
	twin.peer.Ask("leaves for good", at(twin, -1))
	s.Ask("empty", describeConsumerGroups(a.group))
}

func tellPatterns(s *Session) {
	topic, _ := s.MakeTopic("pattern-t", 2)
	for i, pattern := range []string{"(", "", topic, ".*-pattern-.*"} {
		c := s.Consumer(fmt.Sprint("c", i), fmt.Sprint("g", i))
		join := edited(c.joinRequest(), func(r *kmsg.ConsumerGroupHeartbeatRequest) {
			r.SubscribedTopicRegex = &pattern
			r.SubscribedTopicNames = nil
		})
		// The assignment is left out: Kafka resolves patterns behind the answer.
		c.heard(c.peer.Begin("joins by "+pattern, join).Racing("Assignment").Finish())
	}
	s.awaitCoordinator(s.Group("settled"), topic)
	c := s.Consumer("settled", "settled")
	join := edited(c.joinRequest(), func(r *kmsg.ConsumerGroupHeartbeatRequest) {
		r.SubscribedTopicRegex, r.SubscribedTopicNames = ptr(s.prefix+"pattern-.*"), nil
	})
	c.heard(c.peer.Quiet(join))
	c.settled(2)
	s.Ask("described", describeConsumerGroups(c.group))
}

// tellConsumerOffsets is who may commit to a group of the consumer protocol.
func tellConsumerOffsets(s *Session) {
	topic, id := s.MakeTopic("t", 1)
	a := s.Consumer("a", "g", topic)
	a.tell("joins", a.joinRequest())
	m := &member{peer: s.Peer(""), group: a.group, id: a.id, generation: a.epoch}
	commit := func(label, member string, epoch int32, offset int64) {
		m.id, m.generation = member, epoch
		s.Ask(label, m.commitRequest(topic, id, offset, nil))
	}
	commit("member", a.id, a.epoch, 1)
	commit("member, epoch from the future", a.id, a.epoch+5, 2)
	commit("member, old epoch", a.id, a.epoch-1, 3)
	commit("stranger", "nobody", a.epoch, 4)
	commit("nobody", "", -1, 5)
	s.Ask("committed", offsetsOf(a.group, offsetTopic(topic, id, 0)))
	if s.versionOf(int16(kmsg.OffsetFetch)) >= 9 {
		fetch := func(label, member string, epoch int32) {
			s.Ask(label, edited(offsetsOf(a.group, offsetTopic(topic, id, 0)), func(r *kmsg.OffsetFetchRequest) {
				r.Groups[0].MemberID, r.Groups[0].MemberEpoch = &member, epoch
			}))
		}
		fetch("fetched by the member", a.id, a.epoch)
		fetch("fetched with an epoch from the future", a.id, a.epoch+5)
		fetch("fetched with an old epoch", a.id, a.epoch-1)
		fetch("fetched by a stranger", "nobody", a.epoch)
		fetch("fetched by nobody", "", -1)
	}
}

// tellKinds is what each kind of group hears that is asked as the other.
func tellKinds(s *Session) {
	topic, _ := s.MakeTopic("t", 1)
	classic := s.Member("m", "classic", topic)
	classic.stable("classic")
	s.Ask("classic group as a consumer group", describeConsumerGroups(classic.group))
	connect := s.Member("w", "connect")
	connect.introduce("worker")
	s.Quiet(edited(connect.joinRequest("default"), func(r *kmsg.JoinGroupRequest) { r.ProtocolType = "connect" }))
	intruder := s.Consumer("i", "connect", topic)
	intruder.peer.Ask("consumer joins a group of workers", intruder.joinRequest())
	empty := s.Member("e", "empty", topic)
	empty.stable("empty")
	empty.peer.Ask("leaves", empty.leaveRequest())
	heir := s.Consumer("h", "empty", topic)
	heir.tell("consumer joins an empty classic group", heir.joinRequest())
	s.Ask("the group has changed its kind", describeConsumerGroups(heir.group))
	listed := kmsg.NewPtrListGroupsRequest()
	s.Ask("listed", listed)
}

// tellClassicRequests is what classic requests do in a group of the other protocol.
func tellClassicRequests(s *Session) {
	topic, _ := s.MakeTopic("t", 2)
	a := s.Consumer("a", "g", topic)
	a.tell("joins", a.joinRequest())
	m := &member{peer: s.Peer("m"), group: a.group, id: a.id, generation: a.epoch}
	m.heartbeat("consumer beats in the classic way")
	m.peer.Ask("consumer syncs", m.syncRequest())
	stranger := s.Member("s", "g", topic)
	stranger.id = "nobody"
	stranger.heartbeat("stranger beats")
	worker := s.Member("w", "g", topic)
	s.Ask("worker joins", edited(worker.joinRequest("default"), func(r *kmsg.JoinGroupRequest) { r.ProtocolType = "connect" }))
	m.peer.Ask("consumer leaves in the classic way", m.leaveRequest())
	s.Ask("described", describeConsumerGroups(a.group))
}
