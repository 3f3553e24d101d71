package share

import (
	"log/slog"
	"sync"
	"time"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Options are what a Coordinator needs.
type Options struct {
	Config  Config
	Journal coordinator.Journal
	Clock   clock.Clock
	// Shards is the number of partitions of __share_group_state.
	Shards int32
	// CommitTimeout is share.coordinator.write.timeout.ms.
	CommitTimeout time.Duration
	// QueueMax bounds the calls that wait in one shard; 0 means the default.
	QueueMax int
	// IsReady tells whether the journal's topic exists. It must be cheap. Prepare makes
	// it; it may block.
	IsReady func() bool
	Prepare func() error
	Log     *slog.Logger
}

// Coordinator keeps the state of all share partitions of this broker. A reply is
// called once, from any goroutine, also before the method returns, and must not block.
// Errors are Kafka's or those of package coordinator, which callers may try again.
// No method blocks.
type Coordinator struct {
	runtime *coordinator.Runtime[*Machine]
	options Options

	mu struct {
		sync.Mutex
		preparing bool
		waiting   []call // for the topic
		closed    bool
	}
	prepared sync.WaitGroup // the goroutine that makes the topic
}

// call is one that waits for the topic.
type call struct {
	shard  int32
	decide func(*Machine, coordinator.Moment) coordinator.Decision
	refuse func(error)
}

// New makes a coordinator. It starts nothing before the first call.
func New(o Options) *Coordinator {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.QueueMax <= 0 {
		o.QueueMax = coordinator.DefaultQueueMax
	}
	return &Coordinator{options: o, runtime: coordinator.New(coordinator.Options[*Machine]{
		Name: "share", Shards: o.Shards, Journal: o.Journal, Clock: o.Clock,
		CommitTimeout: o.CommitTimeout, QueueMax: o.QueueMax, Log: o.Log,
		NewMachine: func(int32) *Machine { return NewMachine(o.Config) },
	})}
}

// Close answers everyone who waits and ends all goroutines.
func (c *Coordinator) Close() {
	c.mu.Lock()
	c.mu.closed = true
	c.mu.Unlock()
	c.prepared.Wait()
	c.runtime.Close()
}

// Initialize begins a life of a share partition. FENCED_STATE_EPOCH: a later one has
// begun. UNKNOWN_TOPIC_OR_PARTITION, INVALID_REQUEST: there can be none.
func (c *Coordinator) Initialize(in InitializeInput, reply func(error)) {
	c.do(in.Key, func(m *Machine, now coordinator.Moment) coordinator.Decision { return m.Initialize(now, in, reply) }, reply)
}

// Summary tells where a share partition stands. One that was never initialized is no
// error, see Summary.
func (c *Coordinator) Summary(k Key, reply func(Summary)) {
	c.do(k, func(m *Machine, _ coordinator.Moment) coordinator.Decision { return m.Summary(k, reply) },
		func(err error) { reply(Summary{Err: err}) })
}

// Delete forgets a share partition. One that is not there is success.
func (c *Coordinator) Delete(k Key, reply func(error)) {
	c.do(k, func(m *Machine, _ coordinator.Moment) coordinator.Decision { return m.Delete(k, reply) }, reply)
}

// Read gives the state to the leader of the partition. INVALID_REQUEST: nobody has
// initialized it. FENCED_LEADER_EPOCH: another leader has read it.
func (c *Coordinator) Read(in ReadInput, reply func(ReadOutput)) {
	c.do(in.Key, func(m *Machine, now coordinator.Moment) coordinator.Decision { return m.Read(now, in, reply) },
		func(err error) { reply(ReadOutput{Err: err}) })
}

// Write changes the state of records; errors as Read's, and FENCED_STATE_EPOCH when
// another life has begun.
func (c *Coordinator) Write(in WriteInput, reply func(error)) {
	c.do(in.Key, func(m *Machine, now coordinator.Moment) coordinator.Decision { return m.Write(now, in, reply) }, reply)
}

// DeleteTopics forgets the share partitions of topics that were deleted.
func (c *Coordinator) DeleteTopics(ids []protocol.UUID, reply func(error)) {
	gone := make(map[protocol.UUID]bool, len(ids))
	for _, id := range ids {
		gone[id] = true
	}
	c.runtime.Everywhere(func(m *Machine, _ coordinator.Moment, done func(error)) coordinator.Decision {
		return m.DeleteTopics(gone, done)
	}, reply)
}

// Prune has each shard that is in use renew old snapshots, and tells below which offset
// its journal is not needed any more. below is called from the shards' goroutines.
func (c *Coordinator) Prune(shards []int32, below func(shard int32, offset protocol.Offset)) {
	for _, shard := range shards {
		c.runtime.Do(shard, func(m *Machine, now coordinator.Moment) coordinator.Decision {
			return m.Prune(now, func(offset protocol.Offset, err error) {
				if err == nil {
					below(shard, offset)
				}
			})
		}, func(error) {}) // the next time will do
	}
}

// do runs a call on its shard, after the topic was made if need be.
func (c *Coordinator) do(k Key, decide func(*Machine, coordinator.Moment) coordinator.Decision, refuse func(error)) {
	shard := coordinator.ShardOf(k.String(), c.runtime.Shards())
	if c.options.IsReady() || c.await(call{shard, decide, refuse}) {
		c.runtime.Do(shard, decide, refuse)
	}
}

// await keeps a call until the topic is there; true when it need not.
func (c *Coordinator) await(one call) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.closed || len(c.mu.waiting) >= c.options.QueueMax {
		return true // refused by the runtime, whose journal has no partition
	}
	c.mu.waiting = append(c.mu.waiting, one)
	if !c.mu.preparing {
		c.mu.preparing = true
		c.prepared.Go(c.prepare)
	}
	return false
}

// prepare makes the topic and lets go on who waits for it.
func (c *Coordinator) prepare() {
	err := c.options.Prepare()
	if err != nil {
		c.options.Log.Warn("The topic of share groups' state could not be created.", "error", err)
	}
	c.mu.Lock()
	waiting := c.mu.waiting
	c.mu.waiting, c.mu.preparing = nil, false
	c.mu.Unlock()
	for _, one := range waiting {
		if err != nil {
			one.refuse(coordinator.ErrUnavailable)
			continue
		}
		c.runtime.Do(one.shard, one.decide, one.refuse)
	}
}
