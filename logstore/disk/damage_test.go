package disk_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/protocol"
)

// wantCorrupt checks that the log is offline and that the error names a file.
func wantCorrupt(t *testing.T, err error, file string) {
	t.Helper()
	wantIs(t, err, logstore.ErrOffline)
	var corrupt *logstore.CorruptError
	if !errors.As(err, &corrupt) || !strings.HasSuffix(corrupt.File, file) {
		t.Fatalf("error %v, want one that names %s", err, file)
	}
}

// A segment that a kill has cut anywhere in its last three batches recovers to the
// last whole one, with zeros behind the cut as well as without.
func TestEveryLengthOfTheLastThreeBatches(t *testing.T) {
	w, left := killed(t)
	name := "/data" + firstSegment
	size := sizeOf(t, left, name)
	one := size / 10
	for _, zeros := range []int64{0, 1, 100, 5000} {
		for length := size - 3*one; length <= size; length++ {
			damaged := left.CrashCopy(vfs.CrashKeepAll, nil)
			overwrite(t, damaged, name, length, nil)
			if zeros > 0 {
				overwrite(t, damaged, name, length, make([]byte, zeros))
			}
			opts := w.opts
			opts.FS, opts.CleanShutdown = damaged, false
			store, err := disk.Open(opts)
			must(t, err)
			l, err := store.Open(partitionID(0), w.cfg)
			must(t, err)
			must(t, l.Ready())
			// Zeros may happen to be the bytes that were cut off.
			end, least := l.Offsets().End, protocol.Offset(length/one)
			if end != least && (zeros == 0 || end != least+1) {
				t.Fatalf("cut to %d of %d bytes, %d zeros: the log ends at %d", length, size, zeros, end)
			}
			all, err := readAll(l)
			if err != nil || len(all) != int(end) {
				t.Fatalf("cut to %d of %d bytes: %d records, %v", length, size, len(all), err)
			}
			closeQuietly(store)
		}
	}
}

// Recoveries that crash, three in a row, each anywhere, lose nothing.
func TestCrashesInRecoveryOneAfterTheOther(t *testing.T) {
	for seed := range uint64(150) {
		rng := rand.New(rand.NewPCG(seed, 9))
		w, m := memWorld(t, disk.Sync)
		l := w.log(0)
		for i := range int32(45) {
			w.append(l, idempotent(4, i, strings.Repeat("x", 90)))
		}
		left := m.CrashCopy(vfs.CrashKeepAll, nil)
		w.stop()
		torn := "/data/orders-0/" + lastLog(t, left)
		overwrite(t, left, torn, sizeOf(t, left, torn), []byte("half a batch"))
		for range 3 {
			var again *vfs.Mem
			now, crashAt := left, rng.IntN(12)
			opts := w.opts
			opts.CleanShutdown = false
			opts.FS = &vfs.Faulty{FS: now, Before: func(op vfs.Op) error {
				if again != nil {
					return syscall.EIO // the process is dead
				}
				if op.Kind.Changes() {
					if crashAt--; crashAt < 0 {
						again = now.CrashCopy(vfs.CrashKeepSome, rng)
						return syscall.EIO
					}
				}
				return nil
			}}
			store, err := disk.Open(opts)
			must(t, err)
			l, err := store.Open(partitionID(0), w.cfg)
			must(t, err)
			_ = l.Ready() // dead in most cases
			closeQuietly(store)
			if again != nil {
				left = again
			}
		}
		opts := w.opts
		opts.FS, opts.CleanShutdown = left, false
		store, err := disk.Open(opts)
		must(t, err)
		l, err = store.Open(partitionID(0), w.cfg)
		must(t, err)
		if err := l.Ready(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		all, err := readAll(l)
		if err != nil || len(all) != 45 {
			t.Fatalf("seed %d: %d records, %v", seed, len(all), err)
		}
		if p := tryAppend(l, idempotent(4, 44, strings.Repeat("x", 90)), 0); !p.Duplicate || p.Err != nil {
			t.Fatalf("seed %d: the newest batch again: %+v", seed, p)
		}
		closeQuietly(store)
	}
}

func lastLog(t *testing.T, fsys vfs.FS) (last string) {
	t.Helper()
	entries, err := fsys.ReadDir("/data/orders-0")
	must(t, err)
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".log") {
			last = e.Name()
		}
	}
	return last
}

// Somebody removes a file underneath the running broker: that partition goes
// offline at the first read of it, no other.
func TestASegmentRemovedUnderneath(t *testing.T) {
	w, m := memWorld(t, disk.Cached)
	w.fill(w.log(0), 60)
	w.fill(w.log(1), 60) // and takes the handles
	must(t, w.log(0).Flush())
	must(t, w.log(1).Flush())
	must(t, m.Remove("/data/orders-0/00000000000000000019.log"))
	if _, err := readRange(w.log(1), 0, 60, 300); err != nil { // closes the handles of the first
		t.Fatal(err)
	}
	l := w.log(0)
	_, err := readAll(l)
	wantIs(t, err, logstore.ErrOffline)
	wantIs(t, l.Ready(), logstore.ErrOffline)
	wantIs(t, tryAppend(l, values(dayMillis, "x"), 0).Err, logstore.ErrOffline)
	w.fill(w.log(1), 1)
	w.wantFilled(w.log(1), 0, 61)
	w.stopAnyhow()
	if w.store.Verified() {
		t.Error("a store with a missing segment was verified")
	}
	w.store = nil
}

// Segments that are missing or shorter than they were are damage after a clean
// stop too: at the begin of the log at once, between others once they are asked for.
func TestMissingRecordsAreNotPassedOver(t *testing.T) {
	const second = "/data/orders-0/00000000000000000019.log"
	for name, harm := range map[string]func(t *testing.T, m *vfs.Mem){
		"the first segment is gone":    func(t *testing.T, m *vfs.Mem) { must(t, m.Remove("/data"+firstSegment)) },
		"the second segment is gone":   func(t *testing.T, m *vfs.Mem) { must(t, m.Remove(second)) },
		"the first segment is empty":   func(t *testing.T, m *vfs.Mem) { overwrite(t, m, "/data"+firstSegment, 0, nil) },
		"the second ends too early":    func(t *testing.T, m *vfs.Mem) { overwrite(t, m, second, sizeOf(t, m, second)/19*7, nil) },
		"an offset is another's":       func(t *testing.T, m *vfs.Mem) { overwrite(t, m, second, 7, []byte{99}) },
		"an offset is beyond all":      func(t *testing.T, m *vfs.Mem) { overwrite(t, m, second, 0, []byte{0x7f}) },
		"the second is full of zeros":  func(t *testing.T, m *vfs.Mem) { overwrite(t, m, second, 0, make([]byte, sizeOf(t, m, second))) },
		"the first has the wrong size": func(t *testing.T, m *vfs.Mem) { overwrite(t, m, "/data"+firstSegment, 8, []byte{0, 1}) },
	} {
		for _, stop := range []string{"clean", "killed"} {
			t.Run(name+" "+stop, func(t *testing.T) {
				w, m := memWorld(t, disk.Sync)
				w.fill(w.log(0), 60)
				must(t, w.log(0).Flush())
				must(t, w.store.Checkpoint())
				if stop == "clean" {
					w.stopAnyhow()
				} else {
					w.kill()
				}
				harm(t, m)
				w.start()
				_, err := readAll(w.log(0))
				if err == nil {
					err = w.log(0).Ready()
				}
				wantIs(t, err, logstore.ErrOffline)
				var corrupt *logstore.CorruptError
				if !errors.As(err, &corrupt) {
					t.Fatal(err)
				}
			})
		}
	}
}

// A log that was compacted has gaps, also when its topic no longer is.
func TestGapsOfACompactedLog(t *testing.T) {
	for _, known := range []string{"as it runs", "by the cleaner's file"} {
		t.Run(known, func(t *testing.T) {
			w, m := memWorld(t, disk.Cached)
			l := w.log(0)
			w.fill(l, 60)
			w.stopAnyhow()
			name := "/data/orders-0/00000000000000000019.log"
			overwrite(t, m, name, sizeOf(t, m, name)/19*7, nil) // what compaction might leave
			if known == "by the cleaner's file" {
				must(t, vfs.ReplaceFile(m, "/data/cleaner-offset-checkpoint", []byte("0\n1\norders 0 30\n"), true))
			} else {
				w.cfg.Compact = true
			}
			w.start()
			l = w.log(0)
			plain := w.cfg
			plain.Compact = false
			l.Reconfigure(plain)
			if all, err := readAll(l); err != nil || len(all) != 48 {
				t.Fatalf("%d records, %v", len(all), err)
			}
		})
	}
}

// A log start beyond the log's end is damage of its file, unless a power cut in
// cached mode has taken records away; nothing is deleted in either case.
func TestALogStartBeyondTheEnd(t *testing.T) {
	for _, c := range []struct {
		durability disk.Durability
		clean      bool
		offline    bool
	}{{disk.Sync, true, true}, {disk.Sync, false, true}, {disk.Cached, true, true}, {disk.Cached, false, false}} {
		w, m := memWorld(t, c.durability)
		w.fill(w.log(0), 20)
		if c.clean {
			w.stopAnyhow()
		} else {
			w.kill()
		}
		must(t, vfs.ReplaceFile(m, "/data/log-start-offset-checkpoint", []byte("0\n1\norders 0 90\n"), true))
		before := len(w.files("orders-0"))
		w.start()
		l := w.log(0)
		if c.offline {
			wantCorrupt(t, l.Ready(), "log-start-offset-checkpoint")
			continue
		}
		w.wantFilled(l, 90, 90)
		if after := len(w.files("orders-0")); after < before {
			t.Errorf("%d of %d files are left", after, before)
		}
		w.fill(l, 1)
		w.wantFilled(l, 90, 91)
	}
}

// An offset in the header of the newest batch, which no CRC covers, may be anything
// after a clean stop: the segment is scanned then, and the damage told.
func TestADamagedOffsetInTheNewestBatch(t *testing.T) {
	for _, offset := range []uint64{1, 11, 1 << 31, 1 << 62, 1<<63 - 1, 1<<64 - 1} {
		w, m := memWorld(t, disk.Cached)
		w.fill(w.log(0), 10)
		w.stopAnyhow()
		bytes := binary.BigEndian.AppendUint64(nil, offset)
		overwrite(t, m, "/data"+firstSegment, sizeOf(t, m, "/data"+firstSegment)/10*9, bytes)
		w.start()
		wantCorrupt(t, w.log(0).Ready(), ".log")
	}
}

// Appends that wait for a commit get an answer when their log goes offline.
func TestWaitingAppendsAreAnsweredWhenTheLogGoesOffline(t *testing.T) {
	m := vfs.NewMem()
	must(t, m.MkdirAll("/data", vfs.DirPerm))
	g := newCommitGate()
	w := newWorld(t, &vfs.Faulty{FS: m, Before: g.before}, "/data", disk.Sync)
	l := w.log(0)
	w.fill(l, 1)
	g.held.Store(true)
	done := make(chan *logstore.Pending, 2)
	send := func(value string) {
		p := &logstore.Pending{OnCommitted: func(p *logstore.Pending) { done <- p }}
		if l.Append(logstore.AppendInput{Batch: values(dayMillis, value)}, p) == logstore.Committed {
			done <- p
		}
	}
	send("under way")
	<-g.reached
	send("waiting")
	overwrite(t, m, "/data"+firstSegment, 0, make([]byte, 70))
	if _, err := l.Read(logstore.ReadInput{From: 1, Below: 2, MaxBytes: 1000}); err == nil {
		t.Fatal("damage was read")
	}
	close(g.open)
	<-done
	if p := <-done; p.Err != nil && !errors.Is(p.Err, logstore.ErrOffline) { // it may be durable by now
		t.Errorf("the append that waited got %v", p.Err)
	}
}

// An epoch that Kafka has noted before it got records costs no scan; one that does
// not fit the batches is not believed.
func TestEpochsAreBelievedOnlyIfTheyFit(t *testing.T) {
	for _, c := range []struct {
		rows  string
		scans bool
		want  protocol.Epoch // of the log
	}{
		{"0\n1\n5 0\n", false, 5},
		{"0\n2\n5 0\n6 40\n", false, 6}, // a leader without records
		{"0\n1\n4 0\n", true, 5},
		{"0\n1\n7 0\n", true, 5},
		{"0\n2\n5 0\n6 39\n", true, 5},
		{"0\n2\n5 0\n6 41\n", true, 5},
		{"0\n0\n", true, 5},
		{"garbage", true, 5},
	} {
		w, m := memWorld(t, disk.Cached)
		for range 40 {
			must(t, tryAppend(w.log(0), values(dayMillis, "x"), 5).Err)
		}
		w.stopAnyhow()
		must(t, vfs.ReplaceFile(m, "/data/orders-0/leader-epoch-checkpoint", []byte(c.rows), true))
		written := false
		w.opts.FS = &vfs.Faulty{FS: m, Before: func(op vfs.Op) error {
			written = written || op.Kind == vfs.OpRename && strings.HasSuffix(op.To, "leader-epoch-checkpoint")
			return nil
		}}
		w.start()
		must(t, w.log(0).Ready())
		if got := w.log(0).LastEpoch(); got != c.want || written != c.scans {
			t.Errorf("%q: epoch %d, made anew: %v", c.rows, got, written)
		}
	}
}

// commitGate holds up whatever makes an append durable while it is held.
type commitGate struct {
	held    atomic.Bool
	reached chan struct{} // gets a signal when something waits
	open    chan struct{} // closed to let everything through
}

func newCommitGate() *commitGate {
	return &commitGate{reached: make(chan struct{}, 1), open: make(chan struct{})}
}

func (g *commitGate) before(op vfs.Op) error {
	durable := op.Kind == vfs.OpSync || op.Kind == vfs.OpWrite && strings.Contains(op.Name, "barnabas-wal")
	if durable && g.held.Load() {
		select {
		case g.reached <- struct{}{}:
		default:
		}
		<-g.open
	}
	return nil
}

// After a clean stop nothing can be torn: a damaged batch is damage also where no
// recovery point covers it, as in a metadata log that comes from Kafka, which keeps
// its recovery points elsewhere.
func TestNothingIsTornAfterACleanStop(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.fill(w.log(0), 10)
		w.restart()
		must(t, w.store.Close(context.Background()))
		must(t, w.fs.Remove(w.dir+"/recovery-point-offset-checkpoint"))
		segment := w.dir + "/orders-0/00000000000000000000.log"
		size := int64(len(w.read("orders-0/00000000000000000000.log")))
		overwrite(t, w.fs, segment, size-size/10, []byte{0, 0, 1}) // the base offset of the last batch
		w.start()
		var corrupt *logstore.CorruptError
		if err := w.log(0).Ready(); !errors.As(err, &corrupt) || corrupt.File != segment {
			t.Errorf("the damaged log: %v", err)
		}
		if got := int64(len(w.read("orders-0/00000000000000000000.log"))); got != size {
			t.Errorf("%d bytes are left of %d", got, size)
		}
		w.opts.CleanShutdown = false // for the end of the test
	})
}

// A log whose batches are synced one by one is damaged where a whole batch follows
// a bad one, and torn where none does.
func TestADamagedMetadataLogIsNotTorn(t *testing.T) {
	for _, last := range []bool{false, true} {
		w, m := memWorld(t, disk.Sync)
		w.cfg.OwnSync, w.cfg.SegmentBytes = true, 1<<20
		l := w.log(0)
		w.fill(l, 10)
		size := l.SizeBytes()
		left := m.CrashCopy(vfs.CrashKeepAll, nil)
		at := size / 2
		if last {
			at = size - 5
		}
		overwrite(t, left, "/data/orders-0/00000000000000000000.log", at, []byte{0xff, 0xff})
		w.crashTo(left)
		err := w.log(0).Ready()
		var corrupt *logstore.CorruptError
		if damaged := errors.As(err, &corrupt); damaged == last {
			t.Errorf("last batch %v: %v", last, err)
		}
	}
}
