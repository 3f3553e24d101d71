package differ

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// transactional is the attribute of a batch inside a transaction.
const transactional = 1 << 4

// States of a transaction, as DescribeTransactions names them.
const (
	completeCommit = "CompleteCommit"
	completeAbort  = "CompleteAbort"
)

const transactionTimeoutMillis = 60_000

// producer is one transactional producer.
type producer struct {
	session *Session
	name    string // its transactional id
	id      int64
	epoch   int16
	// sequences by topic and partition.
	sequences map[topicPartition]int32
}

type topicPartition struct {
	topic     string
	partition int32
}

// Producer is a transactional producer of this story that has no id yet.
func (s *Session) Producer(name string) *producer {
	return &producer{session: s, name: s.Group(name), id: -1, epoch: -1}
}

func (p *producer) initRequest() *kmsg.InitProducerIDRequest {
	req := kmsg.NewPtrInitProducerIDRequest()
	req.TransactionalID, req.TransactionTimeoutMillis = &p.name, transactionTimeoutMillis
	return req
}

// init gets id and epoch; the answer is recorded.
func (p *producer) init(label string) {
	resp := p.session.Ask(label, p.initRequest()).(*kmsg.InitProducerIDResponse)
	p.id, p.epoch, p.sequences = resp.ProducerID, resp.ProducerEpoch, map[topicPartition]int32{}
}

// addRequest adds partitions in both shapes of the request: one transaction below
// version 4, a list from then on.
func (p *producer) addRequest(topic string, partitions ...int32) *kmsg.AddPartitionsToTxnRequest {
	req := kmsg.NewPtrAddPartitionsToTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch = p.name, p.id, p.epoch
	req.Topics = []kmsg.AddPartitionsToTxnRequestTopic{{Topic: topic, Partitions: partitions}}
	t := kmsg.NewAddPartitionsToTxnRequestTransaction()
	t.TransactionalID, t.ProducerID, t.ProducerEpoch = p.name, p.id, p.epoch
	t.Topics = []kmsg.AddPartitionsToTxnRequestTransactionTopic{{Topic: topic, Partitions: partitions}}
	req.Transactions = append(req.Transactions, t)
	return req
}

func (p *producer) addOffsetsRequest(group string) *kmsg.AddOffsetsToTxnRequest {
	req := kmsg.NewPtrAddOffsetsToTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group = p.name, p.id, p.epoch, group
	return req
}

// commitOffsetRequest commits one offset of partition 0 inside the transaction.
func (p *producer) commitOffsetRequest(group, topic string, id [16]byte, offset int64) *kmsg.TxnOffsetCommitRequest {
	one := kmsg.NewTxnOffsetCommitRequestTopicPartition()
	one.Offset, one.Metadata, one.LeaderEpoch = offset, ptr("note"), 0
	t := kmsg.NewTxnOffsetCommitRequestTopic()
	t.Topic, t.TopicID = topic, id
	t.Partitions = append(t.Partitions, one)
	req := kmsg.NewPtrTxnOffsetCommitRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group, req.Generation = p.name, p.id, p.epoch, group, -1
	req.Topics = append(req.Topics, t)
	return req
}

func (p *producer) endRequest(commit bool) *kmsg.EndTxnRequest {
	req := kmsg.NewPtrEndTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Commit = p.name, p.id, p.epoch, commit
	return req
}

// end ends the transaction and waits until its markers are written. From version 5 on
// the answer has the epoch for the next one.
func (p *producer) end(label string, commit bool) {
	resp := p.session.Ask(label, p.endRequest(commit)).(*kmsg.EndTxnResponse)
	if resp.ErrorCode == 0 && resp.Version >= 5 {
		if resp.ProducerEpoch != p.epoch {
			p.sequences = map[topicPartition]int32{}
		}
		p.id, p.epoch = resp.ProducerID, resp.ProducerEpoch
	}
	state := completeAbort
	if commit {
		state = completeCommit
	}
	p.await(state)
}

// await waits for a state of the transaction, and then for what the markers free in
// the partitions: coordinator and partitions are told one after the other.
func (p *producer) await(state string) {
	p.session.Until(describeTransactions(p.name), func(r kmsg.Response) bool {
		return r.(*kmsg.DescribeTransactionsResponse).TransactionStates[0].State == state
	})
}

// batch is a batch inside the transaction, with the sequence that is due.
func (p *producer) batch(topic string, partition int32, values ...string) *wire.Batch {
	b := p.session.Batch(values...)
	at := topicPartition{topic, partition}
	b.Attributes, b.ProducerID, b.ProducerEpoch, b.BaseSequence = transactional, p.id, p.epoch, p.sequences[at]
	p.sequences[at] += int32(len(values))
	return b
}

// produceRequest writes one batch of the transaction.
func (p *producer) produceRequest(topic string, id [16]byte, partition int32, b *wire.Batch) *kmsg.ProduceRequest {
	req := produceTo(topic, id, partition, b.Encode())
	req.TransactionID = &p.name
	return req
}

func describeTransactions(ids ...string) *kmsg.DescribeTransactionsRequest {
	req := kmsg.NewPtrDescribeTransactionsRequest()
	req.TransactionalIDs = ids
	return req
}

func listTransactions(edit func(r *kmsg.ListTransactionsRequest)) *kmsg.ListTransactionsRequest {
	req := kmsg.NewPtrListTransactionsRequest()
	req.DurationFilterMillis = -1
	edit(req)
	return req
}

// committedFrom is fetchFrom that sees only what is committed.
func committedFrom(name string, id [16]byte, partition int32, offset int64) *kmsg.FetchRequest {
	req := fetchFrom(name, id, partition, offset)
	req.IsolationLevel = 1
	return req
}

func describeProducers(topic string, partitions ...int32) *kmsg.DescribeProducersRequest {
	t := kmsg.NewDescribeProducersRequestTopic()
	t.Topic, t.Partitions = topic, partitions
	req := kmsg.NewPtrDescribeProducersRequest()
	req.Topics = append(req.Topics, t)
	return req
}
