package disk

import (
	"errors"
	"fmt"
	"sync"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// syncer is the goroutine that syncs segments: of the logs that have something to
// sync, all that gathered during one round in the next. There is no timer: the
// sync under way is the window in which the next group forms.
type syncer struct {
	store *Store
	// wake has room for one signal: there is work.
	wake    bell
	stopped chan struct{} // closed by stop
	done    chan struct{} // closed when the goroutine has ended

	mu struct {
		sync.Mutex
		dirty []*log
	}
}

func startSyncer(s *Store) *syncer {
	y := &syncer{store: s, wake: newBell(), stopped: make(chan struct{}), done: make(chan struct{})}
	go y.run()
	return y
}

// add makes sure that the log is synced after this call.
func (y *syncer) add(l *log) {
	if !l.queued.CompareAndSwap(false, true) {
		return
	}
	y.mu.Lock()
	y.mu.dirty = append(y.mu.dirty, l)
	y.mu.Unlock()
	y.wake.ring()
}

func (y *syncer) run() {
	defer close(y.done)
	var group []*log
	y.wake.answer(y.stopped, func() {
		y.mu.Lock()
		group, y.mu.dirty = y.mu.dirty, group[:0]
		y.mu.Unlock()
		for i, l := range group {
			// What is appended from here on is for the next round.
			l.queued.Store(false)
			l.flushing.Lock()
			_ = l.flush() // the log and its callers have been told
			l.flushing.Unlock()
			group[i] = nil
		}
	})
}

// stop ends the goroutine after the sync under way.
func (y *syncer) stop() {
	close(y.stopped)
	<-y.done
}

// flush makes everything appended so far durable, commits what waited for that,
// and finishes segments that were sealed since. flushing is held, mu is not.
//
// A failed sync ends the store. A file that could not even be opened to be synced
// (no handles left) fails those who wait, whose outcome is then unknown; the next
// flush covers their bytes.
func (l *log) flush() error {
	if err := l.store.broken(); err != nil {
		return err // whoever waits is told; a sync that failed is not tried again
	}
	l.mu.Lock()
	if err := l.readyLocked(); err != nil {
		var waiting []waitingAppend
		if phase(l.phase.Load()) > phaseReady { // it went offline while they waited for this flush
			waiting = l.endLocked(phaseFailed, err)
		}
		l.mu.Unlock()
		l.answer(waiting, 0, err)
		return err
	}
	end, from := protocol.Offset(l.end.Load()), l.mu.synced
	names, root, small := l.mu.namesDirty, l.mu.rootDirty, l.mu.smallDirty
	l.mu.namesDirty, l.mu.rootDirty, l.mu.smallDirty = false, false, nil
	l.mu.unflushed, l.mu.flushedAt = 0, l.store.now()
	list := *l.segments.Load()
	l.mu.Unlock()

	err := l.syncSmall(small)
	if err == nil {
		err = l.syncFiles(list, from, names, root)
	}
	if err != nil {
		if broken := l.store.failOnSync(err); l.store.broken() != nil {
			return broken
		}
		return l.flushLater(names, root, small, err)
	}
	l.flushed(list, end)
	return nil
}

// flushed notes that everything before end is durable in the segments.
func (l *log) flushed(list []*segment, end protocol.Offset) {
	l.commit(end, true)
	if l.finishSealed(list) {
		l.raiseRecoveryPoint(end)
	}
}

// syncSmall syncs small files, which are replaced as a whole and not kept open.
func (l *log) syncSmall(names []string) error {
	for _, name := range names {
		file, err := l.store.opts.FS.Open(name, vfs.ReadWrite, 0)
		if passedOver(err) {
			continue // not every folder has every kind of file
		}
		if err != nil {
			return fmt.Errorf("to sync it: %w", err)
		}
		err = file.Datasync()
		if closed := file.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return &syncError{name, err}
		}
	}
	return nil
}

// syncFiles syncs the segments with batches at or above from, then the names.
func (l *log) syncFiles(list []*segment, from protocol.Offset, names, root bool) error {
	for _, s := range list {
		if s.nextOffset() <= from {
			continue
		}
		file, err := s.data.acquire()
		if err != nil {
			return fmt.Errorf("to sync it: %w", err)
		}
		err = file.Datasync()
		s.data.release()
		if err != nil {
			return &syncError{s.data.name, err}
		}
	}
	if names {
		if err := l.store.opts.FS.SyncDir(l.dir); err != nil {
			return folderSyncError(l.dir, err)
		}
	}
	if root {
		if err := l.store.opts.FS.SyncDir(l.store.opts.Dir); err != nil {
			return folderSyncError(l.store.opts.Dir, err)
		}
	}
	return nil
}

// folderSyncError tells a folder that could not even be opened to be synced from a
// sync that failed.
func folderSyncError(name string, err error) error {
	if vfs.OutOfHandles(err) {
		return fmt.Errorf("to sync it: %w", err)
	}
	return &syncError{name, err}
}

// syncError is a sync that failed. It hides the number of its cause, so that not
// even a full disk (which some file systems report at a sync) looks like one of
// the errors that pass.
type syncError struct {
	name  string
	cause error
}

func (e *syncError) Error() string { return fmt.Sprintf("sync %s: %v", e.name, e.cause) }

// failOnSync ends the store when err is a failed sync; any other is passed on.
func (s *Store) failOnSync(err error) error {
	var failed *syncError
	if errors.As(err, &failed) {
		return s.fail(failed)
	}
	return err
}

// flushLater gives up on this flush: a file could not even be opened to be synced.
// Those who wait get an error, and do not know what became of their records.
func (l *log) flushLater(names, root bool, small []string, cause error) error {
	err := fmt.Errorf("%w: %s: %w", logstore.ErrStorage, l.id, cause)
	l.mu.Lock()
	l.mu.namesDirty = l.mu.namesDirty || names
	l.mu.rootDirty = l.mu.rootDirty || root
	l.mu.smallDirty = append(l.mu.smallDirty, small...)
	if !l.mu.flushDue {
		// Until it is made up for, the log's end is durable only behind a flush.
		l.mu.flushDue = true
		l.mu.unlogged++
	}
	if !passes(cause) {
		err = l.goOffline(cause)
	}
	waiting := l.mu.waiting
	l.mu.waiting = nil
	for _, w := range waiting {
		l.mu.unannounced += w.bytes
	}
	l.mu.Unlock()
	l.answer(waiting, 0, err)
	return err
}

// commit raises High to the durable end and answers those who waited for it, in
// log order and outside the lock. Durable is in the segments, or also in the
// write-ahead log; then it does nothing, and says so, while batches before the end
// still wait for a flush that was put off.
func (l *log) commit(end protocol.Offset, inSegments bool) bool {
	l.answering.Lock()
	defer l.answering.Unlock()
	l.mu.Lock()
	if l.mu.flushDue && !inSegments {
		l.mu.Unlock()
		return false
	}
	end = min(end, protocol.Offset(l.end.Load())) // it may have been truncated meanwhile
	if inSegments {
		l.mu.synced = max(l.mu.synced, end)
		if l.mu.flushDue {
			l.mu.flushDue = false
			l.mu.unlogged--
		}
	}
	if int64(end) > l.high.Load() {
		l.high.Store(int64(end))
		l.updateStable()
	}
	count := 0
	for count < len(l.mu.waiting) && l.mu.waiting[count].end <= end {
		count++
	}
	old := l.mu.waiting
	l.mu.waiting, l.mu.spare = append(l.mu.spare[:0], old[count:]...), nil
	unannounced := l.mu.unannounced
	l.mu.unannounced = 0
	l.mu.Unlock()

	l.answer(old[:count], unannounced, nil)
	clear(old)
	l.mu.Lock()
	l.mu.spare = old[:0]
	l.mu.Unlock()
	return true
}

// answer tells those who waited what became of their appends, then the watcher,
// who hears of the given bytes beside theirs.
func (l *log) answer(waiting []waitingAppend, bytes int, err error) {
	for _, w := range waiting {
		bytes += w.bytes
		w.pending.Err = err
		if w.pending.OnCommitted != nil {
			w.pending.OnCommitted(w.pending)
		}
	}
	switch {
	case l.watcher == nil:
	case err != nil:
		l.watcher.Advanced(0)
	case bytes > 0:
		l.watcher.Advanced(bytes)
	}
}

// endLocked takes the log out of use and returns those who waited; mu is held.
func (l *log) endLocked(to phase, reason error) []waitingAppend {
	l.leave(to, reason)
	if l.mu.body == nil {
		return nil
	}
	waiting := l.mu.waiting
	l.mu.waiting = nil
	return waiting
}

// finishSealed writes the index files of sealed segments, which then leave
// memory. An index can be rebuilt, so a failure costs memory and a longer
// recovery, nothing else.
func (l *log) finishSealed(list []*segment) bool {
	for i, s := range list {
		if i == len(list)-1 || !s.inMemory() || s.swapping.Load() {
			continue
		}
		if err := l.writeSealed(s, true); err != nil {
			l.store.opts.Logger.Warn("cannot finish a sealed segment; the next sync tries again", "segment", s.data.name, "error", err)
			return false
		}
	}
	return true
}

// writeSealed gives a segment that nothing is appended to its final files.
func (l *log) writeSealed(s *segment, durable bool) error {
	if err := l.trimReserved(s); err != nil {
		return err
	}
	return l.writeIndexes(s, durable)
}

// trimReserved gives back the blocks preallocated beyond a sealed segment's end.
func (l *log) trimReserved(s *segment) error {
	if s.reserved == 0 {
		return nil
	}
	file, err := s.data.acquire()
	if err != nil {
		return err
	}
	defer s.data.release()
	s.reserved = 0
	return file.Truncate(s.size.Load())
}

// writeIndexes writes a sealed segment's index files and lets them replace the
// entries in memory. What is not durable yet must not be believed before it is.
func (l *log) writeIndexes(s *segment, durable bool) error {
	if err := l.writeTxnIndex(s, durable); err != nil {
		return err
	}
	write := vfs.ReplaceFile
	if !durable {
		write = vfs.WriteFirst
	}
	offsets, times := s.encode()
	if err := write(l.store.opts.FS, s.offsetFile.name, offsets, durable); err != nil {
		return err
	}
	if err := write(l.store.opts.FS, s.timeFile.name, times, durable); err != nil {
		return err
	}
	s.useFiles(len(offsets)/offsetEntryBytes, len(times)/timeEntryBytes)
	return nil
}

func (l *log) raiseRecoveryPoint(to protocol.Offset) {
	if int64(to) > l.recoveryPoint.Load() {
		l.recoveryPoint.Store(int64(to))
	}
}

// Flush implements logstore.Log.
func (l *log) Flush() error {
	l.flushing.Lock()
	defer l.flushing.Unlock()
	return l.flush()
}

// flushOverdue tells whether flush.ms asks for a flush.
func (l *log) flushOverdue(now protocol.Timestamp) bool {
	cfg := l.cfg.Load()
	if cfg.FlushMillis <= 0 || phase(l.phase.Load()) != phaseReady || l.logged() {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.unflushed > 0 && int64(now-l.mu.flushedAt) >= cfg.FlushMillis
}

// Close implements logstore.Log.
func (l *log) Close() error {
	err := l.close(false)
	l.store.forgetLog(l)
	return err
}
