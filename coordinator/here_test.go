package coordinator

import (
	"strconv"
	"sync"
	"testing"
)

// here is write on the caller's goroutine if the shard is idle.
func (w *world) here(key, value string) answer {
	a := make(answer, 1)
	w.runtime.DoHere(0, func(*notes, Moment) Decision {
		return Decision{Records: []Record{{Key: []byte(key), Value: []byte(value)}}, Replies: []Reply{func(err error) { a <- err }}}
	}, func(err error) { a <- err })
	return a
}

func TestAnIdleShardAnswersTheCaller(t *testing.T) { play(t, storyAnIdleShardAnswersTheCaller) }

func storyAnIdleShardAnswersTheCaller(t *testing.T, w *world) {
	w.is(w.write("a", "1"), nil)
	a := w.here("a", "2")
	if len(a) != 1 {
		t.Fatal("not answered when the call returned")
	}
	w.is(a, nil)
	w.is(w.read("a"), said("2"))
}

func TestTheCallerDoesNotLoad(t *testing.T) { play(t, storyTheCallerDoesNotLoad) }

func storyTheCallerDoesNotLoad(t *testing.T, w *world) {
	w.paper.loading = make(chan struct{})
	a := w.here("a", "1")
	w.isOpen(a)
	close(w.paper.loading)
	w.is(a, nil)
}

func TestTheCallerDoesNotOvertake(t *testing.T) { play(t, storyTheCallerDoesNotOvertake) }

func storyTheCallerDoesNotOvertake(t *testing.T, w *world) {
	w.is(w.write("a", "1"), nil)
	leave := w.occupy()
	queued, here := w.write("a", "2"), w.here("a", "3")
	w.isOpen(here)
	leave()
	w.is(queued, nil)
	w.is(here, nil)
	w.is(w.read("a"), said("3"))
}

func TestWhatComesDuringACallersTurnIsDone(t *testing.T) {
	play(t, storyWhatComesDuringACallersTurnIsDone)
}

func storyWhatComesDuringACallersTurnIsDone(t *testing.T, w *world) {
	w.is(w.write("a", "1"), nil)
	gate, here := make(chan struct{}), make(answer, 1)
	go w.runtime.DoHere(0, func(*notes, Moment) Decision {
		<-gate
		return Decision{Replies: []Reply{func(err error) { here <- err }}}
	}, func(err error) { here <- err })
	w.settle()
	queued := w.write("a", "2")
	w.isOpen(queued) // the goroutine was woken and left it to the caller
	close(gate)
	w.is(here, nil)
	w.is(queued, nil)
}

func TestACallersWriteWaitsForTheCommit(t *testing.T) { play(t, storyACallersWriteWaitsForTheCommit) }

func storyACallersWriteWaitsForTheCommit(t *testing.T, w *world) {
	w.is(w.write("a", "1"), nil)
	w.paper.hold()
	a := w.here("a", "2")
	w.isOpen(a)
	w.paper.commit(nil)
	w.is(a, nil)

	w.paper.hold()
	lost := w.here("a", "3")
	w.paper.set(func() { w.paper.mu.entries = w.paper.mu.entries[:2] })
	w.paper.commit(errDisk)
	w.is(lost, ErrUnavailable)
	w.is(w.read("a"), said("2"))
}

func TestACallersAppendFails(t *testing.T) { play(t, storyACallersAppendFails) }

func storyACallersAppendFails(t *testing.T, w *world) {
	w.is(w.write("a", "1"), nil)
	w.paper.set(func() { w.paper.mu.refuse = errDisk })
	w.is(w.here("a", "2"), ErrUnavailable)
	w.is(w.here("a", "3"), nil) // by way of the goroutine, which loads
	w.is(w.here("a", "4"), nil)
	w.paper.set(func() { w.paper.mu.owner = ErrNotOwner })
	w.is(w.here("a", "5"), ErrNotOwner)
}

func TestAClosedRuntimeRefusesCallers(t *testing.T) { play(t, storyAClosedRuntimeRefusesCallers) }

func storyAClosedRuntimeRefusesCallers(t *testing.T, w *world) {
	w.is(w.write("a", "1"), nil)
	w.runtime.Close()
	w.is(w.here("a", "2"), ErrUnavailable)
}

func TestCallersAndTheGoroutineTakeTurns(t *testing.T) { play(t, storyCallersAndTheGoroutineTakeTurns) }

func storyCallersAndTheGoroutineTakeTurns(t *testing.T, w *world) {
	// Whoever has the turn, every decision sees the one before it: a counter that
	// each reads and writes loses no step.
	const callers, each = 8, 50
	step := func(n *notes, _ Moment) Decision {
		count, _ := strconv.Atoi(n.values["count"])
		return Decision{Records: []Record{{Key: []byte("count"), Value: []byte(strconv.Itoa(count + 1))}}}
	}
	var all sync.WaitGroup
	for i := range callers {
		do := w.runtime.Do
		if i%2 == 0 {
			do = w.runtime.DoHere
		}
		all.Go(func() {
			for range each {
				do(0, step, func(err error) { t.Error(err) })
			}
		})
	}
	all.Wait()
	w.is(w.read("count"), said(strconv.Itoa(callers*each)))
	w.runtime.Unload(0)
	w.is(w.read("count"), said(strconv.Itoa(callers*each)))
}
