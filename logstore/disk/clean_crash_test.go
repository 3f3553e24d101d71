package disk_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/protocol"
)

// producing writes with everything in it that compaction must mind: an idempotent
// producer, transactions committed and aborted, tombstones, several segments.
type producing struct {
	w         *world
	l         logstore.Log
	rng       *rand.Rand
	sequences map[protocol.ProducerID]int32
	open      map[protocol.ProducerID]bool
}

func newProducing(w *world, l logstore.Log, seed uint64) *producing {
	return &producing{w, l, rand.New(rand.NewPCG(seed, 3)), make(map[protocol.ProducerID]int32), make(map[protocol.ProducerID]bool)}
}

func (p *producing) write(batches int) {
	p.w.t.Helper()
	for range batches {
		producer := protocol.ProducerID(p.rng.IntN(5)) - 1
		if p.open[producer] && p.rng.IntN(3) == 0 {
			p.end(producer)
			continue
		}
		options := protocol.DefaultBatchOptions()
		options.Codec = protocol.Codec(p.rng.IntN(5))
		if producer >= 0 {
			options.ProducerID, options.ProducerEpoch, options.BaseSequence = producer, 0, p.sequences[producer]
			options.Transactional = producer >= 2
			p.open[producer] = options.Transactional
		}
		words := make([]string, 1+p.rng.IntN(4))
		for i := range words {
			words[i] = fmt.Sprintf("key-%d", p.rng.IntN(15))
			if p.rng.IntN(6) > 0 {
				words[i] += fmt.Sprintf("=at-%d-of-%d", p.l.Offsets().End, producer)
			}
		}
		p.sequences[producer] += int32(len(words))
		p.w.append(p.l, entries(options, dayMillis+protocol.Timestamp(p.rng.IntN(1000)), words...))
	}
}

func (p *producing) end(producer protocol.ProducerID) {
	p.w.t.Helper()
	b := protocol.NewEndTxnMarkerBatch(producer, 0, dayMillis, protocol.EndTxnMarker{Commit: p.rng.IntN(2) == 0})
	done := make(chan struct{})
	pending := &logstore.Pending{OnCommitted: func(*logstore.Pending) { close(done) }}
	if p.l.Append(logstore.AppendInput{Batch: b, Origin: logstore.FromCoordinator}, pending) != logstore.Committed {
		<-done
	}
	must(p.w.t, pending.Err)
	p.open[producer] = false
}

// endAll ends all transactions, in an order that is the same every time.
func (p *producing) endAll() {
	p.w.t.Helper()
	for producer := range protocol.ProducerID(4) {
		if p.open[producer] {
			p.end(producer)
		}
	}
}

// sameNewest: what is left is part of what was there, has the newest of each key,
// and a key that was deleted is deleted.
func sameNewest(before, after []entry) error {
	i := 0
	for _, e := range before {
		if i < len(after) && after[i] == e {
			i++
		}
	}
	if i < len(after) {
		return fmt.Errorf("%+v was not there, or stood elsewhere", after[i])
	}
	left := make(map[string]entry)
	for _, e := range newestOf(after) {
		left[e.Key] = e
	}
	for _, e := range newestOf(before) {
		got, there := left[e.Key]
		if !there && e.Value == "" {
			continue
		}
		if got != e {
			return fmt.Errorf("the newest of %q is %+v, was %+v", e.Key, got, e)
		}
	}
	return nil
}

// cleanCrash is what the disk was at one operation of a compaction.
type cleanCrash struct {
	op     vfs.Op
	at     time.Time
	before []entry
	marks  logstore.Offsets
	known  []logstore.ProducerEntry
	left   []*vfs.Mem
}

// TestCrashInCompaction crashes at every change that compactions make to the disk.
// What is left recovers to a log with the same newest records, transactions and
// producers, and can be compacted again.
func TestCrashInCompaction(t *testing.T) {
	for name, want := range map[string]outcome{
		"cached, power cut":         {disk.Cached, vfs.CrashKeepNone, true, 1},
		"sync, process killed":      {disk.Sync, vfs.CrashKeepAll, true, 1},
		"sync, power cut":           {disk.Sync, vfs.CrashKeepNone, true, 1},
		"sync, power cut with luck": {disk.Sync, vfs.CrashKeepSome, true, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, c := range crashesInCompaction(t, want) {
				for seed, left := range c.left {
					if err := c.check(t, left, want, rand.New(rand.NewPCG(uint64(c.op.Index), uint64(seed)))); err != nil {
						t.Fatalf("crash before operation %d (%s %s), seed %d: %v", c.op.Index, c.op.Kind, c.op.Name, seed, err)
					}
				}
			}
		})
	}
}

func crashesInCompaction(t *testing.T, want outcome) []*cleanCrash {
	t.Helper()
	mem := vfs.NewMem()
	must(t, mem.MkdirAll("/data", vfs.DirPerm))
	must(t, mem.SyncDir("/"))
	var mu sync.Mutex
	var current *cleanCrash // what holds now; nil: not compacting
	var crashes []*cleanCrash
	w := newWorld(t, &vfs.Faulty{FS: mem, Before: func(op vfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		if current == nil || !op.Kind.Changes() {
			return nil
		}
		c := *current
		c.op = op
		for seed := range want.seeds {
			c.left = append(c.left, mem.CrashCopy(want.crash, rand.New(rand.NewPCG(uint64(op.Index), seed))))
		}
		crashes = append(crashes, &c)
		return nil
	}}, "/data", want.durability)
	w.cfg = compacted()
	l := w.log(0)
	p := newProducing(w, l, 11)
	for range 2 {
		p.write(35)
		p.endAll()
		w.roll(l)
		w.settle(l)
		now := &cleanCrash{at: w.clock.Now(), before: w.committed(l), marks: l.Offsets(), known: producersOf(l)}
		mu.Lock()
		current = now
		mu.Unlock()
		if n := w.store.Clean(); n != 1 {
			t.Fatalf("%d logs were compacted", n)
		}
		mu.Lock()
		current = nil
		mu.Unlock()
		w.clock.Advance(45 * time.Second)
	}
	if len(crashes) < 50 {
		t.Errorf("only %d crashes", len(crashes))
	}
	return crashes
}

// producersOf leaves out what goes with a marker.
func producersOf(l logstore.Log) []logstore.ProducerEntry {
	list := l.ActiveProducers()
	for i := range list {
		list[i].LastTimestamp, list[i].CoordinatorEpoch = 0, 0
	}
	return list
}

func (c *cleanCrash) check(t *testing.T, left *vfs.Mem, want outcome, rng *rand.Rand) error {
	t.Helper()
	// Often there is no crash: most of a recovery's operations come early.
	trial, crashed := crashTrial(left, rng.IntN(60), want.crash, rng)
	if err := c.checkRecovered(trial, want); err != nil {
		return err
	}
	again := crashed()
	if again == nil {
		return nil
	}
	if err := c.checkRecovered(again, want); err != nil {
		return fmt.Errorf("after a crash in the recovery: %w", err)
	}
	return nil
}

func (c *cleanCrash) checkRecovered(left vfs.FS, want outcome) error {
	hands := clock.NewManual(c.at)
	store, err := disk.Open(disk.Options{FS: left, Dir: "/data", Clock: hands, Durability: want.durability})
	if err != nil {
		return err
	}
	defer closeQuietly(store)
	l, err := store.Open(partitionID(0), compacted())
	if err != nil {
		return err
	}
	for _, after := range []string{"after the recovery", "after a compaction"} {
		if err := errors.Join(c.same(l), noLeftovers(left)); err != nil {
			return fmt.Errorf("%s: %w", after, err)
		}
		if err := errors.Join(l.Flush(), store.Checkpoint()); err != nil {
			return err
		}
		hands.Advance(time.Duration(c.op.Index%2) * time.Hour) // every other one drops tombstones
		store.Clean()
	}
	return nil
}

func noLeftovers(fsys vfs.FS) error {
	names, err := fsys.ReadDir("/data/orders-0")
	for _, n := range names {
		if strings.HasSuffix(n.Name(), ".cleaned") || strings.HasSuffix(n.Name(), ".swap") {
			return fmt.Errorf("%s is left over", n.Name())
		}
	}
	return err
}

func (c *cleanCrash) same(l logstore.Log) error {
	if err := l.Ready(); err != nil {
		return err
	}
	if marks := l.Offsets(); marks != c.marks {
		return fmt.Errorf("marks %+v, were %+v", marks, c.marks)
	}
	got, err := committedEntries(l)
	if err != nil {
		return err
	}
	if err := sameNewest(c.before, got); err != nil {
		return err
	}
	if diff := cmp.Diff(c.known, producersOf(l)); diff != "" {
		return errors.New(diff)
	}
	return nil
}

// At every operation of a compaction the disk may be full, or fail: the log serves
// what it served, nothing is left over, and once there is room it is compacted.
func TestFaultsInCompaction(t *testing.T) {
	for _, fault := range []syscall.Errno{syscall.ENOSPC, syscall.EIO} {
		t.Run(fault.Error(), func(t *testing.T) {
			t.Parallel()
			for at := int64(0); ; at++ {
				if !faultInCompaction(t, fault, at) {
					if at < 20 {
						t.Errorf("a compaction made %d operations only", at)
					}
					return
				}
			}
		})
	}
}

// faultInCompaction lets operation number at of a compaction fail; false when there
// are fewer.
func faultInCompaction(t *testing.T, fault syscall.Errno, at int64) bool {
	t.Helper()
	mem := vfs.NewMem()
	must(t, mem.MkdirAll("/data", vfs.DirPerm))
	must(t, mem.SyncDir("/"))
	var armed, failed atomic.Bool
	var count atomic.Int64
	var failedOp vfs.Op
	w := newWorld(t, &vfs.Faulty{FS: mem, Before: func(op vfs.Op) error {
		takesRoom := op.Kind != vfs.OpRemove && op.Kind != vfs.OpSync && op.Kind != vfs.OpSyncDir
		if !armed.Load() || !op.Kind.Changes() && fault == syscall.ENOSPC || !takesRoom {
			return nil
		}
		if count.Add(1)-1 != at {
			return nil
		}
		failed.Store(true)
		failedOp = op
		return fault
	}}, "/data", disk.Cached)
	w.cfg = compacted()
	l := w.log(0)
	p := newProducing(w, l, 5)
	p.write(60)
	p.endAll()
	w.roll(l)
	w.settle(l)
	before := w.committed(l)
	armed.Store(true)
	w.store.Clean()
	armed.Store(false)
	if !failed.Load() {
		return false
	}
	where := fmt.Sprintf("%v at operation %d (%s %s)", fault, at, failedOp.Kind, failedOp.Name)
	if err := l.Ready(); err == nil {
		w.wantNoLeftovers("orders-0")
		got := w.committed(l)
		if err := sameNewest(before, got); err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		w.update(l, 1)
	} else if fault == syscall.ENOSPC && failedOp.To == "" {
		t.Fatalf("%s: %v", where, err)
	}
	w.kill()
	w.start()
	l = w.log(0)
	var got []entry
	for _, e := range w.committed(l) {
		if e.Offset <= before[len(before)-1].Offset { // what was appended since stands behind
			got = append(got, e)
		}
	}
	if err := sameNewest(before, got); err != nil {
		t.Fatalf("%s, after a restart: %v", where, err)
	}
	w.roll(l)
	w.settle(l)
	if n := w.store.Clean(); n != 1 {
		t.Fatalf("%s: not compacted after the restart", where)
	}
	w.wantNoLeftovers("orders-0")
	w.stop()
	return true
}
