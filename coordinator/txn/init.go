package txn

import (
	"time"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/protocol"
)

// InitProducerID gives a transactional id to a producer: the epoch rises, which
// fences whoever had it before. An open transaction is aborted first; the producer
// is told to ask again (TransactionCoordinator.handleInitProducerId).
func (m *Machine) InitProducerID(now coordinator.Moment, in InitInput, reply func(InitOutput)) coordinator.Decision {
	m.begin(now)
	out := m.initProducerID(in)
	m.reply(func(err error) {
		if err != nil {
			out = InitOutput{Err: err}
		}
		reply(out)
	})
	return m.finish()
}

func (m *Machine) initProducerID(in InitInput) InitOutput {
	timeout := time.Duration(in.TimeoutMillis) * time.Millisecond
	switch {
	case in.TransactionalID == "" || len(in.TransactionalID) > stringBytesMax || !m.fits(in.TransactionalID, durable{}):
		return InitOutput{Err: protocol.ErrInvalidRequest}
	case timeout <= 0 || timeout > m.config.TimeoutMax:
		return InitOutput{Err: protocol.ErrInvalidTransactionTimeout}
	}
	t := m.transactions[in.TransactionalID]
	if t == nil {
		if in.NewID == protocol.None {
			return InitOutput{NeedID: true}
		}
		return m.firstProducer(in, timeout)
	}
	isExpected := in.Expected.ID != protocol.None
	switch {
	case isExpected && !t.mayBe(in.Expected):
		return InitOutput{Err: protocol.ErrProducerFenced}
	case t.state.isDecided():
		return InitOutput{Err: protocol.ErrConcurrentTransactions}
	case t.state == Ongoing:
		newID := protocol.ProducerID(protocol.None) // one that was fetched in vain is not used
		if m.needsID(t) {
			if newID = in.NewID; newID == protocol.None {
				return InitOutput{NeedID: true}
			}
		}
		m.abortByBroker(t, newID)
		return InitOutput{Err: protocol.ErrConcurrentTransactions}
	}
	return m.nextProducer(t, in, timeout, isExpected)
}

// mayBe tells whether a producer that names itself can be the one that has the id:
// it has its producer id, or the one before, whose epochs ran out.
func (t *transaction) mayBe(expected coordinator.Producer) bool {
	return expected.ID == t.producer.ID || expected.ID == t.previousID && expected.Epoch >= epochLast
}

func (m *Machine) firstProducer(in InitInput, timeout time.Duration) InitOutput {
	d := durable{
		producer:   coordinator.Producer{ID: in.NewID, Epoch: 0},
		previousID: in.NewID,
		nextID:     protocol.None,
		timeout:    timeout,
		startedAt:  protocol.None,
		nextEpoch:  protocol.None,
	}
	m.change(in.TransactionalID, d)
	m.then(func() { m.arm(m.transactions[in.TransactionalID]) })
	return InitOutput{Producer: d.producer}
}

// nextProducer raises the epoch of an id without a transaction.
func (m *Machine) nextProducer(t *transaction, in InitInput, timeout time.Duration, isExpected bool) InitOutput {
	d, lastEpoch := t.durable, t.lastEpoch
	isCurrent := !isExpected || in.Expected.Epoch == t.producer.Epoch
	switch {
	case t.isExhausted() && isCurrent:
		if in.NewID == protocol.None {
			return InitOutput{NeedID: true}
		}
		d.producer = coordinator.Producer{ID: in.NewID, Epoch: 0}
		lastEpoch = t.epochIf(isExpected)
	case t.isExhausted():
		return InitOutput{Err: protocol.ErrUnknownServerError} // as Kafka, which has no epoch to give
	case isCurrent:
		d.producer.Epoch++
		lastEpoch = t.epochIf(isExpected)
	case in.Expected.Epoch == t.lastEpoch:
		// It asks again because it did not hear of the last time.
	default:
		return InitOutput{Err: protocol.ErrProducerFenced}
	}
	d.previousID, d.state, d.timeout = t.producer.ID, Empty, timeout
	d.partitions, d.startedAt = nil, protocol.None
	m.change(t.id, d)
	t.lastEpoch = lastEpoch
	m.then(func() { m.arm(t) })
	return InitOutput{Producer: d.producer}
}

// isExhausted tells that the next epoch would be the broker's own.
func (t *transaction) isExhausted() bool { return t.producer.Epoch >= epochLast }

func (t *transaction) epochIf(is bool) int16 {
	if is {
		return t.producer.Epoch
	}
	return protocol.None
}
