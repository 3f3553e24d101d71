package partition_test

import (
	"sync"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/partition"
	"github.com/barnabas-mq/barnabas/protocol"
)

func fired(w *partition.Waiter) bool {
	select {
	case <-w.C:
		return true
	default:
		return false
	}
}

// A waiter fires when enough bytes have come to all its partitions together, once.
func TestWaiterCountsBytes(t *testing.T) {
	h := newHouse(t, disk.Cached)
	a, b := h.create(0), h.create(1)
	one := len(batch(100))
	w := h.set.NewWaiter()
	for round := range 3 { // the same object serves again
		w.Arm(3*one, time.Second)
		for _, p := range []*partition.Partition{a, b} {
			if w.Watch(p, p.Offsets().High, partition.ReadUncommitted) {
				t.Fatal("fired before anything came")
			}
		}
		must(t, appendTo(a, batch(100)).Err)
		must(t, appendTo(b, batch(100)).Err)
		if fired(w) {
			t.Fatalf("round %d: fired after two of three batches", round)
		}
		must(t, appendTo(a, batch(100)).Err)
		must(t, appendTo(a, batch(100)).Err)
		if !fired(w) || fired(w) {
			t.Fatalf("round %d: to fire once", round)
		}
		w.Cancel()
		must(t, appendTo(b, batch(1000)).Err)
		if fired(w) {
			t.Fatalf("round %d: fired after Cancel", round)
		}
	}
	if n := h.clock.Pending(); n != 0 {
		t.Errorf("%d timers are left", n)
	}
}

// What came between the reader's look and its registration fires at once.
func TestWaiterLooksAgain(t *testing.T) {
	h := newHouse(t, disk.Cached)
	p := h.create(0)
	seen := p.Bound(partition.ReadCommitted)
	must(t, appendTo(p, batch(10)).Err)
	w := h.set.NewWaiter()
	w.Arm(1<<20, -1)
	if !w.Watch(p, seen, partition.ReadCommitted) || !fired(w) {
		t.Error("the batch in between was missed")
	}
	w.Cancel()
}

// Time runs out once, and a time-out that is late does not touch the next round.
func TestWaiterTimesOut(t *testing.T) {
	h := newHouse(t, disk.Cached)
	p := h.create(0)
	w := h.set.NewWaiter()
	for range 3 {
		w.Arm(1, 500*time.Millisecond)
		w.Watch(p, p.Offsets().High, partition.ReadUncommitted)
		h.clock.Advance(499 * time.Millisecond)
		if fired(w) {
			t.Fatal("too early")
		}
		h.clock.Advance(time.Millisecond)
		if !fired(w) {
			t.Fatal("too late")
		}
		w.Cancel()
		w.Arm(1, 500*time.Millisecond)
		h.clock.Advance(400 * time.Millisecond)
		w.Cancel()
		w.Arm(1, -1)
		h.clock.Advance(time.Hour)
		if fired(w) {
			t.Fatal("a round without a time-out had one")
		}
		w.Cancel()
	}
}

// Deleting a partition wakes those who wait on it, and those who come after.
func TestDeletionWakes(t *testing.T) {
	h := newHouse(t, disk.Sync)
	p := h.create(0)
	w := h.set.NewWaiter()
	w.Arm(1<<20, -1)
	w.Watch(p, 0, partition.ReadUncommitted)
	must(t, h.set.Remove(id(0)))
	if !fired(w) {
		t.Error("nobody told the waiter")
	}
	w.Cancel()
	w.Arm(1, -1)
	if !w.Watch(p, 0, partition.ReadUncommitted) {
		t.Error("waits on a partition that is gone")
	}
	w.Cancel()
}

// Readers that follow several partitions to the end never sleep through a commit:
// with no time-out, a single lost wake-up would hang this test.
func TestNoLostWakeUp(t *testing.T) {
	for mode, durability := range map[string]disk.Durability{"sync": disk.Sync, "cached": disk.Cached} {
		t.Run(mode, func(t *testing.T) {
			const partitions, batches, readers = 3, 300, 3
			h := newHouse(t, durability)
			var all []*partition.Partition
			for n := range int32(partitions) {
				all = append(all, h.create(n))
			}
			var done sync.WaitGroup
			for range readers {
				done.Go(func() { follow(h.set.NewWaiter(), all, batches) })
			}
			for _, p := range all {
				done.Go(func() {
					for range batches {
						if err := appendTo(p, batch(20)).Err; err != nil {
							t.Error(err)
						}
					}
				})
			}
			done.Wait()
		})
	}
}

// follow reads each partition up to end.
func follow(w *partition.Waiter, all []*partition.Partition, end int64) {
	seen := make([]logstore.Offsets, len(all))
	for {
		left := 0
		for i, p := range all {
			seen[i] = p.Offsets()
			if int64(seen[i].High) < end {
				left++
			}
		}
		if left == 0 {
			return
		}
		w.Arm(1, -1)
		for i, p := range all {
			w.Watch(p, seen[i].High, partition.ReadUncommitted)
		}
		<-w.C
		w.Cancel()
	}
}

// The way of a batch in cached mode and of a wake-up allocates nothing.
func TestAppendAllocatesNothing(t *testing.T) {
	h := newHouse(t, disk.Cached)
	p := h.create(0)
	must(t, appendTo(p, batch(100)).Err)
	b, w := batch(100), h.set.NewWaiter()
	var pending logstore.Pending
	got := testing.AllocsPerRun(500, func() {
		w.Arm(1, time.Second)
		w.Watch(p, p.Offsets().High, partition.ReadUncommitted)
		p.Append(logstore.AppendInput{Batch: b}, &pending)
		<-w.C
		w.Cancel()
	})
	// The memory disk's pages and the timer of the manual clock are not ours.
	if got > 2 {
		t.Errorf("%.1f allocations", got)
	}
}

// inTxn is a batch of producer 1's open transaction.
func inTxn(bytes int) protocol.Batch {
	options := protocol.DefaultBatchOptions()
	options.ProducerID, options.ProducerEpoch, options.Transactional = 1, 0, true
	b := protocol.NewBatchBuilder(options)
	b.Add(0, nil, make([]byte, bytes))
	return b.Build(0, 0)
}

// A reader of committed transactions does not count what a transaction holds back,
// and wakes for all of it at once when the marker comes, however small that is.
func TestWaiterOfCommittedTransactions(t *testing.T) {
	for _, durability := range []disk.Durability{disk.Sync, disk.Cached} {
		for _, openBefore := range []bool{false, true} {
			h := newHouse(t, durability)
			p := h.create(0)
			w, other := h.set.NewWaiter(), h.set.NewWaiter()
			add := func(b protocol.Batch) {
				t.Helper()
				done := make(chan struct{})
				pending := &logstore.Pending{OnCommitted: func(*logstore.Pending) { close(done) }}
				if p.Append(logstore.AppendInput{Batch: b, Origin: logstore.FromCoordinator}, pending) != logstore.Committed {
					<-done
				}
				must(t, pending.Err)
			}
			add(batch(10))
			if openBefore {
				add(inTxn(10))
			}
			w.Arm(1000, -1)
			other.Arm(1000, -1)
			if w.Watch(p, 1, partition.ReadCommitted) {
				t.Fatal("nothing has come")
			}
			if !openBefore && other.Watch(p, 1, partition.ReadUncommitted) {
				t.Fatal("nothing has come")
			}
			add(inTxn(800))
			add(batch(400))
			if fired(w) {
				t.Error("what is held back was counted")
			}
			if !openBefore {
				select {
				case <-other.C: // it sees everything
				case <-t.Context().Done():
				}
			}
			add(protocol.NewEndTxnMarkerBatch(1, 0, 0, protocol.EndTxnMarker{Commit: true}))
			<-w.C
			w.Cancel()
			other.Cancel()
		}
	}
}
