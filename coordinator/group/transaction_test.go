package group

import (
	"errors"
	"testing"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// transactor is a coordinator over a log, which can be opened again.
type transactor struct {
	t       *testing.T
	journal *compactedJournal
	groups  *Coordinator
}

func newTransactor(t *testing.T) *transactor {
	x := &transactor{t: t, journal: newCompactedJournal(t)}
	x.open()
	t.Cleanup(func() { x.groups.Close() })
	return x
}

func (x *transactor) open() {
	x.groups = New(Options{Config: DefaultConfig(), Journal: x.journal.journal(), Clock: clock.NewManual(start), Shards: 1})
}

func (x *transactor) commit(p coordinator.Producer, offset protocol.Offset) error {
	x.t.Helper()
	return x.commitWith(0, p, offset)
}

func (x *transactor) commitWith(pass logstore.Pass, p coordinator.Producer, offset protocol.Offset) error {
	x.t.Helper()
	answer := make(chan CommitOutput, 1)
	x.groups.Commit(CommitInput{
		GroupID: "g", Generation: noGeneration, RetentionMillis: -1, Producer: &p, Pass: pass,
		Topics: []CommitTopic{{Topic: "t", Partitions: []CommitPartition{{Offset: offset, LeaderEpoch: -1}}}},
	}, func(out CommitOutput) { answer <- out })
	return (<-answer).Err
}

func (x *transactor) end(p coordinator.Producer, commit bool, coordinatorEpoch int32) error {
	x.t.Helper()
	answer := make(chan error, 1)
	x.groups.EndTransaction(0, p, commit, coordinatorEpoch, 0, func(err error) { answer <- err })
	return <-answer
}

// shows checks the group's offset, and that a restart finds the same.
func (x *transactor) shows(want protocol.Offset, wantErr error) {
	x.t.Helper()
	for range 2 {
		answer := make(chan FetchOutput, 1)
		topics := []FetchTopic{{Topic: "t", Partitions: []int32{0}}}
		x.groups.Fetch(FetchInput{GroupID: "g", MemberEpoch: noGeneration, RequireStable: true, Topics: topics},
			func(out FetchOutput) { answer <- out })
		out := <-answer
		if out.Err != nil {
			x.t.Fatal(out.Err)
		}
		if p := out.Topics[0].Partitions[0]; p.Offset != want || !errors.Is(p.Err, wantErr) {
			x.t.Fatalf("offset %d, %v; want %d, %v", p.Offset, p.Err, want, wantErr)
		}
		x.groups.Close()
		x.open()
	}
}

func (x *transactor) is(got, want error) {
	x.t.Helper()
	if !errors.Is(got, want) {
		x.t.Fatalf("answered %v, want %v", got, want)
	}
}

func TestOffsetsOfATransaction(t *testing.T) {
	// They count when it commits, and a restart at any moment finds the same.
	x := newTransactor(t)
	first := coordinator.Producer{ID: 7, Epoch: 1}
	x.is(x.commit(first, 5), nil)
	x.shows(-1, ErrUnstableOffset)
	x.is(x.end(first, true, 3), nil)
	x.shows(5, nil)
	x.is(x.commit(first, 6), nil)
	x.is(x.end(first, false, 3), nil)
	x.shows(5, nil)
	if producers := x.journal.log.ActiveProducers(); len(producers) != 1 || producers[0].TxnStartOffset != -1 || producers[0].CoordinatorEpoch != 3 {
		t.Errorf("the log knows %+v", producers)
	}
}

func TestAMarkerOfATransactionWithoutOffsets(t *testing.T) {
	// It is in the log for whoever reads that, and fences older epochs there.
	x := newTransactor(t)
	p := coordinator.Producer{ID: 7, Epoch: 1}
	x.is(x.end(p, false, 3), nil)
	if end := x.journal.log.Offsets().End; end != 1 {
		t.Fatalf("the log ends at %d, want 1", end)
	}
	x.is(x.commit(coordinator.Producer{ID: 7, Epoch: 0}, 5), logstore.ErrStaleEpoch)
	x.shows(-1, nil)
}

func TestARefusedMarkerLeavesTheTransactionOpen(t *testing.T) {
	// Nor does it cost anybody else the state of the shard.
	x := newTransactor(t)
	p := coordinator.Producer{ID: 7, Epoch: 1}
	x.is(x.end(p, true, 3), nil)
	x.is(x.commit(p, 5), nil)
	x.is(x.end(p, true, 2), logstore.ErrCoordinatorFenced)
	x.is(x.end(coordinator.Producer{ID: 7, Epoch: 0}, true, 3), logstore.ErrStaleEpoch)
	x.shows(-1, ErrUnstableOffset)
	x.is(x.end(p, true, 3), nil)
	x.shows(5, nil)
}

func TestEndingATransactionInAShardThatIsNotThere(t *testing.T) {
	x := newTransactor(t)
	for _, shard := range []int32{-1, 1} {
		answer := make(chan error, 1)
		x.groups.EndTransaction(shard, coordinator.Producer{ID: 7}, true, 0, 0, func(err error) { answer <- err })
		x.is(<-answer, coordinator.ErrNotOwner)
	}
}

func TestOffsetsThatComeAfterTheEndOfTheirTransaction(t *testing.T) {
	x := newTransactor(t)
	p := coordinator.Producer{ID: 7, Epoch: 1}
	open, pass := x.journal.log.TransactionOpen(p.ID, p.Epoch)
	if open {
		t.Fatal("open before its first offset")
	}
	x.is(x.end(p, false, 3), nil) // while the coordinator was asked
	x.is(x.commitWith(pass, p, 5), logstore.ErrTransactionEnded)
	x.shows(-1, nil)
	_, pass = x.journal.log.TransactionOpen(p.ID, p.Epoch)
	x.is(x.commitWith(pass, p, 6), nil)
	x.is(x.end(p, true, 3), nil)
	x.shows(6, nil)
}
