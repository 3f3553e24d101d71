package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"syscall"

	"github.com/barnabas-mq/barnabas/internal/invariant"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Space of hot segments is reserved ahead in steps, which makes a write about a
// tenth cheaper. A segment must have proved hot: small ones reserve nothing.
const (
	hotBytes     = 1 << 20
	reserveBytes = 16 << 20
)

// flushAheadBytes is after how much of a log's data the syncer begins to sync its
// segment: what the write-ahead log holds need not be, but somebody has to in the end.
const flushAheadBytes = 16 << 20

// Append implements logstore.Log: judge, order, one write, publish.
func (l *log) Append(in logstore.AppendInput, p *logstore.Pending) logstore.State {
	*p = logstore.Pending{OnCommitted: p.OnCommitted, Tag: p.Tag,
		BaseOffset: protocol.None, LastOffset: protocol.None, LogAppendTime: protocol.None, LogStart: protocol.None}
	l.mu.Lock()
	state, err := l.appendLocked(in, p)
	l.mu.Unlock()
	if err != nil {
		p.Err = err
		return logstore.Committed
	}
	if state == logstore.Ordered {
		if l.logged() {
			if !in.CommitLater {
				l.store.committer.wake.ring()
			}
		} else {
			l.store.syncer.add(l)
		}
	}
	return state
}

// logged tells whether the log's batches go through the write-ahead log.
func (l *log) logged() bool { return l.store.committer != nil && !l.cfg.Load().OwnSync }

func (l *log) appendLocked(in logstore.AppendInput, p *logstore.Pending) (logstore.State, error) {
	if err := l.readyLocked(); err != nil {
		return logstore.Committed, err
	}
	if err := l.store.broken(); err != nil {
		return logstore.Committed, err
	}
	if l.mu.shut {
		return logstore.Committed, logstore.ErrClosed
	}
	b, cfg := in.Batch, l.cfg.Load()
	if len(b) < protocol.BatchHeaderBytes || b.Size() != len(b) {
		invariant.Check(false, "a batch of %d bytes was not checked", len(b))
	}
	if int64(len(b)) > cfg.SegmentBytes {
		return logstore.Committed, fmt.Errorf("%w: %d bytes, the limit is %d", logstore.ErrBatchTooLarge, len(b), cfg.SegmentBytes)
	}
	p.LogStart = protocol.Offset(l.start.Load())
	first, duplicate, err := l.mu.producers.Judge(in)
	if err != nil {
		return logstore.Committed, fmt.Errorf("producer %d, epoch %d, sequence %d: %w", b.ProducerID(), b.ProducerEpoch(), b.BaseSequence(), err)
	}
	if duplicate {
		return l.answerDuplicate(b, first, p), nil
	}
	if err := l.writeWithRoom(b, in, cfg); err != nil {
		return logstore.Committed, err
	}
	p.BaseOffset, p.LastOffset = b.BaseOffset(), b.LastOffset()
	if b.IsLogAppendTime() {
		p.LogAppendTime = b.MaxTimestamp()
	}
	l.mu.unflushed += int64(b.Count())
	return l.order(p, len(b), l.store.opts.Durability == Sync || l.flushDue(cfg)), nil
}

// answerDuplicate gives the result of the first copy, once that is committed.
func (l *log) answerDuplicate(b protocol.Batch, first logstore.ProducerBatch, p *logstore.Pending) logstore.State {
	p.Duplicate = true
	p.BaseOffset, p.LastOffset = first.BaseOffset(), first.LastOffset
	// Kafka tells the first copy's time whatever the topic's timestamps are
	// (UnifiedLog.append).
	p.LogAppendTime = first.Timestamp
	if first.LastOffset < protocol.Offset(l.high.Load()) {
		return logstore.Committed
	}
	l.mu.waiting = append(l.mu.waiting, waitingAppend{end: first.LastOffset + 1, pending: p})
	if l.mu.flushDue {
		l.store.syncer.add(l) // no group holds the first copy any more
	}
	return logstore.Ordered
}

// order commits the append at once, or lines it up behind the next sync. Nothing
// overtakes what is in line, or High would pass an append that is not durable.
func (l *log) order(p *logstore.Pending, bytes int, sync bool) logstore.State {
	if sync || len(l.mu.waiting) > 0 {
		l.mu.waiting = append(l.mu.waiting, waitingAppend{end: p.LastOffset + 1, pending: p, bytes: bytes})
		return logstore.Ordered
	}
	l.high.Store(l.end.Load())
	l.updateStable()
	return logstore.Committed
}

func (l *log) flushDue(cfg *logstore.Config) bool {
	return cfg.FlushMessages > 0 && l.mu.unflushed >= cfg.FlushMessages
}

// writeWithRoom is write, with a client refused on a full disk, and with room made
// for everybody else.
func (l *log) writeWithRoom(b protocol.Batch, in logstore.AppendInput, cfg *logstore.Config) error {
	epoch := max(in.Epoch, l.mu.epochs.Last())
	write := func() error {
		if phase(l.phase.Load()) != phaseReady {
			return *l.failure.Load() // the attempt before has taken it offline
		}
		return l.write(b, epoch, cfg)
	}
	if in.Origin != logstore.FromClient {
		return l.store.room.with(write)
	}
	if err := l.store.room.admit(); err != nil {
		return err
	}
	err := write()
	if vfs.IsFull(err) {
		l.store.room.noteFull()
	}
	return err
}

// write appends the batch to the active segment and publishes the new end.
func (l *log) write(b protocol.Batch, epoch protocol.Epoch, cfg *logstore.Config) error {
	base := protocol.Offset(l.end.Load())
	b.SetBaseOffset(base)
	b.SetLeaderEpoch(epoch)
	s, err := l.activeFor(b, cfg)
	if err != nil {
		return l.writeFailed(fmt.Errorf("%w: %w", logstore.ErrStorage, err))
	}
	if err := l.noteEpoch(epoch, base); err != nil {
		return l.writeFailed(fmt.Errorf("%w: %w", logstore.ErrStorage, err))
	}
	file, err := s.data.acquire()
	if err != nil {
		return l.writeFailed(fmt.Errorf("%w: %w", logstore.ErrStorage, err))
	}
	defer s.data.release()
	size := s.size.Load()
	s.reserve(file, size+int64(len(b)), cfg)
	if _, err := file.WriteAt(b, size); err != nil {
		return l.undoWrite(s, file, size, err)
	}
	l.mu.writeFailures = 0
	s.note(b, size, cfg.IndexIntervalBytes)
	if l.logged() {
		l.store.committer.add(l, s, size, b)
		// Kept short, so that neither a roll nor a full slot has much left to sync.
		if l.mu.unsynced += len(b); l.mu.unsynced >= flushAheadBytes {
			l.mu.unsynced = 0
			l.store.syncer.add(l)
		}
	}
	if l.learn(s, b) {
		l.noteAborted(s)
	}
	l.end.Store(int64(b.LastOffset() + 1))
	return nil
}

// undoWrite takes back what a failed write may have left: readers never saw it,
// but the next write must not follow half a batch.
func (l *log) undoWrite(s *segment, file vfs.File, size int64, cause error) error {
	cause = fmt.Errorf("%w: append to %s: %w", logstore.ErrStorage, s.data.name, cause)
	s.reserved = 0 // truncating gives reserved blocks back
	if err := file.Truncate(size); err != nil {
		return l.goOffline(fmt.Errorf("%w; and the part written could not be taken back: %w", cause, err))
	}
	return l.writeFailed(cause)
}

// writeFailed decides what a failure means: a full disk or a lack of file handles
// passes, anything else twice in a row takes the partition offline.
func (l *log) writeFailed(cause error) error {
	if passes(cause) {
		return cause
	}
	l.mu.writeFailures++
	if l.mu.writeFailures >= 2 || errors.Is(cause, fs.ErrNotExist) {
		return l.goOffline(cause)
	}
	return cause
}

// passes tells whether an error ends by itself once there is room again.
func passes(err error) bool {
	return vfs.IsFull(err) || vfs.OutOfHandles(err) || errors.Is(err, syscall.ENOMEM)
}

// reserve preallocates ahead of end. Failing to is no failure: the write itself
// will say when there is no room.
func (s *segment) reserve(file vfs.File, end int64, cfg *logstore.Config) {
	if end <= s.reserved || end < hotBytes && !cfg.Preallocate {
		return
	}
	from := max(s.reserved, s.size.Load())
	to := min(from+reserveBytes, cfg.SegmentBytes)
	s.reserved = max(to, end)
	if to > from {
		_ = file.Preallocate(from, to-from)
	}
}

// activeFor is the segment to append b to: the active one, or a new one when
// Kafka would roll.
func (l *log) activeFor(b protocol.Batch, cfg *logstore.Config) (*segment, error) {
	s := l.active()
	if s != nil && !l.mustRoll(s, b, cfg) {
		return s, nil
	}
	return l.roll(cfg)
}

// mustRoll has the rules of Kafka's LogSegment.shouldRoll.
func (l *log) mustRoll(s *segment, b protocol.Batch, cfg *logstore.Config) bool {
	size := s.size.Load()
	if b.LastOffset()-s.base > math.MaxInt32 {
		return true
	}
	if size == 0 {
		return false
	}
	if size+int64(len(b)) > min(cfg.SegmentBytes, math.MaxInt32) || s.full(cfg.IndexBytesMax) {
		return true
	}
	var age protocol.Timestamp
	if s.firstTimestamp >= 0 {
		age = b.MaxTimestamp() - s.firstTimestamp
	} else { // to ask for the time costs as much as a system call here and there
		age = l.store.now() - s.created
	}
	return int64(age) > cfg.SegmentMillis-s.jitterMillis
}

// roll begins a new active segment at the log end. The index files that the old
// one still needs are left to the syncer, in cached mode its sync as well.
func (l *log) roll(cfg *logstore.Config) (*segment, error) {
	if !l.mu.folderMade {
		if err := l.makeFolder(); err != nil {
			return nil, err
		}
	}
	base := protocol.Offset(l.end.Load())
	old := l.active()
	if old != nil {
		if err := l.syncOld(old); err != nil {
			return nil, err
		}
		if err := l.writeSnapshot(base, l.store.opts.Durability == Sync); err != nil {
			return nil, err
		}
	}
	s := newSegment(&l.store.handles, l.dir, base)
	s.created, s.noAborted, l.mu.bare = l.store.now(), l.mu.bare, false
	if jitter := min(cfg.SegmentJitterMillis, cfg.SegmentMillis); jitter > 0 {
		s.jitterMillis = l.store.opts.Random(jitter)
	}
	file, err := s.data.create()
	if err != nil {
		return nil, err
	}
	if cfg.Preallocate {
		s.reserve(file, 1, cfg)
	}
	s.data.release()
	l.mu.namesDirty, l.mu.cleanAt = true, protocol.None
	l.publish(withSegment(*l.segments.Load(), s))
	if old != nil {
		old.finish()
		l.store.syncer.add(l)
		l.wakeCleaner()
	}
	return s, nil
}

// syncOld makes the records of a segment durable before there is one behind it:
// only of the last segment may a power cut take the end away, so that an end that
// is missing elsewhere is damage. The syncer has done most of it by then, see
// flushAheadBytes.
func (l *log) syncOld(s *segment) error {
	if l.store.opts.Durability != Sync || s.nextOffset() <= l.mu.synced {
		return nil
	}
	// Those before it too: a recovery leaves them to the write-ahead log.
	if err := l.syncFiles(*l.segments.Load(), l.mu.synced, false, false); err != nil {
		return l.store.failOnSync(err)
	}
	l.mu.synced = s.nextOffset()
	return nil
}
