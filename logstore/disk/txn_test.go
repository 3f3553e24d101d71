package disk_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/protocol"
)

// inTxn is a batch of about 160 bytes in a transaction of the producer.
func inTxn(producer protocol.ProducerID) protocol.Batch {
	options := protocol.DefaultBatchOptions()
	options.ProducerID, options.ProducerEpoch, options.Transactional = producer, 0, true
	return batch(options, dayMillis, strings.Repeat("x", 80))
}

func marker(producer protocol.ProducerID, commit bool) protocol.Batch {
	return protocol.NewEndTxnMarkerBatch(producer, 0, dayMillis, protocol.EndTxnMarker{Commit: commit})
}

// step appends one batch in the notation +1 (producer 1 writes in a transaction), !1
// (abort), ^1 (commit), or . (a record of no transaction), as a coordinator may.
func step(l logstore.Log, text string) *logstore.Pending {
	in := logstore.AppendInput{Origin: logstore.FromCoordinator}
	producer := protocol.ProducerID(0)
	if len(text) > 1 {
		producer = protocol.ProducerID(text[1] - '0')
	}
	switch text[0] {
	case '+':
		in.Batch = inTxn(producer)
	case '!', '^':
		in.Batch = marker(producer, text[0] == '^')
	default:
		in.Batch = values(dayMillis, strings.Repeat("y", 80))
	}
	return appendInput(l, in)
}

func steps(t *testing.T, l logstore.Log, text string) {
	t.Helper()
	for _, s := range strings.Fields(text) {
		must(t, step(l, s).Err)
	}
}

// wantTxns checks what the log says of transactions against its batches, all of
// which must be there from offset 0.
func wantTxns(t *testing.T, l logstore.Log) {
	t.Helper()
	must(t, l.Ready())
	marks := l.Offsets()
	var table logstore.ProducerTable
	var aborted []logstore.Completed
	must(t, logstore.EachBatch(l, 0, marks.End, func(b protocol.Batch) error {
		if ended, ok := table.Apply(b, 0); ok && ended.Aborted {
			aborted = append(aborted, ended)
		}
		return nil
	}))
	if stable := table.Advance(marks.High); marks.Stable != stable {
		t.Fatalf("%+v, stable should be %d", marks, stable)
	}
	for from := range marks.End {
		below := min(from+3, marks.End)
		var want []logstore.Aborted
		for _, a := range aborted {
			if a.First < below && a.Last >= from {
				want = append(want, logstore.Aborted{ProducerID: a.ProducerID, First: a.First})
			}
		}
		got, err := l.AbortedIn(from, below)
		must(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("[%d, %d): %s", from, below, diff)
		}
	}
	if diff := cmp.Diff(len(table.List()), len(l.ActiveProducers())); diff != "" {
		t.Fatal(diff)
	}
	for i, p := range l.ActiveProducers() {
		if want := table.List()[i]; p != want {
			t.Fatalf("producer %+v, want %+v", p, want)
		}
	}
}

// The last stable offset waits for markers, across rolls and restarts.
func TestStableOffset(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		l := w.log(0)
		for _, s := range []struct {
			step   string
			stable protocol.Offset
		}{
			{".", 1}, {"+1", 1}, {".", 1}, {"+2", 1}, {"^1", 3}, {".", 3}, {"!2", 7}, {"+3", 7}, {"!3", 9}, {"!3", 10},
		} {
			steps(t, l, s.step)
			if marks := l.Offsets(); marks.Stable != s.stable || marks.High != marks.End {
				t.Fatalf("after %s: %+v, stable should be %d", s.step, marks, s.stable)
			}
		}
		steps(t, l, "+4 +5 "+strings.Repeat(". ", 40)+"!5")
		wantTxns(t, l)
		if stable := l.Offsets().Stable; stable != 10 {
			t.Errorf("stable %d", stable)
		}
		w.restart()
		wantTxns(t, w.log(0))
		w.kill()
		w.start()
		l = w.log(0)
		wantTxns(t, l)
		steps(t, l, "^4")
		if marks := l.Offsets(); marks.Stable != marks.End {
			t.Errorf("%+v", marks)
		}
		wantTxns(t, l)
	})
}

// There is a transaction index only where a transaction was aborted.
func TestTxnIndexFiles(t *testing.T) {
	w, _ := memWorld(t, disk.Cached)
	l := w.log(0)
	steps(t, l, "+1 ^1 "+strings.Repeat(". ", 30))
	steps(t, l, "+1")
	steps(t, l, "!1")
	w.restart()
	n := 0
	for _, name := range w.files("orders-0") {
		if strings.HasSuffix(name, ".txnindex") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%v", w.files("orders-0"))
	}
}

// A damaged index of a sealed or of the active segment is made again.
func TestDamagedTxnIndex(t *testing.T) {
	w, m := memWorld(t, disk.Sync)
	l := w.log(0)
	for range 6 {
		steps(t, l, "+1 +2 . . !1 . !2 . .")
	}
	must(t, w.store.Close(t.Context()))
	var names []string
	for _, name := range w.files("orders-0") {
		if strings.HasSuffix(name, ".txnindex") {
			names = append(names, name)
		}
	}
	if len(names) < 3 {
		t.Fatalf("%v", w.files("orders-0"))
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			path := "/data/orders-0/" + name
			whole, err := vfs.ReadFile(m, path, 1<<20)
			must(t, err)
			overwrite(t, m, path, 18, []byte{0xff})
			w.opts.CleanShutdown = true
			w.start()
			wantTxns(t, w.log(0))
			must(t, w.store.Close(t.Context()))
			again, err := vfs.ReadFile(m, path, 1<<20)
			must(t, err)
			if diff := cmp.Diff(whole, again); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Truncation takes aborts back and opens their transactions again.
func TestTruncationOfTransactions(t *testing.T) {
	for _, durability := range []disk.Durability{disk.Sync, disk.Cached} {
		for to := protocol.Offset(0); to <= 45; to++ {
			w, m := memWorld(t, durability)
			l := w.log(0)
			for range 5 {
				steps(t, l, "+1 +2 . . !1 . !2 . +3")
			}
			must(t, l.TruncateTo(to))
			wantTxns(t, l)
			steps(t, l, "!3 +1 !1")
			wantTxns(t, l)
			w.crashTo(m.CrashCopy(vfs.CrashKeepAll, nil))
			wantTxns(t, w.log(0))
			w.restart()
			wantTxns(t, w.log(0))
			w.stop()
		}
	}
}

// What retention or DeleteRecords takes away holds nothing back, and is not to be
// read any more; its index goes with its segment.
func TestRetentionOfTransactions(t *testing.T) {
	w, _ := memWorld(t, disk.Sync)
	l := w.log(0)
	heard := make(chan int, 100)
	l.Watch(watcherFunc(func(bytes int) { heard <- bytes }))
	steps(t, l, "+9 +1 !1 "+strings.Repeat(". ", 10)+"+2 !2 "+strings.Repeat(". ", 20)+"+1 !1")
	marks := l.Offsets()
	if marks.Stable != 0 {
		t.Fatalf("%+v", marks)
	}
	for len(heard) > 0 {
		<-heard
	}
	chunk, err := l.Read(logstore.ReadInput{From: 0, Below: 5, MaxBytes: 1 << 20})
	must(t, err)
	start, err := l.DeleteBefore(4)
	must(t, err)
	if marks := l.Offsets(); start != 4 || marks.Start != 4 || marks.Stable != 4 {
		t.Errorf("%+v", marks)
	}
	if bytes := <-heard; bytes != 0 {
		t.Errorf("the watcher heard of %d bytes", bytes)
	}
	_, err = l.AbortedIn(3, 10)
	wantIs(t, err, logstore.ErrOffsetOutOfRange)
	w.cfg.RetentionBytes = 2500
	l.Reconfigure(w.cfg)
	if chunk.Source.Replaced() {
		t.Error("its records are still there")
	}
	w.store.Sweep()
	if !chunk.Source.Replaced() {
		t.Error("a reader cannot tell that its range is gone")
	}
	chunk.Release()
	marks = l.Offsets()
	if marks.Start < 10 || marks.Stable != marks.Start {
		t.Fatalf("%+v", marks)
	}
	for _, name := range w.files("orders-0") {
		if strings.HasSuffix(name, ".txnindex") && name < fmt.Sprintf("%020d", marks.Start) {
			t.Errorf("%s is left", name)
		}
	}
	got, err := l.AbortedIn(marks.Start, marks.End)
	must(t, err)
	if diff := cmp.Diff([]logstore.Aborted{{ProducerID: 2, First: 13}, {ProducerID: 1, First: marks.End - 2}}, got); diff != "" {
		t.Error(diff)
	}
	// The open transaction began in what is gone; its end is noted all the same.
	steps(t, l, "!9")
	if marks := l.Offsets(); marks.Stable != marks.End {
		t.Errorf("%+v", marks)
	}
	w.restart()
	if after := w.log(0).Offsets(); after.Stable != after.End {
		t.Errorf("%+v", after)
	}
}

type watcherFunc func(int)

func (f watcherFunc) Advanced(bytes int) { f(bytes) }

// Whatever a power cut or a kill leaves, what the log says of transactions is what
// its batches say.
func TestTransactionsSurviveCrashes(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		durability := disk.Sync
		if seed%2 == 1 {
			durability = disk.Cached
		}
		w, m := memWorld(t, durability)
		for range 3 {
			l := w.log(0)
			for range 10 + rng.IntN(40) {
				s := []string{".", "+", "+", "!", "^"}[rng.IntN(5)]
				steps(t, l, fmt.Sprintf("%s%d", s, 1+rng.IntN(4)))
			}
			wantTxns(t, l)
			switch rng.IntN(4) {
			case 0:
				w.restart()
			case 1:
				must(t, l.Flush())
				fallthrough
			case 2:
				crash := []vfs.Crash{vfs.CrashKeepAll, vfs.CrashKeepSome, vfs.CrashKeepNone}[rng.IntN(3)]
				m = m.CrashCopy(crash, rng)
				w.crashTo(m)
			default:
				w.kill()
				w.start()
			}
			wantTxns(t, w.log(0))
		}
		w.stop()
	}
}

// A transaction index that somebody damages or removes underneath a running broker
// takes the partition offline: without it aborted records would be shown.
func TestTxnIndexLostWhileRunning(t *testing.T) {
	for _, removed := range []bool{false, true} {
		w, m := memWorld(t, disk.Sync)
		l := w.log(0)
		steps(t, l, "+5 !5 . . . . . . . . . . . . . . . . . . . . . . . . . . . .")
		must(t, l.Flush())
		const index = "/data/orders-0/00000000000000000000.txnindex"
		if removed {
			must(t, m.Remove(index))
		} else {
			must(t, vfs.ReplaceFile(m, index, []byte("damaged"), true))
		}
		_, err := l.AbortedIn(0, 30)
		wantCorrupt(t, err, ".txnindex")
		wantIs(t, l.Ready(), logstore.ErrOffline)
	}
}

// A log tells whether a transaction is open, and keeps records out whose
// transaction ended meanwhile.
func TestPasses(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		l := w.log(0)
		open, early := l.TransactionOpen(1, 0)
		if open {
			t.Error("open before the first record")
		}
		must(t, appendInput(l, logstore.AppendInput{Origin: logstore.FromCoordinator, Batch: inTxn(1), Pass: early}).Err)
		if open, _ = l.TransactionOpen(1, 0); !open {
			t.Error("not open after the first record")
		}
		w.restart()
		l = w.log(0)
		open, pass := l.TransactionOpen(1, 0)
		if !open {
			t.Error("not open after a restart")
		}
		steps(t, l, "!1")
		end := l.Offsets().End
		p := appendInput(l, logstore.AppendInput{Origin: logstore.FromCoordinator, Batch: inTxn(1), Pass: pass})
		if !errors.Is(p.Err, logstore.ErrTransactionEnded) || !logstore.IsVerdict(p.Err) || l.Offsets().End != end {
			t.Errorf("after the marker: %v, the log ends at %d, before at %d", p.Err, l.Offsets().End, end)
		}
		must(t, w.store.Delete(partitionID(0)))
		if open, pass := l.TransactionOpen(1, 0); open || pass != logstore.NoPass {
			t.Errorf("a deleted log: %t, %d", open, pass)
		}
	})
}
