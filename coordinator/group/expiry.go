package group

import (
	"container/heap"
	"maps"
	"slices"
	"time"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/protocol"
)

// sweep is the search for expired offsets (Kafka's
// GroupCoordinatorShard.cleanupGroupMetadata). It goes over all groups of the
// shard a slice at a time, so that a shard with many groups serves its clients
// in between.
type sweep struct {
	timer timer
	// left are the groups that the sweep under way has yet to look at. They are taken
	// in order, but not sorted: that would hold up a shard with 100,000 groups for
	// as long as the whole sweep takes.
	left idHeap
}

// idHeap is a heap (package container/heap) with the least id in front.
type idHeap []string

func (h idHeap) Len() int           { return len(h) }
func (h idHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h idHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *idHeap) Push(x any)        { *h = append(*h, x.(string)) }
func (h *idHeap) Pop() any {
	last := len(*h) - 1
	id := (*h)[last]
	(*h)[last] = ""
	*h = (*h)[:last]
	return id
}

const (
	// sweepGroupsMax bounds one slice: a thousand groups are looked at in less than a
	// millisecond.
	sweepGroupsMax = 1_000
	// sweepPause is how long a shard serves others between two slices.
	sweepPause = 10 * time.Millisecond
)

// startSweeps waits for the first sweep.
func (m *Machine) startSweeps() {
	m.sweep.timer = newTimer(sweepTimer, nil, "")
	m.timers.Set(&m.sweep.timer, m.now.Elapsed+m.checkInterval())
}

func (m *Machine) checkInterval() time.Duration {
	const never = 100 * 365 * 24 * time.Hour // a longer one does not fit in a time that it is added to
	return time.Duration(min(m.config.OffsetsCheckMillis, never.Milliseconds())) * time.Millisecond
}

// sweepSlice looks at some groups, in the order of their ids.
func (m *Machine) sweepSlice() {
	s := &m.sweep
	if len(s.left) == 0 {
		s.left = slices.AppendSeq(make(idHeap, 0, len(m.groups)), maps.Keys(m.groups))
		heap.Init(&s.left)
	}
	room := m.config.RecordBytesMax - protocol.BatchHeaderBytes
	for n := 0; n < sweepGroupsMax && len(s.left) > 0; n++ {
		// A group that is gone meanwhile needs nothing, one that is new has time.
		if g := m.groups[s.left[0]]; g != nil && !m.expireGroup(s.left[0], g, &room) {
			break // the rest is for the next batch
		}
		heap.Pop(&s.left)
	}
	pause := sweepPause
	if len(s.left) == 0 {
		s.left = nil
		pause = m.checkInterval()
	}
	m.timers.Set(&s.timer, m.now.Elapsed+pause)
}

// expireGroup forgets the group's expired offsets, and the group when nothing is
// left of it. It is false when there was not room for all records.
func (m *Machine) expireGroup(id string, g *group, room *int) bool {
	write := func(records ...coordinator.Record) bool {
		for _, r := range records {
			*room -= recordBytes(r)
		}
		// A batch without a record would end the sweep here for ever.
		if *room < 0 && len(m.out.Records) > 0 {
			return false
		}
		m.write(records...)
		return true
	}
	expired := m.expiredOffsets(g)
	for _, tp := range expired {
		if !write(offsetTombstone(id, tp)) {
			return false
		}
	}
	if len(expired) < len(g.offsets) || len(g.pending) > 0 || !g.isEmpty() {
		return true
	}
	return write(g.tombstones(id)...)
}

// expiredOffsets lists the partitions whose offset is older than the group keeps
// them, sorted (Kafka's OffsetMetadataManager.cleanupExpiredOffsets).
func (m *Machine) expiredOffsets(g *group) []topicPartition {
	var expired []topicPartition
	for i := range g.offsets {
		tp, c := g.offsets[i].topicPartition(), g.offsets[i].committed()
		base, ok := g.expiryBase(&c)
		if !ok {
			return nil
		}
		if m.isOver(&c, base) && !g.isSubscribedTo(tp.topic) && !g.isUnstable(tp) {
			expired = append(expired, tp)
		}
	}
	slices.SortFunc(expired, compareTopicPartitions)
	return expired
}

// isOver: the time of an offset is over. A commit may have brought its own.
func (m *Machine) isOver(c *committed, base protocol.Timestamp) bool {
	if c.expireAt != protocol.None {
		return m.now.Wall >= c.expireAt
	}
	return int64(m.now.Wall-base) >= m.config.OffsetsRetentionMillis
}

// expiryBase is when the retention of an offset began; false while the group's
// offsets do not expire.
func (g *group) expiryBase(c *committed) (protocol.Timestamp, bool) {
	switch {
	case g.foreign != nil, g.share != nil:
		return 0, false // what members are subscribed to is not known here
	case g.consumer != nil:
		return c.committedAt, true // Kafka's ConsumerGroup.offsetExpirationCondition
	}
	return g.classic.expiryBase(c)
}

// expiryBase is Kafka's ClassicGroup.offsetExpirationCondition (KIP-211).
func (g *classicGroup) expiryBase(c *committed) (protocol.Timestamp, bool) {
	switch {
	case g.protocolType == "": // a simple group
		return c.committedAt, true
	case g.state == Empty && g.stateSince != protocol.None:
		return g.stateSince, true
	case g.state == Empty: // the record is of a version that does not say since when
		return c.committedAt, true
	case g.state == Stable && g.topics != nil:
		return c.committedAt, true
	}
	return 0, false // members may read anything, or are about to say what
}

// isSubscribedTo tells whether members read the topic.
func (g *group) isSubscribedTo(topic string) bool {
	switch {
	case g.foreign != nil:
		return len(g.foreign.members) > 0
	case g.share != nil:
		return g.share.names[topic] > 0
	case g.consumer != nil:
		return g.consumer.isSubscribed(topic)
	}
	return g.classic.isSubscribed(topic)
}

// isEmpty: the group may be deleted when its offsets have expired.
func (g *group) isEmpty() bool {
	switch {
	case g.foreign != nil, g.share != nil: // Kafka keeps empty share groups
		return false
	case g.consumer != nil:
		return len(g.consumer.members) == 0
	}
	return g.classic.state == Empty
}

// tombstones end an empty group that has no offsets.
func (g *group) tombstones(id string) []coordinator.Record {
	switch {
	case g.share != nil:
		return g.share.tombstones()
	case g.consumer != nil:
		return g.consumer.tombstones()
	}
	return []coordinator.Record{groupTombstone(id)}
}
