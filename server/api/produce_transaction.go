package api

import (
	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/txn"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Records in transactions (KIP-98, KIP-890). A log takes the first ones of a
// transaction only if the transaction coordinator knows that the partition belongs
// to it, or nobody would end it there. The coordinator is asked once about those batches
// of a request that come first in their partitions, and then they are checked and
// appended. So a bad batch adds its partition to the transaction as well, as in Kafka
// (ReplicaManager.handleProduceAppend). The connection waits meanwhile, so that nothing overtakes.
// Batches that are not the first cost one look into the log's table of producers.

const (
	// produceAbortableFrom is the version of clients that know TRANSACTION_ABORTABLE.
	produceAbortableFrom = 11
	// produceAddsFrom is the version whose first batch adds its partition to the
	// transaction; clients before say so with AddPartitionsToTxn.
	produceAddsFrom = 12
	// asksMax bounds how often the coordinator is asked again.
	asksMax = 4
)

// heldBatch is a batch of a request with a transactional id before it is looked into.
type heldBatch struct {
	item   *produceItem
	where  txn.TopicPartition
	batch  protocol.Batch // its header is whole
	policy *policy
	pass   logstore.Pass
	asks   bool // whether the partition belongs to the transaction
}

func (h *heldBatch) isTransactional() bool {
	return h.batch.IsTransactional() && h.batch.ProducerID() >= 0
}

func (h *heldBatch) producer() coordinator.Producer {
	return coordinator.Producer{ID: h.batch.ProducerID(), Epoch: h.batch.ProducerEpoch()}
}

// appendHeld appends what the transaction coordinator lets in.
func (c *produceCall) appendHeld(r *Request) {
	defer func() { c.held = kept(c.held); clear(c.held); c.held = c.held[:0] }()
	producer, ok := c.onlyProducer()
	if !ok {
		for i := range c.items { // as Kafka does (ReplicaManager.handleProduceAppend)
			c.items[i].failure, c.items[i].judged = protocol.ErrInvalidProducerIDMapping, false
			c.items[i].message = "the transactional records are of more than one producer"
		}
		return
	}
	if c.header.Version >= produceAddsFrom || c.settings.TransactionPartitionVerification {
		c.verify(r, producer)
	}
	for i := range c.held {
		h := &c.held[i]
		if h.item.failure != nil {
			continue
		}
		in := logstore.AppendInput{Batch: h.batch, Pass: h.pass}
		if c.header.Version >= produceAddsFrom {
			in.TransactionVersion = 2
		}
		c.judge(r, h.item, h.policy, in)
	}
}

// onlyProducer is who wrote the transactional batches; false when there are two.
func (c *produceCall) onlyProducer() (producer coordinator.Producer, ok bool) {
	producer = coordinator.NoProducer
	for i := range c.held {
		h := &c.held[i]
		if !h.isTransactional() {
			continue
		}
		if producer != coordinator.NoProducer && producer != h.producer() {
			return producer, false
		}
		producer = h.producer()
	}
	return producer, true
}

// verify finds the batches that come first in their partitions and asks the
// coordinator about these. Those that may not be appended get their failure.
func (c *produceCall) verify(r *Request, producer coordinator.Producer) {
	asking := 0
	for i := range c.held {
		h := &c.held[i]
		if !h.isTransactional() {
			continue
		}
		if err := h.item.partition.Ready(); err != nil {
			h.item.failure = errorOf(err)
			continue
		}
		open, pass := h.item.partition.Log().TransactionOpen(producer.ID, producer.Epoch)
		h.pass, h.asks = pass, !open
		if h.asks && r.Peer.putOff.isBefore(h) {
			h.asks = false
			h.item.failure, h.item.judged = protocol.ErrNotEnoughReplicas, false
		}
		if h.asks {
			asking++
		}
	}
	if asking == 0 {
		return
	}
	in := txn.AddInput{
		TransactionalID: string(c.request.TransactionalID), Producer: producer,
		Partitions: make([]txn.TopicPartition, 0, asking), VerifyOnly: true, Alone: true,
	}
	if c.header.Version >= produceAddsFrom {
		in.VerifyOnly, in.Version = false, 2
	}
	for i := range c.held {
		if c.held[i].asks {
			in.Partitions = append(in.Partitions, c.held[i].where)
		}
	}
	out := c.ask(r, in)
	// The answer may have waited for the markers of the last transaction, which end
	// what was seen before them.
	for range asksMax {
		if out.First() != nil || !c.renewPasses(producer) {
			break
		}
		out = c.ask(r, in)
	}
	at := 0
	for i := range c.held {
		h := &c.held[i]
		if !h.asks {
			continue
		}
		err := out.Err
		if err == nil {
			err = out.Partitions[at]
		}
		at++
		if err != nil {
			c.shutOut(h.item, errorOf(err))
		}
		r.Peer.putOff.note(h)
	}
}

// renewPasses looks again at the partitions that are asked about, and tells whether
// a transaction ended in one of them meanwhile.
func (c *produceCall) renewPasses(producer coordinator.Producer) (changed bool) {
	for i := range c.held {
		h := &c.held[i]
		if !h.asks {
			continue
		}
		_, pass := h.item.partition.Log().TransactionOpen(producer.ID, producer.Epoch)
		changed = changed || pass != h.pass
		h.pass = pass
	}
	return changed
}

func (c *produceCall) ask(r *Request, in txn.AddInput) txn.AddOutput {
	c.api.wait(r)
	answer := make(chan txn.AddOutput, 1)
	c.api.Transactions.AddPartitions(in, func(out txn.AddOutput) { answer <- out })
	return <-answer
}

// shutOut tells the client what the coordinator said in the words that its version
// knows (AddPartitionsToTxnManager, ReplicaManager.handleProduceAppend). Kafka names
// no log start then, since no log was asked.
func (c *produceCall) shutOut(item *produceItem, failure *protocol.Error) {
	item.judged = false
	switch failure.Code {
	case protocol.ErrProducerFenced.Code:
		failure = protocol.ErrInvalidProducerEpoch
	case protocol.ErrTransactionAbortable.Code:
		if c.header.Version < produceAbortableFrom {
			failure = protocol.ErrInvalidTxnState
			item.message = "the partition was not added to the transaction"
		}
	case protocol.ErrConcurrentTransactions.Code:
		if c.header.Version < produceAddsFrom {
			failure = notVerified(item, failure)
		}
	case protocol.ErrCoordinatorLoadInProgress.Code, protocol.ErrCoordinatorNotAvailable.Code,
		protocol.ErrNotCoordinator.Code, protocol.ErrNetworkException.Code:
		failure = notVerified(item, failure)
	}
	item.failure = failure
}

// putOff are the first batches of transactions that a connection's client has to send
// again, because the coordinator could not answer: their first sequences. Batches that
// were sent behind one must not come before it, and where the producer is not known
// yet a log takes any sequence (Kafka's VerificationStateEntry, for the same reason).
// A client begins anew with its oldest batch on another connection.
type putOff map[putOffKey]int32

type putOffKey struct {
	partition logstore.ID
	producer  coordinator.Producer
}

func (h *heldBatch) putOffKey() putOffKey {
	return putOffKey{h.item.partition.ID(), h.producer()}
}

// isBefore tells whether a batch was put off that comes before h.
func (p putOff) isBefore(h *heldBatch) bool {
	if len(p) == 0 {
		return false
	}
	first, ok := p[h.putOffKey()]
	return ok && first < h.batch.BaseSequence()
}

// note takes in what became of a batch that was asked about.
func (p *putOff) note(h *heldBatch) {
	isPutOff := h.item.failure != nil && h.item.failure.Retriable
	switch {
	case isPutOff && len(*p) < keptItemsMax:
		if *p == nil {
			*p = make(putOff)
		}
		(*p)[h.putOffKey()] = h.batch.BaseSequence()
	case !isPutOff && len(*p) > 0:
		delete(*p, h.putOffKey())
	}
}

// notVerified is an error on which every producer sends its batch again, and which
// does not make it ask for metadata.
func notVerified(item *produceItem, cause *protocol.Error) *protocol.Error {
	item.message = "whether the partition belongs to the transaction could not be found out: " + cause.Name
	return protocol.ErrNotEnoughReplicas
}
