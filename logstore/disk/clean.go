package disk

import (
	"errors"
	"fmt"
	"math"

	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// cleanable is what a compaction of a log would go over (Kafka's LogToClean).
type cleanable struct {
	log      *log
	segments []*segment // whole ones, all below bound
	// dirtyFrom is where the part begins that was not compacted yet; bound ends what
	// may be.
	dirtyFrom, bound       protocol.Offset
	cleanBytes, dirtyBytes int64
	overdue                bool // max.compaction.lag.ms has passed
	ratioMin               float64
}

// ratio is the share of bytes that were not compacted yet.
func (c *cleanable) ratio() float64 {
	return float64(c.dirtyBytes) / float64(c.cleanBytes+c.dirtyBytes)
}

// due has the rule of LogCleanerManager.grabFilthiestCompactedLog.
func (c *cleanable) due() bool {
	return c.dirtyBytes > 0 && (c.overdue || c.ratio() > c.ratioMin)
}

// cleanable looks at a log that is in use; waiting tells whether there is something
// to compact, now or later. A log that nobody has used since the start has nothing
// new: retention's rounds take it into use.
func (l *log) cleanable(now protocol.Timestamp) (c cleanable, waiting bool, err error) {
	cfg := l.cfg.Load()
	if !cfg.Compact || phase(l.phase.Load()) != phaseReady || l.uncleanable.Load() {
		return c, false, nil
	}
	list := *l.segments.Load()
	if len(list) < 2 {
		return c, false, nil
	}
	marks := l.Offsets()
	sealed := list[:len(list)-1] // the active segment is never compacted
	c = cleanable{log: l, dirtyFrom: marks.Start, ratioMin: cfg.CleanableDirtyRatioMin}
	if to, ok := l.store.checkpoints.cleanedTo(l.id); ok && to >= marks.Start && to <= marks.End {
		c.dirtyFrom = to
	}
	c.bound, err = l.compactionBound(sealed, c.dirtyFrom, min(marks.Stable, l.compactableBelow()), cfg, now)
	if err != nil {
		return c, false, err
	}
	oldest := protocol.Timestamp(math.MaxInt64)
	for i, s := range sealed {
		size, dirty := s.size.Load(), s.nextOffset() > c.dirtyFrom
		waiting = waiting || dirty && size > 0
		if dirty && cfg.CompactionLagMaxMillis < math.MaxInt64 {
			at, err := s.oldestTimestamp()
			if err != nil {
				return c, waiting, err
			}
			if at > 0 {
				oldest = min(oldest, at)
			}
		}
		switch {
		case s.nextOffset() > c.bound:
			continue
		case dirty:
			c.dirtyBytes += size
		default:
			c.cleanBytes += size
		}
		c.segments = sealed[:i+1]
	}
	if n := len(c.segments); n > 0 {
		c.bound = c.segments[n-1].nextOffset()
	}
	c.overdue = oldest != math.MaxInt64 && int64(now-oldest) > cfg.CompactionLagMaxMillis
	return c, waiting, nil
}

// compactionBound is where what may be compacted ends: at the first segment whose
// index files are still to be written, and, for min.compaction.lag.ms, at the first
// new one with a record that is too young.
func (l *log) compactionBound(sealed []*segment, dirtyFrom, bound protocol.Offset, cfg *logstore.Config, now protocol.Timestamp) (protocol.Offset, error) {
	for _, s := range sealed {
		if s.inMemory() {
			return min(bound, s.base), nil
		}
		if s.nextOffset() <= dirtyFrom || cfg.CompactionLagMinMillis <= 0 {
			continue
		}
		newest, err := s.maximum()
		if err != nil {
			return bound, err
		}
		if int64(newest.timestamp) > int64(now)-cfg.CompactionLagMinMillis {
			return min(bound, s.base), nil
		}
	}
	return bound, nil
}

// oldestTimestamp is the largest timestamp of the segment's first batch, -1 when it
// has none.
func (s *segment) oldestTimestamp() (protocol.Timestamp, error) {
	if known := s.oldest.Load(); known != 0 {
		return protocol.Timestamp(known), nil
	}
	at := protocol.Timestamp(protocol.None)
	err := s.walkFrom(s.base, func(header protocol.Batch, _ int64) error {
		at = header.MaxTimestamp()
		return errStop
	})
	if err == nil {
		s.oldest.Store(int64(at))
	}
	return at, err
}

// cleaning is one compaction of one log.
type cleaning struct {
	cleanable
	cleaner *cleaner
	options CleanerOptions
	cfg     *logstore.Config
	limits  protocol.DecodeLimits
	keys    *logstore.KeyScan
	rules   *logstore.Retention

	before, after int64 // bytes of the segments gone over
}

// clean compacts a log: one pass learns the newest offset of each key, another
// rewrites the segments, group by group. No lock of the log is held but for the
// moment in which a group takes its place.
func (c *cleaner) clean(what cleanable) error {
	l := what.log
	options := *c.options.Load()
	run := cleaning{cleanable: what, cleaner: c, options: options, cfg: l.cfg.Load(),
		limits: protocol.DecodeLimits{MaxBytes: options.DecompressedBytesMax}}
	aborted, err := run.abortedTransactions()
	if err != nil {
		return err
	}
	if err := run.scanKeys(aborted); err != nil {
		return err
	}
	// From the first swap on offsets are missing, and a recovery must know.
	if err := l.store.checkpoints.setCleaned(l, what.dirtyFrom); err != nil {
		return err
	}
	producers, err := l.lastBatches(what.bound)
	if err != nil {
		return err
	}
	run.rules = logstore.NewRetention(logstore.RetentionInput{
		Keys: run.keys, Bound: what.bound, Now: l.store.believedNow(), DeleteRetentionMillis: run.cfg.DeleteRetentionMillis,
		Producers: producers, Aborted: aborted, Limits: run.limits,
	})
	for _, group := range run.groups() {
		if err := run.cleanGroup(group); err != nil {
			return err
		}
	}
	l.store.opts.Logger.Debug("compacted a log", "partition", l.id.String(), "from", int64(what.dirtyFrom),
		"to", int64(run.keys.End()), "bytes", run.before, "left", run.after, "keys", run.keys.Map.Len())
	l.reshaping.Lock() // a truncation meanwhile has the last word
	defer l.reshaping.Unlock()
	return l.store.checkpoints.setCleaned(l, min(run.keys.End(), protocol.Offset(l.end.Load())))
}

// abortedTransactions collects them of the whole log: one that began among what is
// compacted may have ended behind it.
func (c *cleaning) abortedTransactions() ([]logstore.AbortedTransaction, error) {
	var all []logstore.AbortedTransaction
	for _, s := range *c.log.segments.Load() {
		txns, err := s.abortedTxns(c.log.store.opts.FS)
		if err != nil {
			return nil, err
		}
		for _, t := range txns {
			if t.First < c.bound {
				all = append(all, t)
			}
		}
	}
	return all, nil
}

func (l *log) lastBatches(below protocol.Offset) (map[protocol.ProducerID]logstore.LastBatch, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.readyLocked() != nil {
		return nil, errAbandoned
	}
	return l.mu.producers.LastBatches(below), nil
}

// scanKeys is the first pass. It ends where the map is full; what lies behind stays
// as it is this time.
func (c *cleaning) scanKeys(aborted []logstore.AbortedTransaction) error {
	c.keys = logstore.NewKeyScan(logstore.NewOffsetMap(c.options.DedupeBytesMax, c.options.LoadFactor), c.dirtyFrom, aborted, c.limits)
	for _, s := range c.segments {
		if s.nextOffset() <= c.dirtyFrom {
			continue
		}
		from, err := s.positionOf(c.dirtyFrom)
		if err != nil {
			return err
		}
		full := false
		err = c.eachBatch(s, from, func(b protocol.Batch) error {
			room, err := c.keys.Add(b)
			if err == nil && !room {
				full = true
				return errStop
			}
			return err
		})
		if full {
			return nil
		}
		if err != nil {
			return err
		}
		c.keys.Reached(s.nextOffset())
	}
	return nil
}

// eachBatch calls fn with every batch from a position on, each one verified, as fast
// as the throttle allows.
func (c *cleaning) eachBatch(s *segment, from int64, fn func(protocol.Batch) error) error {
	return s.eachBatch(from, true, func(b protocol.Batch, at int64) error {
		if err := c.pay(len(b)); err != nil {
			return err
		}
		err := fn(b)
		var invalid *protocol.Error
		if errors.As(err, &invalid) {
			return &logstore.CorruptError{File: s.data.name, Position: at, Offset: b.BaseOffset(), Reason: err.Error()}
		}
		return err
	})
}

// pay counts bytes read or written; it ends the compaction when the log or the store
// does.
func (c *cleaning) pay(bytes int) error {
	if phase(c.log.phase.Load()) != phaseReady || !c.cleaner.throttle.pay(bytes, c.options.BytesPerSecondMax) {
		return errAbandoned
	}
	return nil
}

// groups puts neighbours together as long as they fit into one segment, so that
// compaction does not leave ever smaller ones (Cleaner.groupSegmentsBySize). A
// segment that begins behind what the map knows is left alone.
func (c *cleaning) groups() [][]*segment {
	var groups [][]*segment
	var size, offsets, times int64
	bytesMax := min(c.cfg.SegmentBytes, math.MaxInt32)
	for i, s := range c.segments {
		if s.base >= c.keys.End() {
			break
		}
		moreOffsets, moreTimes := s.indexBytes()
		last := len(groups) - 1
		if last >= 0 && size+s.size.Load() <= bytesMax &&
			offsets+moreOffsets <= c.cfg.IndexBytesMax && times+moreTimes <= c.cfg.IndexBytesMax &&
			s.nextOffset()-1-groups[last][0].base <= math.MaxInt32 {
			first := i - len(groups[last])
			groups[last] = c.segments[first : i+1]
		} else {
			groups = append(groups, c.segments[i:i+1])
			size, offsets, times = 0, 0, 0
		}
		size, offsets, times = size+s.size.Load(), offsets+moreOffsets, times+moreTimes
	}
	return groups
}

// indexBytes are the sizes of the index files.
func (x *index) indexBytes() (offsets, times int64) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.onDisk {
		return int64(x.offsetCount) * offsetEntryBytes, int64(x.timeCount) * timeEntryBytes
	}
	return int64(len(x.offsets)) * offsetEntryBytes, int64(len(x.times)) * timeEntryBytes
}

// cleanGroup writes one segment in the place of a group of them.
func (c *cleaning) cleanGroup(group []*segment) (err error) {
	made, err := c.log.createCleaned(group[0].base, c.cfg.IndexIntervalBytes)
	if err != nil {
		return err
	}
	defer made.close()
	swapped := false
	defer func() {
		if swapped {
			return
		}
		if failure := made.discard(); failure != nil && !errors.Is(failure, errAbandoned) {
			// What is left over would be taken for a part of the next compaction.
			c.log.uncleanable.Store(true)
			err = errors.Join(err, failure)
		}
	}()
	for _, s := range group {
		if err := c.rewrite(s, made); err != nil {
			return err
		}
		c.before += s.size.Load()
	}
	if err := made.finish(group[len(group)-1].nextOffset(), c.rules.TakeAborted()); err != nil {
		return err
	}
	c.after += made.size.Load()
	swapped, err = c.log.swapIn(made, group)
	return err
}

// rewrite copies what is left of a segment.
func (c *cleaning) rewrite(s *segment, made *cleanedSegment) error {
	return c.eachBatch(s, 0, func(b protocol.Batch) error {
		left, err := c.rules.Apply(b)
		if err != nil {
			return err
		}
		if len(left) == 0 {
			return nil
		}
		if err := made.add(left); err != nil {
			return fmt.Errorf("%w: compact %s: %w", logstore.ErrStorage, c.log.id, err)
		}
		return c.pay(len(left))
	})
}
