package disk_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/protocol"
)

// faultyWorld is a world whose disk fails as rule says.
func faultyWorld(t *testing.T, durability disk.Durability) (*world, *atomic.Pointer[func(vfs.Op) error]) {
	t.Helper()
	m := vfs.NewMem()
	must(t, m.MkdirAll("/data", vfs.DirPerm))
	must(t, m.SyncDir("/"))
	rule := new(atomic.Pointer[func(vfs.Op) error])
	faulty := &vfs.Faulty{FS: m, Before: func(op vfs.Op) error {
		if fn := rule.Load(); fn != nil {
			return (*fn)(op)
		}
		return nil
	}}
	return newWorld(t, faulty, "/data", durability), rule
}

func isLog(op vfs.Op) bool { return strings.HasSuffix(op.Name, ".log") }

// isCommit is a sync that makes appends durable.
func isCommit(op vfs.Op) bool {
	return op.Kind == vfs.OpSync && (isLog(op) || strings.HasSuffix(op.Name, ".wal"))
}

// On a full disk appends are refused, readers see nothing of them, and all goes
// on by itself once there is room.
func TestFullDisk(t *testing.T) {
	for mode, durability := range map[string]disk.Durability{"sync": disk.Sync, "cached": disk.Cached} {
		t.Run(mode, func(t *testing.T) {
			w, m := memWorld(t, durability)
			l := w.log(0)
			w.fill(l, 10)
			free, total, err := m.FreeBytes("/")
			must(t, err)
			m.SetCapacity(int64(total-free) + 40) // room for part of a batch
			for range 5 {
				p := tryAppend(l, values(dayMillis, "does not fit"), 0)
				wantIs(t, p.Err, syscall.ENOSPC)
				wantIs(t, p.Err, logstore.ErrStorage)
				w.wantFilled(l, 0, 10)
			}
			wantIs(t, tryAppend(w.log(1), values(dayMillis, "nor does a new partition"), 0).Err, syscall.ENOSPC)
			m.SetCapacity(-1)
			w.fill(l, 50)
			w.fill(w.log(1), 3)
			w.restart()
			w.wantFilled(w.log(0), 0, 60)
			w.wantFilled(w.log(1), 0, 3)
		})
	}
}

// A write that fails half-way leaves nothing behind; a second failure in a row
// takes the partition offline, and only that one.
func TestWriteErrors(t *testing.T) {
	w, rule := faultyWorld(t, disk.Cached)
	l := w.log(0)
	w.fill(l, 5)
	w.fill(w.log(1), 5)
	half := func(op vfs.Op) error {
		if op.Kind == vfs.OpWrite && strings.HasSuffix(op.Name, "orders-0/00000000000000000000.log") {
			return &vfs.PartialWrite{Bytes: 30, Err: syscall.EIO}
		}
		return nil
	}
	rule.Store(&half)
	wantIs(t, tryAppend(l, values(dayMillis, "x"), 0).Err, syscall.EIO)
	rule.Store(nil)
	w.fill(l, 2)
	w.wantFilled(l, 0, 7)
	rule.Store(&half)
	wantIs(t, tryAppend(l, values(dayMillis, "x"), 0).Err, logstore.ErrStorage)
	wantIs(t, tryAppend(l, values(dayMillis, "x"), 0).Err, logstore.ErrOffline)
	rule.Store(nil)
	wantIs(t, tryAppend(l, values(dayMillis, "x"), 0).Err, logstore.ErrOffline)
	wantIs(t, l.Ready(), logstore.ErrOffline)
	w.fill(w.log(1), 5)
	w.wantFilled(w.log(1), 0, 10)
}

// After a failed sync nothing is acknowledged any more, the owner is told once,
// and the sync is not tried again.
func TestFailedSync(t *testing.T) {
	t.Run("write-ahead log", func(t *testing.T) { failedSync(t, false, "barnabas-wal/00000000.wal") })
	t.Run("segment", func(t *testing.T) { failedSync(t, true, "orders-0/00000000000000000000.log") })
}

func failedSync(t *testing.T, ownSync bool, file string) {
	w, rule := faultyWorld(t, disk.Sync)
	w.cfg.OwnSync, w.opts.WALSlotBytes = ownSync, 256<<10 // so that no slot is freed
	w.restart()
	w.fill(w.log(0), 5)
	w.fill(w.log(1), 5)
	var syncs atomic.Int64
	fail := func(op vfs.Op) error {
		if isCommit(op) {
			syncs.Add(1)
			return syscall.EIO
		}
		return nil
	}
	rule.Store(&fail)
	p := tryAppend(w.log(0), values(dayMillis, "x"), 0)
	wantIs(t, p.Err, logstore.ErrOffline)
	for n := range int32(3) {
		wantIs(t, tryAppend(w.log(n), values(dayMillis, "x"), 0).Err, logstore.ErrOffline)
	}
	w.stopAnyhow()
	w.mu.Lock()
	fatal := w.mu.fatal
	w.mu.Unlock()
	if fatal == nil || !strings.Contains(fatal.Error(), file) {
		t.Errorf("told: %v", fatal)
	}
	if n := syncs.Load(); n != 1 {
		t.Errorf("%d syncs after the failure", n-1)
	}
	if w.store.Verified() {
		t.Error("the store was verified")
	}
	w.store = nil
}

// A lack of file handles passes: who comes then is refused, who comes later is not.
func TestNoHandlesLeft(t *testing.T) {
	w, rule := faultyWorld(t, disk.Sync)
	w.fill(w.log(0), 5)
	w.restart()
	none := func(op vfs.Op) error {
		if op.Kind == vfs.OpOpen || op.Kind == vfs.OpCreate {
			return syscall.EMFILE
		}
		return nil
	}
	rule.Store(&none)
	wantIs(t, w.log(0).Ready(), syscall.EMFILE)
	wantIs(t, tryAppend(w.log(1), values(dayMillis, "x"), 0).Err, syscall.EMFILE)
	rule.Store(nil)
	w.wantFilled(w.log(0), 0, 5)
	w.fill(w.log(1), 1)
}

// advances counts what a watcher is told.
type advances struct{ bytes atomic.Int64 }

func (a *advances) Advanced(bytes int) { a.bytes.Add(int64(bytes)) }

// holdSyncs lets no sync of the folder's segments begin until goOn is closed; reached
// is closed when the first one wants to.
func holdSyncs(rule *atomic.Pointer[func(vfs.Op) error], folder string) (reached, goOn chan struct{}) {
	reached, goOn = make(chan struct{}), make(chan struct{})
	var first sync.Once
	hold := func(op vfs.Op) error {
		if op.Kind == vfs.OpSync && isLog(op) && strings.Contains(op.Name, folder) {
			first.Do(func() { close(reached) })
			<-goOn
		}
		return nil
	}
	rule.Store(&hold)
	return reached, goOn
}

// Records whose producer was told of a failed flush become visible with the next
// one: those who wait for them hear of it, of every byte.
func TestAFlushPutOffIsAnnounced(t *testing.T) {
	w, rule := faultyWorld(t, disk.Sync)
	w.cfg.OwnSync = true // nothing but its segment holds a batch
	l, told := w.log(0), new(advances)
	must(t, l.Ready())
	l.Watch(told)
	w.fill(l, 1)

	// The syncer is held up at another partition while so many files are used that
	// the handle of this one is closed; then it cannot be opened to be synced.
	reached, goOn := holdSyncs(rule, "orders-1/")
	var waiting sync.WaitGroup
	start := func(l logstore.Log) *logstore.Pending {
		p := &logstore.Pending{OnCommitted: func(*logstore.Pending) { waiting.Done() }}
		waiting.Add(1)
		if state := l.Append(logstore.AppendInput{Batch: values(dayMillis, "x")}, p); state != logstore.Ordered {
			t.Fatalf("state %v, %v", state, p.Err)
		}
		return p
	}
	start(w.log(1))
	<-reached
	p := start(l)
	for n := range int32(10) {
		start(w.log(2 + n))
	}
	noHandle := func(op vfs.Op) error {
		if op.Kind == vfs.OpOpen && strings.Contains(op.Name, "orders-0/") {
			return syscall.EMFILE
		}
		return nil
	}
	rule.Store(&noHandle)
	close(goOn)
	waiting.Wait()
	wantIs(t, p.Err, syscall.EMFILE)
	rule.Store(nil)
	must(t, l.Flush())
	if marks := l.Offsets(); marks.High != 2 || told.bytes.Load() != l.SizeBytes() {
		t.Errorf("marks %+v, told of %d bytes of %d", marks, told.bytes.Load(), l.SizeBytes())
	}
}

// Whichever single operation fails, with whatever error, in whatever step of a
// life: no acknowledged record is lost, none is there twice, and a restart heals.
func TestEveryOperationMayFail(t *testing.T) {
	for mode, durability := range map[string]disk.Durability{"sync": disk.Sync, "cached": disk.Cached} {
		for _, cause := range []error{syscall.EIO, syscall.ENOSPC, &vfs.PartialWrite{Bytes: 10, Err: syscall.EIO}} {
			t.Run(mode+"/"+cause.Error(), func(t *testing.T) {
				t.Parallel()
				for nth := int64(0); ; nth++ {
					if !failNth(t, durability, nth, cause) {
						if nth < 50 {
							t.Errorf("only %d operations", nth)
						}
						return
					}
				}
			})
		}
	}
}

// failNth lives a short life in which the nth operation fails; false when there
// was no such operation.
func failNth(t *testing.T, durability disk.Durability, nth int64, cause error) bool {
	t.Helper()
	w, rule := faultyWorld(t, durability)
	faulty := w.fs.(*vfs.Faulty)
	from, reached := faulty.Count(), false
	fail := func(op vfs.Op) error {
		if op.Index == from+nth {
			reached = true
			return cause
		}
		return nil
	}
	rule.Store(&fail)
	acknowledged := make(map[protocol.Offset]string)
	live(w, acknowledged)
	w.stopAnyhow()
	clean := w.store.Verified()
	w.store = nil
	rule.Store(nil)
	w.opts.CleanShutdown = clean
	w.start()
	if err := w.log(0).Ready(); err != nil {
		t.Fatalf("operation %d: %v", nth, err)
	}
	all, err := readAll(w.log(0))
	must(t, err)
	seen := make(map[protocol.Offset]string)
	for _, r := range all {
		seen[r.offset] = r.value
	}
	start := w.log(0).Offsets().Start
	for offset, value := range acknowledged {
		if offset >= start && seen[offset] != value {
			t.Fatalf("operation %d: offset %d has %q, acknowledged was %q", nth, offset, seen[offset], value)
		}
	}
	w.stop()
	return reached
}

// live appends, rolls, deletes and sweeps, and notes what was acknowledged.
func live(w *world, acknowledged map[protocol.Offset]string) {
	l := w.log(0)
	for i := range int32(25) {
		value := strings.Repeat(string(rune('a'+i)), 80)
		p := tryAppend(l, idempotent(4, i, value), protocol.Epoch(i/10))
		if p.Err != nil {
			return
		}
		acknowledged[p.BaseOffset] = value
		if i == 20 {
			_, _ = l.DeleteBefore(15)
			_ = w.store.Checkpoint()
			w.store.Sweep()
		}
	}
}
