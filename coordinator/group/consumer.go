package group

import (
	"maps"
	"slices"
	"time"

	"github.com/barnabas-mq/barnabas/coordinator/group/assignor"
	"github.com/barnabas-mq/barnabas/protocol"
)

// The states of a consumer group beside Empty, Stable and Dead (KIP-848).
const (
	Assigning   State = "Assigning"
	Reconciling State = "Reconciling"
)

// Consumer is the protocol of ConsumerGroupHeartbeat.
const Consumer Type = "consumer"

// Epochs that a ConsumerGroupHeartbeat carries in place of a member's.
const (
	JoinEpoch        = 0  // joins, or begins anew
	LeaveEpoch       = -1 // leaves for good
	LeaveStaticEpoch = -2 // a static member leaves and means to come back
)

// firstGroupEpoch is the epoch of a group before its first member is counted
// (Kafka 4.3.1's ModernGroup).
const firstGroupEpoch = 1

// consumerGroup is the membership of one group in the consumer protocol. All of
// it but refreshed and the members' timers is durable and changes in
// consumer_apply.go alone.
//
//	epoch         counts changes of who is in the group and what they read
//	target        who is to own what, as of targetEpoch
//	member.epoch  how far the member has come towards the target
type consumerGroup struct {
	id           string
	epoch        int32
	metadataHash int64 // of the topics that members subscribe to, see topichash.go
	targetEpoch  int32
	// targetAt is when the target was computed; 0 when unknown.
	targetAt protocol.Timestamp
	targets  map[string]assignor.Assignment // by member id

	// Invariant: members and static hold the same members, owners is the union of
	// what they own, and the counts below are theirs.
	members map[string]*consumerMember
	static  map[string]*consumerMember // by group instance id
	owners  map[partitionID]*consumerMember
	// names counts the members that subscribe to a topic by name, patterns those
	// that subscribe by a regular expression, assignors those that wish one.
	names     map[string]int
	patterns  map[string]int
	assignors map[string]int
	// classic counts the members that speak the classic protocol, supported their
	// protocols.
	classic   int
	supported map[string]int
	bytes     int // about what all members say
	// resolved are the topics that the patterns stand for.
	resolved map[string]*resolvedPattern
	// hasPartitionMetadata: Kafka before 4.1 has left a record that the hash replaces.
	hasPartitionMetadata bool

	refreshed topicsSeen
}

// topicsSeen says which state of the topics a group has been compared with; it
// is volatile.
type topicsSeen struct {
	known   bool
	version int64
	// asked is when the patterns were given out to be resolved, 0 when they are not.
	asked time.Duration
	// tooMuch are patterns that stand for more than can be written down, with the
	// version of the topics for which that was found.
	tooMuch map[string]int64
}

// partitionID names a partition by topic id.
type partitionID struct {
	topic     protocol.UUID
	partition int32
}

// resolvedPattern is what a regular expression stood for when it was last
// compared with the topics.
type resolvedPattern struct {
	topics  []string // sorted
	version int64    // of the topics that it was compared with
	at      protocol.Timestamp
}

// subscription is what a member says of itself. It is immutable.
type subscription struct {
	instanceID *string
	rack       *string
	clientID   string
	clientHost string
	topics     []string // sorted, none twice
	pattern    string   // RE2 of topic names, "" for none
	assignor   *string
	// rebalanceTimeoutMillis is how long the member may take to give up partitions.
	rebalanceTimeoutMillis int32
	classic                *classicSubscription // nil in the consumer protocol
}

// classicSubscription is what a member of the classic protocol says beside.
type classicSubscription struct {
	sessionTimeoutMillis int32
	protocols            []Protocol
}

// memberState is how far a member is on its way to the target, by the numbers
// of Kafka's MemberState.
type memberState int8

const (
	memberStable memberState = iota
	// memberRevoking: it has partitions to give up.
	memberRevoking
	// memberWaiting: others have not given up yet what it is to get.
	memberWaiting
	memberStateUnknown memberState = 127
)

// current is where a member stands. It is immutable.
type current struct {
	epoch         int32
	previousEpoch int32
	state         memberState
	assigned      ownedPartitions
	revoking      ownedPartitions // owned still, to be given up
}

// consumerMember is one member of a consumer group.
type consumerMember struct {
	group *consumerGroup
	id    string
	// told is nil while only a part of the member's records is known, in a replay.
	told    *subscription
	current current

	// session is when the member is given up. rebalance runs while it has
	// partitions to give up; join and sync while a classic member is expected to.
	session, rebalance, join, sync timer
}

func newConsumerGroup(id string) *consumerGroup {
	return &consumerGroup{
		id: id, epoch: firstGroupEpoch,
		targets: map[string]assignor.Assignment{}, members: map[string]*consumerMember{},
		static: map[string]*consumerMember{}, owners: map[partitionID]*consumerMember{},
		names: map[string]int{}, patterns: map[string]int{}, assignors: map[string]int{},
		supported: map[string]int{}, resolved: map[string]*resolvedPattern{},
	}
}

func newConsumerMember(g *consumerGroup, id string) *consumerMember {
	m := &consumerMember{group: g, id: id}
	m.session = newMemberTimer(sessionTimer, m)
	m.rebalance = newMemberTimer(rebalanceTimer, m)
	m.join = newMemberTimer(memberJoinTimer, m)
	m.sync = newMemberTimer(memberSyncTimer, m)
	return m
}

// speaksClassic tells which protocol the member uses.
func (m *consumerMember) speaksClassic() bool { return m.told != nil && m.told.classic != nil }

// isReconciledTo: the member has arrived at the target of an epoch.
func (m *consumerMember) isReconciledTo(epoch int32) bool {
	return m.current.state == memberStable && m.current.epoch == epoch
}

// state is derived from the members; a group with 1,000 of them is asked for it
// rarely and changes often.
func (g *consumerGroup) state() State {
	if len(g.members) == 0 {
		return Empty
	}
	if g.epoch > g.targetEpoch {
		return Assigning
	}
	for _, m := range g.members {
		if !m.isReconciledTo(g.targetEpoch) {
			return Reconciling
		}
	}
	return Stable
}

// isSubscribed tells whether a member reads the topic.
func (g *consumerGroup) isSubscribed(topic string) bool {
	if g.names[topic] > 0 {
		return true
	}
	for pattern, r := range g.resolved {
		if _, ok := slices.BinarySearch(r.topics, topic); ok && g.patterns[pattern] > 0 {
			return true
		}
	}
	return false
}

// sortedMembers lists the members by id, so that runs can be repeated.
func (g *consumerGroup) sortedMembers() []*consumerMember {
	members := make([]*consumerMember, 0, len(g.members))
	for _, id := range sortedKeys(g.members) {
		members = append(members, g.members[id])
	}
	return members
}

// targetOf is what the member is to own.
func (g *consumerGroup) targetOf(m *consumerMember) assignor.Assignment { return g.targets[m.id] }

// subscribedTopics lists the topics that the group reads, sorted, as if the
// members in without said nothing and one said with.
func (g *consumerGroup) subscribedTopics(without []*consumerMember, with *subscription) []string {
	names, patterns := g.names, g.patterns
	if len(without) > 0 || with != nil {
		names, patterns = maps.Clone(names), maps.Clone(patterns)
		for _, m := range without {
			if m.told != nil {
				countSubscription(names, patterns, m.told, -1)
			}
		}
		if with != nil {
			countSubscription(names, patterns, with, +1)
		}
	}
	var topics []string
	for name := range names {
		topics = append(topics, name)
	}
	for pattern := range patterns {
		if r := g.resolved[pattern]; r != nil {
			topics = append(topics, r.topics...)
		}
	}
	slices.Sort(topics)
	return slices.Compact(topics)
}

func countSubscription(names, patterns map[string]int, s *subscription, by int) {
	for _, topic := range s.topics {
		count(names, topic, by)
	}
	if s.pattern != "" {
		count(patterns, s.pattern, by)
	}
}

// count moves a counter that is not kept at 0.
func count(counts map[string]int, key string, by int) {
	if counts[key] += by; counts[key] <= 0 {
		delete(counts, key)
	}
}

// topicsOf are those that a member reads, by name and by pattern, sorted.
func (g *consumerGroup) topicsOf(s *subscription) []string {
	r := g.resolved[s.pattern]
	if s.pattern == "" || r == nil {
		return s.topics
	}
	topics := slices.Concat(s.topics, r.topics)
	slices.Sort(topics)
	return slices.Compact(topics)
}

// preferredAssignor is the one that most members wish; ties go to the first by
// name. "" when none has a wish.
func (g *consumerGroup) preferredAssignor() string {
	best, most := "", 0
	for _, name := range sortedKeys(g.assignors) {
		if g.assignors[name] > most {
			best, most = name, g.assignors[name]
		}
	}
	return best
}

// supportsClassic tells whether a classic member with these protocols could
// join: the classic members, which need none of them here, must have one in
// common in case that the group becomes classic again.
func (g *consumerGroup) supportsClassic(protocolType string, protocols []Protocol) bool {
	return protocolType == consumerProtocolType && slices.ContainsFunc(protocols, func(p Protocol) bool {
		return g.supported[p.Name] == g.classic
	})
}

// allClassicExcept: without these members the group speaks classic only.
func (g *consumerGroup) allClassicExcept(members []*consumerMember) bool {
	classic := g.classic
	for _, m := range members {
		if m.speaksClassic() {
			classic--
		}
	}
	return classic == len(g.members)-len(members)
}

// lacksPartitions: partitions of the member's target are still another's.
func (g *consumerGroup) lacksPartitions(m *consumerMember) bool {
	if m.current.state != memberWaiting {
		return false
	}
	for _, t := range g.targetOf(m) {
		for _, p := range t.Partitions {
			if owner := g.owners[partitionID{t.Topic, p}]; owner != nil && owner != m {
				return true
			}
		}
	}
	return false
}

// weight is about what a subscription takes.
func (s *subscription) weight() int {
	const idsAndTimeouts, aTopic = 200, 16
	sum := idsAndTimeouts + len(s.clientID) + len(s.clientHost) + len(s.pattern)
	for _, topic := range s.topics {
		sum += aTopic + len(topic)
	}
	if s.classic != nil {
		sum += weightOf(s.classic.protocols)
	}
	return sum
}

// equal compares what members say, but for their topics and pattern; those are
// compared apart because their change matters more.
func (s *subscription) equal(o *subscription) bool {
	return equalPointers(s.instanceID, o.instanceID) && equalPointers(s.rack, o.rack) &&
		equalPointers(s.assignor, o.assignor) && s.clientID == o.clientID && s.clientHost == o.clientHost &&
		s.rebalanceTimeoutMillis == o.rebalanceTimeoutMillis && s.classic.equal(o.classic)
}

func (s *classicSubscription) equal(o *classicSubscription) bool {
	if s == nil || o == nil {
		return s == o
	}
	return s.sessionTimeoutMillis == o.sessionTimeoutMillis &&
		slices.EqualFunc(s.protocols, o.protocols, func(a, b Protocol) bool {
			return a.Name == b.Name && string(a.Metadata) == string(b.Metadata)
		})
}

func equalPointers(a, b *string) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// distinctSorted is the set of the names, in order.
func distinctSorted(names []string) []string {
	own := slices.Clone(names)
	slices.Sort(own)
	return slices.Compact(own)
}
