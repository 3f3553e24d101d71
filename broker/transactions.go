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
			RecordBytesMax: s.GroupMetadataBytesMax, FeatureLevel: image.FeatureLevel("transaction.version"),
		},
		Journal: coordinator.NewLogJournal(b.partitionOf(api.TransactionsTopic)), Clock: b.opts.Clock, Shards: shards,
		CommitTimeout: transactionCommitTimeout, NewProducerID: b.producerIDs.Next, WriteMarkers: b.writeMarkers, Log: b.opts.Log,
	})
	return nil
}

// transactionCommitTimeout is Kafka's for records of its transaction topic
// (request.timeout.ms of the broker would be longer than clients wait).
const transactionCommitTimeout = 5 * time.Second
