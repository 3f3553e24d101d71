package logstore_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// A history is written as steps, one record each, by producers 1 to 9:
//
//	+1    producer 1 writes in a transaction     !1    its transaction is aborted
//	.1    it writes outside of one               ^1    committed
//
// The offset of a step is its place, from 0.
func history(t *testing.T, table *logstore.ProducerTable, from protocol.Offset, steps string) []logstore.Completed {
	t.Helper()
	var all []logstore.Completed
	for _, step := range strings.Fields(steps) {
		id := protocol.ProducerID(step[1] - '0')
		options := protocol.DefaultBatchOptions()
		options.ProducerID, options.ProducerEpoch, options.Transactional = id, 0, step[0] == '+'
		var b protocol.Batch
		switch step[0] {
		case '!', '^':
			b = protocol.NewEndTxnMarkerBatch(id, 0, 5, protocol.EndTxnMarker{Commit: step[0] == '^'})
		default:
			w := protocol.NewBatchBuilder(options)
			w.Add(5, nil, nil)
			b = w.Build(0, 0)
		}
		b.SetBaseOffset(from)
		from++
		if _, _, err := table.Judge(logstore.AppendInput{Batch: b, Origin: logstore.FromCoordinator}); err != nil {
			t.Fatalf("%s: %v", step, err)
		}
		if ended, ok := table.Apply(b, 0); ok {
			all = append(all, ended)
		}
	}
	return all
}

// What markers complete, and the last stable offset that goes into the index.
func TestCompletedTransactions(t *testing.T) {
	tests := []struct {
		name, steps string
		want        []string // producer first-last, stable
	}{
		{"a commit", "+1 +1 ^1", []string{"1 0-2 committed, stable 3"}},
		{"an abort", ".2 +1 !1", []string{"1 1-2 aborted, stable 3"}},
		{"nothing to end", "!1 .1 !1 +1 !1 !1", []string{"1 3-4 aborted, stable 5"}},
		{"one is still open", "+1 +2 +1 !2 !1", []string{"2 1-3 aborted, stable 0", "1 0-4 aborted, stable 5"}},
		{"nested", "+1 +2 !1 ^2", []string{"1 0-2 aborted, stable 1", "2 1-3 committed, stable 4"}},
		{"one after the other", "+1 !1 +1 +1 ^1", []string{"1 0-1 aborted, stable 2", "1 2-4 committed, stable 5"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var table logstore.ProducerTable
			var got []string
			for _, c := range history(t, &table, 0, test.steps) {
				fate := "committed"
				if c.Aborted {
					fate = "aborted"
				}
				got = append(got, fmt.Sprintf("%d %d-%d %s, stable %d", c.ProducerID, c.First, c.Last, fate, c.LastStable))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The last stable offset waits for the marker, and for the marker's commit.
func TestLastStableOffset(t *testing.T) {
	tests := []struct {
		name, steps string
		high, want  protocol.Offset
	}{
		{"no transactions", ".1 .2 .1", 2, 2},
		{"an open one", ".1 +2 .1", 3, 1},
		{"open beyond high", ".1 .1 +2", 1, 1},
		{"ended, marker not below high", ".1 +2 ^2 .1", 2, 1},
		{"ended, marker below high", ".1 +2 ^2 .1", 3, 3},
		{"an earlier one is open", "+1 +2 !2 .3", 4, 0},
		{"a later one is open", "+1 +2 !1 .3", 4, 1},
		{"the first marker of two", "+1 +2 !1 !2", 3, 1},
		{"the second begins first", "+1 +2 !2 !1", 3, 0},
		{"both markers", "+1 +2 !2 !1", 4, 4},
		{"a decided one before an open one", "+1 ^1 +2", 1, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var table logstore.ProducerTable
			history(t, &table, 0, test.steps)
			if got := table.Advance(test.high); got != test.want {
				t.Errorf("stable %d, want %d", got, test.want)
			}
		})
	}
}

// Whatever the order of markers, the last stable offset is what the definition says
// and never goes back as High rises one by one.
func TestLastStableOffsetByDefinition(t *testing.T) {
	steps := "+1 +2 +3 !2 +2 .4 !1 +5 +1 ^3 ^5 +6 !6 !1 ^2 +7"
	var table logstore.ProducerTable
	fields := strings.Fields(steps)
	last := protocol.Offset(0)
	for end := 1; end <= len(fields); end++ {
		history(t, &table, protocol.Offset(end-1), fields[end-1])
		for high := end - 1; high <= end; high++ { // the marker's commit comes later
			got, want := table.Advance(protocol.Offset(high)), definition(fields[:end], high)
			if got != want {
				t.Fatalf("after %v with High %d: stable %d, want %d", fields[:end], high, got, want)
			}
			if got < last {
				t.Fatalf("stable goes back from %d to %d", last, got)
			}
			last = got
		}
	}
}

// definition finds the first record of a transaction without a marker below high.
func definition(steps []string, high int) protocol.Offset {
	for i, step := range steps[:high] {
		if step[0] != '+' {
			continue
		}
		ended := false
		for _, later := range steps[i:high] {
			ended = ended || (later[0] == '!' || later[0] == '^') && later[1] == step[1]
		}
		if !ended {
			return protocol.Offset(i)
		}
	}
	return protocol.Offset(high)
}

// Open transactions come back from a snapshot, and are never forgotten as idle.
func TestOpenTransactionsInSnapshots(t *testing.T) {
	var table, loaded logstore.ProducerTable
	history(t, &table, 0, ".9 +2 +1 .8 +3 ^3")
	if err := loaded.LoadSnapshot(table.AppendSnapshot(nil), 0); err != nil {
		t.Fatal(err)
	}
	if got := loaded.Advance(6); got != 1 {
		t.Errorf("stable %d", got)
	}
	if n := loaded.Expire(1<<40, 1000); n != 3 || loaded.Len() != 2 {
		t.Errorf("%d expired, %d left", n, loaded.Len())
	}
	if ended := history(t, &loaded, 6, "!2"); len(ended) != 1 || ended[0].First != 1 || ended[0].LastStable != 2 {
		t.Errorf("%+v", ended)
	}
	loaded.Clear()
	if got := loaded.Advance(7); got != 7 {
		t.Errorf("stable %d of an empty table", got)
	}
}

// The rules for a marker, as in Kafka's ProducerAppendInfo: producer 7 is at epoch 3
// and has seen coordinator epoch 10.
func TestMarkersAreJudged(t *testing.T) {
	const top = math.MaxInt16
	tests := []struct {
		name        string
		known       int16 // the producer's epoch
		open        bool
		epoch       int16
		coordinator int32
		version     int16
		want        error
	}{
		{"the producer's epoch", 3, true, 3, 10, 0, nil},
		{"an older epoch", 3, true, 2, 10, 0, logstore.ErrStaleEpoch},
		{"a newer epoch fences", 3, true, 4, 10, 1, nil},
		{"a newer coordinator", 3, true, 3, 11, 0, nil},
		{"an older coordinator", 3, true, 3, 9, 0, logstore.ErrCoordinatorFenced},
		{"an older coordinator with a newer epoch", 3, true, 4, 9, 2, logstore.ErrCoordinatorFenced},
		{"sent again, nothing open", 3, false, 3, 10, 0, nil},
		{"version 2: the next epoch", 3, true, 4, 10, 2, nil},
		{"version 2: the epoch of an open transaction", 3, true, 3, 10, 2, logstore.ErrStaleEpoch},
		{"version 2: sent again, nothing open", 3, false, 3, 10, 2, nil},
		{"version 2: an older epoch", 3, false, 2, 10, 2, logstore.ErrStaleEpoch},
		{"version 2: epochs are used up", top, true, top, 10, 2, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var table logstore.ProducerTable
			marker := func(epoch int16, coordinator int32) protocol.Batch {
				return protocol.NewEndTxnMarkerBatch(7, epoch, 5, protocol.EndTxnMarker{CoordinatorEpoch: coordinator})
			}
			table.Apply(marker(test.known, 10), 0)
			if test.open {
				options := protocol.DefaultBatchOptions()
				options.ProducerID, options.ProducerEpoch, options.BaseSequence, options.Transactional = 7, test.known, 0, true
				w := protocol.NewBatchBuilder(options)
				w.Add(5, nil, nil)
				table.Apply(w.Build(1, 0), 0)
			}
			_, duplicate, err := table.Judge(logstore.AppendInput{
				Batch: marker(test.epoch, test.coordinator), Origin: logstore.FromCoordinator, TransactionVersion: test.version})
			if !errors.Is(err, test.want) || err != nil && test.want == nil || duplicate {
				t.Errorf("%v, %v", duplicate, err)
			}
		})
	}
}

// After a marker with the next epoch the producer begins anew at sequence 0 (KIP-890),
// and what it sent before is no duplicate any more.
func TestMarkerOfTheNextEpoch(t *testing.T) {
	var table logstore.ProducerTable
	send := func(epoch int16, sequence int32) (bool, error) {
		options := protocol.DefaultBatchOptions()
		options.ProducerID, options.ProducerEpoch, options.BaseSequence, options.Transactional = 7, epoch, sequence, true
		w := protocol.NewBatchBuilder(options)
		w.Add(5, nil, nil)
		b := w.Build(0, 0)
		_, duplicate, err := table.Judge(logstore.AppendInput{Batch: b})
		if err == nil && !duplicate {
			table.Apply(b, 0)
		}
		return duplicate, err
	}
	must := func(duplicate bool, err error) {
		t.Helper()
		if duplicate || err != nil {
			t.Fatal(duplicate, err)
		}
	}
	must(send(0, 0))
	must(send(0, 1))
	table.Apply(protocol.NewEndTxnMarkerBatch(7, 1, 9, protocol.EndTxnMarker{Commit: true, CoordinatorEpoch: 4}), 0)
	want := []logstore.ProducerEntry{{ProducerID: 7, Epoch: 1, LastSequence: -1, LastTimestamp: 9, CoordinatorEpoch: 4, TxnStartOffset: -1}}
	if diff := cmp.Diff(want, table.List()); diff != "" {
		t.Error(diff)
	}
	if _, err := send(0, 2); !errors.Is(err, logstore.ErrStaleEpoch) {
		t.Errorf("the old epoch: %v", err)
	}
	if _, err := send(1, 2); !errors.Is(err, logstore.ErrOutOfOrder) {
		t.Errorf("a sequence that goes on: %v", err)
	}
	must(send(1, 0))
}

// A transaction of version 2 begins at sequence 0 where nothing is known of its
// producer; others may have lost their state, and begin anywhere.
func TestTransactionsBeginAtZero(t *testing.T) {
	batch := func(sequence int32, transactional bool) protocol.Batch {
		options := protocol.DefaultBatchOptions()
		options.ProducerID, options.ProducerEpoch, options.BaseSequence, options.Transactional = 7, 3, sequence, transactional
		w := protocol.NewBatchBuilder(options)
		w.Add(5, nil, nil)
		return w.Build(0, 0)
	}
	var unknown, ended, known logstore.ProducerTable
	ended.Apply(protocol.NewEndTxnMarkerBatch(7, 3, 9, protocol.EndTxnMarker{Commit: true}), 0)
	known.Apply(batch(8, false), 0)
	tests := []struct {
		name  string
		table *logstore.ProducerTable
		in    logstore.AppendInput
		want  error
	}{
		{"unknown, late", &unknown, logstore.AppendInput{Batch: batch(9, true), TransactionVersion: 2}, logstore.ErrOutOfOrder},
		{"unknown, late, version 1", &unknown, logstore.AppendInput{Batch: batch(9, true), TransactionVersion: 1}, nil},
		{"unknown, late, no transaction", &unknown, logstore.AppendInput{Batch: batch(9, false), TransactionVersion: 2}, nil},
		{"unknown", &unknown, logstore.AppendInput{Batch: batch(0, true), TransactionVersion: 2}, nil},
		{"after a marker, late", &ended, logstore.AppendInput{Batch: batch(9, true), TransactionVersion: 2}, logstore.ErrOutOfOrder},
		{"after a marker", &ended, logstore.AppendInput{Batch: batch(0, true), TransactionVersion: 2}, nil},
		{"known", &known, logstore.AppendInput{Batch: batch(9, true), TransactionVersion: 2}, nil},
	}
	for _, test := range tests {
		if _, _, err := test.table.Judge(test.in); !errors.Is(err, test.want) || err != nil && test.want == nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// A producer that is in a transaction writes nothing outside of it, whoever appends.
func TestOpenTransactionRefusesOtherRecords(t *testing.T) {
	var table logstore.ProducerTable
	history(t, &table, 0, "+7")
	b := sent{0, -1, 1}.batch(1)
	_, _, err := table.Judge(logstore.AppendInput{Batch: b, Origin: logstore.FromCoordinator})
	if !errors.Is(err, logstore.ErrInvalidTxnState) {
		t.Error(err)
	}
}

// A control batch that is no marker is refused, and on the disk changes nothing: what
// is open stays open rather than count as decided.
func TestUnreadableMarkers(t *testing.T) {
	var table logstore.ProducerTable
	history(t, &table, 0, "+7")
	options := protocol.DefaultBatchOptions()
	options.ProducerID, options.ProducerEpoch, options.Transactional, options.Control = 7, 0, true, true
	w := protocol.NewBatchBuilder(options)
	w.Add(5, []byte{0, 0, 0, 9}, nil)
	b := w.Build(1, 0)
	if _, _, err := table.Judge(logstore.AppendInput{Batch: b, Origin: logstore.FromCoordinator}); !errors.Is(err, logstore.ErrInvalidMarker) {
		t.Error(err)
	}
	if _, ok := table.Apply(b, 0); ok || table.Advance(2) != 0 {
		t.Error("it has ended the transaction")
	}
}
