package share

import (
	"math"
	"time"

	"github.com/barnabas-mq/barnabas/protocol"
)

// Extent is a row of offsets, both ends included: of a record batch in the log.
type Extent struct{ First, Last protocol.Offset }

// AcquireInput is a fetch of one member.
type AcquireInput struct {
	Member string
	// From is where the fetch read from: what Next gave. Fetched are the record batches
	// that it found, in order, at least one; Aborted those among them that must not be
	// delivered.
	From    protocol.Offset
	Fetched []Extent
	Aborted []Extent
	// RecordsMax bounds what is acquired. Unless Strict, the last batch may exceed it.
	RecordsMax int
	Strict     bool
	// BatchSize is how many records the member wants to acknowledge together.
	BatchSize int
	// Until is when the locks end.
	Until time.Duration
	// LocksMax and DeliveriesMax are share.partition.max.record.locks and
	// share.delivery.count.limit.
	LocksMax      int
	DeliveriesMax int
}

// Delivery is a row of records that a member has acquired.
type Delivery struct {
	First, Last protocol.Offset
	Count       int16 // this delivery included
}

// acquisition is one call of Acquire under way.
type acquisition struct {
	AcquireInput
	*InFlight
	first, last protocol.Offset // of what was fetched and may be acquired
	left        protocol.Offset // records that may still be
	out         []Delivery
	stopped     bool
}

// Acquire gives records to a member (SharePartition.acquire).
func (s *InFlight) Acquire(in AcquireInput) []Delivery {
	a := &acquisition{AcquireInput: in, InFlight: s}
	a.first, a.last = in.Fetched[0].First, in.Fetched[len(in.Fetched)-1].Last
	if a.last < s.start {
		return nil
	}
	a.left = protocol.Offset(min(in.RecordsMax, in.LocksMax-int(min(s.end-s.start, math.MaxInt32))))
	if a.left <= 0 && in.From < s.end {
		// The window is full; what is in it may go on all the same.
		a.left, a.last = min(protocol.Offset(in.RecordsMax), s.end-in.From), min(a.last, s.end-1)
	}
	if a.left <= 0 {
		return nil
	}
	s.noteHole(in.From, a.first)
	for i := s.find(max(a.first, s.start)); i < len(s.batches) && s.batches[i].first <= a.last && a.left > 0 && !a.stopped; i++ {
		a.again(&s.batches[i])
	}
	if a.left > 0 && !a.stopped && s.end <= a.last {
		a.anew()
	}
	for _, gone := range in.Aborted {
		a.archive(gone)
	}
	s.moveStart()
	return a.out
}

// noteHole notes that the log has no records from one offset to before the other one:
// they were compacted away.
func (s *InFlight) noteHole(from, to protocol.Offset) {
	if to <= from {
		return
	}
	for i := s.find(from); i < len(s.batches) && s.batches[i].first < to; i++ {
		b := &s.batches[i]
		for j := b.split(max(from, b.first)); j < b.split(min(to, b.last+1)); j++ {
			if r := &b.runs[j]; r.isAvailable() {
				r.slot = slot{state: Archived, count: r.count}
			}
		}
		b.compact()
	}
	if s.end < to {
		s.append(batch{runs: []run{{first: s.end, last: to - 1, slot: slot{state: Archived}}}})
	}
}

// again acquires what is available of a batch that was acquired before.
func (a *acquisition) again(b *batch) {
	isWhole := a.first <= b.first && b.last <= a.last
	exceeds := a.Strict && b.size > a.left
	throttled := b.maxCount(a.first, a.last) >= throttleFrom(a.DeliveriesMax)
	if throttled && len(a.out) > 0 {
		a.stopped = true // the next fetch begins with it
		return
	}
	if isWhole && !b.tracked && !exceeds && !throttled {
		if r := &b.runs[0]; r.isAvailable() {
			a.take(r)
			a.out = append(a.out, Delivery{r.first, r.last, r.count})
		}
		return
	}
	if !b.tracked && !b.runs[0].isAvailable() {
		return
	}
	b.tracked = true
	before := len(a.out)
	a.part(b)
	b.compact()
	a.stopped = throttled && len(a.out) > before
}

// part acquires records of a tracked batch. Records that were delivered often are
// given out in ever smaller rows, and alone the last time, so that one that nobody can
// process spoils few others (KIP-1191's throttling).
func (a *acquisition) part(b *batch) {
	taken, most := protocol.Offset(0), protocol.Offset(math.MaxInt64)
	if a.Strict || b.unseen {
		most = a.left
	}
	from := throttleFrom(a.DeliveriesMax)
	alone := int16(a.DeliveriesMax - 1)
	slowed := false
	for at := max(b.first, a.first); at <= min(b.last, a.last) && taken < most; {
		i := b.split(at)
		r := &b.runs[i]
		if !r.isAvailable() {
			at = r.last + 1
			continue
		}
		n := min(r.last, a.last) - at + 1
		isLast := a.DeliveriesMax > 2 && r.count == alone
		if isLast && taken > 0 {
			return
		}
		if isLast {
			n, most = 1, 1
		}
		if r.count >= from && !slowed {
			slowed = true
			if few := max(1, b.size>>min(r.count-from+1, 62)); taken < few {
				most = min(most, few)
			}
		}
		n = min(n, most-taken)
		b.split(at + n)
		r = &b.runs[i]
		a.take(r)
		taken += n
		at = r.last + 1
		a.deliver(Delivery{r.first, r.last, r.count}, b.first)
	}
}

// deliver adds a row to those before it, which it joins when both are of one batch.
func (a *acquisition) deliver(d Delivery, batchFirst protocol.Offset) {
	if n := len(a.out); n > 0 {
		if last := &a.out[n-1]; last.First >= batchFirst && last.Last+1 == d.First && last.Count == d.Count {
			last.Last = d.Last
			return
		}
	}
	a.out = append(a.out, d)
}

// take gives a run to the member.
func (a *acquisition) take(r *run) {
	r.slot = slot{state: Acquired, count: min(r.count, math.MaxInt16-1) + 1, member: a.Member, until: a.Until}
	a.left -= r.len()
}

// anew acquires records that were never fetched before (acquireNewBatchRecords).
func (a *acquisition) anew() {
	first, last := a.end, a.last
	if n := last - first + 1; a.left < n {
		last = a.batchEnd(first + a.left - 1)
	}
	if a.Strict {
		n := min(last-first+1, a.left)
		b := batch{runs: []run{{first: first, last: first + n - 1}}}
		if first+n <= last { // the rest of the batch waits for the next fetch
			b.tracked = true
			b.runs = append(b.runs, run{first: first + n, last: last})
		}
		a.take(&b.runs[0])
		a.append(b)
		a.out = append(a.out, Delivery{first, first + n - 1, 1})
		return
	}
	size := protocol.Offset(max(a.BatchSize, 1))
	if last-first+1 > size {
		for _, f := range a.Fetched {
			if f.First > last {
				break
			}
			if f.First-first >= size {
				a.new(first, f.First-1)
				first = f.First
			}
		}
	}
	a.new(first, last)
}

func (a *acquisition) new(first, last protocol.Offset) {
	b := batch{runs: []run{{first: first, last: last}}}
	a.take(&b.runs[0])
	a.append(b)
	a.out = append(a.out, Delivery{first, last, 1})
}

// batchEnd is the end of the record batch that holds an offset, or the offset itself
// between two.
func (a *acquisition) batchEnd(offset protocol.Offset) protocol.Offset {
	for _, f := range a.Fetched {
		if f.First <= offset && offset <= f.Last {
			return f.Last
		}
	}
	return offset
}

// archive takes records of an aborted transaction out of what was just acquired.
func (a *acquisition) archive(gone Extent) {
	var kept []Delivery
	for _, d := range a.out {
		first, last := max(d.First, gone.First), min(d.Last, gone.Last)
		if first > last {
			kept = append(kept, d)
			continue
		}
		a.archiveRow(first, last)
		if d.First < first {
			kept = append(kept, Delivery{d.First, first - 1, d.Count})
		}
		if d.Last > last {
			kept = append(kept, Delivery{last + 1, d.Last, d.Count})
		}
	}
	a.out = kept
}

// archiveRow archives acquired records of one batch.
func (a *acquisition) archiveRow(first, last protocol.Offset) {
	b := &a.batches[a.find(first)]
	for i := b.split(first); i < b.split(last+1); i++ {
		b.runs[i].slot = slot{state: Archived, count: b.runs[i].count}
	}
	b.compact()
}

// maxCount is the largest delivery count of the available records in a row of offsets.
func (b *batch) maxCount(first, last protocol.Offset) (most int16) {
	for i := range b.runs {
		if r := &b.runs[i]; r.isAvailable() && r.last >= first && r.first <= last {
			most = max(most, r.count)
		}
	}
	return most
}

// throttleFrom is the delivery count from which records are given out in smaller rows.
func throttleFrom(deliveriesMax int) int16 { return int16(max(2, (deliveriesMax+1)/2)) }
