package group

import "github.com/barnabas-mq/barnabas/protocol"

// topicRef is a topic that offsets were committed for. The groups of a shard share
// it: most of them read the same few topics.
type topicRef struct {
	topicKey
	uses int // by offsets in tables; at 0 it is forgotten
}

type topicKey struct {
	name string
	id   protocol.UUID // zero when the record has none
}

// offsetTable is the committed offsets of one group, in no order. Most groups have
// a handful, and a shard may have a hundred thousand groups, so it is small: a Go
// map alone takes a kilobyte.
type offsetTable []storedOffset

// storedOffset is a committed offset as it is kept, see committed.
type storedOffset struct {
	topic       *topicRef
	partition   int32
	leaderEpoch protocol.Epoch
	offset      protocol.Offset
	committedAt protocol.Timestamp
	journaledAt protocol.Offset
	note        *offsetNote // nil when there is none
}

// offsetNote is what few commits bring.
type offsetNote struct {
	metadata string
	expireAt protocol.Timestamp
}

// indexedMin is the number of offsets from which on they are found by an index:
// going through fewer is faster than to hash.
const indexedMin = 16

func (o *storedOffset) topicPartition() topicPartition {
	return topicPartition{o.topic.name, o.partition}
}

func (o *storedOffset) committed() committed {
	c := committed{
		offset: o.offset, leaderEpoch: o.leaderEpoch, committedAt: o.committedAt,
		expireAt: protocol.None, topicID: o.topic.id, journaledAt: o.journaledAt,
	}
	if o.note != nil {
		c.metadata, c.expireAt = o.note.metadata, o.note.expireAt
	}
	return c
}

// find is the place of a partition's offset, -1 when there is none.
func (g *group) find(tp topicPartition) int {
	if g.index != nil {
		if i, ok := g.index[tp]; ok {
			return int(i)
		}
		return -1
	}
	for i := range g.offsets {
		if o := &g.offsets[i]; o.partition == tp.partition && o.topic.name == tp.topic {
			return i
		}
	}
	return -1
}

// offset is what is committed for a partition.
func (g *group) offset(tp topicPartition) (committed, bool) {
	i := g.find(tp)
	if i < 0 {
		return committed{}, false
	}
	return g.offsets[i].committed(), true
}

// stored is c as it is kept, as yet without its topic.
func (c *committed) stored(partition int32) storedOffset {
	o := storedOffset{
		partition: partition, leaderEpoch: c.leaderEpoch,
		offset: c.offset, committedAt: c.committedAt, journaledAt: c.journaledAt,
	}
	if c.metadata != "" || c.expireAt != protocol.None {
		o.note = &offsetNote{metadata: c.metadata, expireAt: c.expireAt}
	}
	return o
}

// renewOffset takes in what is committed for a partition of a table of few, as most
// commits are: one after another of the same topic. It is setOffset without an
// allocation, and false when it does not apply.
func (g *group) renewOffset(key *offsetKeyView, c *committed) bool {
	if g.index != nil {
		return false
	}
	for i := range g.offsets {
		o := &g.offsets[i]
		if o.partition == key.partition && o.topic.name == string(key.topic) && o.topic.id == c.topicID {
			topic := o.topic
			*o = c.stored(key.partition)
			o.topic = topic
			return true
		}
	}
	return false
}

// setOffset takes in what is committed for a partition.
func (m *Machine) setOffset(g *group, tp topicPartition, c committed) {
	o := c.stored(tp.partition)
	i := g.find(tp)
	if i >= 0 && g.offsets[i].topic.id == c.topicID {
		o.topic = g.offsets[i].topic
		g.offsets[i] = o
		return
	}
	o.topic = m.useTopic(topicKey{tp.topic, c.topicID})
	if i >= 0 {
		m.releaseTopic(g.offsets[i].topic)
		g.offsets[i] = o
		return
	}
	g.addOffset(o)
}

func (g *group) addOffset(o storedOffset) {
	if n := len(g.offsets); n == cap(g.offsets) && n < indexedMin/2 {
		// Doubling would leave every second place empty in most groups.
		grown := make(offsetTable, n, n+1)
		copy(grown, g.offsets)
		g.offsets = grown
	}
	g.offsets = append(g.offsets, o)
	switch n := len(g.offsets); {
	case g.index != nil:
		g.index[o.topicPartition()] = int32(n - 1)
	case n == indexedMin:
		g.index = make(map[topicPartition]int32, 2*n)
		for i := range g.offsets {
			g.index[g.offsets[i].topicPartition()] = int32(i)
		}
	}
}

// removeOffset forgets what is committed for a partition.
func (m *Machine) removeOffset(g *group, tp topicPartition) {
	i := g.find(tp)
	if i < 0 {
		return
	}
	m.releaseTopic(g.offsets[i].topic)
	last := len(g.offsets) - 1
	if g.index != nil {
		delete(g.index, tp)
		if i != last {
			g.index[g.offsets[last].topicPartition()] = int32(i)
		}
	}
	g.offsets[i] = g.offsets[last]
	g.offsets[last] = storedOffset{}
	if g.offsets = g.offsets[:last]; last == 0 {
		g.offsets, g.index = nil, nil
	}
}

// useTopic is the one copy of a topic that the tables of this machine share.
func (m *Machine) useTopic(key topicKey) *topicRef {
	t := m.topics[key]
	if t == nil {
		t = &topicRef{topicKey: key}
		m.topics[key] = t
	}
	t.uses++
	return t
}

func (m *Machine) releaseTopic(t *topicRef) {
	if t.uses--; t.uses == 0 {
		delete(m.topics, t.topicKey)
	}
}
