package soak

import (
	"fmt"
	"slices"
	"sync"
)

// watch is what the members of a group have done, and what is wrong with that.
//
// A member that takes a partition over goes on at a committed offset, which lies between
//
//	floor  what members were told is stored, before the take-over
//	top    behind the last record that any member has read
//
// A start before floor reads twice what was committed, a start behind top skips.
//
// A partition has one owner (KIP-848: the next one gets it when the last one has given it
// up). The broker may give it away over the head of an owner that it has put out of the
// group; that one has lost it and is told so later. So two owners are a fault once the first
// gives the partition up in order, as one that is in the group.
type watch struct {
	mu struct {
		sync.Mutex
		partitions []watched
		claims     map[claim]string
		broken     []string
		again      int
		// changed is closed and replaced when there is news.
		changed chan struct{}
	}
}

type watched struct {
	floor, top int64
	// told is the highest committed offset that the broker has told, -1 for none.
	told  int64
	owner *holder
	// seen has the offsets that were read; whole is the first that was not.
	seen  map[int64]bool
	whole int64
}

// holder is a member, from when it begins until it is gone.
type holder struct {
	name string
	// next is where it goes on in each partition that it owns.
	next map[int32]position
	gone bool
}

// position is where a holder goes on; until it has read, floor is that of the take-over.
type position struct {
	next, floor int64
	read        bool
}

// claim is a partition that somebody else was given while the holder had it.
type claim struct {
	of        *holder
	partition int32
}

// brokenMax bounds what is kept of one group.
const brokenMax = 50

func newWatch(partitions int) *watch {
	w := &watch{}
	w.mu.partitions = make([]watched, partitions)
	for i := range w.mu.partitions {
		w.mu.partitions[i] = watched{told: -1, seen: map[int64]bool{}}
	}
	w.mu.claims = map[claim]string{}
	w.mu.changed = make(chan struct{})
	return w
}

func (w *watch) fault(format string, args ...any) {
	if len(w.mu.broken) < brokenMax {
		w.mu.broken = append(w.mu.broken, fmt.Sprintf(format, args...))
	}
}

func (w *watch) news() {
	close(w.mu.changed)
	w.mu.changed = make(chan struct{})
}

func (w *watch) begins(name string) *holder { return &holder{name: name, next: map[int32]position{}} }

// assigned notes what a member is given in addition to what it has.
func (w *watch) assigned(h *holder, partitions []int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range partitions {
		part := &w.mu.partitions[p]
		if before := part.owner; before != nil && before != h && !before.gone {
			w.mu.claims[claim{before, p}] = h.name
		}
		part.owner = h
		h.next[p] = position{floor: part.floor}
	}
}

// revoked notes what a member gives up in order, lost what was taken from it.
func (w *watch) revoked(h *holder, partitions []int32) { w.release(h, partitions, true) }
func (w *watch) lost(h *holder, partitions []int32)    { w.release(h, partitions, false) }

func (w *watch) release(h *holder, partitions []int32, inOrder bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range partitions {
		if other, claimed := w.mu.claims[claim{h, p}]; claimed && inOrder && !h.gone {
			w.fault("two owners: %s was given partition %d while %s had it, which then gave it up in order", other, p, h.name)
		}
		delete(w.mu.claims, claim{h, p})
		delete(h.next, p)
		if w.mu.partitions[p].owner == h {
			w.mu.partitions[p].owner = nil
		}
	}
}

// vanished: from now on the member owns nothing, and nobody has told the broker.
func (w *watch) vanished(h *holder) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h.gone = true
}

// read notes a record that a member has read.
func (w *watch) read(h *holder, p int32, offset int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.news()
	part := &w.mu.partitions[p]
	at, owned := h.next[p]
	switch {
	case !owned:
		w.fault("not its own: %s reads offset %d of partition %d", h.name, offset, p)
		return
	case at.read && offset != at.next:
		w.fault("reordered: %s reads offset %d of partition %d where %d follows", h.name, offset, p, at.next)
	case !at.read && offset < at.floor:
		w.fault("back: %s takes partition %d over at offset %d, which was committed up to %d", h.name, p, offset, at.floor)
	case !at.read && offset > part.top:
		w.fault("lost: %s takes partition %d over at offset %d, which was read up to %d", h.name, p, offset, part.top)
	}
	if offset < part.top {
		w.mu.again++
	}
	h.next[p] = position{next: offset + 1, read: true}
	part.top = max(part.top, offset+1)
	if offset >= part.whole {
		part.seen[offset] = true
	}
	for part.seen[part.whole] {
		delete(part.seen, part.whole)
		part.whole++
	}
}

// committed notes that a member was told that its offset is stored.
func (w *watch) committed(p int32, next int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mu.partitions[p].floor = max(w.mu.partitions[p].floor, next)
}

// floors are what members were told is stored.
func (w *watch) floors() []int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	floors := make([]int64, len(w.mu.partitions))
	for p := range floors {
		floors[p] = w.mu.partitions[p].floor
	}
	return floors
}

// told notes a committed offset as the broker tells it, -1 for none; floor is from before
// it was asked. Members go forward only, and so must this.
func (w *watch) told(p int32, floor, offset int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	part := &w.mu.partitions[p]
	if least := max(floor, part.told); offset < least && least > 0 {
		w.fault("back: partition %d was committed up to %d, the broker tells %d", p, least, offset)
	}
	part.told = max(part.told, offset)
}

// readUpTo tells whether every record before these ends was read, and when to ask again.
func (w *watch) readUpTo(ends []int64) (whole bool, changed <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	whole = true
	for p, end := range ends {
		whole = whole && w.mu.partitions[p].whole >= end
	}
	return whole, w.mu.changed
}

// check lists what is wrong, given where the partitions end.
func (w *watch) check(ends []int64) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	broken := slices.Clone(w.mu.broken)
	for p, end := range ends {
		if part := w.mu.partitions[p]; part.whole < end {
			broken = append(broken, fmt.Sprintf("lost: offset %d of partition %d was never read by the group, which is at %d of %d", part.whole, p, part.top, end))
		}
	}
	return broken
}

// counts are the records that were read, and how many of them again.
func (w *watch) counts() (read, again int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, part := range w.mu.partitions {
		read += int(part.whole) + len(part.seen)
	}
	return read, w.mu.again
}
