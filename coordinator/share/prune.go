package share

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/protocol"
)

// __share_group_state is not compacted, since an update is not superseded by the
// next one. Kafka deletes from its start what lies before the oldest snapshot that
// is still needed (ShareCoordinatorOffsetsManager), and has partitions that nobody
// touches write a new snapshot now and then, so that they do not hold that up.

// Prune renews old snapshots, and tells below which offset the journal is not needed
// any more once that is committed. Where every share partition has been renewed since
// its last change there is nothing to gain (ShareCoordinatorShard.snapshotColdPartitions).
// It also forgets share partitions whose topic is gone, of which DeleteTopics was not told:
// the broker had stopped, or the queue was full.
func (m *Machine) Prune(now coordinator.Moment, reply func(below protocol.Offset, err error)) coordinator.Decision {
	var d coordinator.Decision
	keys := m.keys()
	isRenewed := func(k Key) bool { s := m.states[k]; return s.updates == 0 && s.createdAt != s.writtenAt }
	renew := slices.ContainsFunc(keys, func(k Key) bool { return !isRenewed(k) })
	needed := m.end
	for _, k := range keys {
		s := m.states[k]
		if m.config.Partitions(k.TopicID) == 0 {
			d.Records = append(d.Records, tombstone(k))
			continue
		}
		if renew && now.Wall-s.writtenAt >= protocol.Timestamp(m.config.SnapshotAge.Milliseconds()) {
			snapshot := s.durable
			snapshot.snapshotEpoch++
			snapshot.writtenAt = now.Wall
			d.Records = append(d.Records, snapshot.record(k))
			continue
		}
		needed = min(needed, s.snapshotOffset)
	}
	d.Replies = []coordinator.Reply{func(err error) { reply(needed, err) }}
	return d
}

func compareKeys(a, b Key) int {
	return cmp.Or(strings.Compare(a.GroupID, b.GroupID), bytes.Compare(a.TopicID[:], b.TopicID[:]), cmp.Compare(a.Partition, b.Partition))
}
