package clients

import (
	"fmt"
	"slices"
	"time"
)

// work is what the workers of a group have read and committed, by partition, and
// what is wrong with it. It is kept under the group's lock.
//
// A worker that takes a partition over goes on at a committed offset. The test
// hears of a commit after the broker, so it knows two bounds of that offset:
//
//	floor  what a worker said that it had committed before the take-over
//	top    behind the last record that any worker had read
//
// A start before floor reads twice what was committed, a start behind top skips.
type work struct {
	partitions []workedPartition
	wrong      []string
	// lastRead is when the last record of any partition came; gap is the longest
	// time between two.
	lastRead time.Time
	gap      time.Duration
	// partitionGap is the same of the partition that waited longest.
	partitionGap time.Duration
	reread       int
}

type workedPartition struct {
	floor, top int64
	// seen has the offsets that were read; whole is the first that was not.
	seen     map[int64]bool
	whole    int64
	lastRead time.Time
}

// wrongMax bounds what is reported.
const wrongMax = 20

func newWork(partitions int) *work {
	w := &work{partitions: make([]workedPartition, partitions)}
	for i := range w.partitions {
		w.partitions[i].seen = map[int64]bool{}
	}
	return w
}

func (w *work) fault(format string, args ...any) {
	if len(w.wrong) < wrongMax {
		w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
	}
}

// takenOver marks a partition that is owned and of which nothing was read yet:
// below -1, it holds the floor at the time of the take-over.
func takenOver(floor int64) int64 { return -2 - floor }

func (w *work) assigned(m *member, partitions []int32) {
	for _, p := range m.owned {
		if !slices.Contains(partitions, p) {
			delete(m.next, p)
		}
	}
	for _, p := range partitions {
		if _, kept := m.next[p]; !kept {
			m.next[p] = takenOver(w.partitions[p].floor)
		}
	}
}

func (w *work) read(m *member, p int32, offset int64) {
	part := &w.partitions[p]
	next, owned := m.next[p]
	switch {
	case !owned:
		w.fault("member %s reads offset %d of partition %d, which it does not own", m.name, offset, p)
		return
	case next < -1:
		if floor := takenOver(next); offset < floor {
			w.fault("member %s takes partition %d over at offset %d, which was committed up to %d", m.name, p, offset, floor)
		}
		if offset > part.top {
			w.fault("member %s takes partition %d over at offset %d, which was read up to %d", m.name, p, offset, part.top)
		}
		w.reread += int(part.top - offset)
	case offset != next:
		w.fault("member %s reads offset %d of partition %d where %d follows", m.name, offset, p, next)
	}
	m.next[p] = offset + 1
	part.top = max(part.top, offset+1)
	if offset >= part.whole {
		part.seen[offset] = true
	}
	for part.seen[part.whole] {
		delete(part.seen, part.whole)
		part.whole++
	}
	now := time.Now()
	if !w.lastRead.IsZero() {
		w.gap = max(w.gap, now.Sub(w.lastRead))
	}
	if !part.lastRead.IsZero() {
		w.partitionGap = max(w.partitionGap, now.Sub(part.lastRead))
	}
	w.lastRead, part.lastRead = now, now
}

func (w *work) committed(offsets map[int32]int64) {
	for p, offset := range offsets {
		w.partitions[p].floor = max(w.partitions[p].floor, offset)
	}
}

// readUpTo tells whether every record before these ends was read.
func (w *work) readUpTo(ends []int64) bool {
	for p, end := range ends {
		if w.partitions[p].whole < end {
			return false
		}
	}
	return true
}

func (w *work) String() string {
	var read int64
	var missing []string
	for p, part := range w.partitions {
		read += part.whole + int64(len(part.seen))
		if part.whole < part.top {
			missing = append(missing, fmt.Sprintf("%d of partition %d (read up to %d)", part.whole, p, part.top))
		}
	}
	return fmt.Sprintf("%d records read, %d of them again, longest gap %v (of one partition %v), first missing %v, wrong %q",
		read, w.reread, w.gap.Round(time.Millisecond), w.partitionGap.Round(time.Millisecond), missing, w.wrong)
}
