package txn

import (
	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/protocol"
)

// versionBumping is the first transaction.version by which every transaction has
// an epoch of its own (KIP-890, part 2).
const versionBumping = 2

// End decides a transaction. The answer comes when the decision is committed; the
// markers follow (TransactionCoordinator.endTransaction).
func (m *Machine) End(now coordinator.Moment, in EndInput, reply func(EndOutput)) coordinator.Decision {
	m.begin(now)
	out := m.end(in)
	m.reply(func(err error) {
		if err != nil {
			out = EndOutput{Err: err}
		}
		reply(out)
	})
	return m.finish()
}

func (m *Machine) end(in EndInput) EndOutput {
	t := m.transactions[in.TransactionalID]
	switch {
	case in.TransactionalID == "":
		return EndOutput{Err: protocol.ErrInvalidRequest}
	case t == nil:
		return EndOutput{Err: protocol.ErrInvalidProducerIDMapping}
	}
	step := t.endStrictly
	if in.Version >= versionBumping {
		step = t.endBumping
	}
	decide, err := step(in)
	if err != nil || !decide {
		return EndOutput{Err: err, Producer: t.producer}
	}
	if in.Version >= versionBumping && t.isExhausted() && in.NewID == protocol.None {
		return EndOutput{NeedID: true}
	}
	return EndOutput{Producer: m.decide(t, in.Commit, in.Version, in.Version >= versionBumping, in.NewID)}
}

// endStrictly says what EndTxn of a client before transaction.version 2 comes to:
// whether there is a transaction to decide, or else the answer.
func (t *transaction) endStrictly(in EndInput) (decide bool, err error) {
	if err := checkExactly(t, in.Producer); err != nil {
		return false, err
	}
	switch {
	case t.state == Ongoing:
		return true, nil
	case t.isDone(in.Commit):
		return false, nil // it asks again
	case t.willBe(in.Commit):
		return false, protocol.ErrConcurrentTransactions
	}
	return false, protocol.ErrInvalidTxnState
}

// endBumping is endStrictly from transaction.version 2 on. A producer that did not
// hear the answer asks again with the epoch before; one that has added nothing may
// abort, to have another epoch.
func (t *transaction) endBumping(in EndInput) (decide bool, err error) {
	isOverflow := in.Producer.ID == t.previousID && in.Producer.Epoch == epochLast && t.producer.Epoch == 0 && t.producer.ID != t.previousID
	isAgain := in.Producer.ID == t.producer.ID && t.producer.Epoch == in.Producer.Epoch+1 || isOverflow
	if in.Producer.ID != t.producer.ID && !isOverflow {
		return false, protocol.ErrInvalidProducerIDMapping
	}
	isCurrent := in.Producer == t.producer
	switch t.state {
	case PrepareCommit, PrepareAbort:
		switch {
		case !isAgain:
			return false, protocol.ErrProducerFenced
		case t.willBe(in.Commit):
			return false, protocol.ErrConcurrentTransactions
		}
		return false, protocol.ErrInvalidTxnState
	case CompleteCommit, CompleteAbort:
		switch {
		case !isAgain && !isCurrent:
			return false, protocol.ErrProducerFenced
		case isAgain && t.isDone(in.Commit):
			return false, nil
		case isAgain || in.Commit:
			return false, protocol.ErrInvalidTxnState
		}
		return true, nil
	case Empty:
		switch {
		case !isCurrent:
			return false, protocol.ErrProducerFenced
		case in.Commit:
			return false, protocol.ErrInvalidTxnState
		}
		return true, nil
	}
	if !isCurrent {
		return false, protocol.ErrProducerFenced
	}
	return true, nil
}

// checkExactly is check for requests that may not wait.
func checkExactly(t *transaction, p coordinator.Producer) error {
	switch {
	case t.producer.ID != p.ID:
		return protocol.ErrInvalidProducerIDMapping
	case t.producer.Epoch != p.Epoch:
		return protocol.ErrProducerFenced
	}
	return nil
}

func (t *transaction) isDone(commit bool) bool {
	return commit && t.state == CompleteCommit || !commit && t.state == CompleteAbort
}

func (t *transaction) willBe(commit bool) bool {
	return commit && t.state == PrepareCommit || !commit && t.state == PrepareAbort
}

// decide writes the outcome, under a new epoch with bump, and goes on to the markers. It
// returns who the producer goes on as.
func (m *Machine) decide(t *transaction, commit bool, version int16, bump bool, newID protocol.ProducerID) coordinator.Producer {
	d := t.durable
	d.previousID, d.version = t.producer.ID, version
	d.state = PrepareAbort
	if commit {
		d.state = PrepareCommit
	}
	if t.state != Ongoing { // it aborts nothing, to have another epoch
		d.startedAt = m.now.Wall
	}
	lastEpoch, epoch := t.lastEpoch, d.producer.Epoch
	if bump {
		lastEpoch = protocol.None // before transaction.version 2 nobody asks again with it
		if epoch <= epochLast {
			d.producer.Epoch++
		}
	}
	goesOn := d.producer
	if version >= versionBumping {
		lastEpoch, d.nextID = epoch, newID
		if newID != protocol.None {
			goesOn = coordinator.Producer{ID: newID, Epoch: 0}
		}
	}
	m.change(t.id, d)
	t.lastEpoch = lastEpoch
	m.then(func() { m.finishDecided(t) })
	return goesOn
}

// abortByBroker aborts an open transaction with a new epoch, so that the producer
// cannot go on with it.
func (m *Machine) abortByBroker(t *transaction, newID protocol.ProducerID) {
	m.decide(t, false, min(m.config.FeatureLevel(), versionBumping), true, newID)
}

// needsID tells whether the end of the transaction uses up the producer's epochs.
func (m *Machine) needsID(t *transaction) bool {
	return m.config.FeatureLevel() >= versionBumping && t.isExhausted()
}

// timeOut aborts a transaction that is open for too long.
func (m *Machine) timeOut(t *transaction) {
	if m.needsID(t) {
		if !t.isAsking {
			t.isAsking = true
			m.hooks.NeedID(t.id, t.producer)
		}
		m.timers.Set(&t.timer, m.now.Elapsed+idRetry)
		return
	}
	m.abortByBroker(t, protocol.None)
}

// TimedOut goes on with a timeout that needs a producer id; None if there is none.
func (m *Machine) TimedOut(now coordinator.Moment, transactionalID string, p coordinator.Producer, newID protocol.ProducerID) coordinator.Decision {
	m.begin(now)
	t := m.transactions[transactionalID]
	if t == nil {
		return m.finish()
	}
	t.isAsking = false
	if newID != protocol.None && t.state == Ongoing && t.producer == p && since(t.startedAt, now.Wall) >= t.timeout {
		m.abortByBroker(t, newID)
	}
	return m.finish()
}

// finishDecided has the markers of a decided transaction written, once the decision
// is committed.
func (m *Machine) finishDecided(t *transaction) {
	if len(t.partitions) == 0 {
		m.complete(t)
		return
	}
	m.arm(t)
	m.decisions++
	t.decision, t.isWriting = m.decisions, true
	work := Markers{
		TransactionalID: t.id, Producer: t.producer, Commit: t.state == PrepareCommit, Version: t.version,
		Partitions: t.partitions, decision: t.decision,
	}
	m.reply(func(err error) {
		if err != nil { // the commit takes long; the timer asks again
			t.isWriting = false
			return
		}
		m.hooks.WriteMarkers(work)
	})
}

// MarkersWritten ends the transaction whose markers were asked for.
func (m *Machine) MarkersWritten(now coordinator.Moment, work Markers) coordinator.Decision {
	m.begin(now)
	t := m.transactions[work.TransactionalID]
	if t != nil && t.state.isDecided() && t.isWriting && t.decision == work.decision {
		t.isWriting = false
		m.complete(t)
	}
	return m.finish()
}

// complete writes the end and lets those go on who wait for it.
func (m *Machine) complete(t *transaction) {
	d := t.durable
	d.previousID, d.partitions = t.producer.ID, nil
	d.state = CompleteAbort
	if t.state == PrepareCommit {
		d.state = CompleteCommit
	}
	if d.version >= versionBumping && d.nextID != protocol.None {
		d.producer = coordinator.Producer{ID: d.nextID, Epoch: 0}
	}
	d.nextID = protocol.None
	m.change(t.id, d)
	m.then(func() {
		m.arm(t)
		m.resume(t)
	})
}

// resume lets the first of those go on who wait, then the next.
func (m *Machine) resume(t *transaction) {
	if len(t.waiting) == 0 {
		return
	}
	first := t.waiting[0]
	t.waiting = t.waiting[1:]
	first.resume()
	next := m.out.Then
	m.then(func() {
		if next == nil {
			m.resume(t)
			return
		}
		// What the input does once its record is applied comes first.
		m.out = next(m.now)
		m.resume(t)
	})
}
