package broker

import (
	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group"
	"github.com/barnabas-mq/barnabas/coordinator/txn"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/server/api"
)

// openTransactions makes the transaction coordinator over __transaction_state.
func (b *Broker) openTransactions() error {
	s := b.settings.Load()
	b.producerIDs = metadata.NewProducerIDs(func() (metadata.ProducerIDBlock, error) {
		return b.metadata.FetchProducerIDs(s.NodeID)
	})
	b.transactions = txn.New(txn.Options{
		Config: txn.Config{
			TimeoutMax: s.TransactionTimeoutMax, IDExpiration: s.TransactionalIDExpiration,
			RecordBytesMax: group.DefaultConfig().RecordBytesMax,
			FeatureLevel:   func() int16 { return b.metadata.Image().FeatureLevel("transaction.version") },
		},
		Journal: coordinator.NewLogJournal(b.partitionOf(api.TransactionsTopic)), Clock: b.opts.Clock,
		Shards: b.shardsOf(api.TransactionsTopic, s.TransactionTopicPartitions), QueueMax: s.CoordinatorQueueMax,
		NewProducerID: b.producerIDs.Next, WriteMarkers: b.endTransaction, Log: b.opts.Log,
	})
	return nil
}

// endTransaction writes the markers of a decided transaction under the leader epoch
// of the coordinator's partition, which fences coordinators of earlier epochs. What
// is left is to be tried again. A log that refuses a marker because it has seen a later
// epoch keeps what it has, as in Kafka: another coordinator, or producer, has been there.
func (b *Broker) endTransaction(shard int32, m txn.Markers, done func(left []txn.TopicPartition)) {
	topic := b.metadata.Image().Topic(api.TransactionsTopic)
	if topic == nil || topic.Partition(shard) == nil {
		done(m.Partitions)
		return
	}
	marker := coordinator.Marker{
		Producer: m.Producer, Commit: m.Commit, CoordinatorEpoch: int32(topic.Partition(shard).LeaderEpoch), TransactionVersion: m.Version,
	}
	b.writeMarkers(marker, m.Partitions, func(errs []error) {
		var left []txn.TopicPartition
		for i, err := range errs {
			if err == nil {
				continue
			}
			isVerdict := logstore.IsVerdict(err)
			b.opts.Log.Warn("The end of a transaction could not be written.", "again", !isVerdict,
				"transactional.id", m.TransactionalID, "topic", m.Partitions[i].Topic, "partition", m.Partitions[i].Partition, "error", err)
			if !isVerdict {
				left = append(left, m.Partitions[i])
			}
		}
		done(left)
	})
}

// wakeTransactions has the coordinator finish what an earlier life decided, and time
// out what it left open, in the partitions of its topic that have records.
func (b *Broker) wakeTransactions() {
	topic := b.metadata.Image().Topic(api.TransactionsTopic)
	if topic == nil {
		return
	}
	b.transactions.Wake(b.shardsInUse(topic))
}

// shardsInUse are the partitions of an internal topic that have records.
func (b *Broker) shardsInUse(topic *metadata.Topic) (shards []int32) {
	for i := range topic.Partitions {
		index := topic.Partitions[i].Index
		if p := b.partitions.Used(topic.ID, index); p != nil && p.Log().Offsets().End > 0 {
			shards = append(shards, index)
		}
	}
	return shards
}
