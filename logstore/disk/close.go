package disk

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

const (
	// closersMax is how many logs are closed at the same time. File systems with a
	// journal let syncs that meet share one commit; beyond a few they only queue.
	closersMax = 8
	// syncAllFrom is from how many logs on a stop in cached mode syncs the volume once
	// instead of each of their files. It waits for what others have written there too, so
	// that a few logs are better off with syncs of their own. In sync mode each file is
	// synced by itself: the kernel tells whoever asks first of a volume's failed write, and
	// another process may have.
	syncAllFrom = 64
)

// closeLogs closes every log. When ctx ends before that, the rest is left as after a crash.
func (s *Store) closeLogs(ctx context.Context) []error {
	logs := s.each()
	if s.opts.Durability == Cached && len(logs) >= syncAllFrom {
		unclean := 0
		for _, l := range logs {
			if l.loaded.Load() {
				unclean++
			}
		}
		if unclean >= syncAllFrom && ctx.Err() == nil {
			// Most of it is done here, and it shows whether there is such a call at all.
			err := s.opts.FS.SyncAll(s.opts.Dir)
			if err == nil {
				return s.closeTogether(ctx, logs)
			}
			if !errors.Is(err, errors.ErrUnsupported) {
				err = s.fail(&syncError{s.opts.Dir, err})
				for _, l := range logs {
					l.abandon()
				}
				return []error{err}
			}
		}
	}
	return s.closeEach(ctx, logs, func(l *log) error { return l.close(!s.opts.CleanShutdown) })
}

// closeTogether closes logs with one sync for all of them. Nothing of what is written
// before that is believed by a start unless the marker of a clean stop is there.
func (s *Store) closeTogether(ctx context.Context, logs []*log) []error {
	defer func() {
		for _, l := range logs {
			l.abandon()
		}
	}()
	failures := s.closeEach(ctx, logs, func(l *log) error { return l.prepareClose(!s.opts.CleanShutdown) })
	if ctx.Err() != nil {
		s.unverified.Store(true) // what was prepared is not synced
		return failures
	}
	err := s.broken()
	if err == nil {
		if err = s.opts.FS.SyncAll(s.opts.Dir); err != nil {
			err = s.fail(&syncError{s.opts.Dir, err})
		}
	}
	if err != nil {
		s.unverified.Store(true)
		return append(failures, err)
	}
	// Also of a log whose files of a clean stop could not be written: it was synced too.
	return append(failures, s.closeEach(ctx, logs, func(l *log) error {
		l.flushing.Lock()
		defer l.flushing.Unlock()
		if phase(l.phase.Load()) == phaseReady {
			l.flushed(*l.segments.Load(), protocol.Offset(l.end.Load()))
		}
		return nil
	})...)
}

// closeEach calls fn for the logs, a few at a time.
func (s *Store) closeEach(ctx context.Context, logs []*log, fn func(*log) error) []error {
	var next atomic.Int64
	var mu sync.Mutex // guards failures
	var failures []error
	closer := func() {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(logs) {
				return
			}
			l := logs[i]
			if ctx.Err() != nil {
				l.abandon()
				s.unverified.Store(true)
				continue
			}
			if err := fn(l); err != nil {
				s.unverified.Store(true)
				mu.Lock()
				failures = append(failures, fmt.Errorf("close %s: %w", l.id, err))
				mu.Unlock()
			}
		}
	}
	var closers sync.WaitGroup
	for range min(closersMax, len(logs)) {
		closers.Go(closer)
	}
	closers.Wait()
	return failures
}

// prepareClose is close up to the sync, which comes for all logs at once.
func (l *log) prepareClose(recoverFirst bool) error {
	l.reshaping.Lock()
	defer l.reshaping.Unlock()
	l.flushing.Lock()
	defer l.flushing.Unlock()
	err := l.shut(recoverFirst)
	if err == nil {
		err = l.writeCleanState(false)
	}
	if errors.Is(err, logstore.ErrClosed) {
		l.abandon()
		return nil // nobody has used it, or it was closed before
	}
	return err
}

// close makes the log durable, writes what a start without a scan needs, and
// ends its use. A log that was never loaded has nothing to write; recoverFirst
// loads it, because after an unclean start nobody has vouched for it yet.
func (l *log) close(recoverFirst bool) error {
	l.reshaping.Lock()
	defer l.reshaping.Unlock()
	l.flushing.Lock()
	defer l.flushing.Unlock()
	err := l.shut(recoverFirst)
	if err == nil {
		err = l.flush()
	}
	if err == nil {
		err = l.writeCleanState(true)
	}
	l.abandon()
	if errors.Is(err, logstore.ErrClosed) {
		return nil // nobody has used it, or it was closed before
	}
	return err
}

// abandon ends the use of the log as it is.
func (l *log) abandon() {
	l.mu.Lock()
	waiting := l.endLocked(phaseEnded, logstore.ErrClosed)
	list := *l.segments.Load()
	l.mu.Unlock()
	l.answer(waiting, 0, logstore.ErrClosed)
	for _, s := range list {
		s.retire()
	}
}

// shut keeps appends out, so that the flush that follows is the last one.
func (l *log) shut(recoverFirst bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if phase(l.phase.Load()) == phaseNew && !recoverFirst {
		return logstore.ErrClosed
	}
	if err := l.readyLocked(); err != nil {
		return err
	}
	l.mu.shut = true
	return nil
}

// writeCleanState writes the active segment's indexes and the producer snapshot.
func (l *log) writeCleanState(durable bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.active()
	if s == nil {
		return nil
	}
	if protocol.Offset(l.end.Load()) == l.mu.cleanAt {
		return nil // as the last clean stop left it
	}
	s.finish()
	if err := l.writeSealed(s, durable); err != nil {
		return err
	}
	return l.writeSnapshot(protocol.Offset(l.end.Load()), durable && l.store.opts.Durability == Sync)
}
