package coordinator

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/barnabas-mq/barnabas/logstore"
)

// end ends the transaction of a producer.
func (w *world) end(m Marker) answer {
	a := make(answer, 1)
	w.runtime.Do(0, func(*notes, Moment) Decision {
		return Decision{Marker: &m, Replies: []Reply{func(err error) { a <- err }}}
	}, func(err error) { a <- err })
	return a
}

// writeIn is write inside a transaction; what the decision says of losing it comes
// second.
func (w *world) writeIn(p Producer, key, value string) (answered, lost answer) {
	answered, lost = make(answer, 1), make(answer, 1)
	w.runtime.Do(0, func(*notes, Moment) Decision {
		return Decision{
			Records: []Record{{Key: []byte(key), Value: []byte(value)}}, Producer: &p,
			Replies: []Reply{func(err error) { answered <- err }},
			Then:    func(Moment) Decision { return Decision{} },
			Lost:    func(err error) { lost <- err },
		}
	}, func(err error) { answered <- err })
	return answered, lost
}

func TestAMarkerIsABatchOfItsOwn(t *testing.T) { play(t, storyAMarkerIsABatchOfItsOwn) }

func storyAMarkerIsABatchOfItsOwn(t *testing.T, w *world) {
	// It comes between what was decided before and after it, takes one offset, and
	// its answer waits for the commit.
	w.is(w.write("a", "1"), nil)
	w.paper.hold()
	leave := w.occupy()
	before, ended := w.write("a", "2"), w.end(Marker{Producer: Producer{ID: 7, Epoch: 1}, Commit: true, CoordinatorEpoch: 4})
	after, another := w.write("a", "3"), w.write("a", "4")
	read := w.read("transaction of 7")
	leave()
	if got := w.batchSizes(); !slices.Equal(got, []int{1, 1, 0, 2}) {
		t.Fatalf("batches of %v records, want 1, 1, the marker, 2", got)
	}
	if m := w.paper.mu.batches[2].Marker; m == nil || *m != (Marker{Producer{7, 1}, true, 4, 0}) {
		t.Fatalf("the journal got marker %+v", m)
	}
	for _, a := range []answer{before, ended, after, another, read} {
		w.isOpen(a)
	}
	w.paper.commit(nil)
	for _, a := range []answer{before, ended, after, another} {
		w.is(a, nil)
	}
	w.is(read, said("true"))
	w.is(w.end(Marker{Producer: Producer{ID: 7}}), nil)
	w.is(w.read("transaction of 7"), said("false"))
	w.runtime.Unload(0)
	w.is(w.read("transaction of 7"), said("false"))
	w.is(w.read("a"), said("4"))
	if w.paper.mu.loads != 2 {
		t.Errorf("%d loads, want 2", w.paper.mu.loads)
	}
}

func TestTheFirstWriteOfALifeMayBeAMarker(t *testing.T) {
	play(t, storyTheFirstWriteOfALifeMayBeAMarker)
}

func storyTheFirstWriteOfALifeMayBeAMarker(t *testing.T, w *world) {
	w.paper.set(func() { w.paper.mu.refuse = &RefusedError{logstore.ErrStaleEpoch} })
	w.is(w.end(Marker{Producer: Producer{ID: 7}}), logstore.ErrStaleEpoch)
	w.is(w.end(Marker{Producer: Producer{ID: 7}}), nil)
	w.is(w.write("a", "1"), nil)
	w.is(w.write("a", "2"), nil)
	if w.paper.mu.loads != 1 {
		t.Errorf("%d loads, want 1", w.paper.mu.loads)
	}
}

func TestARefusalLeavesTheMachine(t *testing.T) { play(t, storyARefusalLeavesTheMachine) }

func storyARefusalLeavesTheMachine(t *testing.T, w *world) {
	// Nothing is applied and nobody else notices. The one who asked hears why, but not
	// before what was written earlier is committed: the verdict may rest upon it.
	w.is(w.write("a", "1"), nil)
	waiting := w.wait()
	w.settle()
	refuse := func(err error) { w.paper.set(func() { w.paper.mu.refuse = &RefusedError{err} }) }
	w.paper.hold()
	write := w.write("a", "2")
	w.settle()
	refuse(logstore.ErrCoordinatorFenced)
	ended := w.end(Marker{Producer: Producer{ID: 7}, Commit: true})
	w.settle()
	refuse(logstore.ErrStaleEpoch)
	inside, lost := w.writeIn(Producer{ID: 7}, "a", "3")
	for _, a := range []answer{write, ended, inside, lost, waiting} {
		w.isOpen(a)
	}
	w.paper.commit(nil)
	w.is(write, nil)
	w.is(ended, logstore.ErrCoordinatorFenced)
	w.is(inside, logstore.ErrStaleEpoch)
	w.is(lost, logstore.ErrStaleEpoch)
	w.isOpen(waiting)
	w.is(w.read("transaction of 7"), said(""))
	w.is(w.read("a"), said("2"))
	w.is(w.write("a", "4"), nil)
	if w.paper.mu.loads != 1 {
		t.Errorf("%d loads, want 1", w.paper.mu.loads)
	}
}

func TestARefusalIsLostWithItsMachine(t *testing.T) { play(t, storyARefusalIsLostWithItsMachine) }

func storyARefusalIsLostWithItsMachine(t *testing.T, w *world) {
	// If what the verdict may rest upon is lost, so is the verdict.
	w.is(w.write("a", "1"), nil)
	w.paper.hold()
	write := w.write("a", "2")
	w.settle()
	w.paper.set(func() { w.paper.mu.refuse = &RefusedError{logstore.ErrStaleEpoch} })
	ended := w.end(Marker{Producer: Producer{ID: 7}})
	w.settle()
	w.paper.commit(errDisk)
	w.is(write, ErrUnavailable)
	w.is(ended, ErrUnavailable)
}

func TestALostMarkerDropsTheState(t *testing.T) { play(t, storyALostMarkerDropsTheState) }

func storyALostMarkerDropsTheState(t *testing.T, w *world) {
	w.is(w.write("a", "1"), nil)
	w.paper.set(func() { w.paper.mu.refuse = errDisk })
	w.is(w.end(Marker{Producer: Producer{ID: 7}, Commit: true}), ErrUnavailable)
	w.is(w.read("transaction of 7"), said(""))
	if w.paper.mu.loads != 2 {
		t.Errorf("%d loads, want 2", w.paper.mu.loads)
	}
}

func TestMarkersInALog(t *testing.T) {
	// The log's own verdicts leave no trace and are told apart from its failures.
	s := newShelf(t)
	append := func(b Batch) error {
		_, err := s.journal().Append(0, b, func(err error) {
			if err != nil {
				t.Error(err)
			}
		})
		return err
	}
	end := func(epoch int16, coordinatorEpoch int32, version int16) error {
		return append(Batch{Timestamp: 7, Marker: &Marker{
			Producer: Producer{ID: 9, Epoch: epoch}, CoordinatorEpoch: coordinatorEpoch, TransactionVersion: version, Commit: epoch > 2,
		}})
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	refused := func(err, want error) {
		t.Helper()
		var verdict *RefusedError
		if !errors.As(err, &verdict) || !errors.Is(err, want) {
			t.Fatalf("got %v, want the refusal %v", err, want)
		}
	}
	inside := Batch{Records: []Record{{[]byte("c"), []byte("3")}}, Timestamp: 7, Producer: &Producer{ID: 9, Epoch: 2}}
	must(append(inside))
	refused(end(1, 5, 0), logstore.ErrStaleEpoch)
	refused(end(2, 5, 2), logstore.ErrStaleEpoch) // transaction version 2 ends it with the next epoch
	must(end(3, 5, 2))
	refused(end(3, 4, 2), logstore.ErrCoordinatorFenced)
	refused(append(inside), logstore.ErrStaleEpoch)
	late := Batch{Records: []Record{{[]byte("c"), []byte("4")}}, Producer: &Producer{ID: 9, Epoch: 3}}
	_, late.Pass = s.log.TransactionOpen(9, 3)
	late.Pass-- // of before the marker
	refused(append(late), logstore.ErrTransactionEnded)
	must(append(Batch{Records: []Record{{[]byte("a"), []byte("1")}}}))
	want := fmt.Sprint(`0 c="3" of 9 marker 0
1 =null of 9 marker `, CommitMarker, `
2 a="1" of -1 marker 0
`)
	if got := s.load(); got != want {
		t.Fatalf("loaded\n%swant\n%s", got, want)
	}
	must(s.store.Close(t.Context()))
	var verdict *RefusedError
	if err := end(4, 6, 2); err == nil || errors.As(err, &verdict) {
		t.Errorf("a closed log answers %v", err)
	}
}
