package txn

import (
	"sync"
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
	}
}

// markerJob is one decision's markers.
type markerJob struct {
	shard   int32
	markers Markers // Partitions are those that are left
	pause   time.Duration
	// written is called once, when no partition is left.
	written func()
	next    *markerJob // of a later life of the shard
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
	j.workers.do(func() { j.run(job) })
}

func (j *markerJobs) run(job *markerJob) {
	if j.isClosed() {
		return // they are written after the next start
	}
	j.write(job.shard, job.markers, func(left []TopicPartition) {
		if len(left) == 0 {
			job.written()
			j.finish(job)
			return
		}
		job.markers.Partitions = left
		job.pause = min(max(2*job.pause, markersRetryFirst), markersRetryMax)
		j.clock.AfterFunc(job.pause, func() { j.workers.do(func() { j.run(job) }) })
	})
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
// coordinator stops.
func (c *Coordinator) insist(shard int32, decide func(*Machine, coordinator.Moment) coordinator.Decision) {
	c.runtime.Do(shard, decide, func(err error) {
		if err == coordinator.ErrNotOwner || c.jobs.isClosed() {
			return
		}
		c.clock.AfterFunc(shardRetry, func() {
			if !c.jobs.isClosed() {
				c.insist(shard, decide)
			}
		})
	})
}
