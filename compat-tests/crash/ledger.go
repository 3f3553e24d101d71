package crash

import (
	"fmt"
	"sync"
)

// Ledger is what is known about the values of a topic. Values are numbered per
// partition in the order in which they are sent, from 0.
type Ledger struct {
	// LooseMarks lets the marks of one answer cross: Kafka 4.3.1 reads the last stable
	// offset and the high watermark one after the other, and was seen to answer
	// 419 and 357 right after a start.
	LooseMarks bool

	mu struct {
		sync.Mutex
		partitions []partition
		// acked counts acknowledgements; seen what the live reader found.
		acked, seen int
		failures    []error
		// changed is closed and replaced when acked or seen grows.
		changed chan struct{}
	}
}

type partition struct {
	sent int
	// acked maps a value to its offset.
	acked map[int]int64
	read  []entry
	live
}

type entry struct {
	value  int
	offset int64
}

// NewLedger is for a topic of n partitions.
func NewLedger(n int) *Ledger {
	l := &Ledger{}
	l.mu.partitions = make([]partition, n)
	for i := range l.mu.partitions {
		l.mu.partitions[i].acked = map[int]int64{}
		l.mu.partitions[i].seen = map[int64]int{}
	}
	l.mu.changed = make(chan struct{})
	return l
}

// Partitions is how many the topic has.
func (l *Ledger) Partitions() int { return len(l.mu.partitions) }

// Send is the next value of a partition.
func (l *Ledger) Send(p int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	value := l.mu.partitions[p].sent
	l.mu.partitions[p].sent++
	return value
}

// Acked notes an acknowledgement.
func (l *Ledger) Acked(p, value int, offset int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.partitions[p].acked[value] = offset
	l.mu.acked++
	l.notify()
}

func (l *Ledger) notify() {
	close(l.mu.changed)
	l.mu.changed = make(chan struct{})
}

// Failed notes that a client gave a value up. With endless retries it never does.
func (l *Ledger) Failed(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.failures = append(l.mu.failures, err)
}

// Read notes a value that a reader found.
func (l *Ledger) Read(p, value int, offset int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	part := &l.mu.partitions[p]
	part.read = append(part.read, entry{value, offset})
}

// Counts are the acknowledgements and the values seen live so far, and a channel
// that is closed when there are more.
func (l *Ledger) Counts() (acked, seen int, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.acked, l.mu.seen, l.mu.changed
}

// Totals are the values that were sent and acknowledged, and those that readers have read to
// the end.
func (l *Ledger) Totals() (sent, acked, read int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.mu.partitions {
		sent += p.sent
		read += len(p.read)
	}
	return sent, l.mu.acked, read
}

// String is one line of counts.
func (l *Ledger) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	sent, seen, read := 0, 0, 0
	for _, p := range l.mu.partitions {
		sent += p.sent
		seen += len(p.seen)
		read += len(p.read)
	}
	return fmt.Sprintf("sent %d, acknowledged %d, seen live %d, read %d", sent, l.mu.acked, seen, read)
}

// Check lists the broken promises.
func (l *Ledger) Check() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var broken []string
	for _, err := range l.mu.failures {
		broken = append(broken, fmt.Sprintf("given up: %v", err))
	}
	for i, p := range l.mu.partitions {
		for _, text := range p.check() {
			broken = append(broken, fmt.Sprintf("partition %d: %s", i, text))
		}
	}
	return broken
}

func (p *partition) check() []string {
	broken := p.live.check(p.read)
	at := map[int]int64{}
	last := -1
	for i, e := range p.read {
		if want := p.read[0].offset + int64(i); e.offset != want {
			broken = append(broken, fmt.Sprintf("gap: offset %d where %d is due", e.offset, want))
		}
		if e.value < 0 || e.value >= p.sent {
			broken = append(broken, fmt.Sprintf("foreign: value %d at offset %d was never sent", e.value, e.offset))
			continue
		}
		if first, twice := at[e.value]; twice {
			broken = append(broken, fmt.Sprintf("doubled: value %d at offsets %d and %d", e.value, first, e.offset))
			continue
		}
		at[e.value] = e.offset
		if e.value < last {
			broken = append(broken, fmt.Sprintf("reordered: value %d at offset %d comes after value %d", e.value, e.offset, last))
		}
		last = max(last, e.value)
	}
	for value := range p.sent {
		offset, acked := p.acked[value]
		if !acked {
			continue
		}
		found, there := at[value]
		switch {
		case !there:
			broken = append(broken, fmt.Sprintf("lost: value %d, acknowledged at offset %d", value, offset))
		case found != offset:
			broken = append(broken, fmt.Sprintf("moved: value %d, acknowledged at offset %d, is at %d", value, offset, found))
		}
	}
	return broken
}
