package api

// Produce (key 0), versions 0 to 13.
//
// Each partition's batch is checked (CRC, counts, records, the topic's rules),
// appended as received, and answered by its own error code. acks=all waits for
// the commit of every partition, acks=1 for the write; acks=0 has no answer, and
// an error closes the connection, which is how the producer learns of it.
//
//	v0-2   message sets of formats 0 and 1, stored as batches of format 2; a batch as well
//	v3     exactly one batch of format 2; transactional id
//	v7     zstd is allowed
//	v8     errors of single records, error messages
//	v9     flexible
//	v10    leader hints (KIP-951): never sent, the one node leads
//	v11    TRANSACTION_ABORTABLE where INVALID_TXN_STATE was (KIP-890)
//	v12    the first batch adds its partition to the transaction (KIP-890)
//	v13    topics by id
//
// Transactions are in produce_transaction.go.

import (
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/coordinator/txn"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/partition"
	"github.com/barnabas-mq/barnabas/protocol"
	"github.com/barnabas-mq/barnabas/server"
)

var produce = declare(kmsg.Produce, 0, 13, (*API).produce).needs(need{auth.Write, auth.Topic}, need{auth.Write, auth.TransactionalID})

// produceCall is one request. It is reused by its connection for as long as every
// append is committed when it returns; else it belongs to the log until the last
// commit, and the connection takes a new one.
type produceCall struct {
	api      *API
	request  protocol.ProduceRequest
	header   protocol.Header
	settings *config.Broker
	// repack says that the batch in hand is to be stored in another codec, and flatten that it
	// is to be flattened before.
	repack, flatten bool
	turn            unpackTurn // of the batch in hand
	image           *metadata.Image
	now             protocol.Timestamp
	fault           *refusal
	// items are the partitions, in the order of the request. Invariant: never
	// grown while an append is under way, because the log holds pointers into it.
	items []produceItem
	// held are the batches of a request with a transactional id; empty between calls.
	held []heldBatch
	// open counts the appends under way, and one more until the call is parked.
	open    atomic.Int32
	ordered bool // some append was not committed when it returned
	ticket  *server.Ticket
}

type produceItem struct {
	partition *partition.Partition
	failure   *protocol.Error
	message   string
	// ordered tells that the append was not committed when it returned: unless the
	// answer waits for the commit, the log may still write to pending.Err.
	ordered bool
	// judged tells that the batch reached the checks of the log: from there on
	// Kafka answers errors with the log's start (ReplicaManager.appendToLocalLog).
	judged       bool
	recordErrors []protocol.RecordError
	pending      logstore.Pending
}

func (a *API) produce(r *Request) error {
	call := r.Peer.produce
	if call == nil {
		call = &produceCall{api: a}
		r.Peer.produce = call
	}
	if err := call.request.Decode(r.Header.Version, r.Body); err != nil {
		return err
	}
	call.header, call.settings, call.image, call.fault = r.Header, a.Config(), a.Metadata.Image(), r.refusal
	call.now = protocol.Timestamp(a.Clock.Now().UnixMilli())
	if err := call.run(r); err != nil {
		return err
	}
	if r.charge != nil {
		r.charge.exempt = call.request.Acks == 0
	}
	waits := call.request.Acks == -1 && call.ordered
	if waits && r.Call.Alone() {
		if err := r.flush(); err != nil {
			a.Partitions.Commit(false)
			return err
		}
		r.charge.rest()
		a.Partitions.Commit(true)
		waits = call.open.Load() > 1 // else all of it is committed
	} else if call.ordered {
		a.Partitions.Commit(false)
	}
	if call.ordered {
		r.Peer.produce = nil
	}
	switch acks := call.request.Acks; {
	case acks == 0:
		return call.firstFailure()
	case waits:
		call.park(r)
	default:
		call.encode(r.Call.Out())
	}
	return nil
}

// run appends every partition. Its error is for the connection.
func (c *produceCall) run(r *Request) error {
	n := 0
	for i := range c.request.Topics {
		n += len(c.request.Topics[i].Partitions)
	}
	if n > c.settings.RequestPartitionsMax {
		return tooManyPartitions(n, c.settings)
	}
	c.items = kept(c.items)
	clear(c.items)
	c.items = slices.Grow(c.items[:0], n)[:n]
	c.open.Store(1)
	c.ordered = false
	refusal := c.refusal(r)
	at := 0
	for i := range c.request.Topics {
		t := &c.request.Topics[i]
		found, failure := c.find(r, t)
		if refusal != nil {
			failure = refusal
		}
		for j := range t.Partitions {
			item := &c.items[at]
			at++
			item.pending.BaseOffset, item.pending.LogAppendTime, item.pending.LogStart = protocol.None, protocol.None, protocol.None
			if refusal != nil && refusal.Code == protocol.ErrCorruptMessage.Code {
				item.message = refusal.Message
			}
			if item.failure = failure; failure == nil {
				c.appendTo(r, item, found, &t.Partitions[j])
			}
		}
	}
	if len(c.held) > 0 {
		c.appendHeld(r)
	}
	return nil
}

func tooManyPartitions(n int, s *config.Broker) error {
	return protocol.ErrInvalidRequest.WithMessage("the request names %d partitions, barnabas.request.partitions.max allows %d", n, s.RequestPartitionsMax)
}

// refusal is what is wrong with the request as a whole: without a transactional id that
// one may use nobody writes what is transactional (CVE-2018-17196), and to see whether something is, Kafka looks
// at the first entry of every partition, which cannot be told from its bytes if they are
// damaged (KafkaApis, RequestUtils.flag).
func (c *produceCall) refusal(r *Request) *protocol.Error {
	for i := range c.request.Topics {
		for j := range c.request.Topics[i].Partitions {
			first, _, err := splitEntry(c.request.Topics[i].Partitions[j].Records)
			if err != nil {
				return errorOf(err)
			}
			if len(first) < protocol.BatchHeaderBytes || first.Magic() != 2 || !first.IsTransactional() {
				continue
			}
			if id := c.request.TransactionalID; id == nil || !c.api.mayBytes(r, auth.Write, auth.TransactionalID, id) {
				return errTxnDenied
			}
			return nil
		}
	}
	return nil
}

// find finds a topic that the client may write to.
func (c *produceCall) find(r *Request, t *protocol.ProduceTopic) (*metadata.Topic, *protocol.Error) {
	if c.header.Version >= 13 {
		found := c.image.TopicByID(t.ID)
		switch {
		case found == nil:
			return nil, protocol.ErrUnknownTopicID
		case !c.api.may(r, auth.Write, auth.Topic, found.Name):
			return nil, errTopicDenied
		}
		return found, nil
	}
	if !c.api.mayBytes(r, auth.Write, auth.Topic, t.Name) {
		return nil, errTopicDenied
	}
	if found := c.image.TopicBytes(t.Name); found != nil {
		return found, nil
	}
	return nil, protocol.ErrUnknownTopicOrPartition
}

// adminClientID may write internal topics (Kafka's AdminUtils.ADMIN_CLIENT_ID).
const adminClientID = "__admin_client"

// refusalOf is why nothing is written to a topic that exists.
func (c *produceCall) refusalOf(t *metadata.Topic, policy *policy) *protocol.Error {
	switch {
	case c.request.Acks < -1 || c.request.Acks > 1:
		return protocol.ErrInvalidRequiredAcks
	case t.Name[0] == '_' && isInternalTopic(t.Name) && c.header.ClientID != adminClientID:
		return protocol.ErrInvalidTopicException
	case c.request.Acks == -1 && policy.InsyncReplicasMin > 1 && !c.settings.ReplicationClamp:
		return protocol.ErrNotEnoughReplicas // one node has one replica
	}
	return nil
}

// appendTo checks and appends one partition's batch, or holds it until the transaction
// coordinator has been asked. The item holds the outcome.
func (c *produceCall) appendTo(r *Request, item *produceItem, t *metadata.Topic, p *protocol.ProducePartition) {
	if item.failure = c.fault.of(t.Name, p.Index); item.failure != nil {
		return
	}
	item.partition = c.api.Partitions.Get(t.ID, p.Index)
	if item.partition == nil {
		item.failure = protocol.ErrUnknownTopicOrPartition
		return
	}
	policy := c.api.policies.of(c.image, c.settings, t)
	batch, err := c.onlyBatch(r, item, policy, p.Records)
	if refusal := c.refusalOf(t, policy); refusal != nil && (err == nil || c.header.Version < produceBatches) {
		item.failure = refusal
		return
	}
	if err != nil || batch == nil {
		item.failure = errorOf(err)
		return
	}
	if c.request.TransactionalID != nil && len(batch) >= protocol.BatchHeaderBytes && batch.Magic() == 2 {
		where := txn.TopicPartition{Topic: t.Name, Partition: p.Index}
		c.held = append(c.held, heldBatch{item: item, where: where, batch: batch, policy: policy})
		return
	}
	c.judge(r, item, policy, logstore.AppendInput{Batch: batch})
}

// judge appends a batch that keeps the topic's rules.
func (c *produceCall) judge(r *Request, item *produceItem, policy *policy, in logstore.AppendInput) {
	var err error
	if in.Batch, err = c.prepare(r, item, policy, in.Batch); err != nil {
		item.failure = errorOf(err)
		return
	}
	item.judged = true
	c.append(item, in)
}

func (c *produceCall) append(item *produceItem, in logstore.AppendInput) {
	item.pending.Tag, item.pending.OnCommitted = c, producePendingCommitted
	c.open.Add(1)
	in.Origin, in.CommitLater = logstore.FromClient, true
	if item.partition.Append(in, &item.pending) == logstore.Committed {
		c.open.Add(-1)
		return
	}
	c.ordered, item.ordered = true, true
}

// producePendingCommitted runs on any goroutine, once per append that was not
// committed at once.
func producePendingCommitted(p *logstore.Pending) {
	c := p.Tag.(*produceCall)
	if c.open.Add(-1) == 0 {
		c.reply()
	}
}

// park answers once the last append is committed. The names of topics lie in the
// frame, which is reused meanwhile.
func (c *produceCall) park(r *Request) {
	for i := range c.request.Topics {
		t := &c.request.Topics[i]
		t.Name = slices.Clone(t.Name)
	}
	c.ticket = r.Call.Park()
	if c.open.Add(-1) == 0 {
		c.reply()
	}
}

func (c *produceCall) reply() { c.ticket.Reply(c.encode) }

// failureOf is what became of an item, nil for success. With acks=1 an append
// that is written and not yet synced is a success.
func (c *produceCall) failureOf(i *produceItem) *protocol.Error {
	if i.failure != nil || i.ordered && c.request.Acks != -1 {
		return i.failure
	}
	return errorOf(i.pending.Err)
}

// firstFailure is an acks=0 request's way to tell: the connection is closed.
func (c *produceCall) firstFailure() error {
	for i := range c.items {
		if failure := c.failureOf(&c.items[i]); failure != nil {
			return fmt.Errorf("with acks=0 a failure closes the connection: %w", failure)
		}
	}
	return nil
}

func (c *produceCall) encode(out *server.Out) {
	version := c.header.Version
	b := protocol.AppendProduceStart(beginAnswer(out, c.header), version, len(c.request.Topics))
	at := 0
	for i := range c.request.Topics {
		t := &c.request.Topics[i]
		b = protocol.AppendProduceTopic(b, version, t, len(t.Partitions))
		for j := range t.Partitions {
			result := c.result(&c.items[at], t.Partitions[j].Index)
			at++
			b = protocol.AppendProducePartition(b, version, &result)
		}
		b = protocol.AppendProduceTopicEnd(b, version)
	}
	out.SetBytes(protocol.AppendProduceEnd(b, version, 0, nil))
	out.End()
}

func (c *produceCall) result(i *produceItem, index int32) protocol.ProducePartitionResult {
	if failure := c.failureOf(i); failure != nil {
		c.api.FailedProduce.Inc()
		r := protocol.ProducePartitionResult{
			Index: index, ErrorCode: failure.Code, RecordErrors: i.recordErrors, ErrorMessage: i.message,
			BaseOffset: protocol.None, LogAppendTime: protocol.None, LogStartOffset: protocol.None,
		}
		if i.judged && failure.Code != protocol.ErrRecordListTooLarge.Code && failure.Code != protocol.ErrKafkaStorageError.Code {
			r.LogStartOffset = i.partition.Offsets().Start
		}
		return r
	}
	return protocol.ProducePartitionResult{
		Index: index, BaseOffset: i.pending.BaseOffset, LogAppendTime: i.pending.LogAppendTime, LogStartOffset: i.pending.LogStart,
	}
}
