package disk_test

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/protocol"
)

// byAge keeps records for so long.
func (w *world) byAge(d time.Duration) { w.cfg.RetentionMillis = d.Milliseconds() }

// A clock that jumps ahead deletes nothing until it has held for an hour, neither
// while the broker runs nor across a restart.
func TestAClockThatJumpsDeletesNothing(t *testing.T) {
	const decade = 10 * 365 * 24 * time.Hour
	everywhere(t, func(t *testing.T, w *world) {
		w.byAge(7 * 24 * time.Hour)
		l := w.log(0)
		w.fill(l, 50)
		w.store.Sweep()
		w.clock.JumpWall(decade)
		w.store.Sweep()
		w.clock.Advance(59 * time.Minute)
		w.store.Sweep()
		w.wantFilled(l, 0, 50)

		w.clock.JumpWall(-decade)
		w.store.Sweep()
		w.wantFilled(l, 0, 50)

		w.clock.JumpWall(decade)
		w.store.Sweep()
		w.clock.Advance(59 * time.Minute)
		w.restart()
		l = w.log(0)
		must(t, l.Ready())
		w.store.Sweep()
		w.clock.Advance(2 * time.Minute)
		w.store.Sweep()
		w.wantFilled(l, 0, 50)
		w.clock.Advance(time.Hour)
		w.store.Sweep()
		w.wantFilled(l, 50, 50)
		w.fill(l, 1)
		w.wantFilled(l, 50, 51)
	})
}

// Size decides whatever the clock says, and producers are not forgotten by a clock
// that jumps.
func TestAClockThatJumpsStopsNothingElse(t *testing.T) {
	w, _ := memWorld(t, disk.Cached)
	w.cfg.RetentionBytes = 3000
	l := w.log(0)
	w.append(l, idempotent(5, 0, "first"))
	w.store.Sweep()
	w.fill(l, 100)
	w.clock.JumpWall(1000 * time.Hour)
	w.store.Sweep()
	if l.SizeBytes() > 6000 {
		t.Errorf("%d bytes are left", l.SizeBytes())
	}
	if len(l.ActiveProducers()) != 1 {
		t.Error("the producer was forgotten")
	}
}

// The newest record of a segment decides, as in Kafka: one from the future keeps
// its segment, records without a time go by the file's, and the segment that is
// appended to goes as well, without its offsets being given again.
func TestRetentionByAge(t *testing.T) {
	w, m := memWorld(t, disk.Cached)
	m.SetNow(w.clock.Now)
	w.byAge(time.Hour)
	l := w.log(0)
	for i := range 10 {
		at := dayMillis
		if i == 4 {
			at += 2 * 3_600_000 // in the future
		}
		w.append(l, values(at, strings.Repeat("x", 1500)))
	}
	w.clock.Advance(time.Hour + time.Second)
	w.store.Sweep()
	if start := l.Offsets().Start; start != 4 {
		t.Fatalf("the log starts at %d", start)
	}
	w.clock.Advance(2 * time.Hour)
	w.store.Sweep()
	if marks := l.Offsets(); marks.Start != 10 || marks.End != 10 {
		t.Fatalf("marks %+v", marks)
	}
	w.restart()
	l = w.log(0)
	if p := w.append(l, values(protocol.None, "without a time")); p.BaseOffset != 10 {
		t.Fatalf("offset %d was given", p.BaseOffset)
	}
	w.clock.Advance(time.Hour - time.Second)
	w.store.Sweep()
	if start := l.Offsets().Start; start != 10 {
		t.Fatalf("the log starts at %d", start)
	}
	w.clock.Advance(2 * time.Second)
	w.store.Sweep()
	if start := l.Offsets().Start; start != 11 {
		t.Fatalf("the log starts at %d", start)
	}
}

// cleanup.policy without delete keeps everything, whatever retention says.
func TestKeepForever(t *testing.T) {
	w, _ := memWorld(t, disk.Cached)
	w.byAge(time.Minute)
	w.cfg.RetentionBytes, w.cfg.Delete = 0, false
	l := w.log(0)
	w.fill(l, 100)
	w.clock.Advance(1000 * time.Hour)
	w.store.Sweep()
	w.wantFilled(l, 0, 100)
	// But records that were deleted one by one go with their segments.
	_, err := l.DeleteBefore(60)
	must(t, err)
	before := l.SizeBytes()
	w.store.Sweep()
	if l.SizeBytes() >= before {
		t.Error("no segment went")
	}
	w.wantFilled(l, 60, 100)
}

// What nobody could see yet is not deleted: records above the high watermark stay.
func TestRetentionKeepsWhatIsNotCommitted(t *testing.T) {
	m := vfs.NewMem()
	must(t, m.MkdirAll("/data", vfs.DirPerm))
	g := newCommitGate()
	w := newWorld(t, &vfs.Faulty{FS: m, Before: g.before}, "/data", disk.Sync)
	w.byAge(time.Hour)
	l := w.log(0)
	w.fill(l, 3)
	must(t, l.Flush())
	g.held.Store(true)
	done := make(chan struct{})
	p := &logstore.Pending{OnCommitted: func(*logstore.Pending) { close(done) }}
	l.Append(logstore.AppendInput{Batch: values(dayMillis, "not yet")}, p)
	w.clock.Advance(2 * time.Hour)
	swept := make(chan struct{})
	go func() {
		w.store.Sweep() // it may have to wait for the sync under way
		close(swept)
	}()
	if end := l.Offsets().Start; end != 0 {
		t.Errorf("the log starts at %d", end)
	}
	close(g.open)
	<-done
	<-swept
	must(t, p.Err)
}

// In sync mode no file of a segment goes before the recovery point on disk has
// passed it: what a crash leaves to be replayed is never of a segment that is gone.
func TestRetentionStaysBelowTheCheckpoint(t *testing.T) {
	m := vfs.NewMem()
	must(t, m.MkdirAll("/data", vfs.DirPerm))
	must(t, m.SyncDir("/"))
	w := (*world)(nil)
	renamed := 0
	look := func(op vfs.Op) error {
		if op.Kind != vfs.OpRename || !strings.HasSuffix(op.To, ".log.deleted") {
			return nil
		}
		renamed++
		left := m.CrashCopy(vfs.CrashKeepNone, nil) // what is durable
		text, err := vfs.ReadFile(left, "/data/recovery-point-offset-checkpoint", 1<<20)
		must(t, err)
		var end, next int64
		_, err = fmt.Sscanf(string(text), "0\n1\norders 0 %d", &end)
		must(t, err)
		entries, err := m.ReadDir("/data/orders-0")
		must(t, err)
		for _, e := range entries { // the next segment's base is the end of the one that goes
			if name, ok := strings.CutSuffix(e.Name(), ".log"); ok && e.Name() > path.Base(op.Name) {
				_, err := fmt.Sscanf(name, "%d", &next)
				must(t, err)
				break
			}
		}
		if next > end {
			t.Errorf("%s goes at a recovery point of %d, its end is %d", op.Name, end, next)
		}
		return nil
	}
	w = newWorld(t, &vfs.Faulty{FS: m, Before: look}, "/data", disk.Sync)
	w.byAge(time.Hour)
	l := w.log(0)
	w.fill(l, 100)
	w.clock.Advance(2 * time.Hour)
	w.store.Sweep()
	w.wantFilled(l, 100, 100)
	w.fill(l, 60)
	_, err := l.DeleteBefore(150)
	must(t, err)
	w.store.Sweep()
	if renamed < 6 {
		t.Errorf("%d segments went", renamed)
	}
}

// A damaged or cut time index deletes nothing: before a segment goes for its age,
// its batches are asked.
func TestADamagedTimeIndexDeletesNothing(t *testing.T) {
	for _, harm := range []string{"a flipped bit", "cut", "another segment's"} {
		t.Run(harm, func(t *testing.T) {
			w, m := memWorld(t, disk.Cached)
			w.byAge(time.Hour)
			l := w.log(0)
			for i := range 40 { // the first segment is old, but for its last record
				at := dayMillis - 2*3_600_000 + protocol.Timestamp(i)
				if i >= 9 {
					at = dayMillis
				}
				w.append(l, values(at, strings.Repeat("x", 120)))
			}
			w.restart()
			name := "/data/orders-0/00000000000000000000.timeindex"
			size := sizeOf(t, m, name)
			var old [8]byte
			binary.BigEndian.PutUint64(old[:], uint64(dayMillis-2*3_600_000))
			switch harm {
			case "a flipped bit":
				overwrite(t, m, name, size-12, old[:])
			case "cut":
				overwrite(t, m, name, size-12, nil)
			case "another segment's":
				overwrite(t, m, name, 0, append(append(make([]byte, 0, 12), old[:]...), 0, 0, 0, 3))
				overwrite(t, m, name, 12, nil)
			}
			l = w.log(0)
			must(t, l.Ready())
			w.store.Sweep()
			if start := l.Offsets().Start; start != 0 {
				t.Fatalf("the log starts at %d", start)
			}
			w.clock.Advance(time.Hour + time.Second)
			w.store.Sweep()
			if start := l.Offsets().Start; start != 40 {
				t.Fatalf("the log starts at %d", start)
			}
		})
	}
}

// A jump is told once when it is found and once when it is over; a weekend's downtime
// is not worth a warning.
func TestAJumpOfTheClockIsToldOnce(t *testing.T) {
	w, _ := memWorld(t, disk.Cached)
	w.stop()
	var lines strings.Builder
	w.opts.Logger = slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelWarn}))
	w.start()
	w.store.Sweep()
	w.clock.JumpWall(1000 * time.Hour)
	for range 30 {
		w.store.Sweep()
		w.clock.Advance(5 * time.Minute)
	}
	if n := strings.Count(lines.String(), "clock"); n != 2 || !strings.Contains(lines.String(), "ahead=1000h") {
		t.Errorf("told:\n%s", lines.String())
	}
	lines.Reset()
	w.restart()
	w.clock.JumpWall(50 * time.Hour)
	for range 30 {
		w.store.Sweep()
		w.clock.Advance(5 * time.Minute)
	}
	if lines.Len() > 0 {
		t.Errorf("told of downtime:\n%s", lines.String())
	}
}

// Epochs that begin before the log does, which a power cut brings back and Kafka leaves
// after a kill, are mended before retention takes the files away: no later start misses
// those.
func TestOldEpochsBesideANewStart(t *testing.T) {
	for _, durability := range []disk.Durability{disk.Sync, disk.Cached} {
		for name, end := range map[string]func(*world){"stop": (*world).stopAnyhow, "kill": (*world).kill} {
			t.Run(fmt.Sprint(name, durability), func(t *testing.T) {
				w, m := memWorld(t, durability)
				w.cfg.FileDeleteDelayMillis = 0
				w.fill(w.log(0), 60)
				must(t, w.log(0).Flush())
				_, err := w.log(0).DeleteBefore(19)
				must(t, err)
				end(w)
				must(t, vfs.ReplaceFile(m, "/data/orders-0/leader-epoch-checkpoint", []byte("0\n1\n0 0\n"), true))
				w.start()
				must(t, w.log(0).Ready())
				w.store.Sweep()
				must(t, w.store.Checkpoint())
				w.clock.Advance(time.Second)
				if slices.Contains(w.files("orders-0"), firstSegment[len("/orders-0/"):]) {
					t.Fatal("the first segment is there still")
				}
				end(w)
				w.start()
				w.wantFilled(w.log(0), 19, 60)
			})
		}
	}
}

// While the files that a deletion has reached are on their way out, the log start is
// noted still: a power cut that brings them back does not bring their records back.
func TestStartOutlivesItsSegments(t *testing.T) {
	w, m := memWorld(t, disk.Sync)
	l := w.log(0)
	w.fill(l, 60)
	must(t, l.Flush())
	_, err := l.DeleteBefore(19)
	must(t, err)
	w.kill()
	var left *vfs.Mem
	w.opts.FS = &vfs.Faulty{FS: m, Before: func(op vfs.Op) error {
		if op.Kind == vfs.OpRename && strings.HasSuffix(op.Name, firstSegment) {
			must(t, w.store.Checkpoint())
			left = m.CrashCopy(vfs.CrashKeepNone, nil)
		}
		return nil
	}}
	w.start()
	must(t, w.log(0).Ready())
	w.store.Sweep()
	must(t, w.store.Checkpoint())
	if got := w.read("log-start-offset-checkpoint"); got != "0\n0\n" {
		t.Errorf("afterwards the files say it: %q", got)
	}
	w.crashTo(left)
	w.wantFilled(w.log(0), 19, 60)
}
