package api

// AddOffsetsToTxn (key 25), versions 0 to 4.
//
// Adds the partition of __consumer_offsets that holds a group to a producer's
// transaction. Clients of transaction.version 2 leave it out: TxnOffsetCommit does
// the same.
//
//	v2  may answer PRODUCER_FENCED
//	v3  flexible
//	v4  may answer TRANSACTION_ABORTABLE (KIP-890)

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator/txn"
)

var addOffsetsToTxn = later(kmsg.AddOffsetsToTxn, 0, 4, (*API).addOffsetsToTxn)

const (
	addOffsetsFencedSince = 2
	addOffsetsBumping     = 4
)

func (a *API) addOffsetsToTxn(r *Request, q *kmsg.AddOffsetsToTxnRequest, reply func(*kmsg.AddOffsetsToTxnResponse)) {
	in := txn.AddInput{
		TransactionalID: q.TransactionalID, Producer: producerOf(q.ProducerID, q.ProducerEpoch),
		Partitions: []txn.TopicPartition{a.offsetsPartition(q.Group)}, Version: transactionVersion(q.Version, addOffsetsBumping), Alone: mayWait(r),
	}
	a.Transactions.AddPartitions(in, func(out txn.AddOutput) {
		p := kmsg.NewPtrAddOffsetsToTxnResponse()
		p.ErrorCode = fencedCode(out.First(), q.Version, addOffsetsFencedSince)
		reply(p)
	})
}

// offsetsPartition holds the offsets of a group.
func (a *API) offsetsPartition(groupID string) txn.TopicPartition {
	return txn.TopicPartition{Topic: OffsetsTopic, Partition: a.Groups.ShardOf(groupID)}
}
