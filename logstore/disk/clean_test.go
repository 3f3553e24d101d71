package disk_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/protocol"
)

// update appends n batches of two updates over ten keys.
func (w *world) update(l logstore.Log, n int) {
	w.t.Helper()
	options := protocol.DefaultBatchOptions()
	for range n {
		end := l.Offsets().End
		options.Codec = protocol.Codec(end / 2 % 5)
		w.append(l, entries(options, dayMillis+protocol.Timestamp(end),
			fmt.Sprintf("k%d=v%d", end%10, end), fmt.Sprintf("k%d=v%d", end/2%10, end+1)))
	}
}

// A compacted log has the newest record of each key at its old offset, in every
// mode, after a clean stop and after a crash; it goes on growing.
func TestCompactedLog(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.cfg = compacted()
		l := w.log(0)
		w.update(l, 200)
		w.roll(l)
		all := w.committed(l)
		sealed, active := all[:len(all)-1], all[len(all)-1]
		w.settle(l)
		if n := w.store.Clean(); n != 1 {
			t.Fatalf("%d logs were compacted", n)
		}
		want := append(newestOf(sealed), active)
		sameEntries(t, want, w.committed(l))
		w.wantNoLeftovers("orders-0")
		if got := readFile(t, w.fs, w.dir+"/cleaner-offset-checkpoint"); got != "0\n1\norders 0 400\n" {
			t.Errorf("the checkpoint says %q", got)
		}
		if n := w.store.Clean(); n != 0 {
			t.Errorf("%d logs were compacted again", n)
		}
		w.restart()
		l = w.log(0)
		sameEntries(t, want, w.committed(l))
		w.kill()
		w.start()
		l = w.log(0)
		sameEntries(t, want, w.committed(l))

		w.update(l, 100)
		w.roll(l)
		want = w.committed(l)
		sealed, active = want[:len(want)-1], want[len(want)-1]
		w.settle(l)
		if n := w.store.Clean(); n != 1 {
			t.Fatalf("%d logs were compacted", n)
		}
		sameEntries(t, append(newestOf(sealed), active), w.committed(l))
	})
}

// Whatever offset or time is asked for: the answer is the next record that is there.
func TestReadingOverGaps(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.cfg = compacted()
		l := w.log(0)
		w.updateAndRoll(l, 150)
		w.store.Clean()
		all := w.committed(l)
		end := l.Offsets().End
		largest := all[0]
		next := 0
		for from := protocol.Offset(0); from < end; from++ {
			if all[next].Offset < from {
				next++
			}
			got, err := readRange(l, from, end, 1)
			must(t, err)
			if len(got) != len(all)-next || got[0].offset != all[next].Offset {
				t.Fatalf("from %d: %d records, want %d from %d on", from, len(got), len(all)-next, all[next].Offset)
			}
			found, err := l.OffsetForTime(dayMillis + protocol.Timestamp(from))
			must(t, err)
			if from < all[len(all)-2].Offset && found.Offset != all[next].Offset {
				t.Fatalf("for time %d: %+v, want %+v", from, found, all[next])
			}
			if from < end-1 {
				largest = all[len(all)-2]
			}
		}
		found, err := l.OffsetOfMaxTimestamp()
		must(t, err)
		if found.Offset != largest.Offset {
			t.Errorf("the largest timestamp is at %+v, want %+v", found, largest)
		}
	})
}

// A log of which compaction has left nothing but a header still ends where it ended,
// and readers get there.
func TestNothingLeftButAHeader(t *testing.T) {
	w, _ := memWorld(t, disk.Sync)
	w.cfg = compacted()
	w.cfg.DeleteRetentionMillis = 0
	l := w.log(0)
	w.append(l, entries(protocol.DefaultBatchOptions(), dayMillis, "a=1", "b=1"))
	w.append(l, entries(protocol.DefaultBatchOptions(), dayMillis, "a", "b"))
	for range 3 { // the second one drops the tombstones, but only where there is something new
		w.roll(l)
		w.append(l, entries(protocol.DefaultBatchOptions(), dayMillis, "roll"))
		w.roll(l)
		w.settle(l)
		w.store.Clean()
	}
	got := w.committed(l)
	for _, e := range got {
		if e.Key != "roll" {
			t.Errorf("%+v is left", e)
		}
	}
	end := l.Offsets().End
	_, err := readRange(l, 0, end, 1)
	must(t, err)
	if found, err := l.OffsetForTime(0); err != nil || found.Offset < 0 {
		t.Errorf("%+v, %v", found, err)
	}
}

// Adjacent segments become one as far as segment.bytes allows.
func TestSegmentsAreGrouped(t *testing.T) {
	w, _ := memWorld(t, disk.Cached)
	w.cfg = compacted()
	l := w.log(0)
	w.updateAndRoll(l, 400)
	count := func() (n int) {
		for _, name := range w.files("orders-0") {
			if strings.HasSuffix(name, ".log") {
				n++
			}
		}
		return n
	}
	before := count()
	for range 8 {
		w.store.Clean()
		w.updateAndRoll(l, 1)
	}
	if after := count(); before < 15 || after > 5 {
		t.Errorf("%d segments became %d", before, after)
	}
	w.clock.Advance(2 * time.Minute)
	for _, name := range w.files("orders-0") {
		if strings.HasSuffix(name, ".deleted") {
			t.Errorf("%s is still there", name)
		}
	}
}

// 50 keys with 20,000 updates come down to 50 records and the active segment.
func TestManyUpdatesOfFewKeys(t *testing.T) {
	w, _ := memWorld(t, disk.Cached)
	w.cfg = compacted()
	w.cfg.SegmentBytes = 100_000
	l := w.log(0)
	options := protocol.DefaultBatchOptions()
	for i := 0; i < 20_000; i += 50 {
		words := make([]string, 50)
		for k := range words {
			words[k] = fmt.Sprintf("key-%d=update %d", (i+k*7)%50, i+k)
		}
		w.append(l, entries(options, dayMillis, words...))
	}
	w.roll(l)
	w.settle(l)
	w.store.Clean()
	got := w.committed(l)
	if len(got) != 51 {
		t.Fatalf("%d records", len(got))
	}
	for _, e := range got[:50] {
		if e.Offset < 19_950 {
			t.Errorf("%+v is no newest record", e)
		}
	}
}

// min.compaction.lag.ms keeps young records, max.compaction.lag.ms asks for a
// compaction whatever the dirty ratio is, and below the ratio nothing happens.
func TestWhenALogIsDue(t *testing.T) {
	w, _ := memWorld(t, disk.Cached)
	w.cfg = compacted()
	w.cfg.CompactionLagMinMillis = 3_600_000
	l := w.log(0)
	w.updateAndRoll(l, 100)
	if n := w.store.Clean(); n != 0 {
		t.Error("records were compacted that are too young")
	}
	w.clock.Advance(2 * time.Hour)
	if n := w.store.Clean(); n != 1 {
		t.Error("records were not compacted that are old enough")
	}
	w.cfg.CompactionLagMinMillis, w.cfg.CleanableDirtyRatioMin = 0, 1
	w.updateAndRoll(l, 30)
	if n := w.store.Clean(); n != 0 {
		t.Error("a log was compacted that is not dirty enough")
	}
	w.cfg.CompactionLagMaxMillis = 3_600_000
	l.Reconfigure(w.cfg)
	if n := w.store.Clean(); n != 1 {
		t.Error("a log was not compacted that has waited long enough")
	}
}

// What the recovery point on disk does not cover is not compacted.
func TestOnlyWhatIsCheckpointedIsCompacted(t *testing.T) {
	w, _ := memWorld(t, disk.Sync)
	w.cfg, w.opts.WALSlotBytes = compacted(), 1<<20 // so that no slot is freed, which writes a checkpoint
	w.restart()
	l := w.log(0)
	w.update(l, 100)
	w.roll(l)
	must(t, l.Flush())
	if n := w.store.Clean(); n != 0 {
		t.Error("compacted what no checkpoint covers")
	}
	must(t, w.store.Checkpoint())
	if n := w.store.Clean(); n != 1 {
		t.Error("not compacted although a checkpoint covers it")
	}
}

// With compact and delete, what is too old goes as well.
func TestCompactAndDelete(t *testing.T) {
	w, _ := memWorld(t, disk.Cached)
	w.cfg = compacted()
	w.cfg.Delete, w.cfg.RetentionMillis = true, 3_600_000
	l := w.log(0)
	w.updateAndRoll(l, 100)
	w.store.Clean()
	if got := len(w.committed(l)); got > 12 {
		t.Fatalf("%d records are left", got)
	}
	w.clock.Advance(2 * time.Hour)
	w.store.Sweep()
	if got := w.committed(l); len(got) != 0 {
		t.Errorf("%v are left", got)
	}
	if marks := l.Offsets(); marks.Start != marks.End {
		t.Errorf("marks %+v", marks)
	}
}

// The gaps that compaction has left are no damage once the topic's policy is another,
// even when everything must be scanned.
func TestGapsOutliveThePolicy(t *testing.T) {
	for _, durability := range []disk.Durability{disk.Sync, disk.Cached} {
		w, _ := memWorld(t, durability)
		w.cfg = compacted()
		l := w.log(0)
		w.updateAndRoll(l, 300)
		w.store.Clean()
		w.update(l, 3)
		want := w.committed(l)
		w.cfg = config()
		w.kill()
		must(t, w.fs.Remove("/data/recovery-point-offset-checkpoint"))
		w.start()
		sameEntries(t, want, w.committed(w.log(0)))
		if cut := w.truncations(); len(cut) != 0 {
			t.Errorf("cut %+v", cut)
		}
	}
}

// A truncation into the compacted part goes on from there, and a crash after it
// finds no damage.
func TestTruncationIntoACompactedSegment(t *testing.T) {
	w, _ := memWorld(t, disk.Sync)
	w.cfg = compacted()
	l := w.log(0)
	w.updateAndRoll(l, 300)
	w.store.Clean()
	all := w.committed(l)
	cut := all[len(all)-4].Offset
	must(t, l.TruncateTo(cut))
	end := l.Offsets().End
	if got := readFile(t, w.fs, "/data/cleaner-offset-checkpoint"); got != fmt.Sprintf("0\n1\norders 0 %d\n", end) {
		t.Errorf("the checkpoint says %q, the log ends at %d", got, end)
	}
	w.update(l, 3)
	must(t, w.store.Checkpoint())
	want := w.committed(l)
	w.kill()
	w.start()
	sameEntries(t, want, w.committed(w.log(0)))
}

// A deleted topic's row does not pass to the next topic of its name.
func TestDeletedLogLeavesNoRow(t *testing.T) {
	w, _ := memWorld(t, disk.Sync)
	w.cfg = compacted()
	l := w.log(0)
	w.updateAndRoll(l, 100)
	w.store.Clean()
	must(t, w.store.Delete(partitionID(0)))
	reborn := logstore.ID{Topic: "orders", TopicID: protocol.UUID{9}, Partition: 0}
	l, err := w.store.Open(reborn, w.cfg)
	must(t, err)
	w.update(l, 2)
	if got := readFile(t, w.fs, "/data/cleaner-offset-checkpoint"); got != "0\n0\n" {
		t.Errorf("the checkpoint says %q", got)
	}
}

// A damaged segment is named and left alone; other logs are compacted, and what is
// sound of this one is served.
func TestDamageStopsOneLogOnly(t *testing.T) {
	w, _ := memWorld(t, disk.Cached)
	w.cfg = compacted()
	for n := range int32(3) {
		l := w.log(n)
		w.updateAndRoll(l, 100+int(n))
	}
	file, err := w.fs.Open("/data/orders-1/00000000000000000000.log", vfs.ReadWrite, 0)
	must(t, err)
	b := make([]byte, 1)
	_, _ = file.ReadAt(b, 70)
	b[0] ^= 0xff
	_, err = file.WriteAt(b, 70)
	must(t, err)
	must(t, file.Close())
	if n := w.store.Clean(); n != 2 {
		t.Errorf("%d logs were compacted", n)
	}
	if n := w.store.Clean(); n != 0 {
		t.Errorf("%d logs were compacted again", n)
	}
	w.wantNoLeftovers("orders-1")
	must(t, w.log(1).Ready())
	w.update(w.log(1), 1)
}

// The store compacts by itself after the backoff, and an idle store has no timer.
func TestCompactsByItself(t *testing.T) {
	w, _ := memWorld(t, disk.Cached)
	w.stop()
	w.cfg = compacted()
	w.opts.Cleaner = disk.CleanerOptions{Enabled: true, BackoffMillis: 15_000}
	w.start()
	if n := w.clock.Pending(); n != 0 {
		t.Fatalf("%d timers in an empty store", n)
	}
	l := w.log(0)
	w.update(l, 1)
	if n := w.clock.Pending(); n != 0 {
		t.Fatalf("%d timers although nothing can be compacted", n)
	}
	w.updateAndRoll(l, 200)
	if n := w.clock.Pending(); n != 1 {
		t.Fatalf("%d timers", n)
	}
	w.clock.Advance(15 * time.Second)
	w.store.Clean() // waits for the round
	if got := len(w.committed(l)); got > 12 {
		t.Errorf("%d records are left", got)
	}
}

// A compaction keeps to its rate, by the clock that it is given.
func TestThrottle(t *testing.T) {
	w, _ := memWorld(t, disk.Cached)
	w.cfg = compacted()
	l := w.log(0)
	w.updateAndRoll(l, 500)
	w.store.ConfigureCleaner(disk.CleanerOptions{BytesPerSecondMax: 10_000})
	size, from := l.SizeBytes(), w.clock.Monotonic()
	done := make(chan int)
	go func() { done <- w.store.Clean() }()
	for running := true; running; {
		select {
		case n := <-done:
			running = false
			if n != 1 {
				t.Errorf("%d logs were compacted", n)
			}
		default:
			if w.clock.Pending() > 0 {
				w.clock.Advance(10 * time.Millisecond)
			}
		}
	}
	took := w.clock.Monotonic() - from
	if least := time.Duration(size) * 2 * time.Second / 10_000 * 9 / 10; took < least {
		t.Errorf("%d bytes took %v, at least %v were due", size, took, least)
	}
}

// A stop does not wait for a compaction that has hardly begun.
func TestStopEndsACompaction(t *testing.T) {
	w, _ := memWorld(t, disk.Cached)
	w.cfg = compacted()
	l := w.log(0)
	w.updateAndRoll(l, 500)
	before := w.committed(l)
	w.store.ConfigureCleaner(disk.CleanerOptions{BytesPerSecondMax: 1})
	done := make(chan int)
	go func() { done <- w.store.Clean() }()
	for w.clock.Pending() == 0 {
		select {
		case n := <-done:
			t.Fatalf("it ended by itself: %d", n)
		default:
		}
	}
	w.restart()
	if n := <-done; n != 0 {
		t.Errorf("%d logs were compacted", n)
	}
	w.wantNoLeftovers("orders-0")
	sameEntries(t, before, w.committed(w.log(0)))
}

// At every operation of a compaction an append is committed: neither its write nor
// its sync waits for anything that the compaction does.
func TestAppendsDoNotWaitForACompaction(t *testing.T) {
	mem := vfs.NewMem()
	must(t, mem.MkdirAll("/data", vfs.DirPerm))
	must(t, mem.SyncDir("/"))
	var compacting, appending atomic.Bool
	appended := 0
	var l logstore.Log
	var w *world
	w = newWorld(t, &vfs.Faulty{FS: mem, Before: func(op vfs.Op) error {
		ofCompaction := strings.Contains(op.Name, ".cleaned") || strings.Contains(op.Name, ".swap") || strings.HasSuffix(op.To, ".deleted")
		ofPool := strings.HasSuffix(op.Name, ".log.cleaned") && op.Kind == vfs.OpCreate // no file is opened while another is
		if compacting.Load() && ofCompaction && !ofPool && appending.CompareAndSwap(false, true) {
			if appended < 100 { // or the compactor would find something to do for ever
				w.append(l, entries(protocol.DefaultBatchOptions(), dayMillis, "k=v"))
				appended++
			}
			appending.Store(false)
		}
		return nil
	}}, "/data", disk.Sync)
	w.cfg = compacted()
	l = w.log(0)
	w.updateAndRoll(l, 100)
	compacting.Store(true)
	w.store.Clean()
	compacting.Store(false)
	if appended < 20 {
		t.Errorf("only %d appends went in between", appended)
	}
	sameEntries(t, []entry{{l.Offsets().End - 1, "k", "v"}}, w.committed(l)[len(w.committed(l))-1:])
}

// A clock that jumps drops no tombstone before its time.
func TestAJumpDropsNoTombstone(t *testing.T) {
	w, _ := memWorld(t, disk.Sync)
	w.cfg = compacted()
	w.cfg.DeleteRetentionMillis = 24 * 3_600_000
	l := w.log(0)
	plain := protocol.DefaultBatchOptions()
	w.append(l, entries(plain, dayMillis, "a=1", "b=1"))
	w.append(l, entries(plain, dayMillis, "a"))
	w.roll(l)
	w.settle(l)
	w.store.Sweep()
	w.store.Clean()
	w.clock.JumpWall(48 * time.Hour)
	w.store.Sweep() // tells the guard
	w.append(l, entries(plain, dayMillis, "c=1", "b=2"))
	w.roll(l)
	w.settle(l)
	w.store.Clean()
	for _, e := range w.committed(l) {
		if e.Key == "a" {
			return
		}
	}
	t.Error("the tombstone is gone, seconds after it was written")
}

// A full disk as a compacted segment gets its name is met with room from the ballast.
func TestAFullDiskInASwap(t *testing.T) {
	mem := vfs.NewMem()
	must(t, mem.MkdirAll("/data", vfs.DirPerm))
	var armed atomic.Bool
	w := newWorld(t, &vfs.Faulty{FS: mem, Before: func(op vfs.Op) error {
		if strings.HasSuffix(op.Name, ".index.swap") && op.To != "" && armed.Swap(false) {
			return syscall.ENOSPC
		}
		return nil
	}}, "/data", disk.Sync)
	w.cfg, w.opts.BallastBytes = compacted(), 4096
	w.restart()
	w.store.KeepRoom()
	l := w.log(0)
	w.updateAndRoll(l, 50)
	armed.Store(true)
	w.store.Clean()
	if armed.Load() {
		t.Fatal("there was no swap")
	}
	must(t, l.Ready())
	w.wantNoLeftovers("orders-0")
}
