package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/barnabas-mq/barnabas/internal/wal"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// sweepLoadsMax bounds how many logs that nobody has used yet a Sweep loads, so
// that the first one after a start does not read 100,000 folders.
const sweepLoadsMax = 256

// round is one round of retention.
type round struct {
	now protocol.Timestamp
	// timely: the clock is believed, so that age decides.
	timely bool
}

// Sweep implements logstore.Store.
func (s *Store) Sweep() {
	now := s.now()
	r := round{now: now, timely: s.lookAtClock(now)}
	loads := 0
	var blocked []*log
	for _, l := range s.each() {
		if s.broken() != nil {
			return
		}
		if phase(l.phase.Load()) == phaseNew {
			if loads++; loads > sweepLoadsMax {
				continue
			}
		}
		if l.sweepAndTell(r) {
			blocked = append(blocked, l)
		}
	}
	if len(blocked) > 0 {
		s.sweepBlocked(blocked, r)
	}
}

// sweepBlocked sweeps logs of which something is to be deleted beyond the recovery
// point on disk: first that is brought up to date, for all of them at once.
func (s *Store) sweepBlocked(blocked []*log, r round) {
	for _, l := range blocked {
		_ = l.Flush() // the log and its callers have been told; what is not flushed stays
	}
	if err := s.checkpoints.write(); err != nil {
		s.opts.Logger.Warn("retention waits for its next round: the checkpoint cannot be written", "error", err)
		return
	}
	for _, l := range blocked {
		l.sweepAndTell(r)
	}
}

func (l *log) sweepAndTell(r round) (blocked bool) {
	blocked, err := l.sweep(r)
	if err != nil {
		l.store.opts.Logger.Warn("retention failed; the next round tries again", "partition", l.id.String(), "error", err)
	}
	return blocked
}

// sweep forgets idle producers and deletes the segments that retention allows to.
// It is blocked when more could go once the recovery point on disk is higher.
func (l *log) sweep(r round) (blocked bool, err error) {
	l.reshaping.Lock()
	defer l.reshaping.Unlock()
	l.flushing.Lock()
	defer l.flushing.Unlock()
	stable, before := l.stable.Load(), l.unlinking.Load() // before: an earlier round could not rename all
	gone, blocked, err := l.unlinkExpired(r)
	l.tellStable(stable)
	for _, s := range gone {
		s.retire()
	}
	failure := l.renameDeleted(gone)
	if failure == nil && !before {
		l.unlinking.Store(false)
	}
	return blocked, errors.Join(err, failure)
}

// unlinkExpired takes expired segments off the list.
func (l *log) unlinkExpired(r round) (gone []*segment, blocked bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.readyLocked() != nil || l.mu.shut {
		return nil, false, nil // whoever uses it is told
	}
	if r.timely {
		l.mu.producers.Expire(r.now, l.store.producerExpiry.Load())
	}
	cfg := l.cfg.Load()
	count, err := l.expired(cfg, r)
	list := *l.segments.Load()
	bound, wanted := l.deletableBelow(), count
	for count > 0 && list[count-1].nextOffset() > bound {
		count--
	}
	blocked = count < wanted
	if err != nil || count == 0 {
		return nil, blocked, err
	}
	if count == len(list) {
		// Kafka rolls when everything has expired, so that the log keeps its end.
		if _, err := l.roll(cfg); err != nil {
			return nil, false, err
		}
		list = *l.segments.Load()
	}
	rest := slices.Clone(list[count:])
	start := rest[0].base
	// Before any file goes: the first epoch tells where the log begins. With the
	// write-ahead log it is not synced first, but a file system that brings it back
	// brings the files back too, which are renamed after it.
	if err := l.dropEpochsBefore(start); err != nil {
		return nil, false, err
	}
	l.mu.snapshots = slices.DeleteFunc(l.mu.snapshots, func(at protocol.Offset) bool { return at < start })
	l.unlinking.Store(true)
	l.publish(rest)
	if start > protocol.Offset(l.start.Load()) {
		l.raiseStartTo(start)
	}
	return list[:count], blocked, nil
}

// dropEpochsBefore brings the leader epochs in step with a log start, on disk as
// well; mu is held.
func (l *log) dropEpochsBefore(start protocol.Offset) error {
	before := l.mu.epochs.All()
	if !l.mu.epochs.DropBefore(start) {
		return nil
	}
	if err := l.writeEpochs(); err != nil {
		l.mu.epochs, _ = logstore.NewEpochs(before)
		return fmt.Errorf("%w: write the leader epochs: %w", logstore.ErrStorage, err)
	}
	return nil
}

// expired is how many of the oldest segments may go: below the log start, or with
// cleanup.policy delete too old or beyond the size. The rules are Kafka's
// (UnifiedLog.deleteOldSegments). What is not committed stays.
func (l *log) expired(cfg *logstore.Config, r round) (int, error) {
	list := *l.segments.Load()
	start, high := protocol.Offset(l.start.Load()), protocol.Offset(l.high.Load())
	excess := int64(-1)
	if cfg.Delete && cfg.RetentionBytes >= 0 {
		excess = -cfg.RetentionBytes
		for _, s := range list {
			excess += s.size.Load()
		}
	}
	count := 0
	for i, s := range list {
		size, last := s.size.Load(), i == len(list)-1
		if s.nextOffset() > high || last && size == 0 {
			return count, nil
		}
		if size == 0 && list[i+1].base > start {
			continue // compaction has emptied it; it goes with the next one
		}
		below := !last && list[i+1].base <= start
		large := !last && excess-size >= 0
		old := false
		if cfg.Delete && cfg.RetentionMillis >= 0 && r.timely && !below && !large {
			var err error
			if old, err = l.olderThan(s, cfg.RetentionMillis, r.now); err != nil {
				return count, err
			}
		}
		if !below && !large && !old {
			return count, nil
		}
		excess -= size
		count = i + 1
	}
	return count, nil
}

// olderThan tells whether the newest record of a segment is older than limit;
// without timestamps, the file. Where an index on disk says so, the batches are
// asked as well: nothing is deleted because an index was damaged.
func (l *log) olderThan(s *segment, limit int64, now protocol.Timestamp) (bool, error) {
	newest, err := s.maximum()
	if err != nil {
		return false, err
	}
	largest := newest.timestamp
	if largest < 0 {
		info, err := l.store.opts.FS.Stat(s.data.name)
		if err != nil {
			return false, err
		}
		largest = protocol.Timestamp(info.ModTime().UnixMilli())
	}
	if int64(now-largest) <= limit {
		return false, nil
	}
	if newest.timestamp < 0 || s.inMemory() {
		return true, nil
	}
	largest, err = s.verifiedMaximum(newest)
	return int64(now-largest) > limit, err
}

// verifiedMaximum is the largest timestamp of a sealed segment. What the time index
// says is believed if the batch that it names has that timestamp; batches behind
// that one are looked at too, because a cut index ends early.
func (s *segment) verifiedMaximum(newest timeEntry) (protocol.Timestamp, error) {
	largest, fits, first := newest.timestamp, false, true
	look := func(header protocol.Batch, _ int64) error {
		if first {
			first, fits = false, header.MaxTimestamp() == newest.timestamp
		}
		largest = max(largest, header.MaxTimestamp())
		return nil
	}
	err := s.walkFrom(s.base+protocol.Offset(newest.relative), look)
	if err == nil && !fits {
		largest = protocol.None
		err = s.walkFrom(s.base, look)
	}
	return largest, err
}

// renameDeleted renames the files of segments that are off the list, oldest
// first, so that a crash never leaves a hole; they are removed after
// file.delete.delay.ms. Readers that hold a chunk keep reading.
func (l *log) renameDeleted(gone []*segment) error {
	var failures []error
	var renamed []string
	for _, s := range gone {
		for _, suffix := range []string{logSuffix, offsetSuffix, timeSuffix, txnSuffix, snapshotSuffix} {
			name := l.segmentPath(s.base, suffix)
			err := l.store.opts.FS.Rename(name, name+deletedSuffix)
			if err == nil {
				renamed = append(renamed, name+deletedSuffix)
			} else if !passedOver(err) {
				failures = append(failures, fmt.Errorf("delete a segment: %w", err))
			}
		}
	}
	if len(renamed) > 0 {
		failures = append(failures, l.store.opts.FS.SyncDir(l.dir))
		l.store.trash.add(l.cfg.Load().FileDeleteDelayMillis, renamed...)
	}
	return errors.Join(failures...)
}

// passedOver: not every segment has every kind of file.
func passedOver(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// DeleteBefore implements logstore.Log. The new start is on disk when it returns.
func (l *log) DeleteBefore(offset protocol.Offset) (protocol.Offset, error) {
	stable := l.stable.Load()
	start, changed, err := l.raiseStart(offset)
	l.tellStable(stable)
	if err == nil && changed {
		err = l.store.checkpoints.write()
	}
	return start, err
}

func (l *log) raiseStart(offset protocol.Offset) (start protocol.Offset, changed bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.readyLocked(); err != nil {
		return protocol.None, false, err
	}
	start = protocol.Offset(l.start.Load())
	if offset < 0 || offset > protocol.Offset(l.high.Load()) {
		return start, false, logstore.ErrOffsetOutOfRange
	}
	if offset <= start {
		return start, false, nil
	}
	if err := l.dropEpochsBefore(offset); err != nil {
		return start, false, err
	}
	l.raiseStartTo(offset)
	return offset, true, nil
}

// TruncateTo implements logstore.Log. A batch that reaches over offset goes as a
// whole, as in Kafka.
func (l *log) TruncateTo(offset protocol.Offset) error {
	if l.logged() {
		if err := l.keepOutOfLog(); err != nil {
			return err
		}
		defer func() {
			l.mu.Lock()
			l.mu.unlogged--
			l.mu.Unlock()
		}()
	}
	err := l.truncate(offset)
	if errors.Is(err, wal.ErrFull) { // nothing was done yet; whoever frees slots needs the locks
		if err := l.store.committer.freeSlots(); err != nil {
			return err
		}
		err = l.truncate(offset)
	}
	return err
}

// truncate returns wal.ErrFull, and has changed nothing, if the write-ahead log has
// no room to note it.
func (l *log) truncate(offset protocol.Offset) error {
	l.reshaping.Lock()
	defer l.reshaping.Unlock()
	l.flushing.Lock()
	defer l.flushing.Unlock()
	l.mu.Lock()
	if err := l.readyLocked(); err != nil {
		l.mu.Unlock()
		return err
	}
	var waiting []waitingAppend
	var err error
	if offset < protocol.Offset(l.end.Load()) {
		waiting, l.mu.waiting = l.mu.waiting, nil
		err = l.truncateLocked(max(offset, protocol.Offset(l.start.Load())))
		if errors.Is(err, wal.ErrFull) {
			waiting, l.mu.waiting = nil, waiting
		} else if err != nil {
			err = l.goOffline(fmt.Errorf("truncate to %d: %w", offset, err))
		}
	}
	l.mu.Unlock()
	if len(waiting) > 0 {
		l.answer(waiting, 0, fmt.Errorf("%w: the log was truncated to offset %d", logstore.ErrStorage, offset))
	}
	return err
}

// keepOutOfLog lets no batch go into the write-ahead log until unlogged is counted
// down again, and returns when those that were on their way are there.
func (l *log) keepOutOfLog() error {
	l.mu.Lock()
	if err := l.readyLocked(); err != nil {
		l.mu.Unlock()
		return err
	}
	l.mu.unlogged++
	l.mu.Unlock()
	l.store.committer.drain()
	return nil
}

func (l *log) truncateLocked(offset protocol.Offset) error {
	list := *l.segments.Load()
	keep := segmentOf(list, offset)
	gone, active := slices.Clone(list[keep+1:]), list[keep]
	position, err := active.positionOf(offset)
	if err != nil {
		return err
	}
	// The batch that it lies in goes as a whole.
	if offset, err = active.baseAt(position); err != nil {
		return err
	}
	if l.logged() {
		if err := l.store.cutEntries(l.id, offset); err != nil {
			return err
		}
	}
	slices.Reverse(gone) // newest first: a crash in between leaves no hole
	if err := l.store.checkpoints.truncateCleaned(l.id, offset); err != nil {
		return err
	}
	if int64(offset) < l.recoveryPoint.Load() {
		// On disk too: what is appended there next is covered by nothing yet.
		l.recoveryPoint.Store(int64(offset))
		if err := l.store.checkpoints.write(); err != nil {
			return err
		}
	}
	l.mu.cleanAt = protocol.None
	l.publish(slices.Clone(list[:keep+1]))
	for _, s := range gone {
		s.retire()
	}
	if err := l.renameDeleted(gone); err != nil {
		return err
	}
	file, err := active.data.acquire()
	if err != nil {
		return err
	}
	err = file.Truncate(position)
	if err == nil {
		err = file.Datasync()
	}
	active.data.release()
	if err != nil {
		return err
	}
	if bad, err := l.rebuildTxns(list, keep, position); err != nil {
		return err
	} else if bad != nil {
		return active.corrupt(bad)
	}
	if err := l.writeTxnIndex(active, l.store.opts.Durability == Sync); err != nil {
		return err
	}
	return l.shrinkTo(active.nextOffset())
}

// shrinkTo brings the derived state back to the shorter log.
func (l *log) shrinkTo(end protocol.Offset) error {
	l.end.Store(int64(end))
	l.high.Store(min(l.high.Load(), int64(end)))
	l.recoveryPoint.Store(min(l.recoveryPoint.Load(), int64(end)))
	l.mu.synced = min(l.mu.synced, end)
	if err := l.store.checkpoints.truncateCleaned(l.id, end); err != nil {
		return err
	}
	if l.mu.epochs.TruncateTo(end) {
		if err := l.writeEpochs(); err != nil {
			return err
		}
	}
	l.dropSnapshotsBeyond(end)
	if err := l.loadProducers(*l.segments.Load(), end); err != nil {
		return err
	}
	l.updateStable()
	return nil
}
