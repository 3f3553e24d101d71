package group

import (
	"slices"
	"time"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group/assignor"
	"github.com/barnabas-mq/barnabas/protocol"
)

// uninitialized lists the partitions that the group reads and that neither have
// state nor were asked for lately. Topics that a restart has left half-way are asked
// for again at once.
func (m *Machine) uninitialized(g *shareGroup) []shareTopic {
	image := m.config.Topics()
	if g.begun.known && g.begun.version == image.Version() {
		return nil
	}
	var missing []shareTopic
	begun := true
	for _, name := range sortedKeys(g.names) {
		t, ok := image.Topic(name)
		if !ok {
			continue
		}
		known := partitionsOf(g.state.initialized, t.ID)
		begun = begun && int32(len(known)) >= t.Partitions
		if at, ok := g.asked[t.ID]; ok && m.now.Elapsed-at < m.config.ShareInitializeRetry {
			known = unionOf(known, partitionsOf(g.state.initializing, t.ID))
		}
		if int32(len(known)) >= t.Partitions {
			continue
		}
		if partitions := minusOf(upTo(t.Partitions), known); len(partitions) > 0 {
			missing = append(missing, shareTopic{id: t.ID, name: t.Name, partitions: partitions})
		}
	}
	g.begun.known, g.begun.version = begun, image.Version()
	return sortedShareTopics(missing)
}

// noteAsked starts the time after which a partition without an answer is asked for
// again.
func (m *Machine) noteAsked(g *shareGroup, topics []shareTopic) {
	for _, t := range topics {
		g.asked[t.id] = m.now.Elapsed
	}
}

// askFor has partitions initialized once all that was written so far is committed.
func (m *Machine) askFor(q ShareInitialization) {
	m.reply(func(err error) {
		if err == nil && m.initialize != nil {
			m.initialize(q)
		}
	})
}

func startsOf(topics []shareTopic) []ShareStart {
	var starts []ShareStart
	for _, t := range topics {
		for _, p := range t.partitions {
			starts = append(starts, ShareStart{Topic: t.id, Partition: p, Offset: protocol.None})
		}
	}
	return starts
}

// ShareInitialized notes which partitions have state now, so that the next heartbeat
// of a member has them assigned, and which have to be asked for again.
func (m *Machine) ShareInitialized(now coordinator.Moment, in ShareInitialized, reply func(error)) coordinator.Decision {
	m.begin(now)
	if g := m.groups[in.GroupID].asShare(); g != nil {
		image := m.config.Topics()
		next := g.state
		for _, t := range in.Failed {
			next.initializing = withoutPartitions(next.initializing, t)
		}
		for _, t := range in.Done {
			// Kafka notes a topic that has gone meanwhile without its name, and nothing ever
			// forgets it.
			topic, exists := image.TopicByID(t.Topic)
			next.initializing = withoutPartitions(next.initializing, t)
			if exists {
				next.initialized = withPartitions(next.initialized, shareTopic{t.Topic, topic.Name, t.Partitions})
			}
		}
		for _, t := range slices.Concat(in.Done, in.Failed) {
			delete(g.asked, t.Topic)
		}
		if !next.equal(&g.state) {
			m.write(shareProgressRecord(g.id, next))
		}
	}
	m.reply(reply)
	return m.finish()
}

// DeleteSharedTopics forgets what share groups have noted of topics that were
// deleted (Kafka's maybeCleanupShareGroupState).
func (m *Machine) DeleteSharedTopics(now coordinator.Moment, ids []protocol.UUID, reply func(error)) coordinator.Decision {
	m.begin(now)
	for _, id := range sortedKeys(m.groups) {
		g := m.groups[id].asShare()
		if g == nil {
			continue
		}
		without := func(topics []shareTopic) []shareTopic {
			return slices.DeleteFunc(slices.Clone(topics), func(t shareTopic) bool { return slices.Contains(ids, t.id) })
		}
		next := shareProgress{without(g.state.initializing), without(g.state.initialized), without(g.state.deleting)}
		if !next.equal(&g.state) {
			m.write(shareProgressRecord(id, next))
		}
		for _, topic := range ids {
			delete(g.asked, topic)
		}
	}
	m.reply(reply)
	return m.finishInParts()
}

// initializedOf are those of a topic that can be assigned.
func (v *shareProgress) initializedOf(t Topic) []int32 {
	known := partitionsOf(v.initialized, t.ID)
	n, _ := slices.BinarySearch(known, t.Partitions)
	return known[:n]
}

// withInitializing is the progress when these are asked for. A topic whose state was
// being deleted is not any more.
func (v shareProgress) withInitializing(topics []shareTopic) shareProgress {
	v.deleting = slices.Clone(v.deleting)
	for _, t := range topics {
		v.initializing = withPartitions(v.initializing, t)
		v.deleting = slices.DeleteFunc(v.deleting, func(d shareTopic) bool { return d.id == t.id })
	}
	return v
}

func (v *shareProgress) equal(o *shareProgress) bool {
	same := func(a, b []shareTopic) bool {
		return slices.EqualFunc(a, b, func(a, b shareTopic) bool {
			return a.id == b.id && a.name == b.name && slices.Equal(a.partitions, b.partitions)
		})
	}
	return same(v.initializing, o.initializing) && same(v.initialized, o.initialized) && same(v.deleting, o.deleting)
}

func findShareTopic(topics []shareTopic, id protocol.UUID) (int, bool) {
	return slices.BinarySearchFunc(topics, id, func(t shareTopic, id protocol.UUID) int { return compareUUIDs(t.id, id) })
}

func partitionsOf(topics []shareTopic, id protocol.UUID) []int32 {
	if at, ok := findShareTopic(topics, id); ok {
		return topics[at].partitions
	}
	return nil
}

// withPartitions is topics with those of t as well. It does not change topics.
func withPartitions(topics []shareTopic, t shareTopic) []shareTopic {
	topics = slices.Clone(topics)
	at, ok := findShareTopic(topics, t.id)
	if !ok {
		return slices.Insert(topics, at, t)
	}
	topics[at] = shareTopic{t.id, t.name, unionOf(topics[at].partitions, t.partitions)}
	return topics
}

// withoutPartitions is topics without these. It does not change topics.
func withoutPartitions(topics []shareTopic, p assignor.Partitions) []shareTopic {
	at, ok := findShareTopic(topics, p.Topic)
	if !ok {
		return topics
	}
	topics = slices.Clone(topics)
	topics[at].partitions = minusOf(topics[at].partitions, p.Partitions)
	if len(topics[at].partitions) == 0 {
		topics = slices.Delete(topics, at, at+1)
	}
	return topics
}

func upTo(n int32) []int32 {
	all := make([]int32, n)
	for i := range all {
		all[i] = int32(i)
	}
	return all
}

// unionOf has what a or b has; both are ascending.
func unionOf(a, b []int32) []int32 {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// minusOf has what a has and b has not; both are ascending.
func minusOf(a, b []int32) []int32 {
	return slices.DeleteFunc(slices.Clone(a), func(p int32) bool {
		_, ok := slices.BinarySearch(b, p)
		return ok
	})
}

// isIntervalOver: enough time has passed since then. A clock that went back does not
// hold anybody up.
func (m *Machine) isIntervalOver(since protocol.Timestamp, interval time.Duration) bool {
	passed := time.Duration(m.now.Wall-since) * time.Millisecond
	return since == 0 || passed < 0 || passed >= interval
}
