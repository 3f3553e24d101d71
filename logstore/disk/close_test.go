package disk_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/protocol"
)

// manyLogs is enough of them for a stop to sync the volume once.
const manyLogs = 70

// unsynced is a file system on which no call syncs everything.
type unsynced struct{ vfs.FS }

func (unsynced) SyncAll(string) error { return errors.ErrUnsupported }

// A clean stop of many logs loses nothing in a power cut right after it, and spares the
// next start every scan, with one sync for all and without.
func TestCleanStopOfManyLogs(t *testing.T) {
	for mode, durability := range map[string]disk.Durability{"sync": disk.Sync, "cached": disk.Cached} {
		for name, wrap := range map[string]func(vfs.FS) vfs.FS{
			"at once":    func(fsys vfs.FS) vfs.FS { return fsys },
			"one by one": func(fsys vfs.FS) vfs.FS { return unsynced{fsys} },
		} {
			t.Run(mode+"/"+name, func(t *testing.T) {
				m := vfs.NewMem()
				must(t, m.MkdirAll("/data", vfs.DirPerm))
				must(t, m.SyncDir("/"))
				w := newWorld(t, wrap(m), "/data", durability)
				for i := range int32(manyLogs) {
					w.append(w.log(i), values(dayMillis, fmt.Sprint("first of ", i)))
					w.append(w.log(i), idempotent(7, 0, "second"))
				}
				must(t, w.store.Close(context.Background()))
				if !w.store.Verified() {
					t.Fatal("the stop was not clean")
				}
				w.opts.CleanShutdown = true
				changes := 0
				w.opts.FS = &vfs.Faulty{FS: m.CrashCopy(vfs.CrashKeepNone, rand.New(rand.NewPCG(1, 1))), Before: func(op vfs.Op) error {
					if op.Kind.Changes() {
						changes++
					}
					return nil
				}}
				w.start()
				changes = 0
				for i := range int32(manyLogs) {
					l := w.log(i)
					must(t, l.Ready())
					if end := l.Offsets().High; end != protocol.Offset(2) {
						t.Fatalf("log %d ends at %d", i, end)
					}
					if len(l.ActiveProducers()) != 1 {
						t.Fatalf("log %d has forgotten its producer", i)
					}
				}
				// Of small files that can be made again the cached mode syncs the names alone.
				healed := durability == disk.Cached && name == "one by one"
				if changes > 0 && !healed {
					t.Errorf("the start changed %d things", changes)
				}
			})
		}
	}
}

// A sync of everything that fails is a sync that failed: the stop is not clean.
func TestFailedSyncOfManyLogs(t *testing.T) {
	for _, failing := range []int{1, 2} {
		count := 0
		m := vfs.NewMem()
		must(t, m.MkdirAll("/data", vfs.DirPerm))
		w := newWorld(t, &vfs.Faulty{FS: m, Before: func(op vfs.Op) error {
			if op.Kind != vfs.OpSyncAll {
				return nil
			}
			if count++; count == failing {
				return errors.New("the drive is gone")
			}
			return nil
		}}, "/data", disk.Cached)
		for i := range int32(manyLogs) {
			w.append(w.log(i), values(dayMillis, "a"))
		}
		if err := w.store.Close(context.Background()); err == nil || w.store.Verified() {
			t.Errorf("sync %d failed, and the stop was clean: %v", failing, err)
		}
		w.store = nil
	}
}

// The time of a stop is up while its last log is being prepared: the files of a clean stop
// were not synced, so that nobody may take it for one.
func TestTimeIsUpInTheLastOfManyLogs(t *testing.T) {
	for mode, durability := range map[string]disk.Durability{"sync": disk.Sync, "cached": disk.Cached} {
		t.Run(mode, func(t *testing.T) {
			m := vfs.NewMem()
			must(t, m.MkdirAll("/data", vfs.DirPerm))
			must(t, m.SyncDir("/"))
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			var stopping atomic.Bool
			var prepared atomic.Int32
			w := newWorld(t, &vfs.Faulty{FS: m, Before: func(op vfs.Op) error {
				if stopping.Load() && op.Kind == vfs.OpRename && strings.Contains(op.Name, ".snapshot") && prepared.Add(1) == manyLogs {
					cancel()
				}
				return nil
			}}, "/data", durability)
			for i := range int32(manyLogs) {
				w.append(w.log(i), values(dayMillis, fmt.Sprint("first of ", i)))
				w.append(w.log(i), idempotent(7, 0, "second"))
			}
			stopping.Store(true)
			if err := w.store.Close(ctx); err == nil || ctx.Err() == nil {
				t.Fatalf("the stop had all its time: %v", err)
			}
			if durability == disk.Cached && w.store.Verified() {
				t.Error("the stop is taken for a clean one")
			}
			w.opts.CleanShutdown = w.store.Verified()
			w.opts.FS = m.CrashCopy(vfs.CrashKeepNone, rand.New(rand.NewPCG(1, 1)))
			w.start()
			for i := range int32(manyLogs) {
				l := w.log(i)
				must(t, l.Ready())
				if end := l.Offsets().High; durability == disk.Sync && end != 2 {
					t.Errorf("log %d ends at %d", i, end)
				}
			}
		})
	}
}
