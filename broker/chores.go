package broker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/protocol"
)

// chores are the jobs that come round: retention, checkpoints. Each runs on its
// own timer, never twice at once.
type chores struct {
	clock clock.Clock
	mu    struct {
		sync.Mutex
		stopped bool
		timers  []clock.Timer
	}
	running sync.WaitGroup
	// ctx ends when the chores are stopped; a job that may take long heeds it.
	ctx     context.Context
	stopped context.CancelFunc
}

func newChores(clk clock.Clock) *chores {
	c := &chores{clock: clk}
	c.ctx, c.stopped = context.WithCancel(context.Background())
	return c
}

// every runs job after first and then every interval, which is asked each time.
func (c *chores) every(first time.Duration, interval func() time.Duration, job func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := len(c.mu.timers)
	c.mu.timers = append(c.mu.timers, nil)
	c.mu.timers[at] = c.clock.AfterFunc(first, func() {
		if !c.begin() {
			return
		}
		defer c.running.Done()
		job()
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.mu.stopped {
			c.mu.timers[at].Reset(interval())
		}
	})
}

// once runs job a moment after the start, so that it takes nothing from it.
func (c *chores) once(job func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.timers = append(c.mu.timers, c.clock.AfterFunc(afterStart, func() {
		if c.begin() {
			defer c.running.Done()
			job()
		}
	}))
}

// afterStart is well above the time that a start takes and well below the one in
// which anybody counts on what was put off.
const afterStart = 100 * time.Millisecond

// replayAgain is when a replay is tried again that could not be finished: a full disk
// or a damaged partition needs somebody's time. Without anything left it costs nothing.
const replayAgain = time.Minute

func (c *chores) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.stopped {
		return false
	}
	c.running.Add(1)
	return true
}

// stop ends the timers and waits for jobs under way.
func (c *chores) stop() {
	c.mu.Lock()
	c.mu.stopped = true
	c.stopped()
	for _, t := range c.mu.timers {
		t.Stop()
	}
	c.mu.Unlock()
	c.running.Wait()
}

// startChores sets up what this broker does by itself.
func (b *Broker) startChores() {
	b.chores = newChores(b.opts.Clock)
	s := b.settings.Load()
	b.chores.once(b.logs.KeepRoom)
	b.chores.every(afterStart, func() time.Duration { return replayAgain }, func() {
		if err := b.logs.Replay(b.chores.ctx); err != nil && b.chores.ctx.Err() == nil {
			b.opts.Log.Error("the write-ahead log of an earlier crash stays until it can be replayed", "error", err)
		}
	})
	b.chores.once(func() {
		known := func(id protocol.UUID) bool { return id == metadataTopicID || b.metadata.Image().TopicByID(id) != nil }
		if err := b.logs.Tidy(known); err != nil {
			b.opts.Log.Error("removing what an earlier stop left half deleted failed", "error", err)
		}
	})
	if later, ok := b.files.(*vfs.Later); ok {
		b.chores.once(func() {
			if err := errors.Join(b.journal.flushPutOff(), later.Flush()); err != nil {
				b.fail(err)
			}
		})
	}
	if interval := s.SSLReloadInterval; len(b.secured) > 0 && interval > 0 {
		b.chores.every(interval, func() time.Duration { return interval }, b.reloadSSL)
	}
	if b.tokens != nil {
		b.chores.every(afterStart, func() time.Duration { return b.settings.Load().Tokens.CheckInterval }, b.removeExpiredTokens)
	}
	b.chores.every(s.InitialTaskDelay, func() time.Duration { return b.settings.Load().RetentionCheckInterval }, b.logs.Sweep)
	b.chores.every(s.ShareStatePruneInterval, func() time.Duration { return b.settings.Load().ShareStatePruneInterval }, b.pruneShares)
	b.chores.every(s.RecoveryPointInterval, func() time.Duration { return b.settings.Load().RecoveryPointInterval }, func() {
		if err := b.logs.Checkpoint(); err != nil {
			b.opts.Log.Error("writing the checkpoints failed", "error", err)
		}
	})
}
