package disk_test

import (
	"context"
	"errors"
	"path"
	"strings"
	"syscall"
	"testing"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
)

// walWorld is a world in sync mode with large segments: one batch of largeBytes is
// synced in its segment, smaller ones go through the write-ahead log.
func walWorld(t *testing.T) (*world, *vfs.Mem) {
	t.Helper()
	w, m := memWorld(t, disk.Sync)
	w.cfg.SegmentBytes, w.opts.WALSlotBytes = 1<<20, 256<<10
	w.restart()
	return w, m
}

const largeBytes = 300_000

// powerCut goes on with what the worst power cut leaves.
func (w *world) powerCut(m *vfs.Mem) *vfs.Mem {
	w.t.Helper()
	left := m.CrashCopy(vfs.CrashKeepNone, nil)
	w.crashTo(left)
	return left
}

func (w *world) wantValues(l logstore.Log, values ...string) {
	w.t.Helper()
	all, err := readWhole(l)
	must(w.t, err)
	var got []string
	for _, r := range all {
		got = append(got, r.value[:min(8, len(r.value))])
	}
	if strings.Join(got, " ") != strings.Join(values, " ") {
		w.t.Fatalf("the log holds %q, want %q", got, values)
	}
}

// Nothing of a new partition is synced but the write-ahead log, not even its
// folder's name, and all of it is there after a power cut. Replay then makes it
// durable without the log and removes what was left.
func TestReplayMakesWhatWasNeverSynced(t *testing.T) {
	w, m := walWorld(t)
	for n := range int32(3) {
		w.append(w.log(n), values(dayMillis, "a", "b"))
	}
	if _, err := m.CrashCopy(vfs.CrashKeepNone, nil).Stat("/data/orders-1"); err == nil {
		t.Error("the folder was synced")
	}
	m = w.powerCut(m)
	w.wantValues(w.log(0), "a", "b")
	w.wantValues(w.log(1), "a", "b")
	if w.log(2); !w.store.Leftover() {
		t.Error("there is nothing to replay")
	}
	must(t, w.store.Replay(context.Background()))
	if w.store.Leftover() {
		t.Error("the replay is not done")
	}
	m = w.powerCut(m)
	if w.store.Leftover() {
		t.Error("something is to be replayed again")
	}
	for n := range int32(3) {
		w.wantValues(w.log(n), "a", "b")
	}
	must(t, w.store.Close(context.Background()))
	if _, err := m.Stat("/data/barnabas-wal"); err == nil {
		t.Error("a clean stop leaves the write-ahead log")
	}
}

// What is left of a deleted topic is passed over, and what came before the log's
// start as well.
func TestReplayPassesOver(t *testing.T) {
	w, m := walWorld(t)
	w.append(w.log(0), values(dayMillis, "a", "b"))
	w.append(w.log(0), values(dayMillis, "c"))
	w.append(w.log(1), values(dayMillis, "x"))
	_, err := w.log(0).DeleteBefore(2)
	must(t, err)
	must(t, w.store.Delete(partitionID(1)))
	m = w.powerCut(m)
	w.wantValues(w.log(0), "c")
	must(t, w.store.Replay(context.Background()))
	if entries, _ := m.ReadDir("/data"); len(entries) > 0 {
		for _, e := range entries {
			if e.Name() == "orders-1" {
				t.Error("a deleted partition is back")
			}
		}
	}
}

// A torn batch is cut off together with the entry behind it, which nobody was
// promised, and that entry does not come back over what is appended there later.
func TestACutIsRemembered(t *testing.T) {
	w, m := walWorld(t)
	l := w.log(0)
	w.append(l, values(dayMillis, "first"))
	w.append(l, values(dayMillis, "torn    "+strings.Repeat("x", largeBytes)))
	w.append(l, values(dayMillis, "old"))
	left := m.CrashCopy(vfs.CrashKeepAll, nil)
	segment := "/data/orders-0/00000000000000000000.log"
	f, err := left.Open(segment, vfs.ReadWrite, 0)
	must(t, err)
	_, err = f.WriteAt(make([]byte, 1000), 5000) // the sync of the large batch had not ended
	must(t, err)

	w.opts.Durability = disk.Cached // so that the segment alone holds what comes now
	w.crashTo(left)
	l = w.log(0)
	w.wantValues(l, "first")
	w.append(l, values(dayMillis, "again   "+strings.Repeat("x", largeBytes)))
	w.append(l, values(dayMillis, "new"))
	w.wantValues(l, "first", "again   ", "new")
	w.crashTo(left.CrashCopy(vfs.CrashKeepAll, nil))
	w.wantValues(w.log(0), "first", "again   ", "new")
}

// A damaged entry is no matter while the segment holds the batch. When a power cut
// has taken it from there, the partition is offline, the entry is named, and
// nothing is freed.
func TestADamagedEntry(t *testing.T) {
	for _, crash := range []vfs.Crash{vfs.CrashKeepAll, vfs.CrashKeepNone} {
		w, m := walWorld(t)
		w.append(w.log(0), values(dayMillis, "damaged"))
		w.append(w.log(1), values(dayMillis, "other"))
		left := m.CrashCopy(crash, nil)
		slot := "/data/barnabas-wal/00000000.wal"
		content, err := vfs.ReadFile(left, slot, 1<<20)
		must(t, err)
		at := strings.Index(string(content), "damaged")
		f, err := left.Open(slot, vfs.ReadWrite, 0)
		must(t, err)
		_, err = f.WriteAt([]byte{'?'}, int64(at))
		must(t, err)
		w.crashTo(left)
		if crash == vfs.CrashKeepAll {
			w.wantValues(w.log(0), "damaged")
			continue
		}
		var corrupt *logstore.CorruptError
		if err := w.log(0).Ready(); !errors.As(err, &corrupt) || corrupt.File != slot || !errors.Is(err, logstore.ErrOffline) {
			t.Errorf("the damaged log: %v", err)
		}
		w.wantValues(w.log(1), "other")
		if err := w.store.Replay(context.Background()); err == nil || !w.store.Leftover() {
			t.Errorf("the damaged log was freed: %v", err)
		}
		w.wantValues(w.log(1), "other")
	}
}

// Without room for the write-ahead log, commits sync segments, and nothing is lost.
func TestCommitsWithoutRoomForTheLog(t *testing.T) {
	m := vfs.NewMem()
	must(t, m.MkdirAll("/data", vfs.DirPerm))
	must(t, m.SyncDir("/"))
	full := &vfs.Faulty{FS: m, Before: func(op vfs.Op) error {
		if op.Kind == vfs.OpWrite && path.Ext(op.Name) == ".wal" {
			return syscall.ENOSPC
		}
		return nil
	}}
	w := newWorld(t, full, "/data", disk.Sync)
	w.fill(w.log(0), 50)
	w.fill(w.log(1), 3)
	w.powerCut(m)
	w.wantFilled(w.log(0), 0, 50)
	w.wantFilled(w.log(1), 0, 3)
}

// A truncation holds through a crash: entries of what was cut do not come back.
func TestTruncationAndTheLog(t *testing.T) {
	w, m := walWorld(t)
	l := w.log(0)
	w.append(l, values(dayMillis, "a"))
	w.append(l, values(dayMillis, "b"))
	w.append(l, values(dayMillis, "c"))
	must(t, l.TruncateTo(1))
	w.append(l, values(dayMillis, "d"))
	w.wantValues(l, "a", "d")
	w.powerCut(m)
	w.wantValues(w.log(0), "a", "d")
}

// The lineage names who may replay; another directory's log is refused.
func TestWhoseLogItIs(t *testing.T) {
	w, m := walWorld(t)
	must(t, w.store.Close(context.Background()))
	w.opts.Owner, w.opts.Process = "cluster/directory", "one"
	w.start()
	w.append(w.log(0), values(dayMillis, "a"))
	w.opts.Process = "two"
	m = w.powerCut(m)
	must(t, w.store.Inherit("one"))
	m = w.powerCut(m)
	processes, err := w.store.Lineage()
	must(t, err)
	if strings.Join(processes, " ") != "one two" {
		t.Errorf("the lineage is %q", processes)
	}
	opts := w.opts
	opts.FS, opts.Owner = m.CrashCopy(vfs.CrashKeepNone, nil), "another"
	var corrupt *logstore.CorruptError
	if _, err := disk.Open(opts); !errors.As(err, &corrupt) {
		t.Errorf("another's log: %v", err)
	}
}

// A roll after a replay syncs every segment that the replay has written, not just
// the one that it ends: what follows lets the write-ahead log go.
func TestARollAfterAReplay(t *testing.T) {
	w, m := walWorld(t)
	w.cfg.SegmentBytes = 100 // one batch each
	w.append(w.log(0), values(dayMillis, "a"))
	w.append(w.log(0), values(dayMillis, "b"))
	w.append(w.log(1), values(dayMillis, "x")) // what came before is settled
	m = w.powerCut(m)
	w.wantValues(w.log(0), "a", "b")
	w.log(1)
	w.append(w.log(0), values(dayMillis, "c"))
	must(t, w.log(0).Flush())
	must(t, w.store.Replay(context.Background()))
	w.powerCut(m)
	w.wantValues(w.log(0), "a", "b", "c")
	w.wantValues(w.log(1), "x")
}
