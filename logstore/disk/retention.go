package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// sweepLoadsMax bounds how many logs that nobody has used yet a Sweep loads, so
// that the first one after a start does not read 100,000 folders.
const sweepLoadsMax = 256

// Sweep implements logstore.Store.
func (s *Store) Sweep() {
	now := s.now()
	loads := 0
	for _, l := range s.each() {
		if s.broken() != nil {
			return
		}
		if phase(l.phase.Load()) == phaseNew {
			if loads++; loads > sweepLoadsMax {
				continue
			}
		}
		if err := l.sweep(now); err != nil {
			s.opts.Logger.Warn("retention failed; the next round tries again", "partition", l.id.String(), "error", err)
		}
	}
}

// sweep forgets idle producers and deletes the segments that retention allows to.
func (l *log) sweep(now protocol.Timestamp) error {
	l.reshaping.Lock()
	defer l.reshaping.Unlock()
	l.flushing.Lock()
	defer l.flushing.Unlock()
	stable := l.stable.Load()
	gone, err := l.unlinkExpired(now)
	l.tellStable(stable)
	for _, s := range gone {
		s.retire()
	}
	return errors.Join(err, l.renameDeleted(gone))
}

// unlinkExpired takes expired segments off the list.
func (l *log) unlinkExpired(now protocol.Timestamp) ([]*segment, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.readyLocked() != nil || l.mu.shut {
		return nil, nil // whoever uses it is told
	}
	l.mu.producers.Expire(now, l.store.opts.ProducerExpiryMillis)
	cfg := l.cfg.Load()
	count, err := l.expired(cfg, now)
	if err != nil || count == 0 {
		return nil, err
	}
	list := *l.segments.Load()
	if count == len(list) {
		// Kafka rolls when everything has expired, so that the log keeps its end.
		if _, err := l.roll(cfg); err != nil {
			return nil, err
		}
		list = *l.segments.Load()
	}
	rest := slices.Clone(list[count:])
	l.mu.snapshots = slices.DeleteFunc(l.mu.snapshots, func(at protocol.Offset) bool { return at < rest[0].base })
	l.publish(rest)
	if start := rest[0].base; start > protocol.Offset(l.start.Load()) {
		l.raiseStartTo(start)
		if l.mu.epochs.DropBefore(start) {
			err = l.writeEpochs()
		}
	}
	return list[:count], err
}

// expired is how many of the oldest segments may go: below the log start, or with
// cleanup.policy delete too old or beyond the size. The rules are Kafka's
// (UnifiedLog.deleteOldSegments). What is not committed stays.
func (l *log) expired(cfg *logstore.Config, now protocol.Timestamp) (int, error) {
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
		if cfg.Delete && cfg.RetentionMillis >= 0 && !below && !large {
			age, err := l.age(s, now)
			if err != nil {
				return count, err
			}
			old = age > cfg.RetentionMillis
		}
		if !below && !large && !old {
			return count, nil
		}
		excess -= size
		count = i + 1
	}
	return count, nil
}

// age is how old the newest record of a segment is; without timestamps, the file.
func (l *log) age(s *segment, now protocol.Timestamp) (int64, error) {
	newest, err := s.maximum()
	if err != nil {
		return 0, err
	}
	if newest.timestamp >= 0 {
		return int64(now - newest.timestamp), nil
	}
	info, err := l.store.opts.FS.Stat(s.data.name)
	if err != nil {
		return 0, err
	}
	return int64(now) - info.ModTime().UnixMilli(), nil
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
	l.raiseStartTo(offset)
	if l.mu.epochs.DropBefore(offset) {
		if err := l.writeEpochs(); err != nil {
			return offset, true, fmt.Errorf("%w: write the leader epochs: %w", logstore.ErrStorage, err)
		}
	}
	return offset, true, nil
}

// TruncateTo implements logstore.Log. A batch that reaches over offset goes as a
// whole, as in Kafka.
func (l *log) TruncateTo(offset protocol.Offset) error {
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
		if err = l.truncateLocked(max(offset, protocol.Offset(l.start.Load()))); err != nil {
			err = l.goOffline(fmt.Errorf("truncate to %d: %w", offset, err))
		}
	}
	l.mu.Unlock()
	if len(waiting) > 0 {
		l.answer(waiting, 0, fmt.Errorf("%w: the log was truncated to offset %d", logstore.ErrStorage, offset))
	}
	return err
}

func (l *log) truncateLocked(offset protocol.Offset) error {
	list := *l.segments.Load()
	keep := segmentOf(list, offset)
	gone, active := slices.Clone(list[keep+1:]), list[keep]
	position, err := active.positionOf(offset)
	if err != nil {
		return err
	}
	slices.Reverse(gone) // newest first: a crash in between leaves no hole
	if err := l.store.checkpoints.truncateCleaned(l.id, offset); err != nil {
		return err
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
