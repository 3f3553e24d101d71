package access

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ended are transactions that a new producer may take over at once.
var ended = []string{"red-2", "blue-2", "red-9", "blue-9"}

func (d *draw) initProducerID() kmsg.Request {
	if d.rarely(3) {
		return initOf(nil)
	}
	return initOf(ptr(oneOf(d.Rand, ended)))
}

// initOf wants a producer's id, for an idempotent one without transactional id.
func initOf(transaction *string) *kmsg.InitProducerIDRequest {
	req := kmsg.NewPtrInitProducerIDRequest()
	req.TransactionalID, req.TransactionTimeoutMillis = transaction, longMillis
	req.ProducerID, req.ProducerEpoch = -1, -1
	return req
}

func (d *draw) addPartitionsToTxn() kmsg.Request { return addPartitionsOf(d.one(), d.some()...) }

// addPartitionsOf is of a producer whom nobody knows, as are the others. From version 4
// on it is the way of brokers.
func addPartitionsOf(transaction string, topics ...string) *kmsg.AddPartitionsToTxnRequest {
	req := kmsg.NewPtrAddPartitionsToTxnRequest()
	req.TransactionalID, req.ProducerID = transaction, unknownProducer
	one := kmsg.NewAddPartitionsToTxnRequestTransaction()
	one.TransactionalID, one.ProducerID, one.VerifyOnly = transaction, unknownProducer, true
	for _, name := range topics {
		req.Topics = append(req.Topics, kmsg.AddPartitionsToTxnRequestTopic{Topic: name, Partitions: []int32{0}})
		one.Topics = append(one.Topics, kmsg.AddPartitionsToTxnRequestTransactionTopic{Topic: name, Partitions: []int32{0}})
	}
	req.Transactions = append(req.Transactions, one)
	return req
}

func (d *draw) addOffsetsToTxn() kmsg.Request { return addOffsetsOf(d.one(), d.one()) }

func addOffsetsOf(transaction, group string) *kmsg.AddOffsetsToTxnRequest {
	req := kmsg.NewPtrAddOffsetsToTxnRequest()
	req.TransactionalID, req.ProducerID, req.Group = transaction, unknownProducer, group
	return req
}

func (d *draw) endTxn() kmsg.Request {
	req := kmsg.NewPtrEndTxnRequest()
	req.TransactionalID, req.ProducerID, req.Commit = d.one(), unknownProducer, d.flag()
	return req
}

func (d *draw) txnOffsetCommit() kmsg.Request {
	return d.txnCommitOf(d.one(), d.one(), d.from(kept)...)
}

func (r *room) txnCommitOf(transaction, group string, topics ...string) *kmsg.TxnOffsetCommitRequest {
	req := kmsg.NewPtrTxnOffsetCommitRequest()
	req.TransactionalID, req.Group, req.ProducerID, req.Generation = transaction, group, unknownProducer, -1
	for _, name := range topics {
		p := kmsg.NewTxnOffsetCommitRequestTopicPartition()
		p.Offset, p.LeaderEpoch, p.Metadata = 1, -1, ptr("")
		t := kmsg.NewTxnOffsetCommitRequestTopic()
		t.Topic, t.TopicID, t.Partitions = name, r.id(name), append(t.Partitions, p)
		req.Topics = append(req.Topics, t)
	}
	return req
}

// writeTxnMarkers is about topics that are not there: elsewhere a marker would be
// written, with the time of day.
func (d *draw) writeTxnMarkers() kmsg.Request {
	m := kmsg.NewWriteTxnMarkersRequestMarker()
	m.ProducerID = unknownProducer
	for _, name := range d.from(missing) {
		m.Topics = append(m.Topics, kmsg.WriteTxnMarkersRequestMarkerTopic{Topic: name, Partitions: []int32{0}})
	}
	req := kmsg.NewPtrWriteTxnMarkersRequest()
	req.Markers = append(req.Markers, m)
	return req
}

func (d *draw) describeTransactions() kmsg.Request { return describeTransactionsOf(d.some()...) }

func describeTransactionsOf(transactions ...string) *kmsg.DescribeTransactionsRequest {
	req := kmsg.NewPtrDescribeTransactionsRequest()
	req.TransactionalIDs = transactions
	return req
}

func (d *draw) listTransactions() kmsg.Request {
	req := kmsg.NewPtrListTransactionsRequest()
	req.DurationFilterMillis = -1
	req.StateFilters = oneOf(d.Rand, [][]string{nil, nil, {"Ongoing"}, {"Empty"}})
	return req
}
