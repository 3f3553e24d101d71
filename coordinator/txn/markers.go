package txn

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/internal/clock"
)

// Pauses before markers that could not be written are tried again, each twice the
// one before.
const (
	markersRetryFirst = 100 * time.Millisecond
	markersRetryMax   = 10 * time.Second
)

// markerJobs write the markers of decided transactions: for each transactional id one
// at a time, so that markers of an earlier life of a shard never come after those of
// a later one, and with them into the next transaction.
type markerJobs struct {
	clock   clock.Clock
	workers *workers
	write   func(shard int32, m Markers, done func(left []TopicPartition))

	mu struct {
		sync.Mutex
		closed bool
		jobs   map[string]*markerJob
		claims map[string]*claim
	}
}

// claim says that somebody is about to decide a transaction and will run its job, on a
// goroutine that has nothing else to do: that spares the change to a worker, and back
// to the shard's goroutine.
type claim struct {
	id  string
	job *markerJob // of a decision made meanwhile
}

// markerJob is one decision's markers.
type markerJob struct {
	shard   int32
	markers Markers // Partitions are those that are left
	pause   time.Duration
	// written is called once, when no partition is left; here says that it is on the
	// goroutine that runs the job, which may do the work of an idle shard.
	written func(here bool)
	next    *markerJob // of a later life of the shard
	// isClaimed: nobody runs it yet, since the owner of a claim will. Guarded by mu.
	isClaimed bool
}

func (j *markerJobs) start(job *markerJob) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.mu.closed {
		return
	}
	if running := j.mu.jobs[job.markers.TransactionalID]; running != nil {
		running.next = job // a job that waited is of a life that is gone
		return
	}
	if j.mu.jobs == nil {
		j.mu.jobs = map[string]*markerJob{}
	}
	j.mu.jobs[job.markers.TransactionalID] = job
	if c := j.mu.claims[job.markers.TransactionalID]; c != nil && len(job.markers.Partitions) <= claimedPartitionsMax {
		c.job, job.isClaimed = job, true
		return
	}
	j.workers.do(func() { j.run(job) })
}

// claimedPartitionsMax bounds what a connection does for its last request while the
// next one may be waiting: some hundred microseconds.
const claimedPartitionsMax = 64

// claim is nil when somebody else has one for the id.
func (j *markerJobs) claim(id string) *claim {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.mu.claims[id] != nil {
		return nil
	}
	if j.mu.claims == nil {
		j.mu.claims = map[string]*claim{}
	}
	c := &claim{id: id}
	j.mu.claims[id] = c
	return c
}

// release ends a claim and gives the job that its owner has to run; nil is none.
func (j *markerJobs) release(c *claim) *markerJob {
	if c == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.mu.claims, c.id)
	return c.job
}

// runClaimed runs the job of a claim, unless it was taken over.
func (j *markerJobs) runClaimed(job *markerJob) {
	if j.take(job) {
		j.run(job)
	}
}

func (j *markerJobs) take(job *markerJob) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	was := job.isClaimed
	job.isClaimed = false
	return was
}

// hurry has a worker take over a claimed job: its owner may be held up by a client
// that does not read its answer.
func (j *markerJobs) hurry(id string) {
	j.mu.Lock()
	job := j.mu.jobs[id]
	j.mu.Unlock()
	if job != nil && j.take(job) {
		j.workers.do(func() { j.run(job) })
	}
}

func (j *markerJobs) run(job *markerJob) {
	if j.isClosed() {
		return // they are written after the next start
	}
	// The answer may come before write returns, from here or elsewhere. Whoever is
	// second of the two goes on with it.
	var first atomic.Bool
	var rest []TopicPartition
	j.write(job.shard, job.markers, func(left []TopicPartition) {
		rest = left
		if !first.CompareAndSwap(false, true) {
			j.goOn(job, left, false)
		}
	})
	if !first.CompareAndSwap(false, true) {
		j.goOn(job, rest, true)
	}
}

// goOn ends a job, or has it run again for the partitions that are left.
func (j *markerJobs) goOn(job *markerJob, left []TopicPartition, here bool) {
	if len(left) == 0 {
		job.written(here)
		j.finish(job)
		return
	}
	job.markers.Partitions = left
	job.pause = min(max(2*job.pause, markersRetryFirst), markersRetryMax)
	j.clock.AfterFunc(job.pause, func() { j.workers.do(func() { j.run(job) }) })
}

func (j *markerJobs) isClosed() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.mu.closed
}

// finish lets the next job of the id begin.
func (j *markerJobs) finish(job *markerJob) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.mu.jobs, job.markers.TransactionalID)
	if next := job.next; next != nil && !j.mu.closed {
		j.mu.jobs[next.markers.TransactionalID] = next
		j.workers.do(func() { j.run(next) })
	}
}

func (j *markerJobs) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.mu.closed = true
}

// shardRetry is the pause before a shard is called again that could not take what it
// must hear.
const shardRetry = time.Second

// insist has a shard decide, however busy it is, unless it is another node's or the
// coordinator stops. With here it may do so on this goroutine.
func (c *Coordinator) insist(here bool, shard int32, decide func(*Machine, coordinator.Moment) coordinator.Decision) {
	c.doer(here)(shard, decide, func(err error) {
		if err == coordinator.ErrNotOwner || c.jobs.isClosed() {
			return
		}
		c.clock.AfterFunc(shardRetry, func() {
			if !c.jobs.isClosed() {
				c.insist(false, shard, decide)
			}
		})
	})
}
