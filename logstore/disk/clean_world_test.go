package disk_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// compacted is config for a topic with cleanup.policy=compact that is always dirty
// enough, whose tombstones stay a minute.
func compacted() logstore.Config {
	cfg := config()
	cfg.Compact, cfg.Delete = true, false
	cfg.DeleteRetentionMillis, cfg.CompactionLagMaxMillis = 60_000, 1<<63-1
	return cfg
}

// entry is a record with its key; an empty value is a tombstone.
type entry struct {
	Offset     protocol.Offset
	Key, Value string
}

// entries makes a batch of "key=value" words, "key" being a tombstone.
func entries(options protocol.BatchOptions, at protocol.Timestamp, words ...string) protocol.Batch {
	w := protocol.NewBatchBuilder(options)
	for i, word := range words {
		key, value, ok := strings.Cut(word, "=")
		v := []byte(value)
		if !ok {
			v = nil
		}
		w.Add(at+protocol.Timestamp(i), []byte(key), v)
	}
	return w.Build(0, protocol.None)
}

// committedEntries reads a log as a consumer with isolation.level=read_committed.
func committedEntries(l logstore.Log) ([]entry, error) {
	marks := l.Offsets()
	aborted, err := l.AbortedIn(marks.Start, marks.Stable)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(aborted, func(a, b logstore.Aborted) int { return int(a.First - b.First) })
	gone := make(map[protocol.ProducerID]bool)
	var all []entry
	next := protocol.Offset(0)
	err = logstore.EachBatch(l, marks.Start, marks.Stable, func(b protocol.Batch) error {
		if b.BaseOffset() < next {
			return fmt.Errorf("a batch at %d after one up to %d", b.BaseOffset(), next)
		}
		next = b.LastOffset() + 1
		for len(aborted) > 0 && aborted[0].First <= b.LastOffset() {
			gone[aborted[0].ProducerID] = true
			aborted = aborted[1:]
		}
		if b.IsControl() {
			if marker, ok := b.EndTxnMarker(); ok && !marker.Commit {
				delete(gone, b.ProducerID())
			}
			return nil
		}
		if b.IsTransactional() && gone[b.ProducerID()] {
			return nil
		}
		return b.EachRecord(protocol.DecodeLimits{}, func(r *protocol.Record) error {
			if r.Offset >= marks.Start {
				all = append(all, entry{r.Offset, string(r.Key), string(r.Value)})
			}
			return nil
		})
	})
	return all, err
}

// newestOf is the newest entry of each key, by offset.
func newestOf(all []entry) []entry {
	byKey := make(map[string]entry)
	for _, e := range all {
		byKey[e.Key] = e
	}
	newest := make([]entry, 0, len(byKey))
	for _, e := range byKey {
		newest = append(newest, e)
	}
	slices.SortFunc(newest, func(a, b entry) int { return int(a.Offset - b.Offset) })
	return newest
}

func (w *world) committed(l logstore.Log) []entry {
	w.t.Helper()
	must(w.t, l.Ready())
	all, err := committedEntries(l)
	must(w.t, err)
	return all
}

// settle makes everything durable and says so on disk: from then on it may be
// compacted.
func (w *world) settle(l logstore.Log) {
	w.t.Helper()
	must(w.t, l.Flush())
	must(w.t, w.store.Checkpoint())
}

// updateAndRoll makes n updates and a full segment of them, ready for compaction.
func (w *world) updateAndRoll(l logstore.Log, n int) {
	w.t.Helper()
	w.update(l, n)
	w.roll(l)
	w.settle(l)
}

// roll begins a new segment with the next append.
func (w *world) roll(l logstore.Log) {
	w.t.Helper()
	b := entries(protocol.DefaultBatchOptions(), dayMillis, "roll=done")
	cfg := w.cfg
	cfg.SegmentBytes = int64(len(b))
	l.Reconfigure(cfg)
	w.append(l, b)
	l.Reconfigure(w.cfg)
}

func (w *world) wantNoLeftovers(folder string) {
	w.t.Helper()
	for _, name := range w.files(folder) {
		if strings.HasSuffix(name, ".cleaned") || strings.HasSuffix(name, ".swap") {
			w.t.Errorf("%s is left over", name)
		}
	}
}

func sameEntries(t *testing.T, want, got []entry) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

func readFile(t *testing.T, fsys vfs.FS, name string) string {
	t.Helper()
	data, err := vfs.ReadFile(fsys, name, 1<<20)
	must(t, err)
	return string(data)
}
