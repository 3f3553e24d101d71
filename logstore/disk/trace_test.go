package disk_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files instead of comparing them")

// trace notes the operations that change or sync the disk, step by step.
type trace struct {
	mu sync.Mutex
	// idle waits until nothing is at work any more; nil while there is no store.
	idle  func()
	text  strings.Builder
	lines []operation // of the step
	// mixed: two goroutines are at work in the step, so that it is told file by file.
	mixed bool
	mute  bool
}

type operation struct{ file, line string }

func (tr *trace) before(op vfs.Op) error {
	if !op.Kind.Changes() || strings.HasPrefix(op.Name, "/data/barrier-") {
		return nil
	}
	line := fmt.Sprintf("  %-9s %s", op.Kind, strings.TrimPrefix(op.Name, "/data/"))
	switch {
	case op.To != "":
		line += " -> " + filepath.Base(op.To)
	case op.Kind == vfs.OpWrite && path.Dir(op.Name) != "/data": // the checkpoints have a row of the barrier
		line += fmt.Sprintf(" (%d bytes)", op.Bytes)
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if !tr.mute {
		tr.lines = append(tr.lines, operation{path.Dir(op.Name), line})
	}
	return nil
}

// step ends a step and begins the next.
func (tr *trace) step(name string) { tr.begin(name, false) }

func (tr *trace) begin(name string, mixed bool) {
	if tr.idle != nil {
		tr.idle()
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if tr.mixed {
		slices.SortStableFunc(tr.lines, func(a, b operation) int { return strings.Compare(a.file, b.file) })
	}
	for _, o := range tr.lines {
		tr.text.WriteString(o.line + "\n")
	}
	tr.lines, tr.mixed = nil, mixed
	if name != "" {
		tr.text.WriteString(name + "\n")
	}
}

// skip leaves what do does to the disk out of the story.
func (tr *trace) skip(do func()) {
	tr.begin("", false)
	tr.setMute(true)
	do()
	tr.idle()
	tr.setMute(false)
}

func (tr *trace) setMute(mute bool) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.mute = mute
}

// Every operation that changes or syncs the disk, in a story that has all that a
// log does. A sync that goes missing, or comes to be, shows as a changed line here.
func TestTrace(t *testing.T) {
	for mode, durability := range map[string]disk.Durability{"sync": disk.Sync, "cached": disk.Cached} {
		t.Run(mode, func(t *testing.T) {
			tr := &trace{}
			m := vfs.NewMem()
			must(t, m.MkdirAll("/data", vfs.DirPerm))
			w := newWorld(t, &vfs.Faulty{FS: m, Before: tr.before}, "/data", durability)
			// One slot, filled at once, and enough open files: nothing happens beside the story.
			w.cfg.SegmentBytes, w.opts.WALSlotBytes, w.opts.OpenFilesMax = 1<<20, 1<<20, 100
			tr.setMute(true)
			w.restart()
			tr.idle = func() { awaitIdle(w) }
			tr.idle() // makes what waiting needs
			tr.setMute(false)
			tellOfEverything(w, tr)
			tr.begin("", false)
			golden(t, filepath.Join("testdata", "trace-"+mode+".txt"), tr.text.String())
		})
	}
}

// awaitIdle returns when committer and syncer have done what they were given. A log
// of its own, which is synced by itself, takes its place in the syncer's list.
func awaitIdle(w *world) {
	w.t.Helper()
	w.store.Drain()
	cfg := config()
	cfg.OwnSync, cfg.FlushMessages, cfg.SegmentBytes = true, 1, 1<<20
	l, err := w.store.Open(logstore.ID{Topic: "barrier", TopicID: topicID}, cfg)
	must(w.t, err)
	w.append(l, values(dayMillis, "."))
}

func tellOfEverything(w *world, tr *trace) {
	t, l, other := w.t, w.log(0), w.log(1)
	tr.step("the first record of a partition")
	w.append(l, values(dayMillis, "a"))
	tr.step("the next record")
	w.append(l, values(dayMillis, "b"))
	tr.step("the first record of another partition")
	w.append(other, values(dayMillis, "x"))
	tr.step("a batch of 300,000 bytes")
	w.append(l, values(dayMillis, strings.Repeat("c", largeBytes)))
	tr.step("a record under a new leader epoch")
	must(t, tryAppend(l, values(dayMillis, "d"), 3).Err)
	tr.step("a flush")
	must(t, l.Flush())
	tr.begin("a record of a producer that rolls the segment (two at work; folder by folder)", true)
	cfg := w.cfg
	cfg.SegmentBytes = largeBytes + 200
	l.Reconfigure(cfg)
	w.append(l, idempotent(7, 0, "e"))
	must(t, l.Flush())
	tr.step("a checkpoint")
	must(t, w.store.Checkpoint())
	tr.step("records deleted")
	_, err := l.DeleteBefore(2)
	must(t, err)
	must(t, l.Flush()) // as the next one will, whenever it comes
	tr.step("a segment deleted by retention")
	cfg.RetentionBytes = 0
	l.Reconfigure(cfg)
	w.store.Sweep()
	must(t, l.Flush())
	tr.step("a truncation")
	must(t, other.TruncateTo(0))
	tr.step("a partition deleted, and its files when the delay has passed")
	must(t, w.store.Delete(partitionID(1)))
	w.clock.Advance(2 * time.Minute)
	deleteTwo(w, tr)
	compact(w, tr)
	tr.step("a clean stop")
	must(t, l.Close()) // one after the other: a store closes its logs in no order
	must(t, w.log(2).Close())
	must(t, w.store.Close(context.Background()))
	w.store, tr.idle = nil, nil
}

// deleteTwo tells of partitions that are deleted at once; what comes before it is not traced.
func deleteTwo(w *world, tr *trace) {
	tr.skip(func() {
		for n := range 2 {
			w.append(w.log(int32(3+n)), values(dayMillis, "y"))
		}
	})
	tr.step("two partitions of a topic deleted at once")
	must(w.t, w.store.Delete(partitionID(4), partitionID(3)))
	w.clock.Advance(2 * time.Minute)
}

// compact tells of a compaction; what comes before it is not traced.
func compact(w *world, tr *trace) {
	w.cfg = compacted()
	l := w.log(2)
	tr.skip(func() {
		w.updateAndRoll(l, 40)
	})
	tr.step("a compaction of three segments")
	w.store.Clean()
}

// golden compares with a file, or writes it with -rewrite.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is another; run `go test ./logstore/disk -run TestTrace -rewrite`, and read what changed:\n%s", name, diff)
	}
}
