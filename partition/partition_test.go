package partition_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/partition"
	"github.com/barnabas-mq/barnabas/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// raiser counts up epochs, as metadata does.
type raiser struct {
	next  atomic.Int32
	calls atomic.Int32
	err   atomic.Pointer[error]
}

func (r *raiser) RaiseEpoch(logstore.ID) (protocol.Epoch, error) {
	r.calls.Add(1)
	if err := r.err.Load(); err != nil {
		return 0, *err
	}
	return protocol.Epoch(r.next.Add(1)), nil
}

// house is a set of partitions over a disk in memory.
type house struct {
	t      *testing.T
	set    *partition.Set
	epochs *raiser
	clock  *clock.Manual
	store  *disk.Store
}

func newHouse(t *testing.T, durability disk.Durability) *house {
	t.Helper()
	m := vfs.NewMem()
	must(t, m.MkdirAll("/data", vfs.DirPerm))
	h := &house{t: t, epochs: &raiser{}, clock: clock.NewManual(time.UnixMilli(1795348800000))}
	var err error
	h.store, err = disk.Open(disk.Options{FS: m, Dir: "/data", Clock: h.clock, Durability: durability, CleanShutdown: true})
	must(t, err)
	t.Cleanup(func() { must(t, h.store.Close(context.Background())) })
	h.set = partition.NewSet(h.store, h.epochs, h.clock, nil)
	return h
}

func id(n int32) logstore.ID {
	return logstore.ID{Topic: "orders", TopicID: protocol.UUID{1, 15: 4}, Partition: n}
}

func (h *house) create(n int32) *partition.Partition {
	h.t.Helper()
	p, err := h.set.Create(id(n), 0, logstore.Config{SegmentBytes: 1 << 20, SegmentMillis: 1 << 40, IndexBytesMax: 1 << 20, IndexIntervalBytes: 4096})
	must(h.t, err)
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func batch(bytes int) protocol.Batch {
	b := protocol.NewBatchBuilder(protocol.DefaultBatchOptions())
	b.Add(0, nil, make([]byte, bytes))
	return b.Build(0, 0)
}

// appendTo appends and waits for the commit.
func appendTo(p *partition.Partition, b protocol.Batch) *logstore.Pending {
	done := make(chan struct{})
	pending := &logstore.Pending{OnCommitted: func(*logstore.Pending) { close(done) }}
	if p.Append(logstore.AppendInput{Batch: b}, pending) != logstore.Committed {
		<-done
	}
	return pending
}

// A set finds what was added, by topic id and index, and nothing else.
func TestSet(t *testing.T) {
	h := newHouse(t, disk.Cached)
	for _, n := range []int32{0, 3, 1} {
		h.create(n)
	}
	if _, err := h.set.Create(id(3), 0, logstore.Config{}); !errors.Is(err, partition.ErrExists) {
		t.Errorf("twice: %v", err)
	}
	for n := int32(-1); n < 6; n++ {
		p := h.set.Get(id(n).TopicID, n)
		if there := n == 0 || n == 1 || n == 3; (p != nil) != there || there && p.ID() != id(n) {
			t.Errorf("partition %d: %v", n, p)
		}
	}
	if h.set.Get(protocol.UUID{2, 15: 4}, 0) != nil {
		t.Error("a topic that never was")
	}
	must(t, h.set.Remove(id(3)))
	must(t, h.set.Remove(id(3)))
	count := 0
	h.set.Each(func(*partition.Partition) bool { count++; return true })
	if count != 2 || h.set.Get(id(3).TopicID, 3) != nil {
		t.Errorf("%d partitions are left", count)
	}
}

// The epoch is raised before the first append after a start, once for all who
// append at that moment, and again after each truncation.
func TestEpochIsRaisedBeforeTheFirstAppend(t *testing.T) {
	h := newHouse(t, disk.Cached)
	p, err := h.set.Add(id(0), 6, logstore.Config{SegmentBytes: 1 << 20, SegmentMillis: 1 << 40, IndexBytesMax: 1 << 20})
	must(t, err)
	h.epochs.next.Store(6)
	if p.LeaderEpoch() != 6 || h.epochs.calls.Load() != 0 {
		t.Fatalf("epoch %d before any append", p.LeaderEpoch())
	}
	refused := errors.New("metadata is not there")
	h.epochs.err.Store(&refused)
	if got := appendTo(p, batch(1)); !errors.Is(got.Err, refused) || got.BaseOffset != -1 {
		t.Fatalf("without an epoch: %+v", got)
	}
	h.epochs.err.Store(nil)
	h.epochs.calls.Store(0)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := appendTo(p, batch(1)).Err; err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if p.LeaderEpoch() != 7 || h.epochs.calls.Load() != 1 || p.Log().EpochOf(0) != 7 {
		t.Errorf("epoch %d, raised %d times, the first record has %d", p.LeaderEpoch(), h.epochs.calls.Load(), p.Log().EpochOf(0))
	}
	must(t, p.TruncateTo(4))
	must(t, appendTo(p, batch(1)).Err)
	h.set.Truncated(p.ID())
	must(t, appendTo(p, batch(1)).Err)
	if p.LeaderEpoch() != 9 || p.Log().EpochOf(4) != 8 || p.Log().EpochOf(5) != 9 {
		t.Errorf("after truncations: epoch %d", p.LeaderEpoch())
	}
	created := h.create(1)
	must(t, appendTo(created, batch(1)).Err)
	if created.LeaderEpoch() != 0 {
		t.Error("a new partition needs no new epoch")
	}
}

func TestCheckEpoch(t *testing.T) {
	h := newHouse(t, disk.Cached)
	p, err := h.set.Create(id(0), 5, logstore.Config{})
	must(t, err)
	for epoch, want := range map[protocol.Epoch]error{-1: nil, 5: nil, 4: partition.ErrFencedEpoch, 0: partition.ErrFencedEpoch, 6: partition.ErrUnknownEpoch} {
		if err := p.CheckEpoch(epoch); !errors.Is(err, want) {
			t.Errorf("epoch %d: %v", epoch, err)
		}
	}
}
