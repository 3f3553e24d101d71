package disk_test

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/protocol"
)

// A topic is deleted and the process dies before the checkpoint files are written
// anew. Once the next start has tidied up, the row that they still have of it must
// not keep a topic of the same name offline, however the folder was left.
func TestNamesakeAfterTidy(t *testing.T) {
	long := strings.Repeat("o", 249) // renaming its folder cuts the name
	for _, topic := range []string{"orders", long} {
		for _, renamed := range []bool{true, false} {
			w, mem := memWorld(t, disk.Sync)
			old := logstore.ID{Topic: topic, TopicID: topicID}
			l, err := w.store.Open(old, w.cfg)
			must(t, err)
			w.fill(l, 5)
			w.fill(w.log(1), 5)
			w.restart() // both have rows now
			_, err = w.store.Open(old, w.cfg)
			must(t, err)
			if renamed {
				must(t, w.store.Delete(old))
			}
			w.crashTo(mem.CrashCopy(vfs.CrashKeepAll, nil))
			kept := w.log(1)
			must(t, w.store.Tidy(func(id protocol.UUID) bool { return renamed }))
			if renamed {
				w.wantFilled(kept, 0, 5)
			}
			namesake := logstore.ID{Topic: topic, TopicID: otherTopicID}
			l, err = w.store.Open(namesake, w.cfg)
			must(t, err)
			w.wantFilled(l, 0, 0)
			w.fill(l, 2)
			w.restart()
			l, err = w.store.Open(namesake, w.cfg)
			must(t, err)
			w.wantFilled(l, 0, 2)
		}
	}
}

// The power fails in the middle of many appends that nobody has heard back from,
// just after a segment was rolled. The end of the old segment was not durable, but
// that is no damage: what is lost was promised to nobody.
func TestPowerCutAtRoll(t *testing.T) {
	mem := vfs.NewMem()
	must(t, mem.MkdirAll("/data", vfs.DirPerm))
	must(t, mem.SyncDir("/"))
	var mu sync.Mutex
	var left []*vfs.Mem
	w := newWorld(t, &vfs.Faulty{FS: mem, Before: func(op vfs.Op) error {
		if !op.Kind.Changes() || !strings.HasSuffix(op.Name, ".log") {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		for seed := range uint64(4) {
			left = append(left, mem.CrashCopy(vfs.CrashKeepSome, rand.New(rand.NewPCG(uint64(op.Index), seed))))
		}
		return nil
	}}, "/data", disk.Sync)
	l := w.log(0)
	w.fill(l, 1)
	var all sync.WaitGroup
	for range 60 {
		all.Add(1)
		p := &logstore.Pending{OnCommitted: func(*logstore.Pending) { all.Done() }}
		b := values(dayMillis, strings.Repeat("x", 100))
		if l.Append(logstore.AppendInput{Batch: b}, p) == logstore.Committed {
			must(t, p.Err)
			all.Done()
		}
	}
	all.Wait()
	w.stop()
	mu.Lock()
	defer mu.Unlock()
	failed := 0
	for _, crashed := range left {
		store, err := disk.Open(disk.Options{FS: crashed, Dir: "/data", Clock: w.clock})
		must(t, err)
		again, err := store.Open(partitionID(0), w.cfg)
		must(t, err)
		if err := again.Ready(); err != nil {
			if failed++; failed == 1 {
				t.Error(err)
			}
		}
		closeQuietly(store)
	}
	if failed > 0 {
		t.Errorf("%d of %d crashes took the partition offline", failed, len(left))
	}
}
