package api

// InitProducerId (key 22), versions 0 to 5.
//
// Gives an idempotent producer an id that no producer had before, with epoch 0. A
// producer that names its last id and epoch (v3) gets a fresh id too, as in Kafka.
// A transactional id keeps its producer id and gets another epoch, which fences
// whoever had it before.
//
//	v0-v1  transactional id, transaction timeout
//	v2     flexible
//	v3     the producer may name the id and epoch that it had (KIP-360)
//	v4     may answer PRODUCER_FENCED
//	v5     may answer TRANSACTION_ABORTABLE (KIP-890)
//
// Version 6 (two-phase commit, KIP-939) is not stable in Kafka 4.3.

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/txn"
	"github.com/barnabas-mq/barnabas/protocol"
)

var initProducerID = later(kmsg.InitProducerID, 0, 5, (*API).initProducerID).
	needs(need{auth.Write, auth.TransactionalID}, need{auth.IdempotentWrite, auth.Cluster}, need{auth.Write, auth.Topic})

const initFencedSince = 4

func (a *API) initProducerID(r *Request, q *kmsg.InitProducerIDRequest, reply func(*kmsg.InitProducerIDResponse)) {
	answer := func(p coordinator.Producer, err error) {
		out := kmsg.NewPtrInitProducerIDResponse()
		out.ErrorCode = fencedCode(err, q.Version, initFencedSince)
		out.ProducerID, out.ProducerEpoch = protocol.None, protocol.None
		if err == nil {
			out.ProducerID, out.ProducerEpoch = int64(p.ID), p.Epoch
		}
		reply(out)
	}
	expected := coordinator.NoProducer
	if err := a.mayProduceAs(r, q.TransactionalID); err != nil {
		answer(expected, err)
		return
	}
	switch {
	case q.TransactionalID != nil && *q.TransactionalID == "":
		answer(expected, protocol.ErrInvalidRequest)
		return
	case q.Version < 3:
	case (q.ProducerID == protocol.None) != (q.ProducerEpoch == protocol.None):
		answer(expected, protocol.ErrInvalidRequest)
		return
	case q.ProducerID != protocol.None:
		expected = producerOf(q.ProducerID, q.ProducerEpoch)
	}
	if q.TransactionalID == nil {
		a.wait(r) // a peer that does not read must not keep others from their ids
		id, err := a.NewProducerID()
		answer(coordinator.Producer{ID: id}, err)
		return
	}
	in := txn.InitInput{TransactionalID: *q.TransactionalID, TimeoutMillis: q.TransactionTimeoutMillis, Expected: expected}
	a.Transactions.InitProducerID(in, func(out txn.InitOutput) { answer(out.Producer, out.Err) })
}

// mayProduceAs tells whether the client may have a producer id: for a transactional id if
// it may write in its transactions, else if it may write anything at all (KIP-679).
func (a *API) mayProduceAs(r *Request, transactionalID *string) error {
	switch {
	case transactionalID != nil && !a.may(r, auth.Write, auth.TransactionalID, *transactionalID):
		return errTxnDenied
	case transactionalID == nil && !a.maySee(r, auth.IdempotentWrite, auth.Cluster, auth.ClusterName) && !a.mayAny(r, auth.Write, auth.Topic):
		return errClusterDenied
	}
	return nil
}
