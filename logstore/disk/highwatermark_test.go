package disk_test

import (
	"context"
	"path"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore/disk"
)

const highWatermarks = "replication-offset-checkpoint"

func (w *world) read(name string) string {
	w.t.Helper()
	data, err := vfs.ReadFile(w.fs, path.Join(w.dir, name), 1<<20)
	must(w.t, err)
	return string(data)
}

// A clean stop writes the high watermarks for Kafka: of the logs that were used
// their ends, of the others what the file said before, or else where they end.
func TestHighWatermarksOfACleanStop(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		for n, count := range []int{3, 5, 0} {
			w.fill(w.log(int32(n)), count)
		}
		w.stop()
		if diff := cmp.Diff("0\n2\norders 0 3\norders 1 5\n", w.read(highWatermarks)); diff != "" {
			t.Error(diff)
		}
		// Kafka's file has other rows too, in no order; some are of partitions long gone.
		must(t, vfs.ReplaceFile(w.fs, path.Join(w.dir, highWatermarks), []byte("0\n3\ngone 0 9\norders 1 4\norders 0 1\n"), true))
		w.start()
		w.fill(w.log(0), 2)
		w.stop()
		if diff := cmp.Diff("0\n2\norders 0 5\norders 1 4\n", w.read(highWatermarks)); diff != "" {
			t.Error(diff)
		}
		// One that cannot be understood is as good as none.
		must(t, vfs.ReplaceFile(w.fs, path.Join(w.dir, highWatermarks), []byte("?"), true))
		w.start()
		w.stop()
		if diff := cmp.Diff("0\n2\norders 0 5\norders 1 5\n", w.read(highWatermarks)); diff != "" {
			t.Error(diff)
		}
	})
}

// An abandoned store writes nothing, whatever was read before.
func TestAbandonedStoreWritesNothing(t *testing.T) {
	w, mem := memWorld(t, disk.Sync)
	w.fill(w.log(0), 30)
	w.stop()
	must(t, mem.Remove(path.Join(w.dir, "recovery-point-offset-checkpoint")))
	w.opts.CleanShutdown = true
	w.start()
	must(t, w.log(0).Ready())
	before := w.files("orders-0")
	w.store.Abandon()
	w.store.Abandon() // again is nothing
	must(t, w.store.Close(context.Background()))
	if diff := cmp.Diff(before, w.files("orders-0")); diff != "" {
		t.Error(diff)
	}
	if _, err := mem.Stat(path.Join(w.dir, "recovery-point-offset-checkpoint")); err == nil {
		t.Error("a checkpoint was written")
	}
	if w.store.Verified() {
		t.Error("it counts as cleanly closed")
	}
}
