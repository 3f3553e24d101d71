package share

import (
	"errors"
	"time"

	"github.com/barnabas-mq/barnabas/protocol"
)

// AcknowledgeType is what a member says of a record, in Kafka's numbers.
type AcknowledgeType int8

// Types of acknowledgements.
const (
	Gap     AcknowledgeType = 0 // there is no record at this offset
	Accept  AcknowledgeType = 1
	Release AcknowledgeType = 2 // somebody else may try
	Reject  AcknowledgeType = 3 // nobody can process it
	Renew   AcknowledgeType = 4 // it takes longer: the lock begins anew
)

// Acknowledgement is what a member says of a row of records: one type for all, or one
// for each.
type Acknowledgement struct {
	First, Last protocol.Offset
	Types       []AcknowledgeType
}

// AcknowledgeInput are the acknowledgements of one member.
type AcknowledgeInput struct {
	Member        string
	Batches       []Acknowledgement
	DeliveriesMax int
	// RenewAllowed is share.renew.acknowledge.enable; RenewUntil is when renewed locks end.
	RenewAllowed bool
	RenewUntil   time.Duration
}

// Errors of Acknowledge. Nothing has changed then but locks that were renewed before
// the offending record.
var (
	// ErrRecordState: a record is not the member's, or not any more.
	ErrRecordState = errors.New("the record is not acquired by the member")
	// ErrBeyondFetched: the acknowledgement reaches beyond what was ever delivered.
	ErrBeyondFetched = errors.New("the acknowledgement is past the acquired records")
)

// Acknowledge notes what a member has done with records. The change is to be written
// and settled; it is nil when there is nothing to write (SharePartition.acknowledge).
func (s *InFlight) Acknowledge(in AcknowledgeInput) (*Change, error) {
	c := &Change{Start: s.start, deliveriesMax: int16(in.DeliveriesMax)}
	// Runs are joined once for all, as a member may name each record by itself, and one
	// whose lock it renews any number of times.
	defer s.compact()
	for i := range in.Batches {
		if err := s.acknowledge(&in, &in.Batches[i], c); err != nil {
			s.undo(c)
			return nil, err
		}
	}
	if len(c.Batches) == 0 {
		return nil, nil
	}
	c.Complete = s.Complete()
	return c, nil
}

func (s *InFlight) compact() {
	for i := range s.batches {
		s.batches[i].compact()
	}
}

// undo takes a change back that nobody else has seen.
func (s *InFlight) undo(c *Change) { s.Settle(c, false, -1) }

func (s *InFlight) acknowledge(in *AcknowledgeInput, ack *Acknowledgement, c *Change) error {
	switch {
	case ack.Last < s.start:
		return nil // the start has moved past it
	case len(s.batches) == 0:
		return ErrRecordState
	case ack.First >= s.end || ack.Last >= s.end:
		return ErrBeyondFetched
	}
	first := max(ack.First, s.start)
	for i := s.find(first); i < len(s.batches) && s.batches[i].first <= ack.Last; i++ {
		b := &s.batches[i]
		if err := b.acknowledge(in, ack, max(first, b.first), min(ack.Last, b.last), c); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) acknowledge(in *AcknowledgeInput, ack *Acknowledgement, first, last protocol.Offset, c *Change) error {
	for at := first; at <= last; {
		kind, n := ack.typeAt(at, last)
		i := b.split(at)
		b.split(at + n)
		r := &b.runs[i]
		if r.state != Acquired || r.change != nil || r.member != in.Member {
			return ErrRecordState
		}
		switch before := r.slot; kind {
		case Renew:
			if !in.RenewAllowed {
				return ErrRecordState
			}
			r.until = in.RenewUntil
		default:
			r.change, r.before, r.slot = c, before, before.acknowledged(kind, int16(in.DeliveriesMax))
			c.Batches = joined(c.Batches, r.batch())
		}
		at = r.last + 1
	}
	return nil
}

// typeAt is the type of a record and how many from it on, up to last, have the same.
func (a *Acknowledgement) typeAt(offset, last protocol.Offset) (AcknowledgeType, protocol.Offset) {
	if len(a.Types) == 1 {
		return a.Types[0], last - offset + 1
	}
	types := a.Types[offset-a.First : last-a.First+1]
	n := 1
	for n < len(types) && types[n] == types[0] {
		n++
	}
	return types[0], protocol.Offset(n)
}

func (s slot) acknowledged(kind AcknowledgeType, deliveriesMax int16) slot {
	switch kind {
	case Accept:
		return slot{state: Acknowledged, count: s.count}
	case Release:
		return s.released(deliveriesMax)
	}
	return slot{state: Archived, count: s.count} // a gap, a rejection
}
