package api

// ListTransactions (key 66), versions 0 to 2.
//
// Lists transactional ids that the client may describe (KIP-664). States that do not exist are named in the
// answer.
//
//	v0  filters by state and producer id
//	v1  a filter by age (KIP-994)
//	v2  a filter by a regular expression, in Go's RE2 as in Kafka's RE2/J (KIP-1152)

import (
	"regexp"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/coordinator/txn"
	"github.com/barnabas-mq/barnabas/protocol"
)

var listTransactions = later(kmsg.ListTransactions, 0, 2, (*API).listTransactions).needs(need{auth.Describe, auth.TransactionalID})

func (a *API) listTransactions(r *Request, q *kmsg.ListTransactionsRequest, reply func(*kmsg.ListTransactionsResponse)) {
	p := kmsg.NewPtrListTransactionsResponse()
	in := txn.ListInput{States: q.StateFilters, LongerThanMillis: protocol.None}
	if q.Version >= 1 {
		in.LongerThanMillis = q.DurationFilterMillis
	}
	for _, id := range q.ProducerIDFilters {
		in.ProducerIDs = append(in.ProducerIDs, protocol.ProducerID(id))
	}
	if pattern := q.TransactionalIDPattern; pattern != nil && *pattern != "" {
		if len(*pattern) > a.Config().GroupRegexBytesMax {
			p.ErrorCode = codeOf(protocol.ErrInvalidRegularExpression)
			reply(p)
			return
		}
		compiled, err := regexp.Compile(`^(?:` + *pattern + `)$`)
		if err != nil {
			p.ErrorCode = codeOf(protocol.ErrInvalidRegularExpression)
			reply(p)
			return
		}
		in.Matches = compiled.MatchString
	}
	if a.Metadata.Image().Topic(TransactionsTopic) == nil { // nobody has had a transaction yet
		p.UnknownStateFilters = txn.UnknownStates(q.StateFilters)
		reply(p)
		return
	}
	asker := a.detached(r)
	a.Transactions.List(in, func(out txn.ListOutput) {
		p.ErrorCode, p.UnknownStateFilters = codeOf(out.Err), out.UnknownStates
		for _, t := range out.Transactions {
			if !a.may(asker, auth.Describe, auth.TransactionalID, t.TransactionalID) {
				continue
			}
			one := kmsg.NewListTransactionsResponseTransactionState()
			one.TransactionalID, one.ProducerID, one.TransactionState = t.TransactionalID, int64(t.ProducerID), t.State.String()
			p.TransactionStates = append(p.TransactionStates, one)
		}
		reply(p)
	})
}
