package disk_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore/disk"
)

// truncationPoint is the disk at a moment of the story, with what must be there:
// a log that begins as promised and is a beginning of one of the histories.
type truncationPoint struct {
	op        vfs.Op
	left      []*vfs.Mem
	promised  string
	histories []string
}

// At every operation of a life with a truncation in it, a crash leaves the log as it
// was before, or cut with what was acknowledged since. What was cut and reported as
// such does not come back, not even behind later records.
func TestTruncationAtEveryCrash(t *testing.T) {
	for _, durability := range []disk.Durability{disk.Sync, disk.Cached} {
		m := vfs.NewMem()
		must(t, m.MkdirAll("/data", vfs.DirPerm))
		must(t, m.SyncDir("/"))
		kinds := []vfs.Crash{vfs.CrashKeepAll}
		if durability == disk.Sync {
			kinds = append(kinds, vfs.CrashKeepNone, vfs.CrashKeepSome, vfs.CrashKeepSome)
		}
		var mu sync.Mutex
		var now truncationPoint // what holds at present
		var points []truncationPoint
		before := func(op vfs.Op) error {
			if !op.Kind.Changes() {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			p := now
			p.op = op
			for i, kind := range kinds {
				p.left = append(p.left, m.CrashCopy(kind, rand.New(rand.NewPCG(uint64(op.Index), uint64(i)))))
			}
			points = append(points, p)
			return nil
		}
		holds := func(promised string, histories ...string) {
			mu.Lock()
			defer mu.Unlock()
			now = truncationPoint{promised: promised, histories: histories}
		}
		w := newWorld(t, &vfs.Faulty{FS: m, Before: before}, "/data", durability)
		l := w.log(0)
		send := func(done, all string) {
			for i := range len(all) - len(done) {
				holds(done+all[len(done):len(done)+i], all)
				w.append(l, values(dayMillis, strings.Repeat(all[len(done)+i:len(done)+i+1], 500)))
			}
		}
		send("", "abcdefgh")
		holds("abcde", "abcdefgh")
		must(t, l.TruncateTo(5))
		send("abcde", "abcdeFGHIJ")
		holds("abcdeFG", "abcdeFGHIJ")
		must(t, l.TruncateTo(7))
		send("abcdeFG", "abcdeFGxyz")
		holds("abcdeFGxyz", "abcdeFGxyz")
		w.stop()
		for _, p := range points {
			for i, left := range p.left {
				if err := checkTruncated(left, durability, p); err != nil {
					t.Fatalf("durability %d, crash %d before operation %d (%s %s): %v", durability, i, p.op.Index, p.op.Kind, p.op.Name, err)
				}
			}
		}
		if len(points) < 50 {
			t.Errorf("only %d points", len(points))
		}
	}
}

func checkTruncated(left *vfs.Mem, durability disk.Durability, p truncationPoint) error {
	store, err := disk.Open(disk.Options{FS: left, Dir: "/data", Clock: clock.NewManual(day), Durability: durability, WALSlotBytes: 16 << 10})
	if err != nil {
		return err
	}
	defer closeQuietly(store)
	l, err := store.Open(partitionID(0), config())
	if err != nil {
		return err
	}
	all, err := readWhole(l)
	if err != nil {
		return err
	}
	got := ""
	for _, r := range all {
		got += r.value[:1]
	}
	if !strings.HasPrefix(got, p.promised) {
		return fmt.Errorf("the log holds %q, promised was %q", got, p.promised)
	}
	for _, history := range p.histories {
		if strings.HasPrefix(history, got) {
			return nil
		}
	}
	return fmt.Errorf("the log holds %q, which is the beginning of none of %q", got, p.histories)
}
