package disk_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/protocol"
)

const cleanLives = 6

// cleanLife is a compacted log that lives at random with all that an engine does,
// on a disk that crashes at random operations.
type cleanLife struct {
	t   *testing.T
	rng *rand.Rand
	w   *world
	l   logstore.Log
	p   *producing
	mem *vfs.Mem

	// What readers of committed records have seen: of each key the newest, of each
	// offset what it holds.
	newest map[string]entry
	seen   map[protocol.Offset]entry
	// deleted is where the log begins as far as those who deleted records were told.
	deleted protocol.Offset

	mu struct {
		sync.Mutex
		crashAt int // operations from now
		left    *vfs.Mem
	}
}

// Compaction, transactions, retention, deletions, checkpoints and the write-ahead
// log together, with crashes anywhere: no newest value is lost, no deleted key comes
// back, no aborted record is shown, no offset holds another record, the start stays
// where deletions have brought it, and the log opens.
func TestCompactedLives(t *testing.T) {
	seeds := 60
	if testing.Short() {
		seeds = 9
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			newCleanLife(t, uint64(seed)).play()
		})
	}
}

func newCleanLife(t *testing.T, seed uint64) *cleanLife {
	c := &cleanLife{t: t, rng: rand.New(rand.NewPCG(seed, 77)), newest: map[string]entry{}, seen: map[protocol.Offset]entry{}}
	durability := disk.Sync
	if seed%3 == 2 {
		durability = disk.Cached
	}
	c.w, c.mem = memWorld(t, durability)
	c.w.cfg = compacted()
	if c.rng.IntN(2) == 0 {
		c.w.cfg.Delete, c.w.cfg.RetentionBytes = true, 9000
	}
	c.w.cfg.SegmentBytes = []int64{1200, 2000, 6000}[c.rng.IntN(3)]
	c.w.cfg.FileDeleteDelayMillis = int64(c.rng.IntN(2) * 60_000)
	c.w.opts.Cleaner = disk.CleanerOptions{DedupeBytesMax: int64(24 * (3 + c.rng.IntN(40)))}
	c.w.opts.WALSlotBytes = []int64{16 << 10, 64 << 10}[c.rng.IntN(2)]
	return c
}

func (c *cleanLife) play() {
	for life := range cleanLives {
		kind := vfs.CrashKeepAll
		if c.w.opts.Durability == disk.Sync {
			kind = []vfs.Crash{vfs.CrashKeepNone, vfs.CrashKeepSome, vfs.CrashKeepSome, vfs.CrashKeepAll}[c.rng.IntN(4)]
		}
		cut := rand.New(rand.NewPCG(c.rng.Uint64(), 4))
		c.begin(life, kind, cut)
		for range 60 {
			if c.look(); c.crashed() {
				break
			}
			c.step()
			if c.crashed() {
				break
			}
		}
		c.mu.Lock()
		if c.mu.left == nil {
			c.mu.left = c.mem.CrashCopy(kind, cut)
		}
		c.mem = c.mu.left
		c.mu.Unlock()
	}
}

// begin opens the store on what the life before has left.
func (c *cleanLife) begin(life int, kind vfs.Crash, cut *rand.Rand) {
	mem := c.mem
	c.mu.Lock()
	c.mu.left, c.mu.crashAt = nil, 1+c.rng.IntN(400)
	c.mu.Unlock()
	old := c.w.store
	c.w.opts.CleanShutdown = life == 0
	c.w.opts.FS = &vfs.Faulty{FS: mem, Before: func(op vfs.Op) error {
		if !op.Kind.Changes() {
			return nil
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.mu.crashAt--; c.mu.crashAt == 0 {
			c.mu.left = mem.CrashCopy(kind, cut)
		}
		return nil
	}}
	c.w.start()
	closeQuietly(old)
	c.l = c.w.log(0)
	must(c.t, c.l.Ready())
	c.p = newProducing(c.w, c.l, c.rng.Uint64())
	for _, e := range c.l.ActiveProducers() {
		c.p.sequences[e.ProducerID] = e.LastSequence + 1
		c.p.open[e.ProducerID] = e.TxnStartOffset >= 0
	}
}

func (c *cleanLife) crashed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mu.left != nil
}

// look reads what is committed and compares it with all that was seen before. What
// is seen before a crash counts from then on.
func (c *cleanLife) look() {
	c.t.Helper()
	all, err := committedEntries(c.l)
	must(c.t, err)
	start := c.l.Offsets().Start
	if start < c.deleted {
		c.t.Fatalf("the log starts at %d; the records below %d were deleted", start, c.deleted)
	}
	left := map[string]entry{}
	for _, e := range newestOf(all) {
		left[e.Key] = e
	}
	for _, e := range all {
		if was, ok := c.seen[e.Offset]; ok && was != e {
			c.t.Fatalf("%+v was %+v", e, was)
		}
	}
	for key, e := range c.newest {
		got, there := left[key]
		switch {
		case e.Offset < start, !there && e.Value == "":
		case !there:
			c.t.Fatalf("%+v is lost; the log starts at %d", e, start)
		case got.Offset < e.Offset:
			c.t.Fatalf("%+v came back, the newest was %+v", got, e)
		}
	}
	if c.crashed() {
		return
	}
	for _, e := range all {
		c.seen[e.Offset] = e
		if old, ok := c.newest[e.Key]; !ok || old.Offset < e.Offset {
			c.newest[e.Key] = e
		}
	}
}

func (c *cleanLife) step() {
	c.t.Helper()
	switch c.rng.IntN(9) {
	case 0:
		c.p.endAll()
	case 1:
		c.w.roll(c.l)
	case 2:
		c.w.store.Sweep()
	case 3:
		if m := c.l.Offsets(); c.rng.IntN(4) == 0 {
			start, err := c.l.DeleteBefore(m.Start + protocol.Offset(c.rng.Int64N(int64(m.High-m.Start)/3+1)))
			must(c.t, err)
			if !c.crashed() {
				c.deleted = start
			}
		}
	case 4:
		c.w.clock.Advance(time.Duration(c.rng.IntN(90)) * time.Second)
	case 5:
		must(c.t, c.w.store.Checkpoint())
	case 6, 7:
		c.w.settle(c.l)
		c.w.store.Clean()
	default:
		c.p.write(1 + c.rng.IntN(12))
	}
}
