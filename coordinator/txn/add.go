package txn

import (
	"slices"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/protocol"
)

// waitersMax bounds who waits for the end of one transaction. It is its producer
// that does, with one request per broker.
const waitersMax = 64

// AddPartitions adds partitions to a transaction, which begins with the first, or
// tells whether they are in it (KIP-890). A producer that is faster than the
// markers of its last transaction waits for them, up to markersPatience; Kafka has
// it ask again.
func (m *Machine) AddPartitions(now coordinator.Moment, in AddInput, reply func(AddOutput)) coordinator.Decision {
	m.begin(now)
	m.addPartitions(in, reply)
	return m.finish()
}

func (m *Machine) addPartitions(in AddInput, reply func(AddOutput)) {
	t := m.transactions[in.TransactionalID]
	err := check(t, in.Producer)
	switch {
	case in.TransactionalID == "":
		err = protocol.ErrInvalidRequest
	case err != nil:
	case t.state.isDecided() && in.VerifyOnly, t.state.isDecided() && len(t.waiting) >= waitersMax:
		err = protocol.ErrConcurrentTransactions
	case t.state.isDecided():
		t.waiting = append(t.waiting, waiter{
			resume: func() { m.addPartitions(in, reply) },
			refuse: func(err error) { reply(AddOutput{Err: err}) },
		})
		return
	}
	if err != nil {
		m.reply(func(error) { reply(AddOutput{Err: err}) })
		return
	}
	out := AddOutput{Partitions: make([]error, len(in.Partitions))}
	if in.VerifyOnly {
		for i, p := range in.Partitions {
			if !t.has(p) {
				out.Partitions[i] = protocol.ErrTransactionAbortable
			}
		}
	} else if !m.add(t, in) {
		out = AddOutput{Err: protocol.ErrUnknownServerError} // as Kafka does when the record is too large
	}
	m.reply(func(err error) {
		if err != nil {
			out = AddOutput{Err: err}
		}
		reply(out)
	})
}

// check tells whether a producer has the transactional id.
func check(t *transaction, p coordinator.Producer) error {
	switch {
	case t == nil:
		return protocol.ErrInvalidProducerIDMapping
	case t.state.isDecided() && t.nextID != protocol.None && p == (coordinator.Producer{ID: t.nextID, Epoch: 0}):
		return nil // it goes on under the next id once the markers are written
	}
	return checkExactly(t, p)
}

func (t *transaction) has(p TopicPartition) bool {
	if t.state != Ongoing {
		return false
	}
	_, found := slices.BinarySearchFunc(t.partitions, p, comparePartitions)
	return found
}

// add writes the transaction with more partitions, unless all are in it.
func (m *Machine) add(t *transaction, in AddInput) bool {
	if len(in.Partitions) == 0 { // begins nothing, as in Kafka
		return true
	}
	if t.state == Ongoing && !slices.ContainsFunc(in.Partitions, func(p TopicPartition) bool { return !t.has(p) }) {
		return true
	}
	d := t.durable
	isFirst := d.state != Ongoing
	if isFirst {
		d.startedAt = m.now.Wall
	}
	d.previousID, d.state, d.version = t.producer.ID, Ongoing, in.Version
	d.partitions = sorted(slices.Concat(t.partitions, in.Partitions))
	if !m.fits(t.id, d) {
		return false
	}
	m.change(t.id, d)
	if isFirst {
		m.then(func() { m.arm(t) })
	}
	return true
}
