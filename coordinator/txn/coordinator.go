package txn

import (
	"log/slog"
	"sync"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Options are what a Coordinator needs.
type Options struct {
	Config  Config
	Journal coordinator.Journal
	Clock   clock.Clock
	// Shards is the number of partitions of __transaction_state.
	Shards int32
	// NewProducerID gives a producer id that nobody has. It may block.
	NewProducerID func() (protocol.ProducerID, error)
	// QueueMax bounds the calls that wait in one shard; 0 means the default.
	QueueMax int
	// WriteMarkers ends a transaction in its partitions, and tells which of them are
	// to be tried again. It may block.
	WriteMarkers func(shard int32, m Markers, done func(left []TopicPartition))
	Log          *slog.Logger
}

// Coordinator serves all transactional ids of this broker. A reply is called once,
// from any goroutine, also before the method returns, and must not block. Errors in
// replies are Kafka's or those of package coordinator.
type Coordinator struct {
	runtime       *coordinator.Runtime[*Machine]
	newProducerID func() (protocol.ProducerID, error)
	clock         clock.Clock
	jobs          markerJobs
	markers, ids  workers // ids are fetched one after the other
	log           *slog.Logger
}

// New makes a coordinator. It starts nothing before the first call.
func New(o Options) *Coordinator {
	c := &Coordinator{newProducerID: o.NewProducerID, clock: o.Clock, log: o.Log}
	c.markers.max, c.ids.max = markerWorkers, 1
	c.jobs.clock, c.jobs.workers, c.jobs.write = o.Clock, &c.markers, o.WriteMarkers
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.runtime = coordinator.New(coordinator.Options[*Machine]{
		Name:       "transaction",
		Shards:     o.Shards,
		Journal:    o.Journal,
		Clock:      o.Clock,
		QueueMax:   o.QueueMax,
		Log:        o.Log,
		NewMachine: func(shard int32) *Machine { return c.newMachine(shard, o.Config) },
	})
	return c
}

// newMachine is one life of a shard. What is done for it is of no interest to later
// ones, which ask for what they need.
func (c *Coordinator) newMachine(shard int32, config Config) *Machine {
	var m *Machine
	tell := func(here bool, decide func(now coordinator.Moment) coordinator.Decision) {
		c.insist(here, shard, func(present *Machine, now coordinator.Moment) coordinator.Decision {
			if present != m {
				return coordinator.Decision{}
			}
			return decide(now)
		})
	}
	m = NewMachine(config, Hooks{
		WriteMarkers: func(work Markers) {
			c.jobs.start(&markerJob{shard: shard, markers: work, written: func(here bool) {
				tell(here, func(now coordinator.Moment) coordinator.Decision { return m.MarkersWritten(now, work) })
			}})
		},
		HurryMarkers: c.jobs.hurry,
		NeedID: func(id string, p coordinator.Producer) {
			c.ids.do(func() {
				newID, err := c.newProducerID()
				if err != nil {
					c.log.Warn("A transaction that ran out of time waits for a producer id.", "transactional.id", id, "error", err)
					newID = protocol.None
				}
				tell(false, func(now coordinator.Moment) coordinator.Decision { return m.TimedOut(now, id, p, newID) })
			})
		},
		Abandoned: func(err error) {
			if err != coordinator.ErrNotOwner { // its timers and markers go on in the next life
				c.clock.AfterFunc(shardRetry, func() { c.Wake([]int32{shard}) })
			}
		},
	})
	return m
}

// Close answers everyone who waits and ends all goroutines.
func (c *Coordinator) Close() {
	c.jobs.close()
	c.runtime.Close()
	c.markers.close()
	c.ids.close()
}

// Unload forgets a shard whose partition is not ours any more.
func (c *Coordinator) Unload(shard int32) { c.runtime.Unload(shard) }

// ShardOf is the partition of __transaction_state that holds a transactional id.
func (c *Coordinator) ShardOf(transactionalID string) int32 {
	return coordinator.ShardOf(transactionalID, c.runtime.Shards())
}

// Wake loads the shards that have records, so that what a crash left is finished
// and open transactions time out although nobody asks for them.
func (c *Coordinator) Wake(shards []int32) {
	for _, shard := range shards {
		if !c.jobs.isClosed() {
			c.insist(false, shard, func(*Machine, coordinator.Moment) coordinator.Decision { return coordinator.Decision{} })
		}
	}
}

// InitProducerID gives a transactional id to a producer.
func (c *Coordinator) InitProducerID(in InitInput, reply func(InitOutput)) {
	call := func(id protocol.ProducerID, reply func(InitOutput)) {
		in.NewID = id
		c.initProducerID(in, reply)
	}
	call(protocol.None, func(out InitOutput) {
		if !out.NeedID {
			reply(out)
			return
		}
		withID(c, call, reply, func(err error) InitOutput { return InitOutput{Err: err} })
	})
}

func (c *Coordinator) initProducerID(in InitInput, reply func(InitOutput)) {
	c.runtime.Do(c.ShardOf(in.TransactionalID),
		func(m *Machine, now coordinator.Moment) coordinator.Decision { return m.InitProducerID(now, in, reply) },
		func(err error) { reply(InitOutput{Err: err}) })
}

// withID makes a call with a producer id, which is fetched apart from the shard: that
// must not wait for it.
func withID[O any](c *Coordinator, call func(protocol.ProducerID, func(O)), reply func(O), failed func(error) O) {
	fetch := func() {
		id, err := c.newProducerID()
		if err != nil {
			reply(failed(err))
			return
		}
		call(id, reply)
	}
	if !c.ids.do(fetch) {
		reply(failed(coordinator.ErrUnavailable))
	}
}

// doer runs an input on its shard, or here when the shard is idle.
func (c *Coordinator) doer(here bool) func(int32, func(*Machine, coordinator.Moment) coordinator.Decision, func(error)) {
	if here {
		return c.runtime.DoHere
	}
	return c.runtime.Do
}

// AddPartitions adds partitions to a transaction, or tells whether they are in it.
func (c *Coordinator) AddPartitions(in AddInput, reply func(AddOutput)) {
	c.doer(in.Alone || in.VerifyOnly)(c.ShardOf(in.TransactionalID),
		func(m *Machine, now coordinator.Moment) coordinator.Decision { return m.AddPartitions(now, in, reply) },
		func(err error) { reply(AddOutput{Err: err}) })
}

// End commits or aborts a transaction. The markers follow after the reply.
func (c *Coordinator) End(in EndInput, reply func(EndOutput)) {
	if in.Afterwards == nil {
		c.tryEnd(in, reply)
		return
	}
	claim := c.jobs.claim(in.TransactionalID)
	c.tryEnd(in, reply)
	if job := c.jobs.release(claim); job != nil {
		in.Afterwards(func() { c.jobs.runClaimed(job) })
	}
}

// tryEnd makes a second attempt with a producer id when one is needed.
func (c *Coordinator) tryEnd(in EndInput, reply func(EndOutput)) {
	call := func(id protocol.ProducerID, reply func(EndOutput)) {
		in.NewID = id
		c.end(in, reply)
	}
	call(protocol.None, func(out EndOutput) {
		if !out.NeedID {
			reply(out)
			return
		}
		withID(c, call, reply, func(err error) EndOutput { return EndOutput{Err: err} })
	})
}

func (c *Coordinator) end(in EndInput, reply func(EndOutput)) {
	c.doer(in.Alone)(c.ShardOf(in.TransactionalID),
		func(m *Machine, now coordinator.Moment) coordinator.Decision { return m.End(now, in, reply) },
		func(err error) { reply(EndOutput{Err: err}) })
}

// Describe shows a transaction.
func (c *Coordinator) Describe(transactionalID string, reply func(Description)) {
	c.runtime.Do(c.ShardOf(transactionalID),
		func(m *Machine, now coordinator.Moment) coordinator.Decision {
			return m.Describe(now, transactionalID, reply)
		},
		func(err error) { reply(Description{TransactionalID: transactionalID, Err: err}) })
}

// List shows the transactional ids of all shards. The error is that of the first
// shard that could not answer; shards of other brokers are left out.
func (c *Coordinator) List(in ListInput, reply func(ListOutput)) {
	shards := c.runtime.Shards()
	parts := make([]ListOutput, shards)
	pending := coordinator.NewCountdown(int(shards), func() { reply(joinListings(parts)) })
	for shard := range shards {
		put := func(out ListOutput) {
			parts[shard] = out
			pending.Done()
		}
		c.runtime.Do(shard,
			func(m *Machine, now coordinator.Moment) coordinator.Decision { return m.List(now, in, put) },
			func(err error) { put(ListOutput{Err: err}) })
	}
}

func joinListings(parts []ListOutput) ListOutput {
	var all ListOutput
	for _, part := range parts {
		if part.Err == coordinator.ErrNotOwner {
			continue
		}
		if part.Err != nil {
			return ListOutput{Err: part.Err}
		}
		all.UnknownStates = part.UnknownStates // the same of every shard
		all.Transactions = append(all.Transactions, part.Transactions...)
	}
	return all
}

// markerWorkers bounds the goroutines that write markers.
const markerWorkers = 16

// workers do in the background what a shard must not wait for.
type workers struct {
	max int

	mu struct {
		sync.Mutex
		queue   []func()
		running int
		closed  bool
	}
	done sync.WaitGroup
}

// do runs f soon; false after close. What waits is bounded by the shards: one piece
// of work for each transaction.
func (w *workers) do(f func()) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mu.closed {
		return false
	}
	w.mu.queue = append(w.mu.queue, f)
	if w.mu.running < w.max {
		w.mu.running++
		w.done.Go(w.run)
	}
	return true
}

func (w *workers) run() {
	for {
		w.mu.Lock()
		if len(w.mu.queue) == 0 {
			w.mu.running--
			w.mu.Unlock()
			return
		}
		f := w.mu.queue[0]
		w.mu.queue[0] = nil
		w.mu.queue = w.mu.queue[1:]
		w.mu.Unlock()
		f()
	}
}

// close finishes what was asked for.
func (w *workers) close() {
	w.mu.Lock()
	w.mu.closed = true
	w.mu.Unlock()
	w.done.Wait()
}
