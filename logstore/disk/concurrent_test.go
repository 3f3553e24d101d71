package disk_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Writers, readers, look-ups, retention and checkpoints share a log of many small
// segments and few file handles; nobody gets in another's way, and readers see
// every record once and in order.
func TestManyAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		const writers, each = 3, 60
		l := w.log(0)
		var writing, looking sync.WaitGroup
		var done atomic.Bool
		for n := range writers {
			writing.Go(func() {
				for i := range int32(each) {
					p := tryAppend(l, idempotent(protocol.ProducerID(n), i, fmt.Sprintf("%d-%d/%060d", n, i, 0)), 0)
					if p.Err != nil {
						t.Error(p.Err)
						return
					}
				}
			})
		}
		looking.Go(func() {
			for !done.Load() {
				w.store.Sweep()
				if err := w.store.Checkpoint(); err != nil {
					t.Error(err)
				}
				if _, err := l.OffsetForTime(dayMillis); err != nil {
					t.Error(err)
				}
				if _, err := l.OffsetOfMaxTimestamp(); err != nil {
					t.Error(err)
				}
			}
		})
		for range 2 {
			looking.Go(func() {
				for !done.Load() {
					if _, err := readAll(l); err != nil && !errors.Is(err, logstore.ErrOffsetOutOfRange) {
						t.Error(err)
						return
					}
				}
			})
		}
		cfg := w.cfg
		cfg.RetentionBytes = 10_000
		l.Reconfigure(cfg)
		writing.Wait()
		done.Store(true)
		looking.Wait()

		all, err := readAll(l)
		must(t, err)
		next := map[string]int{}
		for _, r := range all {
			var writer, i int
			if _, err := fmt.Sscanf(r.value[:strings.Index(r.value, "/")], "%d-%d", &writer, &i); err != nil {
				t.Fatalf("%q: %v", r.value, err)
			}
			name := fmt.Sprint(writer)
			if at, ok := next[name]; ok && i != at {
				t.Fatalf("writer %d: record %d where %d is due", writer, i, at)
			}
			next[name] = i + 1
		}
		for writer, at := range next { // retention may have taken all of one writer's
			if at != each {
				t.Errorf("writer %s ends at %d, want %d", writer, at, each)
			}
		}
		if end := l.Offsets().End; end != writers*each {
			t.Errorf("the log ends at %d", end)
		}
	})
}

// Commits are told in log order, and never before High has reached them.
func TestCommitsInOrder(t *testing.T) {
	w, _ := memWorld(t, disk.Sync)
	l := w.log(0)
	must(t, l.Ready())
	var mu sync.Mutex
	var order []protocol.Offset
	var all sync.WaitGroup
	const count = 200
	all.Add(count)
	for range count {
		p := &logstore.Pending{}
		p.OnCommitted = func(p *logstore.Pending) {
			if high := l.Offsets().High; high <= p.LastOffset {
				t.Errorf("offset %d was committed with High at %d", p.LastOffset, high)
			}
			mu.Lock()
			order = append(order, p.BaseOffset)
			mu.Unlock()
			all.Done()
		}
		if state := l.Append(logstore.AppendInput{Batch: values(dayMillis, "x")}, p); state != logstore.Ordered {
			t.Fatalf("state %d before the sync", state)
		}
	}
	all.Wait()
	for i, offset := range order {
		if offset != protocol.Offset(i) {
			t.Fatalf("commit %d is of offset %d", i, offset)
		}
	}
}

// In cached mode flush.messages makes every nth append wait for a sync, and
// flush.ms lets a checkpoint begin one.
func TestFlushSettings(t *testing.T) {
	syncs := new(atomic.Int64)
	m := vfs.NewMem()
	must(t, m.MkdirAll("/data", vfs.DirPerm))
	w := newWorld(t, &vfs.Faulty{FS: m, Before: func(op vfs.Op) error {
		if op.Kind == vfs.OpSync && strings.HasSuffix(op.Name, ".log") {
			syncs.Add(1)
		}
		return nil
	}}, "/data", disk.Cached)
	l := w.log(0)
	w.fill(l, 5)
	if n := syncs.Load(); n != 0 {
		t.Fatalf("%d syncs in cached mode", n)
	}
	cfg := w.cfg
	cfg.FlushMessages = 1
	l.Reconfigure(cfg)
	for i := range int64(4) {
		w.fill(l, 1)
		if n := syncs.Load(); n != i+1 {
			t.Fatalf("%d syncs after %d appends with flush.messages=1", n, i+1)
		}
	}
	cfg.FlushMessages, cfg.FlushMillis = 0, 1000
	l.Reconfigure(cfg)
	w.fill(l, 1)
	must(t, w.store.Checkpoint())
	must(t, w.store.Close(context.Background()))
	// The log is synced at the latest now; a checkpoint after flush.ms is earlier,
	// which the recovery point shows.
	w.start()
	l = w.log(0)
	l.Reconfigure(cfg)
	w.fill(l, 1)
	before := syncs.Load()
	w.clock.Advance(1_000_000_000)
	must(t, w.store.Checkpoint())
	must(t, l.Flush()) // waits for the one under way
	if syncs.Load() == before {
		t.Error("flush.ms was not heeded")
	}
}

// Closing with no time left answers those who wait; nothing hangs.
func TestCloseWithoutTime(t *testing.T) {
	w, rule := faultyWorld(t, disk.Sync)
	l := w.log(0)
	w.fill(l, 3)
	held, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	hold := func(op vfs.Op) error {
		if op.Kind == vfs.OpSync {
			once.Do(func() { close(held); <-release })
		}
		return nil
	}
	rule.Store(&hold)
	answered := make(chan error, 2)
	for range 2 {
		p := &logstore.Pending{OnCommitted: func(p *logstore.Pending) { answered <- p.Err }}
		l.Append(logstore.AppendInput{Batch: values(dayMillis, "x")}, p)
	}
	<-held
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	closed := make(chan error)
	go func() { closed <- w.store.Close(ended) }()
	close(release)
	wantIs(t, <-closed, context.Canceled)
	for range 2 {
		if err := <-answered; err != nil {
			wantIs(t, err, logstore.ErrClosed)
		}
	}
	if w.store.Verified() {
		t.Error("verified although not all was closed")
	}
	wantIs(t, tryAppend(l, values(dayMillis, "x"), 0).Err, logstore.ErrClosed)
	w.store = nil
}

// A segment that proved hot is preallocated, which no reader and no restart sees.
func TestHotSegments(t *testing.T) {
	w := newWorld(t, vfs.OS(), t.TempDir(), disk.Cached)
	w.cfg.SegmentBytes, w.cfg.Preallocate = 4<<20, true
	l := w.log(0)
	for range 30 {
		w.append(l, values(dayMillis, strings.Repeat("x", 200_000)))
	}
	size := l.SizeBytes()
	check := func(l logstore.Log) {
		t.Helper()
		all, err := readWhole(l)
		must(t, err)
		if len(all) != 30 || l.SizeBytes() != size {
			t.Fatalf("%d records in %d bytes, want 30 in %d", len(all), l.SizeBytes(), size)
		}
	}
	check(l)
	w.kill()
	w.start()
	check(w.log(0))
	w.restart()
	check(w.log(0))
}

// Logs come and go while checkpoints are written, and neither waits for the other
// for ever.
func TestOpenBesideCheckpoints(t *testing.T) {
	w, _ := memWorld(t, disk.Cached)
	for i := range int32(20) {
		w.append(w.log(i), values(dayMillis, "x"))
	}
	var both sync.WaitGroup
	both.Go(func() {
		for range 300 {
			_ = w.store.Checkpoint()
		}
	})
	both.Go(func() {
		for i := range 20_000 {
			id := partitionID(0)
			id.Topic = fmt.Sprint("t", i%1000)
			if _, err := w.store.Open(id, w.cfg); err == nil {
				_ = w.store.Delete(id)
			}
		}
	})
	both.Wait()
}
