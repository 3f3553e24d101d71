package group

import (
	"maps"
	"slices"
	"time"

	"github.com/barnabas-mq/barnabas/coordinator/group/assignor"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Share is the protocol of ShareGroupHeartbeat.
const Share Type = "share"

// shareGroup is the membership of one share group (KIP-932; Kafka 4.3.1's
// ShareGroup). Its members read partitions together, so that nobody has to give one
// up before another gets it: a member is at the target as soon as it has heard of
// it. All of it but settled, begun, asked, refreshed and the members' timers is durable and
// changes in share_apply.go alone.
type shareGroup struct {
	id           string
	epoch        int32
	metadataHash int64 // of the topics that members subscribe to
	targetEpoch  int32
	// targetAt is when the target was computed; 0 when unknown.
	targetAt protocol.Timestamp
	targets  map[string]assignor.Assignment // by member id

	// Invariant: names counts the members that subscribe to a topic, bytes is about
	// what all members say.
	members map[string]*shareMember
	names   map[string]int
	bytes   int

	state shareProgress
	// settled: since its last change, the group was found not to lack assignments.
	settled bool
	// begun: since its last change, every partition that it reads was found to have state,
	// with this state of the topics.
	begun topicsSeen
	// asked is when the initialization of a topic's partitions was last asked for.
	asked     map[protocol.UUID]time.Duration
	refreshed topicsSeen
}

// shareProgress is which partitions have state to read them by (Kafka's
// ShareGroupStatePartitionMetadata). A partition is assigned once it is initialized.
// It is immutable, slices are sorted by topic id.
type shareProgress struct {
	initializing []shareTopic
	initialized  []shareTopic
	deleting     []shareTopic // these have no partitions
}

// shareTopic is partitions of a topic.
type shareTopic struct {
	id         protocol.UUID
	name       string
	partitions []int32 // ascending
}

// shareSubscription is what a member says of itself. It is immutable.
type shareSubscription struct {
	rack       *string
	clientID   string
	clientHost string
	topics     []string // sorted, none twice
}

// shareCurrent is where a member stands. It is immutable.
type shareCurrent struct {
	epoch         int32
	previousEpoch int32
	state         memberState // Kafka's members of share groups are always stable
	assigned      assignor.Assignment
}

// shareMember is one member of a share group.
type shareMember struct {
	group *shareGroup
	id    string
	// told is nil while only a part of the member's records is known, in a replay.
	told    *shareSubscription
	current shareCurrent
	session timer // until the member is given up
}

func newShareGroup(id string) *shareGroup {
	return &shareGroup{
		id: id, epoch: firstGroupEpoch, targetEpoch: firstGroupEpoch, targets: map[string]assignor.Assignment{},
		members: map[string]*shareMember{}, names: map[string]int{}, asked: map[protocol.UUID]time.Duration{},
	}
}

// noShareEpoch is the previous epoch of a member that has none yet.
const noShareEpoch = -1

func newShareMember(g *shareGroup, id string) *shareMember {
	m := &shareMember{group: g, id: id, current: shareCurrent{previousEpoch: noShareEpoch}}
	m.session = newShareTimer(m)
	return m
}

// groupState is derived from the members.
func (g *shareGroup) groupState() State {
	if len(g.members) == 0 {
		return Empty
	}
	return Stable
}

// sortedMembers lists the members by id, so that runs can be repeated.
func (g *shareGroup) sortedMembers() []*shareMember {
	members := make([]*shareMember, 0, len(g.members))
	for _, id := range sortedKeys(g.members) {
		members = append(members, g.members[id])
	}
	return members
}

// subscribedTopics lists the topics that the group reads, sorted, as if the member
// without said nothing and one said with.
func (g *shareGroup) subscribedTopics(without *shareMember, with *shareSubscription) []string {
	names := g.names
	if without != nil || with != nil {
		names = maps.Clone(names)
		if without != nil && without.told != nil {
			for _, topic := range without.told.topics {
				count(names, topic, -1)
			}
		}
		if with != nil {
			for _, topic := range with.topics {
				count(names, topic, +1)
			}
		}
	}
	return sortedKeys(names)
}

// lacksAssignments: a partition was initialized since the last target was computed
// and nobody is to read it yet (Kafka's initializedAssignmentPending).
func (g *shareGroup) lacksAssignments(topics Topics) bool {
	if g.settled || len(g.members) == 0 {
		return false
	}
	var targets assignor.Assignment
	for _, target := range g.targets {
		targets = targets.Union(target)
	}
	for _, t := range g.state.initialized {
		if g.names[t.name] == 0 {
			continue
		}
		if _, exists := topics.TopicByID(t.id); !exists {
			continue // what is noted of it is about to go
		}
		at, ok := slices.BinarySearchFunc(targets, t.id, func(p assignor.Partitions, id protocol.UUID) int { return compareUUIDs(p.Topic, id) })
		if !ok || !slices.Equal(targets[at].Partitions, t.partitions) {
			return true
		}
	}
	g.settled = true
	return false
}

// weight is about what a subscription takes.
func (s *shareSubscription) weight() int {
	const idsAndTimeouts, aTopic = 200, 16
	sum := idsAndTimeouts + len(s.clientID) + len(s.clientHost)
	for _, topic := range s.topics {
		sum += aTopic + len(topic)
	}
	return sum
}

func (s *shareSubscription) equal(o *shareSubscription) bool {
	return equalPointers(s.rack, o.rack) && s.clientID == o.clientID && s.clientHost == o.clientHost && slices.Equal(s.topics, o.topics)
}

// with is what the member says after a request.
func (s *shareSubscription) with(in *ShareHeartbeatInput) *shareSubscription {
	next := *s
	next.clientID, next.clientHost = in.ClientID, in.ClientHost
	if in.Rack != nil {
		next.rack = in.Rack
	}
	if in.Topics != nil {
		next.topics = distinctSorted(in.Topics)
	}
	return &next
}

// isReconciledTo: the member has heard of the target of an epoch.
func (c *shareCurrent) isReconciledTo(epoch int32) bool {
	return c.state == memberStable && c.epoch == epoch
}

func (c *shareCurrent) equal(o *shareCurrent) bool {
	return c.epoch == o.epoch && c.previousEpoch == o.previousEpoch && c.state == o.state && c.assigned.Equal(o.assigned)
}
