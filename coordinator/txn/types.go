// Package txn is the transaction coordinator: which producer has a transactional
// id, and which partitions its transaction holds.
package txn

import "github.com/barnabas-mq/barnabas/coordinator"

// TopicPartition names a partition by its topic's name, as the records do.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// AddInput adds partitions to the transaction of a producer, which it begins if
// there is none, or asks whether they are in it.
type AddInput struct {
	TransactionalID string
	Producer        coordinator.Producer
	Partitions      []TopicPartition
	VerifyOnly      bool
	// Version is the transaction.version that the client acts by.
	Version int16
}

// AddOutput is the answer to AddInput.
type AddOutput struct {
	// Err is that of the transaction; the partitions were not looked at then.
	Err error
	// Partitions are the errors of the partitions, in their order.
	Partitions []error
}
