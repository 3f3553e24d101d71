package disk_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/protocol"
)

const (
	powerCutSeeds = 1000
	powerCutLives = 3
	powerCutLogs  = 4
)

// seenLog is what the outside knows of a log: what was sent to which offset, and
// how far it was acknowledged or seen by a reader.
type seenLog struct {
	sent     map[protocol.Offset]string
	promised protocol.Offset
}

// cutStory is random life in sync mode, on a disk whose power is cut at a random
// operation, again and again.
type cutStory struct {
	rng *rand.Rand
	cfg logstore.Config

	mu struct {
		sync.Mutex
		logs    [powerCutLogs]seenLog
		crashAt int      // operations from now, once; the disk as it is then is left
		left    *vfs.Mem // nil until then
		known   [powerCutLogs]seenLog
	}
	store   *disk.Store
	waiting sync.WaitGroup
}

// After any power cut, and another one at any point of the recovery or of the life
// after it: what was acknowledged or seen is there, unchanged, and what is there was
// sent. Nothing acknowledged with acks=all is lost, nothing that a consumer saw.
func TestPowerCuts(t *testing.T) {
	seeds := powerCutSeeds
	if testing.Short() {
		seeds = 100
	}
	const parts = 8
	for part := range parts {
		t.Run(fmt.Sprint("part ", part), func(t *testing.T) {
			t.Parallel()
			for seed := part; seed < seeds; seed += parts {
				if err := powerCuts(uint64(seed)); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
		})
	}
}

func powerCuts(seed uint64) error {
	s := &cutStory{rng: rand.New(rand.NewPCG(seed, 3)), cfg: config()}
	s.cfg.SegmentBytes = []int64{2000, 20_000, 1 << 20}[s.rng.IntN(3)]
	for i := range s.mu.logs {
		s.mu.logs[i].sent = make(map[protocol.Offset]string)
	}
	mem := vfs.NewMem()
	if err := mem.MkdirAll("/data", vfs.DirPerm); err != nil {
		return err
	}
	if err := mem.SyncDir("/"); err != nil {
		return err
	}
	for life := range powerCutLives {
		left, err := s.live(mem, life == 0)
		if err != nil {
			return fmt.Errorf("life %d: %w", life, err)
		}
		mem = left
	}
	_, err := s.live(mem, false)
	return err
}

// live opens the store, checks it, uses it until the power is cut, and returns what
// the disk holds then.
func (s *cutStory) live(mem *vfs.Mem, empty bool) (*vfs.Mem, error) {
	s.mu.left, s.mu.crashAt = nil, s.rng.IntN(150)
	kind := []vfs.Crash{vfs.CrashKeepNone, vfs.CrashKeepSome, vfs.CrashKeepSome, vfs.CrashKeepAll}[s.rng.IntN(4)]
	cut := rand.New(rand.NewPCG(s.rng.Uint64(), 4))
	watched := &vfs.Faulty{FS: mem, Before: func(op vfs.Op) error {
		if op.Kind.Changes() {
			s.count(mem, kind, cut)
		}
		return nil
	}}
	var err error
	s.store, err = disk.Open(disk.Options{
		FS: watched, Dir: "/data", Clock: clock.NewManual(day), Durability: disk.Sync, CleanShutdown: empty,
		WALSlotBytes: 48 << 10, WALSlotsMax: 3, OpenFilesMax: 3,
	})
	if err != nil {
		return nil, err
	}
	defer closeQuietly(s.store)
	defer s.waiting.Wait()
	for i := range powerCutLogs { // all of them, as Replay demands
		if _, err := s.log(i); err != nil {
			return nil, err
		}
	}
	if s.rng.IntN(2) == 0 {
		if err := s.store.Replay(context.Background()); err != nil {
			return nil, fmt.Errorf("replay: %w", err)
		}
	}
	for i := range powerCutLogs {
		if err := s.check(i); err != nil {
			return nil, err
		}
	}
	for range 40 {
		if err := s.step(); err != nil {
			return nil, err
		}
		if s.crashed() {
			break
		}
	}
	s.mu.Lock()
	if s.mu.left == nil {
		s.crashLocked(mem, kind, cut)
	}
	s.mu.Unlock()
	s.waiting.Wait() // what is promised after the cut is not
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.logs = s.mu.known
	return s.mu.left, nil
}

// count counts an operation, and cuts the power ahead of the one that is chosen.
func (s *cutStory) count(mem *vfs.Mem, kind vfs.Crash, cut *rand.Rand) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.crashAt--; s.mu.crashAt == 0 && s.mu.left == nil {
		s.crashLocked(mem, kind, cut)
	}
}

func (s *cutStory) crashLocked(mem *vfs.Mem, kind vfs.Crash, cut *rand.Rand) {
	s.mu.left = mem.CrashCopy(kind, cut)
	for i, l := range s.mu.logs {
		s.mu.known[i] = seenLog{maps.Clone(l.sent), l.promised}
	}
}

func (s *cutStory) crashed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.left != nil
}

func (s *cutStory) log(i int) (logstore.Log, error) {
	cfg := s.cfg
	cfg.OwnSync = i == 0 // as the metadata log
	return s.store.Open(partitionID(int32(i)), cfg)
}

// check compares a log with what is known of it. What it holds beyond was on its
// way when the power was cut; from now on readers see it.
func (s *cutStory) check(i int) error {
	l, err := s.log(i)
	if err != nil {
		return err
	}
	all, err := readWhole(l)
	if err != nil {
		return err
	}
	marks := l.Offsets()
	s.mu.Lock()
	defer s.mu.Unlock()
	known := &s.mu.logs[i]
	if marks.High < known.promised || marks.End != marks.High {
		return fmt.Errorf("log %d: marks %+v, promised was %d", i, marks, known.promised)
	}
	for _, r := range all {
		if known.sent[r.offset] != r.value {
			return fmt.Errorf("log %d: offset %d has %.40q, sent was %.40q", i, r.offset, r.value, known.sent[r.offset])
		}
	}
	if len(all) != int(marks.End-marks.Start) {
		return fmt.Errorf("log %d: %d records between %d and %d", i, len(all), marks.Start, marks.End)
	}
	maps.DeleteFunc(known.sent, func(o protocol.Offset, _ string) bool { return o >= marks.End })
	known.promised = marks.End
	return nil
}

// step does one thing to one log.
func (s *cutStory) step() error {
	i := s.rng.IntN(powerCutLogs)
	l, err := s.log(i)
	if err != nil {
		return err
	}
	switch s.rng.IntN(12) {
	case 0:
		return s.store.Checkpoint()
	case 1:
		s.store.Sweep()
	case 2:
		return l.Flush()
	case 3:
		s.waiting.Wait()
		s.see(i, l.Offsets().High)
	case 4:
		return s.append(i, l, 300_000) // too large for the write-ahead log
	default:
		for range 1 + s.rng.IntN(4) {
			if err := s.append(i, l, s.rng.IntN(3000)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *cutStory) see(i int, end protocol.Offset) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.logs[i].promised = max(s.mu.logs[i].promised, end)
}

// append sends a batch of two records and does not wait.
func (s *cutStory) append(i int, l logstore.Log, bytes int) error {
	if int64(bytes) > s.cfg.SegmentBytes-500 {
		bytes = int(s.cfg.SegmentBytes / 2)
	}
	end := l.Offsets().End
	batch := []string{fmt.Sprintf("%d:%d:%d ", i, end, s.rng.Uint32()) + strings.Repeat("x", bytes), fmt.Sprintf("%d", s.rng.Uint64())}
	s.mu.Lock()
	for n, v := range batch {
		s.mu.logs[i].sent[end+protocol.Offset(n)] = v
	}
	s.mu.Unlock()
	s.waiting.Add(1)
	p := &logstore.Pending{OnCommitted: func(p *logstore.Pending) {
		if p.Err == nil {
			s.see(i, p.LastOffset+1)
		}
		s.waiting.Done()
	}}
	if l.Append(logstore.AppendInput{Batch: values(dayMillis, batch...)}, p) == logstore.Committed {
		s.waiting.Done()
		return p.Err
	}
	if i == 0 {
		s.waiting.Wait() // see logstore.Config.OwnSync
	}
	return nil
}
