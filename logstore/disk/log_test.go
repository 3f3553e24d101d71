package disk_test

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/protocol"
)

// What is appended is read back, over segments and a clean restart; a partition
// without records has no folder.
func TestAppendReadRestart(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		l := w.log(0)
		w.wantFilled(l, 0, 0)
		if _, err := w.fs.Stat(w.dir + "/orders-0"); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("opening a log touched the disk: %v", err)
		}
		w.fill(l, 60)
		w.wantFilled(l, 0, 60)
		w.restart()
		l = w.log(0)
		w.wantFilled(l, 0, 60)
		w.fill(l, 5)
		w.restart()
		w.wantFilled(w.log(0), 0, 65)
		names := w.files("orders-0")
		if !slices.Contains(names, "00000000000000000000.log") || !slices.Contains(names, "partition.metadata") || !slices.Contains(names, "leader-epoch-checkpoint") {
			t.Errorf("files %q", names)
		}
	})
}

// Every range that can be asked for is answered with whole batches: never earlier
// than the batch with the first offset, never beyond the bound or the size.
func TestReadCutsOnBatches(t *testing.T) {
	w, _ := memWorld(t, disk.Cached)
	l := w.log(0)
	for i := range 40 { // batches of 3 records
		w.append(l, values(dayMillis, fmt.Sprint(3*i), fmt.Sprint(3*i+1), fmt.Sprint(3*i+2)))
	}
	w.restart() // sealed indexes are read from their files
	l = w.log(0)
	size := len(values(dayMillis, "10", "11", "12"))
	for from := protocol.Offset(0); from < 120; from++ {
		for _, below := range []protocol.Offset{from, from + 1, from + 7, 119, 120} {
			for _, maxBytes := range []int{0, size - 1, size, 3*size + 1, 1 << 20} {
				for _, atLeastOne := range []bool{false, true} {
					in := logstore.ReadInput{From: from, Below: min(below, 120), MaxBytes: maxBytes, AtLeastOne: atLeastOne}
					checkRead(t, l, in)
				}
			}
		}
	}
	for _, outside := range []protocol.Offset{-1, 121} {
		_, err := l.Read(logstore.ReadInput{From: outside, Below: 120, MaxBytes: 100})
		wantIs(t, err, logstore.ErrOffsetOutOfRange)
	}
	if chunk, err := l.Read(logstore.ReadInput{From: 120, Below: 120, MaxBytes: 100}); err != nil || chunk.Bytes != 0 {
		t.Errorf("at the end: %d bytes, %v", chunk.Bytes, err)
	}
}

func checkRead(t *testing.T, l logstore.Log, in logstore.ReadInput) {
	t.Helper()
	chunk, err := l.Read(in)
	if err != nil {
		t.Fatalf("%+v: %v", in, err)
	}
	defer chunk.Release()
	first := in.From / 3 * 3
	if chunk.Bytes == 0 {
		// Nothing fits: the first batch reaches over the bound or the size.
		if in.Below >= first+3 && in.AtLeastOne {
			t.Fatalf("%+v: nothing, but at least one was asked for", in)
		}
		return
	}
	data := make([]byte, chunk.Bytes)
	if _, err := chunk.Source.ReadAt(data, chunk.Position); err != nil {
		t.Fatal(err)
	}
	if len(data) > in.MaxBytes && (!in.AtLeastOne || protocol.Batch(data).Size() != len(data)) {
		t.Fatalf("%+v: %d bytes", in, len(data))
	}
	for len(data) > 0 {
		var b protocol.Batch
		if b, data, err = protocol.NextBatch(data); err != nil {
			t.Fatalf("%+v: %v", in, err)
		}
		if b.BaseOffset() != first || b.LastOffset() >= in.Below {
			t.Fatalf("%+v: batch %d-%d where %d is due", in, b.BaseOffset(), b.LastOffset(), first)
		}
		first += 3
	}
}

// A producer that sends again gets the first answer again, also after a restart
// or a crash, for any of its five newest batches.
func TestDuplicatesAcrossRestarts(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		l := w.log(0)
		w.fill(l, 3)
		for i := range int32(7) {
			w.append(l, idempotent(9, 2*i, "a", "b"))
		}
		check := func(l logstore.Log) {
			t.Helper()
			for i := int32(2); i < 7; i++ {
				p := tryAppend(l, idempotent(9, 2*i, "a", "b"), 0)
				if p.Err != nil || !p.Duplicate || p.BaseOffset != protocol.Offset(3+2*i) || p.LastOffset != p.BaseOffset+1 {
					t.Fatalf("batch %d again: %+v", i, p)
				}
			}
			wantIs(t, tryAppend(l, idempotent(9, 2, "a", "b"), 0).Err, logstore.ErrOutOfOrder)
			wantIs(t, tryAppend(l, idempotent(9, 16, "a"), 0).Err, logstore.ErrOutOfOrder)
			if end := l.Offsets().End; end != 17 {
				t.Fatalf("the end moved to %d", end)
			}
		}
		check(l)
		w.restart()
		check(w.log(0))
		w.opts.CleanShutdown = false
		w.stop()
		w.start()
		check(w.log(0))
		// The sequence goes on over rolls, of which the snapshots are the memory.
		l = w.log(0)
		for i := int32(7); i < 60; i++ {
			w.append(l, idempotent(9, 2*i, "a", "b"))
		}
		w.restart()
		p := tryAppend(w.log(0), idempotent(9, 2*56, "a", "b"), 0)
		if p.Err != nil || !p.Duplicate || p.BaseOffset != 3+2*56 {
			t.Fatalf("the fourth last again: %+v", p)
		}
	})
}

// An append tells where it went, and under which epoch; epochs never go back.
func TestEpochsOfAppends(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		l := w.log(0)
		for _, epoch := range []protocol.Epoch{0, 0, 3, 2, 5} {
			p := tryAppend(l, values(dayMillis, "x", "y"), epoch)
			must(t, p.Err)
		}
		check := func(l logstore.Log) {
			t.Helper()
			must(t, l.Ready())
			for offset, want := range map[protocol.Offset]protocol.Epoch{0: 0, 3: 0, 4: 3, 6: 3, 7: 3, 8: 5, 9: 5, 10: -1} {
				if got := l.EpochOf(offset); got != want {
					t.Errorf("offset %d has epoch %d, want %d", offset, got, want)
				}
			}
			for _, ask := range []struct {
				epoch, got protocol.Epoch
				end        protocol.Offset
			}{{0, 0, 4}, {2, 0, 4}, {3, 3, 8}, {4, 3, 8}, {5, 5, 10}, {6, -1, -1}} {
				if got, end := l.EndOfEpoch(ask.epoch); got != ask.got || end != ask.end {
					t.Errorf("epoch %d: %d ends at %d, want %d at %d", ask.epoch, got, end, ask.got, ask.end)
				}
			}
			if l.LastEpoch() != 5 {
				t.Errorf("last epoch %d", l.LastEpoch())
			}
		}
		check(l)
		w.restart()
		check(w.log(0))
		// The file may be lost: the batches know.
		w.stop()
		must(t, w.fs.Remove(w.dir+"/orders-0/leader-epoch-checkpoint"))
		w.start()
		check(w.log(0))
	})
}

// Look-ups by time find the first record, in compressed batches and over segments.
func TestOffsetForTime(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		l := w.log(0)
		var times []protocol.Timestamp
		add := func(codec protocol.Codec, appendTime bool, at ...protocol.Timestamp) {
			t.Helper()
			options := protocol.DefaultBatchOptions()
			options.Codec = codec
			builder := protocol.NewBatchBuilder(options)
			for _, when := range at {
				builder.Add(when, nil, []byte(strings.Repeat("x", 40)))
			}
			b := builder.Build(0, 0)
			if appendTime {
				b.SetTimestamps(true, slices.Max(at))
				at = slices.Repeat([]protocol.Timestamp{slices.Max(at)}, len(at))
			}
			w.append(l, b)
			times = append(times, at...)
		}
		codecs := []protocol.Codec{protocol.CodecNone, protocol.CodecGzip, protocol.CodecSnappy, protocol.CodecLZ4, protocol.CodecZstd}
		add(protocol.CodecNone, false, -1, -1)
		for i := range 60 {
			at := dayMillis + protocol.Timestamp(i*100)
			if i%7 == 3 {
				at -= 450 // late records
			}
			add(codecs[i%5], i%4 == 0, at, at+20, at+10)
		}
		check := func(l logstore.Log, start protocol.Offset) {
			t.Helper()
			for ask := dayMillis - 600; ask < dayMillis+6200; ask += 5 {
				want := logstore.TimestampOffset{Timestamp: -1, Offset: -1, Epoch: -1}
				for i := start; int(i) < len(times); i++ {
					if times[i] >= ask {
						want = logstore.TimestampOffset{Timestamp: times[i], Offset: i}
						break
					}
				}
				got, err := l.OffsetForTime(ask)
				must(t, err)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("at %d: %s", ask-dayMillis, diff)
				}
			}
			largest := slices.Max(times[start:])
			want := protocol.Offset(slices.Index(times[start:], largest)) + start
			got, err := l.OffsetOfMaxTimestamp()
			must(t, err)
			if got.Offset != want || got.Timestamp != largest {
				t.Fatalf("maximum %+v, want %d at %d", got, largest, want)
			}
		}
		check(l, 0)
		w.restart()
		check(w.log(0), 0)
		_, err := w.log(0).DeleteBefore(100)
		must(t, err)
		check(w.log(0), 100)
	})
	w, _ := memWorld(t, disk.Cached)
	if got, err := w.log(0).OffsetOfMaxTimestamp(); err != nil || got.Offset != -1 || got.Timestamp != -1 {
		t.Errorf("of an empty log: %+v, %v", got, err)
	}
}

// Deleted records stay deleted, also when the process is killed right after.
func TestDeleteBeforeSurvives(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		l := w.log(0)
		w.fill(l, 50)
		for _, step := range []struct{ ask, start protocol.Offset }{{30, 30}, {20, 30}, {30, 30}} {
			start, err := l.DeleteBefore(step.ask)
			if err != nil || start != step.start {
				t.Fatalf("before %d: %d, %v", step.ask, start, err)
			}
		}
		_, err := l.DeleteBefore(51)
		wantIs(t, err, logstore.ErrOffsetOutOfRange)
		_, err = l.Read(logstore.ReadInput{From: 29, Below: 50, MaxBytes: 1})
		wantIs(t, err, logstore.ErrOffsetOutOfRange)

		w.kill()
		w.start()
		w.wantFilled(w.log(0), 30, 50)
		w.store.Sweep()
		w.wantFilled(w.log(0), 30, 50)
		if names := w.files("orders-0"); slices.Contains(names, "00000000000000000000.log") {
			t.Errorf("the deleted segment is still there: %q", names)
		}
		_, err = w.log(0).DeleteBefore(50)
		must(t, err)
		w.store.Sweep()
		w.restart()
		w.wantFilled(w.log(0), 50, 50)
		w.fill(w.log(0), 1)
		w.wantFilled(w.log(0), 50, 51)
	})
}

// Segments roll as Kafka's do: by size, and by the age of the first record.
func TestRoll(t *testing.T) {
	w, _ := memWorld(t, disk.Cached)
	w.cfg.SegmentMillis = 1000
	w.cfg.SegmentJitterMillis = 400
	w.opts.Random = func(int64) int64 { return 300 }
	w.stop()
	w.start()
	l := w.log(0)
	for _, at := range []protocol.Timestamp{0, 700, 701, 1401, 1402} {
		w.append(l, values(dayMillis+at, "x"))
	}
	want := []string{"00000000000000000000.log", "00000000000000000002.log", "00000000000000000004.log"}
	must(t, l.Flush())
	got := slices.DeleteFunc(w.files("orders-0"), func(name string) bool { return !strings.HasSuffix(name, ".log") })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	p := tryAppend(l, values(dayMillis, strings.Repeat("x", 3000)), 0)
	wantIs(t, p.Err, logstore.ErrBatchTooLarge)
}

// Retention takes whole segments from the oldest on, by size or by time.
func TestRetention(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		l := w.log(0)
		w.fill(l, 100)
		size := l.SizeBytes()
		cfg := w.cfg
		cfg.RetentionBytes = size / 2
		l.Reconfigure(cfg)
		chunk, err := l.Read(logstore.ReadInput{From: 0, Below: 100, MaxBytes: 1000})
		must(t, err)
		w.store.Sweep()
		marks := l.Offsets()
		if left := l.SizeBytes(); left < size/2 || left > size/2+cfg.SegmentBytes || marks.Start == 0 {
			t.Fatalf("%d of %d bytes left, start %d", left, size, marks.Start)
		}
		w.wantFilled(l, marks.Start, 100)
		if e, o := l.EndOfEpoch(0); e != 0 || o != 100 {
			t.Errorf("epoch 0: %d, %d", e, o)
		}
		// Who was reading goes on reading.
		data := make([]byte, chunk.Bytes)
		if _, err := chunk.Source.ReadAt(data, chunk.Position); err != nil {
			t.Error(err)
		}
		chunk.Release()
		countDeleted := func() (n int) {
			for _, name := range w.files("orders-0") {
				if strings.HasSuffix(name, ".deleted") {
					n++
				}
			}
			return n
		}
		if countDeleted() == 0 {
			t.Error("deleted files are to wait for file.delete.delay.ms")
		}
		w.clock.Advance(time.Minute)
		if n := countDeleted(); n != 0 {
			t.Errorf("%d deleted files are still there", n)
		}

		cfg.RetentionBytes, cfg.RetentionMillis = -1, 3_600_000
		l.Reconfigure(cfg)
		w.clock.Advance(time.Hour - time.Minute)
		w.store.Sweep()
		w.wantFilled(l, marks.Start, 100)
		w.clock.Advance(time.Minute + time.Second)
		w.store.Sweep()
		w.wantFilled(l, 100, 100)
		w.fill(l, 1)
		w.restart()
		w.wantFilled(w.log(0), 100, 101)
	})
}

// A deleted partition is gone at once, its readers finish, and a namesake begins
// empty, also after a crash between any two of the steps.
func TestDeleteAndNamesake(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		l := w.log(0)
		w.fill(l, 30)
		must(t, w.store.Checkpoint())
		chunk, err := l.Read(logstore.ReadInput{From: 0, Below: 30, MaxBytes: 500})
		must(t, err)
		must(t, w.store.Delete(partitionID(0)))
		if _, err := chunk.Source.ReadAt(make([]byte, 10), chunk.Position); err != nil {
			t.Error(err)
		}
		chunk.Release()
		_, err = l.Read(logstore.ReadInput{From: 0, Below: 30, MaxBytes: 500})
		wantIs(t, err, logstore.ErrDeleted)
		wantIs(t, tryAppend(l, values(dayMillis, "x"), 0).Err, logstore.ErrDeleted)

		namesake := logstore.ID{Topic: "orders", TopicID: otherTopicID, Partition: 0}
		w.kill()
		w.start()
		reborn, err := w.store.Open(namesake, w.cfg)
		must(t, err)
		w.wantFilled(reborn, 0, 0)
		w.fill(reborn, 2)
		w.wantFilled(reborn, 0, 2)
		must(t, w.store.Tidy(func(id protocol.UUID) bool { return id == namesake.TopicID }))
		for _, name := range w.files("") {
			if strings.HasSuffix(name, "-delete") {
				t.Errorf("%s is still there", name)
			}
		}
		w.restart()
		reborn, err = w.store.Open(namesake, w.cfg)
		must(t, err)
		w.wantFilled(reborn, 0, 2)
	})
}

// Truncation drops records and all that was derived from them.
func TestTruncateTo(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		l := w.log(0)
		w.fill(l, 40)
		w.append(l, idempotent(5, 0, "a"))
		must(t, tryAppend(l, values(dayMillis, "x"), 4).Err)
		must(t, l.TruncateTo(40))
		w.wantFilled(l, 0, 40)
		if l.LastEpoch() != 0 || len(l.ActiveProducers()) != 0 {
			t.Errorf("epoch %d, producers %v", l.LastEpoch(), l.ActiveProducers())
		}
		must(t, l.TruncateTo(7))
		w.wantFilled(l, 0, 7)
		w.fill(l, 33)
		w.restart()
		w.wantFilled(w.log(0), 0, 40)
		// Grown again to where the last clean stop was, the files are of this log.
		must(t, w.log(0).TruncateTo(2))
		for end := protocol.Offset(2); end < 40; end++ {
			w.append(w.log(0), values(dayMillis+9000, strings.Repeat("y", 200)))
		}
		w.restart()
		if found, err := w.log(0).OffsetForTime(dayMillis + 9000); err != nil || found.Offset != 2 {
			t.Errorf("by time: %+v, %v", found, err)
		}
	})
}

// Many partitions share few file handles.
func TestFewHandlesForManyPartitions(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		for round := range 3 {
			for n := range int32(20) {
				w.fill(w.log(n), 2)
				w.wantFilled(w.log(n), 0, protocol.Offset(2*round+2))
			}
		}
		w.restart()
		for n := range int32(20) {
			w.wantFilled(w.log(n), 0, 6)
		}
	})
}
