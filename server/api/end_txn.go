package api

// EndTxn (key 26), versions 0 to 5.
//
// Commits or aborts a producer's transaction. The answer comes when the decision is
// on disk; the markers follow, written by the connection when it has nothing else to do.
//
//	v2  may answer PRODUCER_FENCED
//	v3  flexible
//	v4  may answer TRANSACTION_ABORTABLE (KIP-890)
//	v5  the producer goes on with another epoch, which the answer names

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/coordinator/txn"
	"github.com/barnabas-mq/barnabas/protocol"
)

var endTxn = later(kmsg.EndTxn, 0, 5, (*API).endTxn).needs(need{auth.Write, auth.TransactionalID})

const (
	endFencedSince = 2
	endBumping     = 5
)

func (a *API) endTxn(r *Request, q *kmsg.EndTxnRequest, reply func(*kmsg.EndTxnResponse)) {
	answer := func(out txn.EndOutput) {
		p := kmsg.NewPtrEndTxnResponse()
		p.ErrorCode = fencedCode(out.Err, q.Version, endFencedSince)
		p.ProducerID, p.ProducerEpoch = protocol.None, protocol.None
		if out.Err == nil {
			p.ProducerID, p.ProducerEpoch = int64(out.Producer.ID), out.Producer.Epoch
		}
		reply(p)
	}
	if !a.may(r, auth.Write, auth.TransactionalID, q.TransactionalID) {
		answer(txn.EndOutput{Err: errTxnDenied})
		return
	}
	in := txn.EndInput{
		TransactionalID: q.TransactionalID, Producer: producerOf(q.ProducerID, q.ProducerEpoch),
		Commit: q.Commit, Version: transactionVersion(q.Version, endBumping), Alone: mayWait(r),
	}
	if in.Alone {
		in.Afterwards = r.Call.Afterwards
	}
	a.Transactions.End(in, answer)
}
