package metadata

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/protocol"
)

// memJournal is a Journal in memory that can fail and can be cut.
type memJournal struct {
	mu      sync.Mutex
	batches []protocol.Batch
	start   protocol.Offset
	flushed protocol.Offset  // the end of what survives a power cut
	history []protocol.Batch // all batches, those before start included
	// before, unless nil, runs before each append and may refuse it; after runs
	// when the batch is kept.
	before, after func(protocol.Batch) error
}

func (j *memJournal) Append(b protocol.Batch) (protocol.Offset, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.before != nil {
		if err := j.before(b); err != nil {
			return 0, err
		}
	}
	base := j.end()
	b = slices.Clone(b)
	b.SetBaseOffset(base)
	j.batches, j.history = append(j.batches, b), append(j.history, b)
	if j.after != nil {
		return base, j.after(b)
	}
	return base, nil
}

func (j *memJournal) Replay(from protocol.Offset, fn func(protocol.Batch) error) error {
	for _, b := range j.batches {
		if b.LastOffset() < from {
			continue
		}
		if err := protocol.VerifyBatch(b); err != nil {
			return err
		}
		if err := fn(slices.Clone(b)); err != nil {
			return err
		}
	}
	return nil
}

func (j *memJournal) end() protocol.Offset {
	if len(j.batches) == 0 {
		return j.start
	}
	return j.batches[len(j.batches)-1].LastOffset() + 1
}

func (j *memJournal) Start() protocol.Offset {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.start
}

func (j *memJournal) End() protocol.Offset {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.end()
}

func (j *memJournal) Flush() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.flushed = j.end()
	return nil
}

func (j *memJournal) DeleteBefore(offset protocol.Offset) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.start = max(j.start, offset)
	for len(j.batches) > 1 && j.batches[0].LastOffset() < offset {
		j.batches = j.batches[1:]
	}
	return nil
}

// crashed is the journal that a crash would leave: after a power cut what was
// flushed, after the death of the process everything.
func (j *memJournal) crashed(powerCut bool) *memJournal {
	j.mu.Lock()
	defer j.mu.Unlock()
	left := &memJournal{start: j.start}
	kept := func(b protocol.Batch) bool { return !powerCut || b.LastOffset() < j.flushed }
	for _, b := range j.batches {
		if kept(b) {
			left.batches = append(left.batches, b)
		}
	}
	for _, b := range j.history {
		if kept(b) {
			left.history = append(left.history, b)
		}
	}
	return left
}

// load takes the batches of a segment file.
func (j *memJournal) load(t testing.TB, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for len(data) > 0 {
		var b protocol.Batch
		if b, data, err = protocol.NextBatch(data); err != nil {
			t.Fatal(err)
		}
		j.batches = append(j.batches, b)
	}
}

// world is a folder, a journal and the clock of a node.
type world struct {
	t       testing.TB
	options Options
	journal *memJournal
	clock   *clock.Manual
}

var testDirectory = protocol.UUID{0x45, 0xf8, 0xa9, 0x17, 0xe8, 0x6c, 0xdb, 0x5d, 0xb5, 0xca, 0x0c, 0x02, 0xc8, 0x14, 0x4f, 0xf3}

func newWorld(t testing.TB) *world {
	w := &world{t: t, journal: &memJournal{}, clock: clock.NewManual(time.UnixMilli(1_700_000_000_000))}
	w.options = Options{
		FS: vfs.OS(), Dir: t.TempDir(), Journal: w.journal, Clock: w.clock,
		ClusterID: "AAAAAAAAAAAAAAAAAAAAAQ", NodeID: 1, DirectoryID: testDirectory, IncarnationID: protocol.UUID{9},
		Endpoints: []Endpoint{{Name: "PLAINTEXT", Host: "localhost", Port: 9092}},
	}
	return w
}

// open opens the store and closes it when the test ends.
func (w *world) open() *Store {
	w.t.Helper()
	s, err := Open(w.options)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { w.close(s) })
	return s
}

func (w *world) close(s *Store) {
	w.t.Helper()
	if err := s.Close(context.Background()); err != nil {
		w.t.Error(err)
	}
}

func (w *world) write(name string, data []byte) {
	w.t.Helper()
	if err := os.WriteFile(w.options.Dir+"/"+name, data, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) copyTestdata(names ...string) {
	w.t.Helper()
	for _, name := range names {
		data, err := os.ReadFile("testdata/kafka-4.3.1/" + name)
		if err != nil {
			w.t.Fatal(err)
		}
		w.write(name, data)
	}
}

func (w *world) files() []string {
	w.t.Helper()
	entries, err := w.options.FS.ReadDir(w.options.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// idSource makes ids that a test can predict.
func idSource() func() protocol.UUID {
	var n byte
	return func() protocol.UUID {
		n++
		return protocol.UUID{0xee, n}
	}
}

// propose commits records without asking why.
func propose(t testing.TB, s *Store, records ...Record) *Image {
	t.Helper()
	img, err := s.Propose(context.Background(), func(*Image) ([]Record, error) { return records, nil })
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// create makes one topic by the command.
func create(t testing.TB, s *Store, name string, partitions int32) *Topic {
	t.Helper()
	img, err := s.Propose(context.Background(), func(img *Image) ([]Record, error) {
		records, results, err := CreateTopics(img, []NewTopic{{Name: name, Partitions: partitions, ReplicationFactor: 1}}, CreateOptions{NewID: protocol.NewUUID})
		if err != nil {
			return nil, err
		}
		return records, results[0].Err
	})
	if err != nil {
		t.Fatal(err)
	}
	return img.Topic(name)
}

// describe is everything that an image holds, one line per record.
func describe(img *Image) []string {
	lines := []string{fmt.Sprintf("kraft.version %d voters %x partitions %d", img.kraftVersion, img.voters, img.partitions)}
	img.records(func(r Record, value []byte) bool {
		if value == nil {
			value = mustAppendRecord(nil, r, MetadataVersionMax)
		}
		lines = append(lines, r.Type().String()+" "+hex.EncodeToString(value))
		return true
	})
	for key, names := range img.collisions.from("") {
		lines = append(lines, key+" "+strings.Join(names, " "))
	}
	for _, t := range img.topicIDs.from("") {
		if img.Topic(t.Name) != t {
			lines = append(lines, "by name another topic: "+t.Name)
		}
	}
	return lines
}

// same fails the test unless both images hold the same at the same offset.
func same(t testing.TB, got, want *Image) {
	t.Helper()
	if got.end != want.end || got.epoch != want.epoch {
		t.Errorf("ends at %d epoch %d, want %d epoch %d", got.end, got.epoch, want.end, want.epoch)
	}
	if diff := cmp.Diff(describe(want), describe(got)); diff != "" {
		t.Errorf("the images differ (-want +got):\n%s", diff)
	}
}
