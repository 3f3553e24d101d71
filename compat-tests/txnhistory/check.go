package txnhistory

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// findings collects broken promises.
type findings []string

func (f *findings) add(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

// place is an offset of the topic.
type place struct {
	partition int32
	offset    int64
}

// Check lists the broken promises, in an order that does not vary.
func (h *History) Check() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var f findings
	held := map[place]string{}
	for _, isolation := range []Isolation{ReadUncommitted, ReadCommitted} {
		for _, partition := range slices.Sorted(maps.Keys(h.mu.final[isolation])) {
			h.checkLog(&f, partition, h.mu.final[isolation][partition], held)
		}
	}
	at := h.committedValues()
	h.checkSightings(&f, at, held)
	for _, id := range slices.SortedFunc(maps.Keys(h.mu.transactions), compareIDs) {
		h.mu.transactions[id].check(&f, id, at)
	}
	h.checkCycles(&f)
	return f
}

func compareIDs(a, b ID) int {
	return cmp.Or(cmp.Compare(a.Producer, b.Producer), cmp.Compare(a.Number, b.Number))
}

// committedValues are what the last reader of the committed found, with the first offset of each.
func (h *History) committedValues() map[Value]int64 {
	at := map[Value]int64{}
	for _, entries := range h.mu.final[ReadCommitted] {
		for _, e := range entries {
			if v, ok := ParseValue(e.Value); ok {
				if _, twice := at[v]; !twice {
					at[v] = e.Offset
				}
			}
		}
	}
	return at
}

// checkLog judges a partition as one reader found it at the end.
func (h *History) checkLog(f *findings, partition int32, entries []Entry, held map[place]string) {
	first := map[Value]int64{}
	last := map[int]int{} // by producer
	behind := int64(-1)
	for _, e := range entries {
		if e.Offset <= behind {
			f.add("backwards: partition %d, offset %d comes behind %d", partition, e.Offset, behind)
		}
		behind = e.Offset
		hold(f, held, partition, e)
		v, ok := ParseValue(e.Value)
		if !ok || v.Partition != partition || v.Sequence >= h.mu.sent[sequenceOf{v.Producer, partition}] {
			f.add("foreign: %q in partition %d at offset %d", e.Value, partition, e.Offset)
			continue
		}
		if before, twice := first[v]; twice {
			f.add("doubled: %v at offsets %d and %d", v, before, e.Offset)
			continue
		}
		first[v] = e.Offset
		if next, known := last[v.Producer]; known && v.Sequence < next {
			f.add("reordered: %v at offset %d comes behind sequence %d", v, e.Offset, next)
		}
		last[v.Producer] = max(last[v.Producer], v.Sequence)
		if acked, known := h.mu.transactions[v.ID].acked[v]; known && acked != e.Offset {
			f.add("moved: %v was acknowledged at offset %d and is at %d", v, acked, e.Offset)
		}
	}
}

// hold notes what an offset holds.
func hold(f *findings, held map[place]string, partition int32, e Entry) {
	p := place{partition, e.Offset}
	if before, known := held[p]; known && before != e.Value {
		f.add("changed: partition %d, offset %d holds %q and %q", partition, e.Offset, before, e.Value)
	}
	held[p] = e.Value
}

// checkSightings judges what live readers of the committed found.
func (h *History) checkSightings(f *findings, at map[Value]int64, held map[place]string) {
	type position struct {
		reader    string
		partition int32
	}
	behind := map[position]int64{}
	for _, s := range h.mu.seen {
		p := position{s.reader, s.partition}
		if before, known := behind[p]; known && s.Offset <= before {
			f.add("backwards: %s in partition %d, offset %d comes behind %d", s.reader, s.partition, s.Offset, before)
		}
		behind[p] = s.Offset
		hold(f, held, s.partition, s.Entry)
		v, ok := ParseValue(s.Value)
		t := h.mu.transactions[v.ID]
		if !ok || t == nil {
			f.add("foreign: %s found %q in partition %d at offset %d", s.reader, s.Value, s.partition, s.Offset)
			continue
		}
		switch {
		case t.outcome == Aborted:
			f.add("aborted: %s found %v at offset %d", s.reader, v, s.Offset)
		case s.at.Before(t.ending):
			f.add("early: %s found %v at offset %d, %v before its commit was asked for", s.reader, v, s.Offset, t.ending.Sub(s.at))
		}
		if _, there := at[v]; !there && t.outcome != Aborted {
			f.add("vanished: %s found %v at offset %d", s.reader, v, s.Offset)
		}
	}
}

// check judges a transaction by what the last reader of the committed found.
func (t *transaction) check(f *findings, id ID, at map[Value]int64) {
	var there, missing []Value
	for _, v := range t.values {
		if _, found := at[v]; found {
			there = append(there, v)
		} else {
			missing = append(missing, v)
		}
	}
	switch {
	case t.outcome == Aborted && len(there) > 0:
		f.add("aborted: the last reader found %v of transaction %v", there, id)
	case t.outcome == Committed && len(there) == 0 && len(missing) > 0:
		f.add("lost: all %d values of transaction %v", len(missing), id)
	case t.outcome != Aborted && len(there) > 0 && len(missing) > 0:
		f.add("torn: of transaction %v there are %v, not %v", id, there, missing)
	}
}

// checkCycles looks for transactions that read each other's writes in a circle:
// all of them would have been committed before the others. It takes away who has
// read nothing that is left, until nothing changes.
func (h *History) checkCycles(f *findings) {
	left := map[ID]map[ID]bool{}
	readers := map[ID][]ID{}
	var free []ID
	for id, t := range h.mu.transactions {
		left[id] = maps.Clone(t.reads)
		for read := range t.reads {
			readers[read] = append(readers[read], id)
		}
		if len(t.reads) == 0 {
			free = append(free, id)
		}
	}
	for len(free) > 0 {
		id := free[len(free)-1]
		free = free[:len(free)-1]
		delete(left, id)
		for _, reader := range readers[id] {
			delete(left[reader], id)
			if len(left[reader]) == 0 {
				free = append(free, reader)
			}
		}
	}
	// Whoever read of a circle without being in it is left as well.
	if len(left) > 0 {
		f.add("cycle: among the transactions %v", slices.SortedFunc(maps.Keys(left), compareIDs))
	}
}
