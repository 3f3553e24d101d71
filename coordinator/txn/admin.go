package txn

import (
	"maps"
	"slices"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Describe shows the transaction of an id.
func (m *Machine) Describe(now coordinator.Moment, transactionalID string, reply func(Description)) coordinator.Decision {
	m.begin(now)
	d := m.describe(transactionalID)
	m.reply(func(err error) {
		if err != nil {
			d = Description{TransactionalID: transactionalID, Err: err}
		}
		reply(d)
	})
	return m.finish()
}

func (m *Machine) describe(id string) Description {
	t := m.transactions[id]
	switch {
	case id == "":
		return Description{TransactionalID: id, Err: protocol.ErrInvalidRequest}
	case t == nil:
		return Description{TransactionalID: id, Err: protocol.ErrTransactionalIDNotFound}
	}
	return Description{
		TransactionalID: id,
		Producer:        t.producer,
		TimeoutMillis:   int32(t.timeout.Milliseconds()),
		State:           t.state,
		StartedAt:       t.startedAt,
		Partitions:      t.partitions,
	}
}

// List shows the transactional ids of the shard that pass a filter.
func (m *Machine) List(now coordinator.Moment, in ListInput, reply func(ListOutput)) coordinator.Decision {
	m.begin(now)
	out := ListOutput{}
	states, unknown := statesNamed(in.States)
	out.UnknownStates = unknown
	producers := make(map[protocol.ProducerID]bool, len(in.ProducerIDs))
	for _, id := range in.ProducerIDs {
		producers[id] = true
	}
	for _, id := range slices.Sorted(maps.Keys(m.transactions)) {
		t := m.transactions[id]
		if len(in.States) > 0 && !states[t.state] ||
			len(in.ProducerIDs) > 0 && !producers[t.producer.ID] ||
			in.LongerThanMillis >= 0 && int64(now.Wall-t.startedAt) <= in.LongerThanMillis ||
			in.Matches != nil && !in.Matches(id) {
			continue
		}
		out.Transactions = append(out.Transactions, Listing{TransactionalID: id, ProducerID: t.producer.ID, State: t.state})
	}
	m.reply(func(err error) {
		if err != nil {
			out = ListOutput{Err: err}
		}
		reply(out)
	})
	return m.finish()
}

// statesNamed finds states by name, and gives the names that are none.
func statesNamed(names []string) (states map[State]bool, unknown []string) {
	states = map[State]bool{}
	for _, name := range names {
		if s, ok := stateNamed(name); ok {
			states[s] = true
		} else {
			unknown = append(unknown, name)
		}
	}
	return states, unknown
}
