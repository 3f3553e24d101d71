package api

// DescribeTransactions (key 65), version 0.
//
// Shows the transactions of transactional ids (KIP-664).

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/txn"
)

var describeTransactions = later(kmsg.DescribeTransactions, 0, 0, (*API).describeTransactions)

func (a *API) describeTransactions(_ *Request, q *kmsg.DescribeTransactionsRequest, reply func(*kmsg.DescribeTransactionsResponse)) {
	p := kmsg.NewPtrDescribeTransactionsResponse()
	ids := repeated(q.TransactionalIDs)
	p.TransactionStates = make([]kmsg.DescribeTransactionsResponseTransactionState, len(ids))
	pending := coordinator.NewCountdown(len(ids), func() { reply(p) })
	for i, id := range ids {
		a.Transactions.Describe(id, func(d txn.Description) {
			p.TransactionStates[i] = describedTransaction(d)
			pending.Done()
		})
	}
}

func describedTransaction(d txn.Description) kmsg.DescribeTransactionsResponseTransactionState {
	one := kmsg.NewDescribeTransactionsResponseTransactionState()
	one.TransactionalID, one.ErrorCode = d.TransactionalID, codeOf(d.Err)
	if d.Err != nil {
		return one
	}
	one.State, one.TimeoutMillis, one.StartTimestamp = d.State.String(), d.TimeoutMillis, int64(d.StartedAt)
	one.ProducerID, one.ProducerEpoch = int64(d.Producer.ID), d.Producer.Epoch
	for _, p := range d.Partitions { // sorted
		if n := len(one.Topics); n == 0 || one.Topics[n-1].Topic != p.Topic {
			one.Topics = append(one.Topics, kmsg.DescribeTransactionsResponseTransactionStateTopic{Topic: p.Topic})
		}
		last := &one.Topics[len(one.Topics)-1]
		last.Partitions = append(last.Partitions, p.Partition)
	}
	return one
}
