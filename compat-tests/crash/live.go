package crash

import "fmt"

// marks are what a Fetch answer says of a partition beside its records.
type marks struct{ start, stable, high int64 }

// live is what a reader saw of a partition while the broker was killed again
// and again. What a consumer has seen must be there for every later one.
type live struct {
	// seen maps an offset to its value.
	seen map[int64]int
	last marks
	// broken are the promises that the reader saw broken itself.
	broken []string
}

// brokenMax bounds what is kept of one partition: a log that went back would
// otherwise give a line per record.
const brokenMax = 20

func (l *live) fault(format string, args ...any) {
	if len(l.broken) < brokenMax {
		l.broken = append(l.broken, fmt.Sprintf(format, args...))
	}
}

// Seen notes a value that a reader found while producers were at work.
func (l *Ledger) Seen(p, value int, offset int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	part := &l.mu.partitions[p]
	if before, again := part.seen[offset]; again && before != value {
		part.fault("changed: offset %d held value %d, then %d", offset, before, value)
	}
	part.seen[offset] = value
	l.mu.seen++
	l.notify()
}

// Marks notes log start, last stable offset and high watermark of an answer. All
// three may only grow, and the last stable offset stays within the high watermark.
func (l *Ledger) Marks(p int, start, stable, high int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	part := &l.mu.partitions[p]
	last, now := part.last, marks{start, stable, high}
	if now.start < last.start || now.stable < last.stable || now.high < last.high {
		part.fault("went back: start, stable and high were %v, then %v", last, now)
	}
	if !l.LooseMarks && (now.stable > now.high || now.start > now.high) {
		part.fault("crossed: start, stable and high are %v", now)
	}
	part.last = now
}

// Fault notes a promise that a reader saw broken.
func (l *Ledger) Fault(p int, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.partitions[p].fault("%s", text)
}

// check compares what was seen live with what is there at the end.
func (l *live) check(read []entry) []string {
	broken := l.broken
	at := make(map[int64]int, len(read))
	for _, e := range read {
		at[e.offset] = e.value
	}
	for offset, value := range l.seen {
		now, there := at[offset]
		switch {
		case !there:
			broken = append(broken, fmt.Sprintf("vanished: value %d, seen at offset %d", value, offset))
		case now != value:
			broken = append(broken, fmt.Sprintf("changed: offset %d held value %d, at the end %d", offset, value, now))
		}
	}
	return broken
}
