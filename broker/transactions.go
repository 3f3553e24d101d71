package broker

import (
	"time"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/txn"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/server/api"
)

// openTransactions makes the transaction coordinator over __transaction_state, and
// has it finish what an earlier life left.
func (b *Broker) openTransactions() error {
	s := b.settings.Load()
	b.producerIDs = metadata.NewProducerIDs(func() (metadata.ProducerIDBlock, error) {
		return b.metadata.FetchProducerIDs(s.NodeID)
	})
	image := b.metadata.Image()
	topic := image.Topic(api.TransactionsTopic)
	shards := int32(s.TransactionTopicPartitions)
	if topic != nil {
		shards = int32(len(topic.Partitions))
	}
	b.transactions = txn.New(txn.Options{
		Config: txn.Config{
			TimeoutMax: s.TransactionTimeoutMax, IDExpiration: s.TransactionalIDExpiration,
			RecordBytesMax: s.GroupMetadataBytesMax,
			FeatureLevel:   func() int16 { return b.metadata.Image().FeatureLevel("transaction.version") },
		},
		Journal: coordinator.NewLogJournal(b.partitionOf(api.TransactionsTopic)), Clock: b.opts.Clock, Shards: shards,
		CommitTimeout: transactionCommitTimeout, NewProducerID: b.producerIDs.Next, WriteMarkers: b.endTransaction, Log: b.opts.Log,
	})
	return nil
}

// transactionCommitTimeout is Kafka's for records of its transaction topic
// (request.timeout.ms of the broker would be longer than clients wait).
const transactionCommitTimeout = 5 * time.Second

// endTransaction writes the markers of a decided transaction under the leader epoch
// of the coordinator's partition, which fences coordinators of earlier epochs.
func (b *Broker) endTransaction(shard int32, m txn.Markers, done func(all bool)) {
	topic := b.metadata.Image().Topic(api.TransactionsTopic)
	if topic == nil {
		done(false)
		return
	}
	p := topic.Partition(shard)
	if p == nil {
		done(false)
		return
	}
	marker := coordinator.Marker{
		Producer: m.Producer, Commit: m.Commit, CoordinatorEpoch: int32(p.LeaderEpoch), TransactionVersion: m.Version,
	}
	b.writeMarkers(marker, m.Partitions, func(errs []error) {
		for i, err := range errs {
			if err != nil {
				b.opts.Log.Warn("The end of a transaction could not be written; it is tried again.",
					"transactional.id", m.TransactionalID, "topic", m.Partitions[i].Topic, "partition", m.Partitions[i].Partition, "error", err)
				done(false)
				return
			}
		}
		done(true)
	})
}

// wakeTransactions has the coordinator finish what an earlier life decided, and time
// out what it left open, in the partitions of its topic that have records.
func (b *Broker) wakeTransactions() {
	topic := b.metadata.Image().Topic(api.TransactionsTopic)
	if topic == nil {
		return
	}
	var shards []int32
	for i := range topic.Partitions {
		index := topic.Partitions[i].Index
		if p := b.partitions.Get(topic.ID, index); p != nil && p.Log().Offsets().End > 0 {
			shards = append(shards, index)
		}
	}
	b.transactions.Wake(shards)
}
