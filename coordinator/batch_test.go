package coordinator

import (
	"slices"
	"strings"
	"testing"
)

func TestDecisionsOfATurnShareAnAppend(t *testing.T) { play(t, storyDecisionsOfATurnShareAnAppend) }

func storyDecisionsOfATurnShareAnAppend(t *testing.T, w *world) {
	// Each decision sees those before it, and nobody hears of any before all are
	// committed together.
	w.is(w.write("a", "1"), nil)
	w.paper.hold()
	leave := w.occupy()
	first, read, second, last := w.write("a", "2"), w.read("a"), w.write("a", "3"), w.read("a")
	leave()
	if got := w.batchSizes(); !slices.Equal(got, []int{1, 2}) {
		t.Fatalf("batches of %v records, want 1 and 2", got)
	}
	for _, a := range []answer{first, read, second, last} {
		w.isOpen(a)
	}
	w.paper.commit(nil)
	w.is(first, nil)
	w.is(read, said("2"))
	w.is(second, nil)
	w.is(last, said("3"))
}

func TestAFailedAppendLosesTheWholeTurn(t *testing.T) { play(t, storyAFailedAppendLosesTheWholeTurn) }

func storyAFailedAppendLosesTheWholeTurn(t *testing.T, w *world) {
	w.is(w.write("a", "1"), nil)
	leave := w.occupy()
	first, read, second := w.write("a", "2"), w.read("a"), w.write("a", "3")
	w.paper.set(func() { w.paper.mu.refuse = errDisk })
	leave()
	w.is(first, ErrUnavailable)
	w.is(read, ErrUnavailable)
	w.is(second, ErrUnavailable)
	w.is(w.read("a"), said("1"))
}

func TestARecordOfSomebodyElseLoadsAnew(t *testing.T) { play(t, storyARecordOfSomebodyElseLoadsAnew) }

func storyARecordOfSomebodyElseLoadsAnew(t *testing.T, w *world) {
	// The records were applied with offsets that they did not get. They are in the
	// journal, but their clients are told that nobody knows, and the machine is
	// made anew.
	w.is(w.write("a", "1"), nil)
	w.paper.set(func() {
		w.paper.mu.entries = append(w.paper.mu.entries, Entry{Offset: 1, Record: Record{Key: []byte("b"), Value: []byte("theirs")}})
	})
	w.is(w.write("a", "2"), ErrUnavailable)
	w.is(w.read("b"), said("theirs"))
	w.is(w.read("a"), said("2"))
	w.is(w.write("a", "3"), nil)
}

func TestATransactionIsABatchOfItsOwn(t *testing.T) { play(t, storyATransactionIsABatchOfItsOwn) }

func storyATransactionIsABatchOfItsOwn(t *testing.T, w *world) {
	w.is(w.write("a", "1"), nil)
	leave := w.occupy()
	before := w.write("a", "2")
	inside := make(answer, 1)
	w.runtime.Do(0, func(*notes, Moment) Decision {
		return Decision{
			Records:  []Record{{Key: []byte("a"), Value: []byte("3")}},
			Producer: &Producer{ID: 7}, Replies: []Reply{func(err error) { inside <- err }},
		}
	}, func(err error) { inside <- err })
	after, another := w.write("a", "4"), w.write("a", "5")
	leave()
	for _, a := range []answer{before, inside, after, another} {
		w.is(a, nil)
	}
	if got := w.batchSizes(); !slices.Equal(got, []int{1, 1, 1, 2}) {
		t.Fatalf("batches of %v records, want 1, 1, 1, 2", got)
	}
	for i, b := range w.paper.mu.batches {
		if isThird := i == 2; isThird != (b.Producer != nil) {
			t.Errorf("batch %d is of producer %v", i, b.Producer)
		}
	}
}

func TestABatchIsBounded(t *testing.T) { play(t, storyABatchIsBounded) }

func storyABatchIsBounded(t *testing.T, w *world) {
	w.is(w.write("a", "1"), nil)
	leave := w.occupy()
	half, whole := strings.Repeat("x", batchBytesMax/2-1), strings.Repeat("y", 2*batchBytesMax)
	answers := []answer{w.write("a", half), w.write("a", half), w.write("a", half), w.write("a", whole), w.write("a", "2")}
	leave()
	for _, a := range answers {
		w.is(a, nil)
	}
	if got := w.batchSizes(); !slices.Equal(got, []int{1, 2, 1, 1, 1}) {
		t.Fatalf("batches of %v records, want 1, 2, 1, 1, 1", got)
	}
}

func TestAnAppendThatFailsInsideATurnRefusesTheNext(t *testing.T) {
	play(t, storyAnAppendThatFailsInsideATurnRefusesTheNext)
}

func storyAnAppendThatFailsInsideATurnRefusesTheNext(t *testing.T, w *world) {
	// The decision that finds the batch full was made on what is lost with it. The
	// ones after it begin with a machine that was loaded anew.
	w.is(w.write("a", "1"), nil)
	leave := w.occupy()
	half := strings.Repeat("x", batchBytesMax/2)
	lost, another := w.write("a", half), w.write("b", half)
	read := w.read("a")
	w.paper.set(func() { w.paper.mu.refuse = errDisk })
	leave()
	w.is(lost, ErrUnavailable)
	w.is(another, ErrUnavailable)
	w.is(read, said("1"))
}
