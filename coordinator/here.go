package coordinator

// tryTurn takes the turn of a shard that is idle: it has a machine, nobody is at
// it, and nothing waits that came before.
func (s *shard[M]) tryTurn() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := &s.mu.events
	if s.mu.closed || s.mu.busy || !s.mu.ready || len(s.mu.queue) > 0 || e.unload || s.mu.waiting >= s.rt.options.QueueMax {
		return false
	}
	s.mu.busy = true
	return true
}

// runHere does what a turn of the goroutine does, for one call.
func (s *shard[M]) runHere(t task[M]) {
	defer s.endTurn()
	now := s.now()
	s.runDue(now)
	if !s.loaded {
		// A timer's record could not be appended. Loading is for the goroutine, which
		// nobody waits for.
		if err := s.enqueue(t); err != nil {
			t.refuse(err)
		}
		return
	}
	if err := s.prepare(); err != nil {
		t.refuse(err)
		return
	}
	s.step(t.decide, now)
	s.runDue(now)
	s.flush()
	s.takeCommits(s.currentEvents())
	s.arm(now)
}
