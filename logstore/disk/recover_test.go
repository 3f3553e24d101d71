package disk_test

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/protocol"
)

const firstSegment = "/orders-0/00000000000000000000.log"

// overwrite changes bytes of a file in place; data nil cuts it off at position.
func overwrite(t *testing.T, fsys vfs.FS, name string, position int64, data []byte) {
	t.Helper()
	f, err := fsys.Open(name, vfs.ReadWrite, 0)
	must(t, err)
	if data == nil {
		must(t, f.Truncate(position))
	} else {
		_, err = f.WriteAt(data, position)
		must(t, err)
	}
	must(t, f.Close())
}

func sizeOf(t *testing.T, fsys vfs.FS, name string) int64 {
	t.Helper()
	info, err := fsys.Stat(name)
	must(t, err)
	return info.Size()
}

// killed is a store of one partition with 10 records that were never synced, as
// a killed process leaves it.
func killed(t *testing.T) (*world, *vfs.Mem) {
	t.Helper()
	w, m := memWorld(t, disk.Cached)
	w.fill(w.log(0), 10)
	return w, m.CrashCopy(vfs.CrashKeepAll, nil)
}

// What a crash leaves behind the last whole batch is cut off, kept as a plain
// file, and told, so that the leader epoch is raised.
func TestTornTail(t *testing.T) {
	w, left := killed(t)
	size := sizeOf(t, left, "/data"+firstSegment)
	one := size / 10
	zeros := make([]byte, 3000)
	tests := []struct {
		name string
		at   int64
		data []byte
		end  protocol.Offset
		kept bool
	}{
		{"half a batch", size - one/2, nil, 9, true},
		{"less than a header", size - one + 20, nil, 9, true},
		{"zeros behind the end", size, zeros, 10, false},
		{"zeros over the last batches", size - 2*one, zeros, 8, false},
		{"a flipped bit in the last batch", size - 5, []byte{0x55}, 9, true},
		{"garbage behind the end", size, []byte("what the file system found in that block"), 10, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			damaged := left.CrashCopy(vfs.CrashKeepAll, nil)
			overwrite(t, damaged, "/data"+firstSegment, test.at, test.data)
			torn := sizeOf(t, damaged, "/data"+firstSegment)
			w := &world{t: t, dir: "/data", clock: w.clock, cfg: w.cfg, opts: w.opts, fs: damaged}
			w.opts.FS, w.opts.CleanShutdown = damaged, false
			w.opts.Truncated = func(c disk.Truncation) { w.mu.truncated = append(w.mu.truncated, c) }
			w.start()
			defer w.stop()
			w.wantFilled(w.log(0), 0, test.end)
			cuts := w.truncations()
			if len(cuts) != 1 || cuts[0].End != test.end || cuts[0].Bytes != torn-int64(test.end)*one || (cuts[0].Kept != "") != test.kept {
				t.Fatalf("told %+v", cuts)
			}
			if test.kept && sizeOf(t, damaged, cuts[0].Kept) != cuts[0].Bytes {
				t.Error("the copy is not what was cut")
			}
			w.fill(w.log(0), 3)
			w.restart()
			w.wantFilled(w.log(0), 0, test.end+3)
		})
	}
}

// Damage to what was durable takes that partition offline and no other; nothing
// is deleted, and the error names the place.
func TestDamageBelowTheRecoveryPoint(t *testing.T) {
	damage := map[string]func(t *testing.T, fsys vfs.FS){
		"a flipped bit": func(t *testing.T, fsys vfs.FS) { overwrite(t, fsys, "/data"+firstSegment, 500, []byte{0xff}) },
		"a lost tail":   func(t *testing.T, fsys vfs.FS) { overwrite(t, fsys, "/data"+firstSegment, 300, nil) },
		"lost batches": func(t *testing.T, fsys vfs.FS) {
			overwrite(t, fsys, "/data"+firstSegment, sizeOf(t, fsys, "/data"+firstSegment)/10*7, nil)
		},
		"a lost segment": func(t *testing.T, fsys vfs.FS) { must(t, fsys.Remove("/data"+firstSegment)) },
		"a lost folder":  func(t *testing.T, fsys vfs.FS) { must(t, fsys.RemoveAll("/data/orders-0")) },
	}
	for name, harm := range damage {
		t.Run(name, func(t *testing.T) {
			w, m := memWorld(t, disk.Sync)
			w.fill(w.log(0), 10)
			w.fill(w.log(1), 10)
			must(t, w.log(0).Flush())
			must(t, w.store.Checkpoint())
			left := m.CrashCopy(vfs.CrashKeepAll, nil)
			harm(t, left)
			before := left.CrashCopy(vfs.CrashKeepAll, nil)
			w.crashTo(left)

			err := w.log(0).Ready()
			wantIs(t, err, logstore.ErrOffline)
			var corrupt *logstore.CorruptError
			if !errors.As(err, &corrupt) || !strings.HasPrefix(corrupt.File, "/data/orders-0") {
				t.Fatalf("error %v", err)
			}
			wantIs(t, tryAppend(w.log(0), values(dayMillis, "x"), 0).Err, logstore.ErrOffline)
			w.wantFilled(w.log(1), 0, 10)
			w.fill(w.log(1), 1)
			for _, name := range []string{"orders-0"} {
				if _, err := before.Stat("/data/" + name); err != nil {
					continue
				}
				was, _ := before.ReadDir("/data/" + name)
				is, _ := left.ReadDir("/data/" + name)
				if len(is) != len(was) {
					t.Errorf("%d files, there were %d", len(is), len(was))
				}
			}
			// Nobody may vouch for this directory.
			w.stopAnyhow()
			if w.store.Verified() {
				t.Error("a store with a damaged partition was verified")
			}
			w.store = nil
		})
	}
}

func (w *world) stopAnyhow() {
	w.t.Helper()
	store := w.store
	w.stop()
	w.store = store
}

// Indexes, epochs and snapshots are made of the batches: whatever happens to
// them, after a clean stop too, answers stay right.
func TestDerivedFilesMayBeLostOrDamaged(t *testing.T) {
	for _, suffix := range []string{".index", ".timeindex", ".snapshot", "leader-epoch-checkpoint", "partition.metadata"} {
		for _, harm := range []string{"lost", "emptied", "garbage", "cut"} {
			t.Run(suffix+" "+harm, func(t *testing.T) {
				w, m := memWorld(t, disk.Cached)
				l := w.log(0)
				w.fill(l, 30)
				w.append(l, idempotent(3, 0, "a"))
				for i := range int32(30) {
					w.append(l, idempotent(3, i+1, strings.Repeat("b", 80)))
				}
				want, err := readAll(l)
				must(t, err)
				w.stopAnyhow()
				for _, name := range w.files("orders-0") {
					if !strings.HasSuffix(name, suffix) {
						continue
					}
					switch name = "/data/orders-0/" + name; harm {
					case "lost":
						must(t, m.Remove(name))
					case "emptied":
						overwrite(t, m, name, 0, nil)
					case "garbage":
						overwrite(t, m, name, 0, []byte("\x00\x00\x01\x07 it could have been worse than this"))
					case "cut":
						overwrite(t, m, name, max(sizeOf(t, m, name)-1, 0), nil)
					}
				}
				w.start()
				l = w.log(0)
				got, err := readWhole(l)
				must(t, err)
				if !slices.Equal(got, want) {
					t.Fatalf("%d records, want %d", len(got), len(want))
				}
				for from := range protocol.Offset(61) {
					if got, err := readRange(l, from, from+1, 1); err != nil || len(got) != 1 || got[0] != want[from] {
						t.Fatalf("at %d: %v, %v", from, got, err)
					}
				}
				if found, err := l.OffsetForTime(dayMillis + 7); err != nil || found.Offset != 7 {
					if suffix != ".timeindex" && suffix != ".index" || harm != "garbage" {
						t.Fatalf("by time: %+v, %v", found, err)
					}
				}
				if epoch, end := l.EndOfEpoch(0); epoch != 0 || end != 61 {
					t.Fatalf("epoch 0 ends at %d", end)
				}
				if p := tryAppend(l, idempotent(3, 29, strings.Repeat("b", 80)), 0); p.Err != nil || !p.Duplicate {
					t.Fatalf("a duplicate: %+v", p)
				}
			})
		}
	}
}

// The folder of a topic that was deleted, or that is unknown, is set aside and
// never taken for its namesake's.
func TestFolderOfAnotherTopic(t *testing.T) {
	w, _ := memWorld(t, disk.Sync)
	w.fill(w.log(0), 5)
	w.fill(w.log(1), 5)
	w.restart()
	namesake := logstore.ID{Topic: "orders", TopicID: otherTopicID, Partition: 0}
	l, err := w.store.Open(namesake, w.cfg)
	must(t, err)
	w.wantFilled(l, 0, 0)
	w.fill(l, 2)
	must(t, w.store.Tidy(func(id protocol.UUID) bool { return id == namesake.TopicID }))
	strays := slices.DeleteFunc(w.files(""), func(name string) bool { return !strings.HasSuffix(name, "-stray") })
	if len(strays) != 2 {
		t.Errorf("set aside: %q", strays)
	}
	w.restart()
	l, err = w.store.Open(namesake, w.cfg)
	must(t, err)
	w.wantFilled(l, 0, 2)
}

// A damaged checkpoint file is refused: guessing would bring deleted records back.
func TestDamagedCheckpoint(t *testing.T) {
	for _, content := range []string{"\n", "1\n0\n", "0\n2\norders 0 5\n", "0\n1\norders 0\n", "0\n1\norders 0 x\n", "0\n1\norders 0 5"} {
		m := vfs.NewMem()
		must(t, m.MkdirAll("/data", vfs.DirPerm))
		must(t, vfs.ReplaceFile(m, "/data/recovery-point-offset-checkpoint", []byte(content), true))
		_, err := disk.Open(disk.Options{FS: m, Dir: "/data"})
		var corrupt *logstore.CorruptError
		if !errors.As(err, &corrupt) {
			t.Errorf("%q: %v", content, err)
		}
	}
}

// Whatever bits flip in a segment that was never synced, recovery ends with a
// prefix of what was written, or says that the partition is damaged.
func FuzzRecovery(f *testing.F) {
	f.Add(uint16(0), uint8(1), uint16(100), uint8(0x80))
	f.Add(uint16(8), uint8(0xff), uint16(8), uint8(0xff))
	f.Add(uint16(23), uint8(0x80), uint16(57), uint8(1))
	f.Fuzz(func(t *testing.T, at1 uint16, flip1 uint8, at2 uint16, flip2 uint8) {
		w, left := killed(t)
		data, err := vfs.ReadFile(left, "/data"+firstSegment, 1<<20)
		must(t, err)
		data[int(at1)%len(data)] ^= flip1
		data[int(at2)%len(data)] ^= flip2
		overwrite(t, left, "/data"+firstSegment, 0, data)
		w.crashTo(left)
		l := w.log(0)
		if err := l.Ready(); err != nil {
			wantIs(t, err, logstore.ErrOffline)
			return
		}
		all, err := readAll(l)
		must(t, err)
		if len(all) > 10 {
			t.Fatalf("%d records out of 10", len(all))
		}
		w.fill(l, 3)
		if _, err := readAll(l); err != nil {
			t.Fatal(err)
		}
	})
}

// After a power cut in cached mode a segment before the last may be torn. The log
// ends there; what came after it is set aside, not deleted.
func TestTornBeforeTheLastSegment(t *testing.T) {
	w, m := memWorld(t, disk.Cached)
	w.fill(w.log(0), 50)
	left := m.CrashCopy(vfs.CrashKeepAll, nil)
	must(t, left.RemoveAll("/data/recovery-point-offset-checkpoint"))
	overwrite(t, left, "/data"+firstSegment, 1000, make([]byte, 50))
	w.crashTo(left)
	must(t, w.log(0).Ready())
	end := w.log(0).Offsets().End
	w.wantFilled(w.log(0), 0, end)
	if end == 0 || end > 10 {
		t.Errorf("the log ends at %d", end)
	}
	aside := slices.DeleteFunc(w.files("orders-0"), func(name string) bool { return !strings.HasSuffix(name, ".log.torn") })
	if len(aside) < 2 {
		t.Errorf("set aside: %q", aside)
	}
	w.fill(w.log(0), 30)
	w.restart()
	w.wantFilled(w.log(0), 0, end+30)
}

// A clean stop is believed, but a log that is shorter than it was is not.
func TestCleanStopWithLostRecords(t *testing.T) {
	for name, cut := range map[string]int64{"whole batches": 0, "half a batch": 20} {
		t.Run(name, func(t *testing.T) {
			w, m := memWorld(t, disk.Sync)
			w.fill(w.log(0), 10)
			w.stopAnyhow()
			overwrite(t, m, "/data"+firstSegment, sizeOf(t, m, "/data"+firstSegment)/10*7+cut, nil)
			w.start()
			var corrupt *logstore.CorruptError
			if err := w.log(0).Ready(); !errors.As(err, &corrupt) || corrupt.Offset != 7 {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A recovery that sets segments aside sets their producer snapshots aside as well:
// the next clean stop writes the one that counts, and keeps it.
func TestProducersOutliveATornLog(t *testing.T) {
	w, _ := memWorld(t, disk.Cached)
	l := w.log(0)
	for i := range int32(60) {
		w.append(l, idempotent(9, i, strings.Repeat("x", 60)))
	}
	w.kill()
	f, err := w.fs.Open(w.dir+firstSegment, vfs.ReadWrite, 0)
	must(t, err)
	must(t, f.Truncate(300))
	must(t, f.Close())
	w.start()
	l = w.log(0)
	must(t, l.Ready())
	end := l.Offsets().End
	if end == 0 || end > 10 {
		t.Fatalf("the torn log ends at %d", end)
	}
	w.append(l, idempotent(7, 0, "new"))
	w.restart()
	if p := w.append(w.log(0), idempotent(7, 0, "new")); !p.Duplicate || p.BaseOffset != end {
		t.Errorf("the batch sent again: %+v, its first copy is at %d", p, end)
	}
}

// A recovery that takes long says every few seconds how far it has come.
func TestLongRecoveriesTellTheirProgress(t *testing.T) {
	w, m := memWorld(t, disk.Cached)
	w.cfg.SegmentBytes = 64 << 20
	l := w.log(0)
	for range 60 {
		w.append(l, values(dayMillis, strings.Repeat("x", 1<<20)))
	}
	w.kill()
	var lines strings.Builder
	w.opts.Logger = slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelWarn}))
	w.opts.FS = &vfs.Faulty{FS: m, Before: func(op vfs.Op) error {
		if op.Kind == vfs.OpRead {
			w.clock.Advance(200 * time.Millisecond) // a slow disk: 60 reads, 12 seconds
		}
		return nil
	}}
	w.start()
	must(t, w.log(0).Ready())
	if n := strings.Count(lines.String(), "still recovering"); n < 1 || n > 4 {
		t.Errorf("%d lines:\n%s", n, lines.String())
	}
	if !strings.Contains(lines.String(), "partition=orders-0 bytes=") || !strings.Contains(lines.String(), "of=629") {
		t.Errorf("the lines say\n%s", lines.String())
	}
}

// A truncation below the recovery point holds through a crash, and so does what is
// appended there afterwards.
func TestTruncationBelowTheRecoveryPoint(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		l := w.log(0)
		w.fill(l, 50)
		w.settle(l)
		must(t, l.TruncateTo(10))
		w.kill()
		w.start()
		w.wantFilled(w.log(0), 0, 10)
		w.fill(w.log(0), 5)
		w.kill()
		w.start()
		w.wantFilled(w.log(0), 0, 15)
	})
}

// Kafka makes its checkpoint files empty before it has anything to write.
func TestEmptyCheckpointsOfKafka(t *testing.T) {
	w, left := killed(t)
	for _, name := range []string{"recovery-point-offset-checkpoint", "log-start-offset-checkpoint", "cleaner-offset-checkpoint"} {
		must(t, vfs.ReplaceFile(left, "/data/"+name, nil, true))
	}
	var lines strings.Builder
	w.opts.Logger = slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelWarn}))
	w.crashTo(left)
	w.wantFilled(w.log(0), 0, 10)
	if strings.Contains(lines.String(), "checkpoint") {
		t.Errorf("the log says\n%s", lines.String())
	}
}
