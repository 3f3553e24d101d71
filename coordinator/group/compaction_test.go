package group

import (
	"fmt"
	"strings"
	"testing"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/protocol"
)

// TestCompactionKeepsTheGroups writes the journals of random histories, transactions
// among them, to a log that is compacted again and again: what is left of it replays
// to the same groups and offsets.
func TestCompactionKeepsTheGroups(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			h := newHistory(t, seed)
			open := map[protocol.ProducerID]bool{}
			for step := range 2000 {
				h.step()
				if step%5 == 0 {
					h.transact(open)
				}
			}
			checkCompaction(t, h.driver)
		})
	}
}

// TestCompactionKeepsTheShareGroups likewise.
func TestCompactionKeepsTheShareGroups(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			h := newShareHistory(t, seed)
			for step := range 1500 {
				if h.step(); step%300 == 299 {
					h.leaveAndDelete()
				}
			}
			checkCompaction(t, h.driver)
		})
	}
}

// checkCompaction writes the journal of a driver to a log that is compacted meanwhile.
func checkCompaction(t *testing.T, d *driver) {
	t.Helper()
	s := newCompactedJournal(t)
	for i, e := range d.journal {
		s.append(e)
		if i%150 == 149 {
			s.clean()
		}
	}
	s.clean()
	whole, left := d.newMachine(), d.newMachine()
	for _, e := range d.journal {
		if err := replay(whole, e); err != nil {
			t.Fatal(err)
		}
	}
	read := 0
	if err := s.journal().Load(0, func(e coordinator.Entry) error {
		read++
		return replay(left, e)
	}); err != nil {
		t.Fatal(err)
	}
	if s.cleaned < 2 || read >= len(d.journal)*9/10 {
		t.Errorf("compacted %d times, and %d of %d entries are left", s.cleaned, read, len(d.journal))
	}
	equal(t, "groups", groupsOf(whole), groupsOf(left))
}

func replay(m *Machine, e coordinator.Entry) error {
	if e.Marker != coordinator.NoMarker {
		m.ApplyMarker(e.Producer, e.Marker == coordinator.CommitMarker)
		return nil
	}
	return m.Apply(e.Offset, e.Record, e.Producer)
}

// groupsOf is the durable state of all groups, as text.
func groupsOf(m *Machine) string {
	var b strings.Builder
	for _, id := range sortedKeys(m.groups) {
		fmt.Fprintf(&b, "%s: %s%s%s", id, durableMembers(m.groups[id]), durableShare(m.groups[id]), durableOffsets(m.groups[id]))
	}
	return b.String()
}

// transact commits an offset in a transaction, or ends one.
func (h *history) transact(open map[protocol.ProducerID]bool) {
	h.t.Helper()
	producer := coordinator.Producer{ID: protocol.ProducerID(h.random.IntN(2)), Epoch: 3}
	if open[producer.ID] && h.random.IntN(2) == 0 {
		marker := coordinator.CommitMarker
		if h.random.IntN(2) == 0 {
			marker = coordinator.AbortMarker
		}
		h.mark(producer, marker)
		delete(open, producer.ID)
		return
	}
	open[producer.ID] = true
	tp := topicPartition{"copied", int32(h.random.IntN(3))}
	h.apply(offsetRecord("copiers", tp, committed{offset: protocol.Offset(len(h.journal)), leaderEpoch: -1, expireAt: -1}), producer)
}

// compactedJournal is a partition of __consumer_offsets.
type compactedJournal struct {
	t       *testing.T
	store   *disk.Store
	log     logstore.Log
	cleaned int
}

func newCompactedJournal(t *testing.T) *compactedJournal {
	fs := vfs.NewMem()
	if err := fs.MkdirAll("/data", vfs.DirPerm); err != nil {
		t.Fatal(err)
	}
	s := &compactedJournal{t: t}
	var err error
	if s.store, err = disk.Open(disk.Options{FS: fs, Dir: "/data", Clock: clock.NewManual(start), Durability: disk.Cached}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.store.Close(t.Context()) })
	id := logstore.ID{Topic: "__consumer_offsets", TopicID: protocol.UUID{1}, Partition: 0}
	s.log, err = s.store.Open(id, logstore.Config{
		SegmentBytes: 8 << 10, SegmentMillis: 1 << 40, IndexIntervalBytes: 4096, IndexBytesMax: 1 << 20,
		RetentionBytes: -1, RetentionMillis: -1, Compact: true, CompactionLagMaxMillis: 1<<63 - 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Log and Append make it a coordinator.Partition.
func (s *compactedJournal) Log() logstore.Log { return s.log }
func (s *compactedJournal) Append(in logstore.AppendInput, p *logstore.Pending) logstore.State {
	return s.log.Append(in, p)
}

func (s *compactedJournal) journal() *coordinator.LogJournal {
	return coordinator.NewLogJournal(func(int32) coordinator.Partition { return s })
}

func (s *compactedJournal) append(e coordinator.Entry) {
	s.t.Helper()
	if e.Marker != coordinator.NoMarker {
		marker := protocol.EndTxnMarker{Commit: e.Marker == coordinator.CommitMarker}
		var p logstore.Pending
		s.log.Append(logstore.AppendInput{Batch: protocol.NewEndTxnMarkerBatch(e.Producer.ID, e.Producer.Epoch, 0, marker), Origin: logstore.FromCoordinator}, &p)
		if p.Err != nil {
			s.t.Fatal(p.Err)
		}
		return
	}
	b := coordinator.Batch{Records: []coordinator.Record{e.Record}}
	if e.Producer != coordinator.NoProducer {
		b.Producer = &e.Producer
	}
	at, err := s.journal().Append(0, b, func(error) {})
	if err != nil || at != e.Offset {
		s.t.Fatalf("entry %d was appended at %d: %v", e.Offset, at, err)
	}
}

func (s *compactedJournal) clean() {
	s.t.Helper()
	if err := s.log.Flush(); err != nil {
		s.t.Fatal(err)
	}
	if err := s.store.Checkpoint(); err != nil {
		s.t.Fatal(err)
	}
	s.cleaned += s.store.Clean()
}
