package coordinator

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/protocol"
)

// bare is a log as a Partition of a broker that leads it under epoch 0.
type bare struct{ log logstore.Log }

func (b bare) Log() logstore.Log { return b.log }
func (b bare) Append(in logstore.AppendInput, p *logstore.Pending) logstore.State {
	return b.log.Append(in, p)
}

// shelf is a data directory with one journal log, which can be opened again.
type shelf struct {
	t     *testing.T
	fs    *vfs.Mem
	store *disk.Store
	log   logstore.Log
}

func newShelf(t *testing.T) *shelf {
	s := &shelf{t: t, fs: vfs.NewMem()}
	if err := s.fs.MkdirAll("/data", 0o755); err != nil {
		t.Fatal(err)
	}
	s.open()
	t.Cleanup(func() { _ = s.store.Close(t.Context()) })
	return s
}

func (s *shelf) open() {
	s.t.Helper()
	store, err := disk.Open(disk.Options{FS: s.fs, Dir: "/data", Clock: clock.NewManual(time.Unix(1000, 0)), Durability: disk.Cached})
	if err != nil {
		s.t.Fatal(err)
	}
	id := logstore.ID{Topic: "__consumer_offsets", TopicID: protocol.UUID{1}, Partition: 0}
	config := logstore.Config{
		SegmentBytes: 1 << 20, SegmentMillis: 1 << 40, IndexIntervalBytes: 4096, IndexBytesMax: 1 << 20,
		RetentionBytes: -1, RetentionMillis: -1, Compact: true,
	}
	s.store = store
	if s.log, err = store.Open(id, config); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shelf) journal() *LogJournal {
	return NewLogJournal(func(shard int32) Partition {
		if shard != 0 {
			return nil
		}
		return bare{s.log}
	})
}

// load is everything in the journal, as text.
func (s *shelf) load() string {
	s.t.Helper()
	var b strings.Builder
	err := s.journal().Load(0, func(e Entry) error {
		value := "null"
		if e.Record.Value != nil {
			value = fmt.Sprintf("%q", e.Record.Value)
		}
		fmt.Fprintf(&b, "%d %s=%.20s of %d marker %d\n", e.Offset, e.Record.Key, value, e.Producer.ID, e.Marker)
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return b.String()
}

func TestAJournalInALog(t *testing.T) {
	// What is appended is committed, and comes back in order after a restart, with
	// tombstones, producers and markers.
	s := newShelf(t)
	append := func(b Batch) protocol.Offset {
		committed := make(chan error, 1)
		base, err := s.journal().Append(0, b, func(err error) { committed <- err })
		if err != nil {
			t.Fatal(err)
		}
		if err := <-committed; err != nil {
			t.Fatal(err)
		}
		return base
	}
	append(Batch{Records: []Record{{[]byte("a"), []byte("1")}, {[]byte("b"), []byte{}}}, Timestamp: 5})
	base := append(Batch{Records: []Record{{[]byte("a"), nil}}, Timestamp: 6})
	if base != 2 {
		t.Fatalf("the second batch begins at %d, want 2", base)
	}
	append(Batch{Records: []Record{{[]byte("c"), []byte("3")}}, Timestamp: 7, Producer: &Producer{ID: 9, Epoch: 1}})
	s.mark(9, false)
	s.mark(9, true)
	want := `0 a="1" of -1 marker 0
1 b="" of -1 marker 0
2 a=null of -1 marker 0
3 c="3" of 9 marker 0
4 =null of 9 marker 2
5 =null of 9 marker 1
`
	if got := s.load(); got != want {
		t.Fatalf("loaded\n%swant\n%s", got, want)
	}
	if err := s.store.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.open()
	if got := s.load(); got != want {
		t.Fatalf("loaded after a restart\n%swant\n%s", got, want)
	}
}

// mark appends the marker that ends a transaction.
func (s *shelf) mark(id protocol.ProducerID, commit bool) {
	s.t.Helper()
	options := protocol.DefaultBatchOptions()
	options.ProducerID, options.ProducerEpoch, options.Transactional, options.Control = id, 1, true, true
	kind := byte(0)
	if commit {
		kind = 1
	}
	builder := protocol.NewBatchBuilder(options)
	builder.Add(8, []byte{0, 0, 0, kind}, []byte{0, 0, 0, 0, 0, 0})
	var p logstore.Pending
	s.log.Append(logstore.AppendInput{Batch: builder.Build(0, 0), Origin: logstore.FromCoordinator}, &p)
	if p.Err != nil {
		s.t.Fatal(p.Err)
	}
}

func TestALargeJournalIsReadInChunks(t *testing.T) {
	s := newShelf(t)
	value := make([]byte, 300_000)
	const batches = 10 // three chunks, the segments rolled under way
	for i := range batches {
		_, err := s.journal().Append(0, Batch{Records: []Record{{[]byte{byte(i)}, value}}}, func(error) {})
		if err != nil {
			t.Fatal(err)
		}
	}
	next := protocol.Offset(0)
	err := s.journal().Load(0, func(e Entry) error {
		if e.Offset != next || len(e.Record.Value) != len(value) {
			t.Fatalf("offset %d with %d bytes, want %d with %d", e.Offset, len(e.Record.Value), next, len(value))
		}
		next++
		return nil
	})
	if err != nil || next != batches {
		t.Fatalf("read %d of %d: %v", next, batches, err)
	}
}

func TestAShardWithoutPartition(t *testing.T) {
	j := newShelf(t).journal()
	if err := j.Check(1); err != ErrUnavailable {
		t.Errorf("check: %v", err)
	}
	if err := j.Load(1, nil); err != ErrUnavailable {
		t.Errorf("load: %v", err)
	}
	if _, err := j.Append(1, Batch{}, nil); err != ErrUnavailable {
		t.Errorf("append: %v", err)
	}
}
