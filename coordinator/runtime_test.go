package coordinator

import (
	"errors"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/internal/clock"
)

var errDisk = errors.New("the disk is gone")

func TestAnswersWaitForTheCommit(t *testing.T) { play(t, storyAnswersWaitForTheCommit) }

func storyAnswersWaitForTheCommit(t *testing.T, w *world) {
	// The next decision sees a write at once, but nobody hears of it, readers
	// included, before it is committed; answers keep their order.
	w.is(w.write("a", "1"), nil)
	w.paper.hold()
	first, read, second := w.write("a", "2"), w.read("a"), w.write("b", "3")
	w.settle()
	w.isOpen(first)
	w.isOpen(read)
	w.isOpen(second)
	w.paper.commit(nil)
	w.is(first, nil)
	w.is(read, said("2"))
	w.is(second, nil)
}

func TestARestartReplaysTheJournal(t *testing.T) { play(t, storyARestartReplaysTheJournal) }

func storyARestartReplaysTheJournal(t *testing.T, w *world) {
	w.is(w.write("a", "1"), nil)
	w.paper.set(func() {
		w.paper.mu.entries = append(w.paper.mu.entries, Entry{Offset: 1, Marker: CommitMarker, Producer: Producer{ID: 7}})
	})
	w.runtime.Unload(0)
	w.is(w.read("a"), said("1"))
	w.is(w.read("transaction of 7"), said("true"))
	if w.paper.mu.loads != 2 {
		t.Fatalf("%d loads, want 2", w.paper.mu.loads)
	}
}

func TestAFailedAppendDropsTheStateAndReplays(t *testing.T) {
	play(t, storyAFailedAppendDropsTheStateAndReplays)
}

func storyAFailedAppendDropsTheStateAndReplays(t *testing.T, w *world) {
	w.is(w.write("a", "1"), nil)
	waiting := w.wait()
	w.settle()
	w.paper.set(func() { w.paper.mu.refuse = errDisk })
	w.is(w.write("a", "2"), ErrUnavailable)
	w.is(waiting, ErrUnavailable)
	w.is(w.read("a"), said("1"))
	if w.paper.mu.loads != 2 {
		t.Fatalf("%d loads, want 2", w.paper.mu.loads)
	}
}

// wait parks an answer inside the machine.
func (w *world) wait() answer {
	a := make(answer, 1)
	w.runtime.Do(0, func(n *notes, _ Moment) Decision {
		n.waiting = append(n.waiting, func(err error) { a <- err })
		return Decision{}
	}, func(err error) { a <- err })
	return a
}

func TestALostAppendTellsTheContinuation(t *testing.T) { play(t, storyALostAppendTellsTheContinuation) }

func storyALostAppendTellsTheContinuation(t *testing.T, w *world) {
	// A decision that would go on after its records hears that they were lost.
	w.paper.set(func() { w.paper.mu.refuse = errDisk })
	lost := make(answer, 1)
	w.runtime.Do(0, func(*notes, Moment) Decision {
		return Decision{
			Records: []Record{{Key: []byte("a")}},
			Then:    func(Moment) Decision { t.Error("went on without its record"); return Decision{} },
			Lost:    func(err error) { lost <- err },
		}
	}, func(err error) { lost <- err })
	w.is(lost, ErrUnavailable)
}

func TestAFailedCommitDropsTheStateAndReplays(t *testing.T) {
	play(t, storyAFailedCommitDropsTheStateAndReplays)
}

func storyAFailedCommitDropsTheStateAndReplays(t *testing.T, w *world) {
	// The append was ordered, and then its outcome became unknown.
	w.paper.hold()
	write, read, waiting := w.write("a", "1"), w.read("a"), w.wait()
	w.settle()
	w.paper.set(func() { w.paper.mu.entries = nil }) // it did not survive
	w.paper.commit(errDisk)
	w.is(write, ErrUnavailable)
	w.is(read, ErrUnavailable)
	w.is(waiting, ErrUnavailable)
	w.is(w.read("a"), said(""))
}

func TestAnEarlierLifeIsNotHeard(t *testing.T) { play(t, storyAnEarlierLifeIsNotHeard) }

func storyAnEarlierLifeIsNotHeard(t *testing.T, w *world) {
	// What the journal says of an append of a machine that is gone neither sends
	// nor drops what the present one has under way.
	w.paper.hold()
	old := w.write("a", "1")
	w.settle()
	w.runtime.Unload(0)
	w.is(old, ErrNotOwner)
	write := w.write("b", "2")
	w.settle()
	w.paper.set(func() {
		early := w.paper.mu.pending[0]
		w.paper.mu.pending = w.paper.mu.pending[1:]
		early(errDisk)
	})
	w.settle()
	w.isOpen(write)
	w.paper.commit(nil)
	w.is(write, nil)
}

func TestAShardThatCannotLoadRefuses(t *testing.T) { play(t, storyAShardThatCannotLoadRefuses) }

func storyAShardThatCannotLoadRefuses(t *testing.T, w *world) {
	w.paper.set(func() { w.paper.mu.loadErr = errDisk })
	w.is(w.read("a"), ErrUnavailable)
	w.paper.set(func() {
		w.paper.mu.loadErr = nil
		w.paper.mu.entries = []Entry{{Record: Record{Key: []byte("unreadable")}}}
	})
	w.is(w.read("a"), ErrUnavailable)
	w.paper.set(func() { w.paper.mu.entries = nil })
	w.is(w.read("a"), said(""))
}

func TestEveryCallChecksTheOwner(t *testing.T) { play(t, storyEveryCallChecksTheOwner) }

func storyEveryCallChecksTheOwner(t *testing.T, w *world) {
	waiting := w.wait()
	w.settle()
	w.paper.set(func() { w.paper.mu.owner = ErrNotOwner })
	w.is(w.read("a"), ErrNotOwner)
	w.is(waiting, ErrNotOwner)
	w.paper.set(func() { w.paper.mu.owner = nil })
	w.is(w.read("a"), said(""))
}

func TestAFullQueueRefuses(t *testing.T) {
	play(t, storyAFullQueueRefuses, func(o *Options[*notes]) { o.QueueMax = 2 })
}

func storyAFullQueueRefuses(t *testing.T, w *world) {
	w.paper.loading = make(chan struct{})
	first := w.read("a")
	w.settle() // the shard has taken it and loads
	second, third := w.read("a"), w.read("a")
	w.is(w.read("a"), ErrLoading)
	close(w.paper.loading)
	w.is(first, said(""))
	w.is(second, said(""))
	w.is(third, said(""))

	// Answers that wait for the journal count as well.
	w.paper.hold()
	write, another := w.write("a", "1"), w.write("a", "2")
	w.settle()
	w.is(w.read("a"), ErrUnavailable)
	w.paper.commit(nil)
	w.is(write, nil)
	w.is(another, nil)
	w.is(w.read("a"), said("2"))
}

func TestTheMachineIsWokenByOneTimer(t *testing.T) { play(t, storyTheMachineIsWokenByOneTimer) }

func storyTheMachineIsWokenByOneTimer(t *testing.T, w *world) {
	rang := make(answer, 1)
	set := func(at time.Duration) {
		w.runtime.Do(0, func(n *notes, _ Moment) Decision {
			n.alarm, n.hasAlarm, n.rang = at, true, func() { rang <- nil }
			return Decision{}
		}, func(err error) { t.Error(err) })
		w.settle()
	}
	set(10 * time.Second)
	set(20 * time.Second) // later: the timer stays and finds out
	set(5 * time.Second)  // earlier: it is moved
	if n := w.clock.Pending(); n != 1 {
		t.Fatalf("%d timers, want 1", n)
	}
	w.clock.Advance(5*time.Second - 1)
	w.settle()
	w.isOpen(rang)
	w.clock.Advance(1)
	w.is(rang, nil)
	set(7 * time.Second)
	set(9 * time.Second)
	w.clock.Advance(3 * time.Second) // 8 s: the timer of 7 s was too early
	w.settle()
	w.isOpen(rang)
	w.clock.Advance(time.Second)
	w.is(rang, nil)
}

// A machine that always finds its next timer due is not the only one to be served.
func TestTimersLeaveRoomForCalls(t *testing.T) { play(t, storyTimersLeaveRoomForCalls) }

func storyTimersLeaveRoomForCalls(t *testing.T, w *world) {
	const ringsMax = 1000
	rings, ringsBefore := 0, 0
	var a answer
	w.runtime.Do(0, func(n *notes, now Moment) Decision {
		n.alarm, n.hasAlarm = now.Elapsed, true
		n.rang = func() {
			if rings++; rings == 1 {
				a = w.read("a")
			}
			if len(a) == 0 {
				ringsBefore = rings
			}
			n.alarm, n.hasAlarm = w.clock.Monotonic()+time.Millisecond, rings < ringsMax
			w.clock.Advance(2 * time.Millisecond) // that is how long it took
		}
		return Decision{}
	}, func(err error) { t.Error(err) })
	w.settle()
	w.is(a, said(""))
	if rings != ringsMax || ringsBefore > 2 {
		t.Errorf("answered after %d of %d alarms", ringsBefore, rings)
	}
}

func TestAnAnswerDoesNotWaitForEver(t *testing.T) {
	play(t, storyAnAnswerDoesNotWaitForEver, func(o *Options[*notes]) { o.CommitTimeout = time.Second })
}

func storyAnAnswerDoesNotWaitForEver(t *testing.T, w *world) {
	// offsets.commit.timeout.ms: the write goes on, but its client is told.
	w.paper.hold()
	early := w.write("a", "1")
	w.settle()
	w.clock.Advance(500 * time.Millisecond)
	late := w.write("a", "2")
	w.settle()
	w.clock.Advance(500 * time.Millisecond)
	w.is(early, ErrUnavailable)
	w.isOpen(late)
	w.paper.commit(nil)
	w.is(late, nil)
	w.is(w.read("a"), said("2"))
}

func TestCloseAnswersEveryone(t *testing.T) { play(t, storyCloseAnswersEveryone) }

func storyCloseAnswersEveryone(t *testing.T, w *world) {
	w.paper.hold()
	write, waiting := w.write("a", "1"), w.wait()
	w.settle()
	w.runtime.Close()
	w.is(write, ErrUnavailable)
	w.is(waiting, ErrUnavailable)
	w.is(w.read("a"), ErrUnavailable)
	w.paper.commit(nil) // the journal may still speak
}

func TestNothingStartsBeforeTheFirstCall(t *testing.T) {
	New(Options[*notes]{Shards: 50, Clock: clock.Real()}).Close()
}
