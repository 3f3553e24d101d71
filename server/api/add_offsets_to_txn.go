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

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/coordinator/txn"
)

var addOffsetsToTxn = later(kmsg.AddOffsetsToTxn, 0, 4, (*API).addOffsetsToTxn).
	needs(need{auth.Write, auth.TransactionalID}, need{auth.Read, auth.Group})

const (
	addOffsetsFencedSince = 2
	addOffsetsBumping     = 4
)

func (a *API) addOffsetsToTxn(r *Request, q *kmsg.AddOffsetsToTxnRequest, reply func(*kmsg.AddOffsetsToTxnResponse)) {
	answer := func(err error) {
		p := kmsg.NewPtrAddOffsetsToTxnResponse()
		p.ErrorCode = fencedCode(err, q.Version, addOffsetsFencedSince)
		reply(p)
	}
	if err := a.mayCommitIn(r, q.TransactionalID, q.Group); err != nil {
		answer(err)
		return
	}
	in := txn.AddInput{
		TransactionalID: q.TransactionalID, Producer: producerOf(q.ProducerID, q.ProducerEpoch),
		Partitions: []txn.TopicPartition{a.offsetsPartition(q.Group)}, Version: transactionVersion(q.Version, addOffsetsBumping), Alone: mayWait(r),
	}
	a.Transactions.AddPartitions(in, func(out txn.AddOutput) { answer(out.First()) })
}

// mayCommitIn tells whether the client may commit offsets of the group in the transaction.
func (a *API) mayCommitIn(r *Request, transactionalID, groupID string) error {
	switch {
	case !a.may(r, auth.Write, auth.TransactionalID, transactionalID):
		return errTxnDenied
	case !a.may(r, auth.Read, auth.Group, groupID):
		return errGroupDenied
	}
	return nil
}

// offsetsPartition holds the offsets of a group.
func (a *API) offsetsPartition(groupID string) txn.TopicPartition {
	return txn.TopicPartition{Topic: OffsetsTopic, Partition: a.Groups.ShardOf(groupID)}
}
