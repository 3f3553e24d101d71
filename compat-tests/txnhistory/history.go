package txnhistory

import (
	"fmt"
	"sync"
	"time"
)

// ID is a transaction: the producer's number and the transaction's in it, from 0.
type ID struct{ Producer, Number int }

// Value is a record: its transaction, and its place among the values that the
// producer sent to the partition, from 0.
type Value struct {
	ID
	Partition int32
	Sequence  int
}

// String is the record's text.
func (v Value) String() string {
	return fmt.Sprintf("%d.%d/%d/%d", v.Producer, v.Number, v.Partition, v.Sequence)
}

// ParseValue reads the text of a record.
func ParseValue(text string) (v Value, ok bool) {
	n, err := fmt.Sscanf(text, "%d.%d/%d/%d", &v.Producer, &v.Number, &v.Partition, &v.Sequence)
	return v, err == nil && n == 4 && v.String() == text
}

// Outcome is what the producer knows of its transaction.
type Outcome int

// Outcomes. Unknown is that of a commit that was asked for and not answered; a
// transaction whose commit was never asked for is Aborted, whoever aborts it.
const (
	Aborted Outcome = iota
	Unknown
	Committed
)

// Isolation of a reader.
type Isolation int

// Isolation levels.
const (
	ReadUncommitted Isolation = iota
	ReadCommitted
)

// Entry is a value at its offset.
type Entry struct {
	Value  string
	Offset int64
}

type transaction struct {
	outcome Outcome
	// ending is when the commit was asked for; zero if never.
	ending time.Time
	values []Value
	// acked maps a value to its offset.
	acked map[Value]int64
	// reads are the transactions of which it has read.
	reads map[ID]bool
}

// sighting is what a live reader of the committed found.
type sighting struct {
	reader    string
	partition int32
	Entry
	at time.Time
}

// History is written by many and checked at the end.
type History struct {
	mu struct {
		sync.Mutex
		transactions map[ID]*transaction
		sent         map[sequenceOf]int
		seen         []sighting
		final        map[Isolation]map[int32][]Entry
		committed    int
		// changed is closed and replaced when committed grows.
		changed chan struct{}
	}
	now func() time.Time
}

type sequenceOf struct {
	producer  int
	partition int32
}

// New is an empty history; now is the clock, nil for the machine's.
func New(now func() time.Time) *History {
	if now == nil {
		now = time.Now
	}
	h := &History{now: now}
	h.mu.transactions, h.mu.sent = map[ID]*transaction{}, map[sequenceOf]int{}
	h.mu.final = map[Isolation]map[int32][]Entry{ReadUncommitted: {}, ReadCommitted: {}}
	h.mu.changed = make(chan struct{})
	return h
}

// Begin notes a transaction.
func (h *History) Begin(id ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mu.transactions[id] = &transaction{acked: map[Value]int64{}, reads: map[ID]bool{}}
}

// Send is the next value of a transaction for a partition.
func (h *History) Send(id ID, partition int32) Value {
	h.mu.Lock()
	defer h.mu.Unlock()
	place := sequenceOf{id.Producer, partition}
	v := Value{id, partition, h.mu.sent[place]}
	h.mu.sent[place]++
	t := h.mu.transactions[id]
	t.values = append(t.values, v)
	return v
}

// Acked notes where a value was stored.
func (h *History) Acked(v Value, offset int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mu.transactions[v.ID].acked[v] = offset
}

// Ending notes that the commit is asked for now.
func (h *History) Ending(id ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.mu.transactions[id]
	t.outcome, t.ending = Unknown, h.now()
}

// Ended notes what the producer was told.
func (h *History) Ended(id ID, outcome Outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mu.transactions[id].outcome = outcome
	if outcome == Committed {
		h.mu.committed++
		close(h.mu.changed)
		h.mu.changed = make(chan struct{})
	}
}

// Seen notes what a reader of the committed found, and in which transaction, nil
// for none. A reader has one name for each time that it began anew.
func (h *History) Seen(reader string, in *ID, partition int32, e Entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mu.seen = append(h.mu.seen, sighting{reader, partition, e, h.now()})
	if v, ok := ParseValue(e.Value); ok && in != nil && v.ID != *in && h.mu.transactions[v.ID] != nil {
		h.mu.transactions[*in].reads[v.ID] = true
	}
}

// Final notes the next entry of a partition as it is when all is over.
func (h *History) Final(isolation Isolation, partition int32, e Entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mu.final[isolation][partition] = append(h.mu.final[isolation][partition], e)
}

// Committed is how many transactions are known to be, and a channel that is closed when there are more.
func (h *History) Committed() (int, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.mu.committed, h.mu.changed
}

// Totals are the values that were sent, those of transactions that are known as committed,
// and those that the last reader of the committed found.
func (h *History) Totals() (sent, committed, read int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.mu.transactions {
		sent += len(t.values)
		if t.outcome == Committed {
			committed += len(t.values)
		}
	}
	for _, entries := range h.mu.final[ReadCommitted] {
		read += len(entries)
	}
	return sent, committed, read
}

// String is one line of counts.
func (h *History) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	count := map[Outcome]int{}
	values := 0
	for _, t := range h.mu.transactions {
		count[t.outcome]++
		values += len(t.values)
	}
	return fmt.Sprintf("%d transactions committed, %d aborted, %d unknown; %d values sent, %d sightings",
		count[Committed], count[Aborted], count[Unknown], values, len(h.mu.seen))
}
