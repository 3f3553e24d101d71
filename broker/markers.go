package broker

import (
	"errors"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/txn"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/partition"
	"github.com/barnabas-mq/barnabas/protocol"
	"github.com/barnabas-mq/barnabas/server/api"
)

// writeMarkers ends a producer's transaction in partitions: a control batch in each,
// which their readers look for. done hears once, from any goroutine, also before
// writeMarkers returns, what became of each partition, when all of it is committed.
// In a partition that does not exist any more nothing is left to end. Appending may
// take as long as an access to the disk, or to the metadata.
//
// Committed offsets lie in partitions that only the group coordinator writes to.
func (b *Broker) writeMarkers(m coordinator.Marker, partitions []txn.TopicPartition, done func([]error)) {
	errs := make([]error, len(partitions))
	left := coordinator.NewCountdown(len(partitions), func() { done(errs) })
	for i, name := range partitions {
		finish := func(err error) {
			if !errors.Is(err, logstore.ErrDeleted) {
				errs[i] = err
			}
			left.Done()
		}
		p := b.partitionNamed(name)
		switch {
		case p == nil:
			finish(nil)
		case name.Topic == api.OffsetsTopic:
			b.groups.EndTransaction(name.Partition, m.Producer, m.Commit, m.CoordinatorEpoch, m.TransactionVersion, finish)
		default:
			b.appendMarker(p, name.Topic, m, finish)
		}
	}
	b.partitions.Commit(false)
}

// partitionNamed is nil for a partition that does not exist.
func (b *Broker) partitionNamed(name txn.TopicPartition) *partition.Partition {
	t := b.metadata.Image().Topic(name.Topic)
	if t == nil {
		return nil
	}
	return b.partitions.Get(t.ID, name.Partition)
}

// appendMarker leaves the commit to the caller, who may have more to append. The time
// is the broker's in any case, and is marked as such where the topic wants it, as in
// Kafka (LogValidator).
func (b *Broker) appendMarker(p *partition.Partition, topic string, m coordinator.Marker, finish func(error)) {
	now := protocol.Timestamp(b.opts.Clock.Now().UnixMilli())
	batch := coordinator.EncodeBatch(coordinator.Batch{Timestamp: now, Marker: &m})
	if b.settings.Load().StampsAppendTime(b.metadata.Image().TopicConfig(topic).Map()) {
		batch.SetTimestamps(true, now)
	}
	pending := &logstore.Pending{OnCommitted: func(p *logstore.Pending) { finish(p.Err) }}
	in := logstore.AppendInput{
		Batch: batch, Origin: logstore.FromCoordinator, TransactionVersion: m.TransactionVersion, CommitLater: true,
	}
	if p.Append(in, pending) == logstore.Committed {
		finish(pending.Err)
	}
}
