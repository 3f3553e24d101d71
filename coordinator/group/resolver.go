package group

import "sync"

// resolver answers queries about patterns one after the other, on a goroutine of
// its own that lives as long as there are any.
type resolver struct {
	answer func(PatternAnswer)

	mu struct {
		sync.Mutex
		closed, running bool
		// queries has one at most of each group, the newest.
		queries []PatternQuery
	}
	done sync.WaitGroup // one count for the goroutine
}

// ask takes a query, in place of one of the same group that has not begun.
func (r *resolver) ask(q PatternQuery) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mu.closed {
		return
	}
	for i := range r.mu.queries {
		if r.mu.queries[i].GroupID == q.GroupID {
			r.mu.queries[i] = q
			return
		}
	}
	r.mu.queries = append(r.mu.queries, q)
	if !r.mu.running {
		r.mu.running = true
		r.done.Go(r.run)
	}
}

func (r *resolver) run() {
	for {
		q, ok := r.next()
		if !ok {
			return
		}
		if a, ok := q.Resolve(r.isClosed); ok {
			r.answer(a)
		}
	}
}

func (r *resolver) next() (q PatternQuery, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mu.closed || len(r.mu.queries) == 0 {
		r.mu.running = false
		return q, false
	}
	q = r.mu.queries[0]
	r.mu.queries = r.mu.queries[1:]
	return q, true
}

func (r *resolver) isClosed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mu.closed
}

// close drops what has not begun and waits for the name that is being compared.
func (r *resolver) close() {
	r.mu.Lock()
	r.mu.closed = true
	r.mu.Unlock()
	r.done.Wait()
}
