package coordinator

import (
	"log/slog"
	"sync"
	"time"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/invariant"
)

// DefaultQueueMax is how many calls may wait in one shard. A shard serves some
// hundred thousand calls per second, so that a full queue is a fraction of a
// second of work, well below any session timeout.
const DefaultQueueMax = 10_000

// DefaultCommitTimeout is Kafka's default of offsets.commit.timeout.ms.
const DefaultCommitTimeout = 5 * time.Second

// Options are what a Runtime needs.
type Options[M Machine] struct {
	// Name says in the log which coordinator this is.
	Name    string
	Shards  int32
	Journal Journal
	Clock   clock.Clock
	// NewMachine makes the empty state of a shard.
	NewMachine func(shard int32) M
	// CommitTimeout bounds how long an answer waits for the journal; 0 means
	// DefaultCommitTimeout (offsets.commit.timeout.ms).
	CommitTimeout time.Duration
	// QueueMax bounds the calls that wait in one shard; 0 means DefaultQueueMax.
	QueueMax int
	Log      *slog.Logger
}

// Runtime runs the shards of one coordinator.
type Runtime[M Machine] struct {
	options Options[M]
	shards  []*shard[M]
	done    sync.WaitGroup // one count per started shard
}

// New makes a runtime. No goroutine starts before the first call.
func New[M Machine](o Options[M]) *Runtime[M] {
	invariant.Check(o.Shards > 0, "a coordinator with %d shards", o.Shards)
	if o.QueueMax <= 0 {
		o.QueueMax = DefaultQueueMax
	}
	if o.CommitTimeout <= 0 {
		o.CommitTimeout = DefaultCommitTimeout
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	rt := &Runtime[M]{options: o, shards: make([]*shard[M], o.Shards)}
	for i := range rt.shards {
		rt.shards[i] = newShard(rt, int32(i))
	}
	return rt
}

// Shards is the number of shards.
func (rt *Runtime[M]) Shards() int32 { return rt.options.Shards }

// Do runs decide on the machine of a shard, on the shard's goroutine. When the
// call cannot be served, refuse is called instead, from any goroutine, also
// before Do returns. Neither may block.
func (rt *Runtime[M]) Do(shard int32, decide func(M, Moment) Decision, refuse func(error)) {
	s := rt.shards[shard]
	if err := s.enqueue(task[M]{decide: decide, refuse: refuse}); err != nil {
		refuse(err)
	}
}

// DoHere is Do for a caller that would only wait for the answer: if the shard is
// idle, decide runs on the caller's goroutine, which spares two changes of
// goroutine and may take as long as an append to the journal.
func (rt *Runtime[M]) DoHere(shard int32, decide func(M, Moment) Decision, refuse func(error)) {
	s := rt.shards[shard]
	t := task[M]{decide: decide, refuse: refuse}
	if s.tryTurn() {
		s.runHere(t)
		return
	}
	if err := s.enqueue(t); err != nil {
		refuse(err)
	}
}

// IsInUse tells whether a shard has its machine, or is at loading it: a call does not
// make it load then.
func (rt *Runtime[M]) IsInUse(shard int32) bool {
	s := rt.shards[shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.ready || s.mu.busy
}

// Unload makes a shard forget its machine, as when its journal went to another
// node or was deleted. Whoever waits in it is answered with ErrNotOwner. The
// next call loads it again.
func (rt *Runtime[M]) Unload(shard int32) {
	rt.shards[shard].signalUnload()
}

// Close answers everyone who waits with ErrUnavailable and ends the shards'
// goroutines. Later calls are refused.
func (rt *Runtime[M]) Close() {
	for _, s := range rt.shards {
		s.close()
	}
	rt.done.Wait()
}

// start runs the goroutine of a shard; Close ends it.
func (rt *Runtime[M]) start(s *shard[M]) {
	rt.done.Go(s.run)
}
