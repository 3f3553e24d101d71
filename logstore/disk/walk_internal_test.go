package disk

import (
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Who reads at the log's end while a batch is appended may see its entry in the index, and
// not yet the batch. That must not cost a walk over the whole segment: it took 80 ms for a
// million small batches, once in 20,000 reads.
func TestAnEntryAheadOfTheEndIsPassedOver(t *testing.T) {
	m := vfs.NewMem()
	_ = m.MkdirAll("/data", vfs.DirPerm) // in memory
	s, err := Open(Options{FS: m, Dir: "/data", Clock: clock.NewManual(time.Unix(1e9, 0)), CleanShutdown: true, Fatal: func(error) {}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Abandon()
	opened, err := s.Open(logstore.ID{Topic: "a", TopicID: protocol.UUID{1}}, logstore.Config{SegmentBytes: 1 << 20, SegmentMillis: 1 << 40, IndexIntervalBytes: 1, IndexBytesMax: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	appendOne := func() {
		bb := protocol.NewBatchBuilder(protocol.DefaultBatchOptions())
		bb.Add(1, nil, []byte("value"))
		done := make(chan error, 1)
		opened.Append(logstore.AppendInput{Batch: bb.Build(0, protocol.None)}, &logstore.Pending{OnCommitted: func(p *logstore.Pending) { done <- p.Err }})
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	const before = 10
	for range before {
		appendOne()
	}
	active := (*opened.(*log).segments.Load())[0]
	file, err := active.data.acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer active.data.release()
	reads := &firstRead{File: file, from: -1}
	w := active.startWalk(reads, active.size.Load())
	defer w.close()
	appendOne()
	position, err := w.find(before)
	if err != nil || position != w.end {
		t.Errorf("found at %d, %v; the end is %d", position, err, w.end)
	}
	if entry := int64(active.offsets[len(active.offsets)-1].position); entry != w.end {
		t.Fatalf("the last entry is at %d, and was to be at %d", entry, w.end)
	}
	if first := active.size.Load() / (before + 1); reads.from < w.end-2*first {
		t.Errorf("read from byte %d to find what begins at %d", reads.from, w.end)
	}
}

// firstRead knows the first byte that was read, -1 before.
type firstRead struct {
	vfs.File
	from int64
}

func (f *firstRead) ReadAt(p []byte, at int64) (int, error) {
	if f.from < 0 {
		f.from = at
	}
	return f.File.ReadAt(p, at)
}
