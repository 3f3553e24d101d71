package metadata

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/protocol"
)

// onMemory moves the world to a file system in memory, seen through before.
func (w *world) onMemory(before func(*vfs.Mem, vfs.Op) error) *vfs.Faulty {
	w.t.Helper()
	mem := vfs.NewMem()
	w.options.Dir = "/data/__cluster_metadata-0"
	if err := mem.MkdirAll(w.options.Dir, vfs.DirPerm); err != nil {
		w.t.Fatal(err)
	}
	for _, dir := range []string{"/", "/data"} {
		if err := mem.SyncDir(dir); err != nil {
			w.t.Fatal(err)
		}
	}
	faulty := &vfs.Faulty{FS: mem, Before: func(op vfs.Op) error { return before(mem, op) }}
	w.options.FS = faulty
	return faulty
}

// history runs a node twice, with many snapshots. Errors of Open end it.
func (w *world) history(t *testing.T) error {
	w.options.SnapshotBytes = 4000
	for run := range uint64(2) {
		s, err := Open(w.options)
		if err != nil {
			return err
		}
		// A snapshot that is not done when the next is due would be skipped: how many
		// operations there are must not depend on how fast the machine is.
		s.Watch(func(_, _ *Image, _ []Record) { s.snapshots.wait() })
		randomHistory(t, s, run, 150)
		if err := s.Close(context.Background()); err != nil {
			return err
		}
	}
	return nil
}

// replayAll is what the batches say, without any snapshot.
func replayAll(t *testing.T, batches []protocol.Batch) *Image {
	t.Helper()
	r := reader{file: "history", draft: new(Image).edit()}
	for _, b := range batches {
		if err := r.batch(b); err != nil {
			t.Fatal(err)
		}
	}
	return r.draft.image()
}

// Whatever a crash leaves at any change of the disk opens to what the surviving
// log says, be it a death of the process or a power cut.
func TestCrashAtEveryOperation(t *testing.T) {
	w := newWorld(t)
	type left struct {
		op      vfs.Op
		crash   vfs.Crash
		fs      *vfs.Mem
		journal *memJournal
	}
	var all []left
	rng := rand.New(rand.NewPCG(7, 7))
	w.onMemory(func(mem *vfs.Mem, op vfs.Op) error {
		if op.Kind.Changes() {
			for _, crash := range []vfs.Crash{vfs.CrashKeepNone, vfs.CrashKeepAll, vfs.CrashKeepSome} {
				all = append(all, left{op, crash, mem.CrashCopy(crash, rng), w.journal.crashed(crash != vfs.CrashKeepAll)})
			}
		}
		return nil
	})
	if err := w.history(t); err != nil {
		t.Fatal(err)
	}
	if len(all) < 100 {
		t.Errorf("only %d crashes were tried", len(all))
	}
	for _, l := range all {
		o := w.options
		o.FS, o.Journal = l.fs, l.journal
		rec, err := recoverFolder(&Options{FS: l.fs, Dir: o.Dir, Journal: l.journal, NodeID: 1, DirectoryID: testDirectory})
		if err != nil {
			t.Fatalf("crash %d at %s of %s: %v", l.crash, l.op.Kind, l.op.Name, err)
		}
		same(t, rec.img, replayAll(t, l.journal.history))
		s, err := Open(o)
		if err != nil {
			t.Fatalf("crash %d at %s of %s: %v", l.crash, l.op.Kind, l.op.Name, err)
		}
		w.close(s)
	}
}

// An operation that fails stops the start or costs a snapshot, never the state.
func TestFaultAtEveryOperation(t *testing.T) {
	broken := errors.New("input/output error")
	for n := 0; ; n++ {
		w := newWorld(t)
		seen, failed := 0, ""
		faulty := w.onMemory(func(_ *vfs.Mem, op vfs.Op) error {
			if !op.Kind.Changes() {
				return nil
			}
			seen++
			if seen-1 == n {
				failed = fmt.Sprintf("%s of %s", op.Kind, op.Name)
				return broken
			}
			return nil
		})
		err := w.history(t)
		if failed == "" {
			if n < 30 {
				t.Errorf("only %d operations could fail", n)
			}
			return
		}
		if err != nil && !errors.Is(err, broken) {
			t.Fatalf("%s fails, and: %v", failed, err)
		}
		faulty.Before = nil
		s, err := Open(w.options)
		if err != nil {
			t.Fatalf("after a failed %s: %v", failed, err)
		}
		same(t, s.Image(), replayAll(t, w.journal.history))
		w.close(s)
	}
}
