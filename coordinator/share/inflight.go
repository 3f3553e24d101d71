package share

import (
	"slices"
	"sort"
	"time"

	"github.com/barnabas-mq/barnabas/internal/invariant"
	"github.com/barnabas-mq/barnabas/protocol"
)

// InFlight is the acquisition state of one share partition: what is known of the
// records from its start offset on, up to the last one that was ever fetched. It is
// pure; who owns it serialises its calls. Kafka's SharePartition is the model.
//
//	         start                                   end
//	final ... │ batch ─────────── │ batch ──── │ ... │  not fetched yet
//	          │ run │ run │ run   │ run        │     │
//	                 └ Acquired by a member until its lock ends
//
// A batch is what was acquired at once for the first time. It is handed out whole
// again, until some of its records go different ways: then it is tracked, which means
// record by record. A run is a row of records of a batch that share everything.
type InFlight struct {
	start protocol.Offset
	// batches are in order. Invariant: each begins where the one before ends, the first
	// one at start, and none is empty; nor is a run, of which the same holds.
	batches []batch
	end     protocol.Offset // exclusive; start while there are no batches
}

type batch struct {
	first, last protocol.Offset
	runs        []run
	size        protocol.Offset // records at first; those at its start go when they are final
	tracked     bool
	// unseen: nobody knows what these records are, since only what comes after them
	// was stored. They are acquired record by record up to the limit.
	unseen bool
}

// run is a row of records, both ends included.
type run struct {
	first, last protocol.Offset
	slot
	// change is under way: what is stored of these records is not decided. The slot is
	// as if it had been, before is what it was.
	change *Change
	before slot
}

// slot is what is known of a record.
type slot struct {
	state DeliveryState
	count int16 // deliveries; 0 of an Archived record says that there is none
	// member has the record until the moment until, while it is Acquired.
	member string
	until  time.Duration
}

func (s slot) isFinal() bool { return s.state == Acknowledged || s.state == Archived }

func (s slot) isHole() bool { return s.state == Archived && s.count == 0 }

// Change is what one call did to records, for as long as it is not stored. The owner
// writes it and then calls Settle.
type Change struct {
	// Start and Complete are for the write: as they were when the change began.
	Start    protocol.Offset
	Complete int32
	Batches  []Batch

	deliveriesMax int16
}

// NewInFlight is the state that was read: start, and what is known of records above
// it. Rows between them that are not known are to be delivered. The batches must be in
// order and without overlaps, as Read gives them.
func NewInFlight(start protocol.Offset, batches []Batch) *InFlight {
	s := &InFlight{start: start, end: start}
	for _, b := range batches {
		if b.First = max(b.First, s.end); b.First > b.Last {
			continue
		}
		if b.First > s.end {
			s.append(batch{unseen: true, tracked: true, runs: []run{{first: s.end, last: b.First - 1}}})
		}
		s.append(batch{runs: []run{{first: b.First, last: b.Last, slot: slot{state: b.State, count: b.Count}}}})
	}
	s.moveStart()
	return s
}

// Start is the offset below which every record is done with (Kafka's SPSO).
func (s *InFlight) Start() protocol.Offset { return s.start }

// Next is the offset to fetch from: the first record that is available, or the end.
func (s *InFlight) Next() protocol.Offset {
	for i := range s.batches {
		for j := range s.batches[i].runs {
			if r := &s.batches[i].runs[j]; r.isAvailable() {
				return r.first
			}
		}
	}
	return s.end
}

// CanAcquire tells whether a fetch may find anything: a record that is available, or
// room for further ones within locksMax.
func (s *InFlight) CanAcquire(locksMax int) bool {
	return s.end-s.start < protocol.Offset(locksMax) || s.Next() < s.end
}

// Complete counts the records from the start on whose delivery is over.
func (s *InFlight) Complete() int32 {
	n := protocol.Offset(0)
	for i := range s.batches {
		for j := range s.batches[i].runs {
			if r := &s.batches[i].runs[j]; r.isFinal() && !r.isHole() {
				n += r.len()
			}
		}
	}
	return int32(n)
}

// Advance drops what lies below the start of the log: those records are gone, whoever
// has them.
func (s *InFlight) Advance(logStart protocol.Offset) {
	if logStart <= s.start {
		return
	}
	s.start, s.end = logStart, max(s.end, logStart)
	drop := 0
	for drop < len(s.batches) && s.batches[drop].last < logStart {
		drop++
	}
	s.batches = slices.Delete(s.batches, 0, drop)
	if len(s.batches) > 0 && s.batches[0].first < logStart {
		s.batches[0].cutFront(logStart)
	}
	s.moveStart()
}

// Settle ends a change: stored or not. What was not stored goes back to who had it,
// unless that lock has ended meanwhile.
func (s *InFlight) Settle(c *Change, stored bool, now time.Duration) {
	invariant.Check(c != nil, "no change is settled")
	for i := range s.batches {
		b := &s.batches[i]
		touched := false
		for j := range b.runs {
			r := &b.runs[j]
			if r.change != c {
				continue
			}
			touched = true
			if !stored {
				r.slot = r.before
				if r.until <= now {
					r.slot = r.slot.released(c.deliveriesMax)
				}
			}
			r.change, r.before = nil, slot{}
		}
		if touched {
			b.compact()
		}
	}
	s.moveStart()
}

// ExpireLocks makes available what members have had for too long, and gives what is to
// be written of it; nil is nothing. Nobody waits for that write: if it fails, the next
// one tells the same.
func (s *InFlight) ExpireLocks(now time.Duration, deliveriesMax int) *Change {
	return s.release(deliveriesMax, func(r *run) bool { return r.until <= now }, nil)
}

// Release takes back what a member has; nil is nothing. The change is to be settled.
func (s *InFlight) Release(member string, deliveriesMax int) *Change {
	c := &Change{}
	return s.release(deliveriesMax, func(r *run) bool { return r.member == member }, c)
}

// release frees acquired records, under a change if the owner is to settle it.
func (s *InFlight) release(deliveriesMax int, which func(*run) bool, c *Change) *Change {
	var freed []Batch
	start := s.start
	for i := range s.batches {
		b := &s.batches[i]
		for j := range b.runs {
			r := &b.runs[j]
			if r.state != Acquired || !which(r) {
				continue
			}
			before := r.slot
			r.slot = before.released(int16(deliveriesMax))
			if c != nil {
				r.change, r.before = c, before
			}
			freed = append(freed, r.batch())
		}
	}
	if len(freed) == 0 {
		return nil
	}
	if c == nil {
		c = &Change{}
	}
	c.Start, c.Batches, c.deliveriesMax = start, freed, int16(deliveriesMax)
	c.Complete = s.Complete()
	s.moveStart()
	return c
}

// NextExpiry is when the first lock ends.
func (s *InFlight) NextExpiry() (at time.Duration, ok bool) {
	for i := range s.batches {
		for j := range s.batches[i].runs {
			if r := &s.batches[i].runs[j]; r.state == Acquired && (!ok || r.until < at) {
				at, ok = r.until, true
			}
		}
	}
	return at, ok
}

// moveStart passes what is final at the start.
func (s *InFlight) moveStart() {
	gone := 0
	for gone < len(s.batches) {
		b := &s.batches[gone]
		n := 0
		for n < len(b.runs) && b.runs[n].isFinal() && b.runs[n].change == nil {
			n++
		}
		if n < len(b.runs) {
			if n > 0 {
				b.cutFront(b.runs[n].first)
			}
			break
		}
		gone++
	}
	s.batches = slices.Delete(s.batches, 0, gone)
	s.start = s.end
	if len(s.batches) > 0 {
		s.start = s.batches[0].first
	}
}

// append adds a batch at the end.
func (s *InFlight) append(b batch) {
	b.first, b.last = b.runs[0].first, b.runs[len(b.runs)-1].last
	invariant.Check(b.first == s.end && b.first <= b.last, "a batch from %d to %d at the end %d", b.first, b.last, s.end)
	b.size = b.last - b.first + 1
	s.batches = append(s.batches, b)
	s.end = b.last + 1
}

// find is the index of the batch that holds an offset, or of the first one after it.
func (s *InFlight) find(offset protocol.Offset) int {
	return sort.Search(len(s.batches), func(i int) bool { return s.batches[i].last >= offset })
}

// cutFront forgets what lies below first, which the batch goes on from.
func (b *batch) cutFront(first protocol.Offset) {
	b.runs = slices.DeleteFunc(b.runs, func(r run) bool { return r.last < first })
	b.runs[0].first = max(b.runs[0].first, first)
	b.first = first
}

// split makes a run begin at an offset of the batch, and gives its index; for the
// offset after the batch it is the number of runs. A batch with several runs is tracked.
func (b *batch) split(offset protocol.Offset) int {
	i := sort.Search(len(b.runs), func(i int) bool { return b.runs[i].last >= offset })
	if i == len(b.runs) || b.runs[i].first >= offset {
		return i
	}
	right := b.runs[i]
	right.first = offset
	b.runs[i].last = offset - 1
	b.runs = slices.Insert(b.runs, i+1, right)
	b.tracked = true
	return i + 1
}

// compact joins runs that share everything.
func (b *batch) compact() {
	kept := b.runs[:1]
	for _, r := range b.runs[1:] {
		if last := &kept[len(kept)-1]; last.slot == r.slot && last.change == r.change && last.before == r.before {
			last.last = r.last
			continue
		}
		kept = append(kept, r)
	}
	clear(b.runs[len(kept):])
	b.runs = kept
}

func (r *run) len() protocol.Offset { return r.last - r.first + 1 }

func (r *run) isAvailable() bool { return r.state == Available && r.change == nil }

func (r *run) batch() Batch {
	return Batch{First: r.first, Last: r.last, State: r.state, Count: r.count}
}

// released is a record that its member gives back: available, unless it was delivered
// often enough.
func (s slot) released(deliveriesMax int16) slot {
	if s.count >= deliveriesMax {
		return slot{state: Archived, count: s.count}
	}
	return slot{state: Available, count: s.count}
}
