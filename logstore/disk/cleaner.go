package disk

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/invariant"
	"github.com/barnabas-mq/barnabas/protocol"
)

// CleanerOptions say how a store compacts the logs whose cleanup.policy asks for it.
// Zero values of sizes and rates mean the defaults that the comments name.
type CleanerOptions struct {
	// Enabled lets the store compact by itself (log.cleaner.enable).
	Enabled bool
	// BackoffMillis is how long it rests when nothing is due (log.cleaner.backoff.ms).
	BackoffMillis int64
	// DedupeBytesMax bounds the table of keys (log.cleaner.dedupe.buffer.size; 128
	// MiB), LoadFactor how full it gets (log.cleaner.io.buffer.load.factor; 0.9).
	DedupeBytesMax int64
	LoadFactor     float64
	// BytesPerSecondMax bounds what is read and written together
	// (log.cleaner.io.max.bytes.per.second; without limit).
	BytesPerSecondMax float64
	// DecompressedBytesMax is the most that the records of one batch may decompress
	// to (protocol.DecodedBytesMax).
	DecompressedBytesMax int
}

const (
	dedupeBytesDefault = 128 << 20
	// cleanerBackoffMin keeps a backoff of 0 from taking a whole processor.
	cleanerBackoffMin = 10 * time.Millisecond
)

func (o CleanerOptions) withDefaults() *CleanerOptions {
	if o.DedupeBytesMax <= 0 {
		o.DedupeBytesMax = dedupeBytesDefault
	}
	return &o
}

func (o *CleanerOptions) backoff() time.Duration {
	return max(time.Duration(o.BackoffMillis)*time.Millisecond, cleanerBackoffMin)
}

// cleaner compacts the logs of a store, one after the other. While logs wait for it
// there is one timer; a round is a goroutine of its own, started by the timer and
// ended when nothing is due. Store.stop waits for it. An idle store has neither.
type cleaner struct {
	store    *Store
	options  atomic.Pointer[CleanerOptions]
	throttle throttle
	stopped  chan struct{}
	// working is held for a round.
	working sync.Mutex
	rounds  sync.WaitGroup

	// mu may be taken while a log is locked, never the other way round.
	mu struct {
		sync.Mutex
		timer   clock.Timer // nil when no round is due
		running bool
		again   bool // woken while running
		ended   bool
	}
}

func newCleaner(s *Store) *cleaner {
	c := &cleaner{store: s, stopped: make(chan struct{})}
	c.throttle = throttle{clock: s.opts.Clock, stopped: c.stopped}
	c.options.Store(s.opts.Cleaner.withDefaults())
	return c
}

// ConfigureCleaner changes how the store compacts from now on.
func (s *Store) ConfigureCleaner(o CleanerOptions) {
	s.cleaner.options.Store(o.withDefaults())
	if s.cleaner.anyWaiting() {
		s.cleaner.wake()
	}
}

// SetProducerExpiry replaces Options.ProducerExpiryMillis.
func (s *Store) SetProducerExpiry(millis int64) { s.producerExpiry.Store(millis) }

// Clean compacts what is due, at once, and returns how often a log was compacted.
func (s *Store) Clean() int { return s.cleaner.round() }

// wakeCleaner tells of a log that may have something to compact. mu may be held.
func (l *log) wakeCleaner() {
	if l.cfg.Load().Compact && len(*l.segments.Load()) > 1 {
		l.store.cleaner.wake()
	}
}

// wake makes sure that a round begins within log.cleaner.backoff.ms.
func (c *cleaner) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.running {
		c.mu.again = true
		return
	}
	c.armLocked()
}

func (c *cleaner) armLocked() {
	options := c.options.Load()
	if c.mu.timer == nil && !c.mu.ended && options.Enabled {
		c.mu.timer = c.store.opts.Clock.AfterFunc(options.backoff(), c.begin)
	}
}

// begin starts a round.
func (c *cleaner) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.timer = nil
	if c.mu.ended || c.mu.running {
		return
	}
	c.mu.running, c.mu.again = true, false
	c.rounds.Go(func() {
		c.checkpoint()
		c.round()
		waiting := c.anyWaiting()
		c.mu.Lock()
		defer c.mu.Unlock()
		c.mu.running = false
		if waiting || c.mu.again {
			c.armLocked()
		}
	})
}

// checkpoint writes how far logs are durable when that lets more of them be
// compacted: the next one may be a minute away.
func (c *cleaner) checkpoint() {
	for _, l := range c.store.each() {
		if l.cfg.Load().Compact && l.compactableBelow() < protocol.Offset(l.recoveryPoint.Load()) {
			if err := c.store.checkpoints.write(); err != nil {
				c.store.opts.Logger.Warn("writing the checkpoints for the compactor failed", "error", err)
			}
			return
		}
	}
}

// stop ends a round under way, before its next batch, and allows no other.
func (c *cleaner) stop() {
	c.mu.Lock()
	ended := c.mu.ended
	c.mu.ended = true
	if c.mu.timer != nil {
		c.mu.timer.Stop()
		c.mu.timer = nil
	}
	c.mu.Unlock()
	if ended {
		return
	}
	close(c.stopped)
	c.rounds.Wait()
	c.working.Lock() // a caller of Clean
	defer c.working.Unlock()
}

// round compacts the dirtiest log that is due, until none is.
func (c *cleaner) round() int {
	c.working.Lock()
	defer c.working.Unlock()
	cleaned := 0
	tried := make(map[*log]bool) // those that would not come forward now
	for c.goesOn() {
		what, ok := c.dirtiest(tried)
		if !ok {
			break
		}
		if c.tryClean(what) {
			cleaned++
			after, _, err := what.log.cleanable(c.store.now())
			tried[what.log] = err != nil || after.dirtyFrom <= what.dirtyFrom
		} else {
			tried[what.log] = true
		}
	}
	return cleaned
}

func (c *cleaner) goesOn() bool {
	select {
	case <-c.stopped:
		return false
	default:
		return c.store.broken() == nil
	}
}

// dirtiest is the log with the largest share that is due; every log is looked at
// anew, as in Kafka.
func (c *cleaner) dirtiest(tried map[*log]bool) (best cleanable, ok bool) {
	now := c.store.now()
	for _, l := range c.store.each() {
		if tried[l] {
			continue
		}
		what, _, err := l.cleanable(now)
		if err != nil {
			c.failed(l, err)
			continue
		}
		if what.due() && (!ok || what.ratio() > best.ratio()) {
			best, ok = what, true
		}
	}
	return best, ok
}

// anyWaiting tells whether another round is worth while.
func (c *cleaner) anyWaiting() bool {
	now := c.store.now()
	for _, l := range c.store.each() {
		if _, waiting, err := l.cleanable(now); err == nil && waiting {
			return true
		}
	}
	return false
}

func (c *cleaner) tryClean(what cleanable) bool {
	invariant.Check(len(what.segments) > 0, "a log without segments is compacted")
	err := c.clean(what)
	if err != nil {
		c.failed(what.log, err)
	}
	return err == nil
}

// failed judges why a log could not be compacted. What passes is tried again in the
// next round; a log with damage is left alone until the next start, and goes on
// serving what can be read (LogCleanerManager.markPartitionUncleanable).
func (c *cleaner) failed(l *log, err error) {
	logger := c.store.opts.Logger
	switch {
	case errors.Is(err, errAbandoned), errors.Is(err, errGone), phase(l.phase.Load()) != phaseReady:
	case passes(err):
		logger.Warn("a log cannot be compacted now; the next round tries again", "partition", l.id.String(), "error", err)
	default:
		l.uncleanable.Store(true)
		logger.Error("a log is not compacted any more until the next start", "partition", l.id.String(),
			"error", fmt.Errorf("compact: %w", err))
	}
}
