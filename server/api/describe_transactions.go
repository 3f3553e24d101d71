package api

// DescribeTransactions (key 65), version 0.
//
// Shows the transactions of transactional ids (KIP-664), without topics that the client may
// not see.

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/txn"
)

var describeTransactions = later(kmsg.DescribeTransactions, 0, 0, (*API).describeTransactions).
	needs(need{auth.Describe, auth.TransactionalID}, need{auth.Describe, auth.Topic})

func (a *API) describeTransactions(r *Request, q *kmsg.DescribeTransactionsRequest, reply func(*kmsg.DescribeTransactionsResponse)) {
	p := kmsg.NewPtrDescribeTransactionsResponse()
	ids := repeated(q.TransactionalIDs)
	p.TransactionStates = make([]kmsg.DescribeTransactionsResponseTransactionState, len(ids))
	pending := coordinator.NewCountdown(len(ids), func() { reply(p) })
	for i, id := range ids {
		if !a.may(r, auth.Describe, auth.TransactionalID, id) {
			p.TransactionStates[i] = a.describedTransaction(nil, txn.Description{TransactionalID: id, Err: errTxnDenied})
			pending.Done()
			continue
		}
		asker := a.detached(r)
		a.Transactions.Describe(id, func(d txn.Description) {
			p.TransactionStates[i] = a.describedTransaction(asker, d)
			pending.Done()
		})
	}
}

func (a *API) describedTransaction(asker *Request, d txn.Description) kmsg.DescribeTransactionsResponseTransactionState {
	one := kmsg.NewDescribeTransactionsResponseTransactionState()
	one.TransactionalID, one.ErrorCode = d.TransactionalID, codeOf(d.Err)
	if d.Err != nil {
		return one
	}
	one.State, one.TimeoutMillis, one.StartTimestamp = d.State.String(), d.TimeoutMillis, int64(d.StartedAt)
	one.ProducerID, one.ProducerEpoch = int64(d.Producer.ID), d.Producer.Epoch
	visible := false
	for i, p := range d.Partitions { // sorted
		if i == 0 || d.Partitions[i-1].Topic != p.Topic {
			if visible = a.may(asker, auth.Describe, auth.Topic, p.Topic); visible {
				one.Topics = append(one.Topics, kmsg.DescribeTransactionsResponseTransactionStateTopic{Topic: p.Topic})
			}
		}
		if visible {
			last := &one.Topics[len(one.Topics)-1]
			last.Partitions = append(last.Partitions, p.Partition)
		}
	}
	return one
}
