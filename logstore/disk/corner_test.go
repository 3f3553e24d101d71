package disk_test

import (
	"sync"
	"testing"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/protocol"
)

// A duplicate of a batch that is not durable yet waits for the same sync.
func TestDuplicateOfAnUncommittedBatch(t *testing.T) {
	w, rule := faultyWorld(t, disk.Sync)
	l := w.log(0)
	w.fill(l, 1)
	held, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	hold := func(op vfs.Op) error {
		if isCommit(op) {
			once.Do(func() { close(held); <-release })
		}
		return nil
	}
	rule.Store(&hold)
	var all sync.WaitGroup
	all.Add(2)
	stamped := func() protocol.Batch {
		b := idempotent(5, 0, "a", "b")
		b.SetTimestamps(true, dayMillis+77)
		return b
	}
	send := func() *logstore.Pending {
		p := &logstore.Pending{OnCommitted: func(*logstore.Pending) { all.Done() }}
		if state := l.Append(logstore.AppendInput{Batch: stamped()}, p); state != logstore.Ordered {
			t.Fatalf("state %d before the sync", state)
		}
		return p
	}
	first := send()
	<-held
	again := send()
	close(release)
	all.Wait()
	for _, p := range []*logstore.Pending{first, again} {
		if p.Err != nil || p.BaseOffset != 1 || p.LastOffset != 2 || p.LogAppendTime != dayMillis+77 || p.Duplicate != (p == again) {
			t.Errorf("%+v", p)
		}
	}
}

// A log that was closed on its own can be opened again, in either kind of start.
func TestCloseOneLog(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.fill(w.log(0), 12)
		old := w.log(0)
		_, err := old.DeleteBefore(2)
		must(t, err)
		must(t, old.Close())
		wantIs(t, old.Ready(), logstore.ErrClosed)
		must(t, old.Close())
		w.wantFilled(w.log(0), 2, 12)
		w.fill(w.log(0), 1)
		w.opts.CleanShutdown = false
		w.stop()
		w.start()
		must(t, w.log(0).Ready())
		must(t, w.log(0).Close())
		w.wantFilled(w.log(0), 2, 13)
	})
}

// When a power cut in cached mode takes everything after the deleted records, the
// log begins at its start: an offset that was deleted is never given again.
func TestDeletedOffsetsAreNotGivenAgain(t *testing.T) {
	w, m := memWorld(t, disk.Cached)
	w.fill(w.log(0), 50)
	_, err := w.log(0).DeleteBefore(45)
	must(t, err)
	left := m.CrashCopy(vfs.CrashKeepAll, nil)
	overwrite(t, left, "/data"+firstSegment, 500, make([]byte, 100))
	must(t, vfs.ReplaceFile(left, "/data/recovery-point-offset-checkpoint", []byte("0\n0\n"), true))
	w.crashTo(left)
	w.wantFilled(w.log(0), 45, 45)
	w.crashTo(left.CrashCopy(vfs.CrashKeepAll, nil)) // before any append
	w.wantFilled(w.log(0), 45, 45)
	w.fill(w.log(0), 3)
	w.wantFilled(w.log(0), 45, 48)
	w.restart()
	w.wantFilled(w.log(0), 45, 48)
}

// Indexes of many entries are searched on disk as they are in memory.
func TestLargeIndex(t *testing.T) {
	w, _ := memWorld(t, disk.Cached)
	w.cfg.SegmentBytes, w.cfg.IndexIntervalBytes = 150_000, 0
	l := w.log(0)
	const records = 3000
	for i := range protocol.Timestamp(records) {
		w.append(l, values(dayMillis+i, "0123456789"))
	}
	w.restart()
	l = w.log(0)
	must(t, l.Ready())
	for from := protocol.Offset(0); from < records; from += 7 {
		got, err := readRange(l, from, from+1, 1)
		if err != nil || len(got) != 1 || got[0].offset != from {
			t.Fatalf("at %d: %v, %v", from, got, err)
		}
		found, err := l.OffsetForTime(dayMillis + protocol.Timestamp(from))
		if err != nil || found.Offset != from {
			t.Fatalf("time of %d: %+v, %v", from, found, err)
		}
		chunk, err := l.Read(logstore.ReadInput{From: from, Below: records, MaxBytes: 10_000})
		must(t, err)
		if chunk.Bytes == 0 || chunk.Bytes > 10_000 {
			t.Fatalf("at %d: %d bytes", from, chunk.Bytes)
		}
		chunk.Release()
	}
}

// Bytes that are damaged while the broker runs are never passed over in silence.
func TestDamageWhileRunning(t *testing.T) {
	w, m := memWorld(t, disk.Cached)
	l := w.log(0)
	w.fill(l, 10)
	size := sizeOf(t, m, "/data"+firstSegment)
	overwrite(t, m, "/data"+firstSegment, size/10*6, make([]byte, 80))
	if _, err := readRange(l, 0, 5, 1<<20); err != nil {
		t.Errorf("before the damage: %v", err)
	}
	for from := protocol.Offset(6); from < 10; from++ {
		if got, err := readRange(l, from, 10, 1<<20); err == nil && got[0].offset != from {
			t.Errorf("at %d: %v", from, got)
		}
	}
	if _, err := readRange(l, 6, 7, 100); err == nil {
		t.Error("the damaged batch was read")
	}
	if _, err := l.OffsetForTime(dayMillis + 6); err == nil {
		t.Error("the damaged batch was looked into")
	}
}

// A truncation before the first snapshot keeps the producers of what is left.
func TestProducersOutliveATruncation(t *testing.T) {
	w, _ := memWorld(t, disk.Cached)
	l := w.log(0)
	for i := range int32(5) {
		w.append(l, idempotent(6, i, "x"))
	}
	must(t, l.TruncateTo(3))
	if p := w.append(l, idempotent(6, 2, "x")); !p.Duplicate || p.BaseOffset != 2 {
		t.Errorf("the newest batch again: %+v", p)
	}
	if p := w.append(l, idempotent(6, 3, "x")); p.Duplicate || p.BaseOffset != 3 {
		t.Errorf("the next batch: %+v", p)
	}
}
