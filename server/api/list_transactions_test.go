package api

import (
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator/txn"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Before the first transaction, a list is empty, and filters are looked at all the same.
func TestListTransactionsOfNobody(t *testing.T) {
	w := newWorld(t)
	q := kmsg.NewPtrListTransactionsRequest()
	q.StateFilters = []string{"Ongoing", "Nonsense"}
	p := ask[*kmsg.ListTransactionsResponse](w, 2, q)
	if p.ErrorCode != 0 || len(p.TransactionStates) > 0 || !slices.Equal(p.UnknownStateFilters, []string{"Nonsense"}) {
		t.Errorf("%+v", p)
	}
	pattern := "("
	q.TransactionalIDPattern = &pattern
	if p := ask[*kmsg.ListTransactionsResponse](w, 2, q); p.ErrorCode != protocol.ErrInvalidRegularExpression.Code {
		t.Errorf("a pattern that is none: %+v", p)
	}
}

// Describe knows everybody, with partitions of s and t.
func (*transactionsFake) Describe(id string, reply func(txn.Description)) {
	reply(txn.Description{TransactionalID: id, Partitions: []txn.TopicPartition{{Topic: "s"}, {Topic: "s", Partition: 1}, {Topic: "t"}, {Topic: "t", Partition: 2}}})
}

// Who is named again is described again, as by Kafka.
func TestDescribeTransactionsRepeats(t *testing.T) {
	w := newWorld(t)
	q := kmsg.NewPtrDescribeTransactionsRequest()
	q.TransactionalIDs = []string{"x", "y", "x"}
	var got []string
	for _, one := range ask[*kmsg.DescribeTransactionsResponse](w, 0, q).TransactionStates {
		got = append(got, one.TransactionalID)
	}
	if !slices.Equal(got, q.TransactionalIDs) {
		t.Errorf("described %q", got)
	}
}
