package disk_test

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/protocol"
)

// fullWorld is a store on a volume of 4 MiB with its ballast of 128 KiB, filled by a
// client until it is refused. It returns what the log holds.
func fullWorld(t *testing.T, durability disk.Durability) (*world, *vfs.Mem, protocol.Offset) {
	t.Helper()
	w, m := memWorld(t, durability)
	w.opts.BallastBytes = 8 << 20
	m.SetCapacity(4 << 20)
	w.cfg.SegmentBytes = 256 << 10
	w.restart()
	w.store.KeepRoom()
	if info, err := m.Stat("/data/barnabas-ballast"); err != nil || info.Size() != 128<<10 {
		t.Fatalf("the ballast: %v, %v", info, err)
	}
	l := w.log(0)
	end := protocol.Offset(0)
	for ; ; end++ {
		p := tryAppend(l, values(dayMillis, fmt.Sprintf("%01500d", end)), 0)
		if p.Err != nil {
			wantIs(t, p.Err, syscall.ENOSPC)
			wantIs(t, p.Err, logstore.ErrStorage)
			break
		}
		if end > 4000 {
			t.Fatal("the disk does not get full")
		}
	}
	return w, m, end
}

func commit(l logstore.Log, value string) error {
	done := make(chan struct{})
	p := &logstore.Pending{OnCommitted: func(*logstore.Pending) { close(done) }}
	if l.Append(logstore.AppendInput{Batch: values(dayMillis, value), Origin: logstore.FromCoordinator}, p) != logstore.Committed {
		<-done
	}
	return p.Err
}

// On a full disk clients are refused; coordinators, reads, checkpoints and deletions
// go on, through a kill and a start as well. With room again, all of it resumes, and
// the ballast is there for the next time.
func TestRoomOnAFullDisk(t *testing.T) {
	for mode, durability := range map[string]disk.Durability{"sync": disk.Sync, "cached": disk.Cached} {
		t.Run(mode, func(t *testing.T) {
			w, m, end := fullWorld(t, durability)
			goesOn := func() {
				t.Helper()
				for range 10 {
					must(t, commit(w.log(1), "a commit"))
				}
				wantIs(t, tryAppend(w.log(0), values(dayMillis, "x"), 0).Err, syscall.ENOSPC)
				wantIs(t, tryAppend(w.log(2), values(dayMillis, "x"), 0).Err, syscall.ENOSPC)
				if all, err := readRange(w.log(0), 0, end, 1<<20); err != nil || len(all) != int(end) {
					t.Fatalf("%d records of %d, %v", len(all), end, err)
				}
				must(t, w.store.Checkpoint())
			}
			goesOn()
			w.kill()
			w.start()
			goesOn()
			w.restart()
			goesOn()

			must(t, w.store.Delete(partitionID(0)))
			wantIs(t, tryAppend(w.log(2), values(dayMillis, "x"), 0).Err, syscall.ENOSPC)
			w.clock.Advance(2 * 60 * 1_000_000_000) // the files are removed
			w.fill(w.log(2), 10)
			if info, err := m.Stat("/data/barnabas-ballast"); err != nil || info.Size() != 128<<10 {
				t.Errorf("the ballast: %v, %v", info, err)
			}
		})
	}
}
