package txn

import (
	"testing"
	"testing/synctest"
)

// decided ends a transaction and returns what is left to do for its caller. It runs in
// a bubble of synctest.
func decided(t *testing.T, h *house) (work func()) {
	t.Helper()
	p := h.init(t, "a")
	if err := h.add("a", p); err != nil {
		t.Fatal(err)
	}
	synctest.Wait() // until the shard is idle
	in := EndInput{TransactionalID: "a", Producer: p, Commit: true, Version: 2, Alone: true, Afterwards: func(f func()) { work = f }}
	answered := false
	h.End(in, func(out EndOutput) { answered = out.Err == nil })
	if !answered || work == nil {
		t.Fatalf("answered: %v, something is left to do: %v", answered, work != nil)
	}
	return work
}

func (h *house) stateOf(id string) State { return wait(h.Describe, id).State }

// The one who ends a transaction writes its markers, and has ended it when that returns.
func TestTheCallerWritesTheMarkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(newShelf())
		defer h.Close()
		work := decided(t, h)
		if state := h.stateOf("a"); state != PrepareCommit {
			t.Errorf("before, the transaction is %s", state)
		}
		work()
		if state := h.stateOf("a"); state != CompleteCommit {
			t.Errorf("afterwards, the transaction is %s", state)
		}
		if len(h.jobs.mu.jobs) > 0 || len(h.jobs.mu.claims) > 0 {
			t.Errorf("%d jobs and %d claims are left", len(h.jobs.mu.jobs), len(h.jobs.mu.claims))
		}
	})
}

// Markers that the caller could not write, and those whose commit takes long, go on
// without it.
func TestMarkersGoOnWithoutTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(newShelf())
		defer h.Close()
		tries := 0
		var committed func([]TopicPartition)
		write := func(m Markers, done func([]TopicPartition)) {
			if tries++; tries == 1 {
				done(m.Partitions)
				return
			}
			committed = done
		}
		h.write.Store(&write)
		decided(t, h)()
		h.clock.Advance(markersRetryFirst)
		synctest.Wait()
		if committed == nil {
			t.Fatal("nobody tries again")
		}
		committed(nil)
		if state := h.stateOf("a"); state != CompleteCommit {
			t.Errorf("the transaction is %s", state)
		}
	})
}

// A caller that is held up, by a client that does not read its answer, loses the job.
func TestMarkersOfACallerThatIsHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(newShelf())
		defer h.Close()
		written := 0
		write := func(_ Markers, done func([]TopicPartition)) { written++; done(nil) }
		h.write.Store(&write)
		work := decided(t, h)
		h.clock.Advance(markersPatience)
		synctest.Wait()
		if state := h.stateOf("a"); state != CompleteCommit {
			t.Errorf("the transaction is %s", state)
		}
		if work(); written != 1 {
			t.Errorf("the markers are written %d times", written)
		}
	})
}

// Two callers at once: one of them has the markers.
func TestASecondCallerHasNoClaim(t *testing.T) {
	h := newHouse(newShelf())
	defer h.Close()
	first := h.jobs.claim("a")
	if h.jobs.claim("a") != nil {
		t.Error("two claims for one id")
	}
	if job := h.jobs.release(first); job != nil {
		t.Errorf("a job of nothing: %+v", job)
	}
	if h.jobs.claim("a") == nil {
		t.Error("a claim that has ended still counts")
	}
}

// What many partitions take is not the caller's to wait for.
func TestManyMarkersAreForAWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(newShelf())
		defer h.Close()
		p := h.init(t, "a")
		parts := make([]TopicPartition, claimedPartitionsMax+1)
		for i := range parts {
			parts[i] = TopicPartition{Topic: "t", Partition: int32(i)}
		}
		if err := wait(h.AddPartitions, AddInput{TransactionalID: "a", Producer: p, Partitions: parts, Version: 2}).First(); err != nil {
			t.Fatal(err)
		}
		in := EndInput{TransactionalID: "a", Producer: p, Version: 2, Alone: true, Afterwards: func(func()) { t.Error("the caller is to write them") }}
		if out := wait(h.End, in); out.Err != nil {
			t.Fatal(out.Err)
		}
		synctest.Wait()
		if state := h.stateOf("a"); state != CompleteAbort {
			t.Errorf("the transaction is %s", state)
		}
	})
}
