package disk_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// day is when the tests' clock starts.
var day = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const dayMillis = protocol.Timestamp(1795348800000)

// otherTopicID differs from topicID as two random ids do.
var topicID, otherTopicID = protocol.UUID{1, 2, 3}, protocol.UUID{9, 0xff, 0xff, 0xff}

func partitionID(n int32) logstore.ID {
	return logstore.ID{Topic: "orders", TopicID: topicID, Partition: n}
}

// config has small segments, so that stories roll often, and no retention.
func config() logstore.Config {
	return logstore.Config{
		SegmentBytes: 2000, SegmentMillis: 7 * 24 * 3_600_000, IndexIntervalBytes: 300, IndexBytesMax: 1 << 20,
		RetentionBytes: -1, RetentionMillis: -1, FileDeleteDelayMillis: 60_000, Delete: true,
	}
}

// world is a store on some disk, with all that a story needs to look at.
type world struct {
	t     *testing.T
	fs    vfs.FS
	dir   string
	clock *clock.Manual
	cfg   logstore.Config
	opts  disk.Options
	store *disk.Store
	alive *atomic.Bool // of the store's process

	mu struct {
		sync.Mutex
		truncated []disk.Truncation
		fatal     error
	}
}

func newWorld(t *testing.T, fsys vfs.FS, dir string, durability disk.Durability) *world {
	t.Helper()
	w := &world{t: t, fs: fsys, dir: dir, clock: clock.NewManual(day), cfg: config()}
	w.opts = disk.Options{
		FS: fsys, Dir: dir, Clock: w.clock, Durability: durability, OpenFilesMax: 4,
		WALSlotBytes: 16 << 10, WALSlotsMax: 3, // so that stories fill it
		Truncated: func(c disk.Truncation) {
			w.mu.Lock()
			w.mu.truncated = append(w.mu.truncated, c)
			w.mu.Unlock()
		},
		Fatal: func(err error) {
			w.mu.Lock()
			w.mu.fatal = err
			w.mu.Unlock()
		},
	}
	w.opts.CleanShutdown = true // an empty directory
	w.start()
	t.Cleanup(func() { w.stop() })
	return w
}

// memWorld is a world in memory.
func memWorld(t *testing.T, durability disk.Durability) (*world, *vfs.Mem) {
	t.Helper()
	m := vfs.NewMem()
	must(t, m.MkdirAll("/data", vfs.DirPerm))
	must(t, m.SyncDir("/"))
	return newWorld(t, m, "/data", durability), m
}

// everywhere runs a story in every mode on a real disk and in memory.
func everywhere(t *testing.T, story func(t *testing.T, w *world)) {
	t.Helper()
	for mode, durability := range map[string]disk.Durability{"sync": disk.Sync, "cached": disk.Cached} {
		t.Run(mode+"/os", func(t *testing.T) { story(t, newWorld(t, vfs.OS(), t.TempDir(), durability)) })
		t.Run(mode+"/mem", func(t *testing.T) {
			w, _ := memWorld(t, durability)
			story(t, w)
		})
	}
}

func (w *world) start() {
	w.t.Helper()
	alive := new(atomic.Bool)
	alive.Store(true)
	opts := w.opts
	opts.FS = &vfs.Faulty{FS: w.opts.FS, Before: func(vfs.Op) error {
		if !alive.Load() {
			return errKilled
		}
		return nil
	}}
	var err error
	w.store, err = disk.Open(opts)
	must(w.t, err)
	w.alive = alive
}

// errKilled is what a killed process gets for everything it still asks of the disk.
var errKilled = errors.New("the process was killed")

// kill ends the store as kill -9 does: what it wrote stays, nothing is added.
// The next start is one after a crash.
func (w *world) kill() {
	w.alive.Store(false)
	closeQuietly(w.store)
	w.opts.CleanShutdown = false
}

func (w *world) stop() {
	if w.store != nil {
		if err := w.store.Close(context.Background()); err != nil && !w.t.Failed() {
			w.t.Logf("close: %v", err)
		}
		w.store = nil
	}
}

// restart stops cleanly and starts again.
func (w *world) restart() {
	w.t.Helper()
	must(w.t, w.store.Close(context.Background()))
	w.opts.CleanShutdown = w.store.Verified()
	if !w.opts.CleanShutdown {
		w.t.Fatal("a clean stop was not verified")
	}
	w.start()
}

// crashTo goes on, on what a crash has left, without closing anything first. The
// old store is stopped afterwards, on its own disk.
func (w *world) crashTo(left vfs.FS) {
	w.t.Helper()
	old := w.store
	w.opts.FS, w.fs = left, left
	w.opts.CleanShutdown = false
	w.start()
	closeQuietly(old)
}

func (w *world) log(n int32) logstore.Log {
	w.t.Helper()
	l, err := w.store.Open(partitionID(n), w.cfg)
	must(w.t, err)
	return l
}

// values makes a batch with one record per value; record i has timestamp at+i.
func values(at protocol.Timestamp, values ...string) protocol.Batch {
	return batch(protocol.DefaultBatchOptions(), at, values...)
}

func batch(options protocol.BatchOptions, at protocol.Timestamp, values ...string) protocol.Batch {
	b := protocol.NewBatchBuilder(options)
	for i, v := range values {
		b.Add(at+protocol.Timestamp(i), nil, []byte(v))
	}
	return b.Build(0, protocol.None)
}

func idempotent(producer protocol.ProducerID, sequence int32, values ...string) protocol.Batch {
	options := protocol.DefaultBatchOptions()
	options.ProducerID, options.ProducerEpoch, options.BaseSequence = producer, 0, sequence
	return batch(options, dayMillis, values...)
}

// append appends and waits for the commit.
func (w *world) append(l logstore.Log, b protocol.Batch) *logstore.Pending {
	w.t.Helper()
	p := tryAppend(l, b, 0)
	must(w.t, p.Err)
	return p
}

func tryAppend(l logstore.Log, b protocol.Batch, epoch protocol.Epoch) *logstore.Pending {
	return appendInput(l, logstore.AppendInput{Batch: b, Epoch: epoch})
}

func appendInput(l logstore.Log, in logstore.AppendInput) *logstore.Pending {
	done := make(chan struct{})
	p := &logstore.Pending{OnCommitted: func(*logstore.Pending) { close(done) }}
	if l.Append(in, p) != logstore.Committed {
		<-done
	}
	return p
}

// fill appends n batches of one record "v<offset>", about 100 bytes each.
func (w *world) fill(l logstore.Log, n int) {
	w.t.Helper()
	for range n {
		end := l.Offsets().End
		w.append(l, values(dayMillis+protocol.Timestamp(end), fmt.Sprintf("v%d%030d", end, 0)))
	}
}

// record is what a reader gets.
type record struct {
	offset protocol.Offset
	value  string
}

// readAll reads a log from its start to High, chunk by chunk.
func readAll(l logstore.Log) ([]record, error) {
	marks := l.Offsets()
	return readRange(l, marks.Start, marks.High, 500)
}

// readWhole makes sure that the log can be read, and reads it.
func readWhole(l logstore.Log) ([]record, error) {
	if err := l.Ready(); err != nil {
		return nil, err
	}
	return readAll(l)
}

func readRange(l logstore.Log, from, below protocol.Offset, maxBytes int) ([]record, error) {
	var all []record
	for from < below {
		chunk, err := l.Read(logstore.ReadInput{From: from, Below: below, MaxBytes: maxBytes, AtLeastOne: true})
		if err != nil {
			return all, err
		}
		if chunk.Bytes == 0 {
			return all, fmt.Errorf("nothing to read at %d of %d", from, below)
		}
		data := make([]byte, chunk.Bytes)
		n, err := chunk.Source.ReadAt(data, chunk.Position)
		chunk.Release()
		if n < len(data) || err != nil && !errors.Is(err, io.EOF) {
			return all, fmt.Errorf("read %d of %d bytes: %w", n, len(data), err)
		}
		if err := chunk.VerifyCopy(data, from, below); err != nil {
			return all, err
		}
		for len(data) > 0 {
			var b protocol.Batch
			if b, data, err = protocol.NextBatch(data); err != nil {
				return all, err
			}
			if err := protocol.VerifyBatch(b); err != nil {
				return all, err
			}
			err = b.EachRecord(protocol.DecodeLimits{}, func(r *protocol.Record) error {
				if r.Offset >= from {
					all = append(all, record{r.Offset, string(r.Value)})
				}
				return nil
			})
			if err != nil {
				return all, err
			}
			from = b.LastOffset() + 1
		}
	}
	return all, nil
}

// wantFilled checks that the log holds what fill wrote, from start to end.
func (w *world) wantFilled(l logstore.Log, start, end protocol.Offset) {
	w.t.Helper()
	must(w.t, l.Ready())
	marks := l.Offsets()
	if want := (logstore.Offsets{Start: start, Stable: end, High: end, End: end}); marks != want {
		w.t.Fatalf("marks %+v, want %+v", marks, want)
	}
	all, err := readAll(l)
	must(w.t, err)
	if len(all) != int(end-start) {
		w.t.Fatalf("%d records, want %d", len(all), end-start)
	}
	for i, r := range all {
		want := start + protocol.Offset(i)
		if r.offset != want || r.value != fmt.Sprintf("v%d%030d", want, 0) {
			w.t.Fatalf("record %+v where %d is due", r, want)
		}
	}
}

func (w *world) files(folder string) []string {
	w.t.Helper()
	entries, err := w.fs.ReadDir(w.dir + "/" + folder)
	must(w.t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func (w *world) truncations() []disk.Truncation {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mu.truncated
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantIs(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("error %v, want %v", err, target)
	}
}

// closeQuietly stops a store whose disk was taken over by another one: its errors
// mean nothing, only its goroutine must end.
func closeQuietly(s *disk.Store) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_ = s.Close(ended)
}
