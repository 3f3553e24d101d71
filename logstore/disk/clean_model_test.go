package disk_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Producers, transactions, tombstones, rolls, compactions, clean and unclean stops in
// any order: what a read_committed consumer finds is what was committed, less what
// newer records have superseded.
func TestCompactionLifeAtRandom(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, 4))
			w, _ := memWorld(t, disk.Durability(seed%2))
			w.cfg = compacted()
			w.opts.Cleaner = disk.CleanerOptions{DedupeBytesMax: int64(24 * (3 + rng.IntN(40)))}
			w.restart()
			l := w.log(0)
			p := newProducing(w, l, seed)
			var before []entry
			for range 60 {
				p.write(1 + rng.IntN(30))
				switch kind := rng.IntN(8); kind {
				case 0:
					p.endAll()
				case 1:
					w.roll(l)
				case 2, 3:
					known := producersOf(l)
					if kind == 2 {
						w.restart()
					} else {
						w.kill()
						w.start()
					}
					l = w.log(0)
					p.l = l
					if diff := cmp.Diff(known, producersOf(l)); diff != "" {
						t.Fatal(diff)
					}
				case 4:
					w.clock.Advance(time.Duration(rng.IntN(90)) * time.Second)
				default:
					w.settle(l)
					before = w.committed(l)
					w.store.Clean()
					if err := sameNewest(before, w.committed(l)); err != nil {
						t.Fatal(err)
					}
				}
			}
			p.endAll()
			w.roll(l)
			w.settle(l)
			before = w.committed(l)
			for range 20 { // a small map comes forward in steps
				w.store.Clean()
			}
			after := w.committed(l)
			if err := sameNewest(before, after); err != nil {
				t.Fatal(err)
			}
			if len(after) > 40 {
				t.Errorf("%d of %d records are left, of 15 keys", len(after), len(before))
			}
		})
	}
}

// While a log is compacted over and over, producers append to it and readers read it
// from everywhere; nobody finds a record that was not written there, or misses the
// newest ones.
func TestAppendsAndReadsWhileCompacting(t *testing.T) {
	story := func(t *testing.T, w *world) {
		w.cfg = compacted()
		w.cfg.FileDeleteDelayMillis, w.cfg.SegmentBytes = 0, 10_000
		l := w.log(0)
		valueAt := func(offset protocol.Offset) string { return fmt.Sprintf("k%d=v%d", offset%7, offset) }
		var over atomic.Bool
		var cleaned atomic.Int64
		var group sync.WaitGroup
		rounds := make(chan struct{})
		group.Go(func() {
			for range rounds {
				if err := errors.Join(l.Flush(), w.store.Checkpoint()); err != nil {
					t.Error(err)
				}
				cleaned.Add(int64(w.store.Clean()))
				w.clock.Advance(time.Second)
				w.store.Sweep()
			}
		})
		for reader := range 2 {
			group.Go(func() {
				rng := rand.New(rand.NewPCG(uint64(reader), 5))
				for !over.Load() {
					high := l.Offsets().High
					if high == 0 {
						continue
					}
					from := protocol.Offset(rng.Int64N(int64(high)))
					err := logstore.EachBatch(l, from, high, func(b protocol.Batch) error {
						return b.EachRecord(protocol.DecodeLimits{}, func(r *protocol.Record) error {
							if got := fmt.Sprintf("%s=%s", r.Key, r.Value); got != valueAt(r.Offset) {
								return fmt.Errorf("offset %d has %s", r.Offset, got)
							}
							return nil
						})
					})
					if err != nil {
						t.Errorf("from %d to %d: %v", from, high, err)
						return
					}
					if _, err := l.OffsetForTime(dayMillis + protocol.Timestamp(from)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for n := range 3000 {
			end := l.Offsets().End
			w.append(l, entries(protocol.DefaultBatchOptions(), dayMillis+protocol.Timestamp(end), valueAt(end), valueAt(end+1)))
			if n%200 == 199 {
				rounds <- struct{}{} // the round before has ended; this one runs beside the next appends
			}
		}
		close(rounds)
		over.Store(true)
		group.Wait()
		all := w.committed(l)
		if n := len(newestOf(all)); n != 7 {
			t.Errorf("%d keys are left", n)
		}
		if last := all[len(all)-1]; last.Offset != l.Offsets().End-1 {
			t.Errorf("the last record is %+v", last)
		}
		if cleaned.Load() < 5 {
			t.Errorf("compacted %d times only", cleaned.Load())
		}
	}
	t.Run("cached/os", func(t *testing.T) { story(t, newWorld(t, vfs.OS(), t.TempDir(), disk.Cached)) })
	for mode, durability := range map[string]disk.Durability{"cached/mem": disk.Cached, "sync/mem": disk.Sync} {
		t.Run(mode, func(t *testing.T) {
			w, _ := memWorld(t, durability)
			story(t, w)
		})
	}
}
