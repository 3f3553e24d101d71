package disk_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/protocol"
)

var large = strings.Repeat("x", largeBytes)

// A producer that tries again after a flush was put off gets an answer.
func TestARetryAfterAFlushPutOff(t *testing.T) {
	w, rule := faultyWorld(t, disk.Sync)
	w.cfg.SegmentBytes, w.opts.WALSlotBytes = 1<<20, 256<<10
	w.restart()
	none := func(op vfs.Op) error {
		if op.Kind == vfs.OpOpen && strings.HasSuffix(op.Name, "partition.metadata") {
			return syscall.EMFILE
		}
		return nil
	}
	l := w.log(0)
	must(t, l.Ready())
	rule.Store(&none)
	wantIs(t, tryAppend(l, idempotent(4, 0, large), 0).Err, syscall.EMFILE)
	rule.Store(nil)
	if p := tryAppend(l, idempotent(4, 0, large), 0); p.Err != nil || !p.Duplicate {
		t.Errorf("%+v", p)
	}
}

// putOff appends a large batch whose flush is put off, and a small one that was on
// its way into the next group.
func putOff(t *testing.T, w *world, rule func(*func(vfs.Op) error), l logstore.Log) {
	t.Helper()
	reached, goOn := make(chan struct{}), make(chan struct{})
	var first sync.Once
	none := func(op vfs.Op) error {
		if op.Kind == vfs.OpOpen && strings.HasSuffix(op.Name, "orders-0/partition.metadata") {
			first.Do(func() { close(reached); <-goOn })
			return syscall.EMFILE
		}
		return nil
	}
	rule(&none)
	var waiting sync.WaitGroup
	start := func(v string) *logstore.Pending {
		waiting.Add(1)
		p := &logstore.Pending{OnCommitted: func(*logstore.Pending) { waiting.Done() }}
		if l.Append(logstore.AppendInput{Batch: values(dayMillis, v)}, p) != logstore.Ordered {
			t.Fatal(p.Err)
		}
		return p
	}
	a := start("torn    " + large)
	<-reached
	b := start("old")
	close(goOn)
	waiting.Wait()
	wantIs(t, a.Err, syscall.EMFILE)
	wantIs(t, b.Err, syscall.EMFILE)
}

func putOffWorld(t *testing.T) (*world, *vfs.Mem, func(*func(vfs.Op) error)) {
	w, rule := faultyWorld(t, disk.Sync)
	w.cfg.SegmentBytes, w.opts.WALSlotBytes = 1<<20, 256<<10
	w.restart()
	m := w.fs.(*vfs.Faulty).FS.(*vfs.Mem)
	return w, m, func(r *func(vfs.Op) error) { rule.Store(r) }
}

// What nobody was promised is missing after a power cut: that is no damage.
func TestAFlushPutOffIsNoDamage(t *testing.T) {
	w, m, rule := putOffWorld(t)
	l := w.log(0)
	w.append(l, values(dayMillis, "first"))
	putOff(t, w, rule, l)
	w.append(w.log(1), values(dayMillis, "another group"))
	w.powerCut(m)
	w.wantValues(w.log(0), "first")
}

// TruncateTo in the middle of a batch holds through a crash.
func TestATruncationInABatch(t *testing.T) {
	w, m := walWorld(t)
	l := w.log(0)
	w.append(l, values(dayMillis, "a"))
	w.append(l, values(dayMillis, "b", "c", "d"))
	must(t, l.TruncateTo(2))
	w.wantValues(l, "a")
	w.append(l, values(dayMillis, "e"))
	w.append(w.log(1), values(dayMillis, "x"))
	w.powerCut(m)
	w.wantValues(w.log(0), "a", "e")
}

// TruncateTo below the recovery point on disk holds, and what is acknowledged then as well.
func TestWhatFollowsATruncation(t *testing.T) {
	for _, more := range []int{0, 1, 5} {
		t.Run(fmt.Sprint(more), func(t *testing.T) {
			w, m := walWorld(t)
			l := w.log(0)
			w.fill(l, 4)
			must(t, l.Flush())
			must(t, w.store.Checkpoint())
			must(t, l.TruncateTo(2))
			w.fill(l, more)
			w.powerCut(m)
			w.wantFilled(w.log(0), 0, protocol.Offset(2+more))
		})
	}
}

// Without handles for a folder's sync, commits sync segments or are refused; the store goes on.
func TestNoHandleForAFolder(t *testing.T) {
	for _, name := range []string{"/data/barnabas-wal", "/data/barnabas-wal/lineage.tmp", "/data", "/data/orders-0"} {
		t.Run(name, func(t *testing.T) {
			w, rule := faultyWorld(t, disk.Sync)
			none := func(op vfs.Op) error {
				if (op.Kind == vfs.OpSyncDir || op.Kind == vfs.OpCreate) && op.Name == name {
					return syscall.EMFILE
				}
				return nil
			}
			rule.Store(&none)
			_ = tryAppend(w.log(0), values(dayMillis, "x"), 0)
			if name == "/data/orders-0" {
				_ = w.log(0).Flush()
			}
			rule.Store(nil)
			if p := tryAppend(w.log(0), values(dayMillis, "y"), 0); p.Err != nil {
				t.Error(p.Err)
			}
			w.stopAnyhow()
			w.store = nil
		})
	}
}

// Freeing slots does not hold up the metadata log.
func TestFreeingSlotsHoldsNobodyUp(t *testing.T) {
	w, rule := faultyWorld(t, disk.Sync)
	w.cfg.SegmentBytes = 1 << 20
	reached, goOn := holdSyncs(rule, "orders-0/")
	w.fill(w.log(0), 5) // a slot and a half, a block each
	<-reached
	own := w.cfg
	own.OwnSync = true
	meta, err := w.store.Open(partitionID(9), own)
	must(t, err)
	must(t, tryAppend(meta, values(dayMillis, "x"), 0).Err)
	close(goOn)
}

// Cached mode on a log that stays: retention and a kill bring nothing back and lose nothing.
func TestCachedModeOnALeftover(t *testing.T) {
	w, m := memWorld(t, disk.Sync)
	w.opts.WALSlotBytes = 256 << 10
	w.restart()
	w.fill(w.log(0), 5)
	w.append(w.log(1), values(dayMillis, "damaged"))
	w.append(w.log(2), values(dayMillis, "later"))
	left := m.CrashCopy(vfs.CrashKeepNone, nil)
	slot := "/data/barnabas-wal/00000000.wal"
	content, err := vfs.ReadFile(left, slot, 1<<20)
	must(t, err)
	f, err := left.Open(slot, vfs.ReadWrite, 0)
	must(t, err)
	_, err = f.WriteAt([]byte{'?'}, int64(strings.Index(string(content), "damaged")))
	must(t, err)
	w.opts.Durability = disk.Cached
	w.cfg.RetentionBytes = 3000
	w.crashTo(left)
	l := w.log(0)
	w.log(1)
	w.log(2)
	if w.store.Replay(context.Background()) == nil {
		t.Error("a damaged partition was replayed")
	}
	w.wantFilled(l, 0, 5)
	w.fill(l, 95)
	w.store.Sweep()
	start := l.Offsets().Start
	w.wantFilled(l, start, 100)
	w.crashTo(left.CrashCopy(vfs.CrashKeepAll, nil)) // kill -9
	w.wantFilled(w.log(0), start, 100)
}
