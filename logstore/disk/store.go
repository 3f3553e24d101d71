package disk

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/barnabas-mq/barnabas/internal/wal"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Store keeps the logs of one data directory. From Open to Close it runs the syncer, a
// goroutine, and in Sync mode the committer, two of them; one timer while deleted files
// wait for their removal; and a timer or a goroutine, the cleaner, while there is
// something to compact.
type Store struct {
	opts        Options
	handles     handlePool
	syncer      *syncer
	committer   *committer // nil in cached mode
	wal         *wal.Log
	leftover    *leftover
	cuts        atomic.Bool // a cut was noted in the write-ahead log
	checkpoints *checkpoints
	clockMu     sync.Mutex // guards these two
	clock       clockGuard
	// clockOfLastRun: what the guard trusts is from before the start, so that the
	// broker may simply have been down.
	clockOfLastRun bool
	trash          *trash
	room           *room
	cleaner        *cleaner
	producerExpiry atomic.Int64 // milliseconds, see SetProducerExpiry

	fatal   atomic.Pointer[error] // set once a sync has failed
	failing sync.WaitGroup        // the one goroutine that tells everyone of it
	// unverified is set once a log could not be vouched for; see Verified.
	unverified atomic.Bool

	mu struct {
		sync.Mutex
		logs map[logstore.ID]*log
		// configs holds each distinct Config once: 100,000 partitions share a few.
		configs map[logstore.Config]*logstore.Config
		closed  bool
	}
}

// Open opens the store of a data directory. It reads the checkpoint files
// and nothing of any partition.
func Open(options Options) (*Store, error) {
	s := &Store{opts: options.withDefaults()}
	s.handles.fs, s.handles.max = s.opts.FS, s.opts.OpenFilesMax
	s.mu.logs = make(map[logstore.ID]*log)
	s.mu.configs = make(map[logstore.Config]*logstore.Config)
	var err error
	if s.checkpoints, err = readCheckpoints(s); err != nil {
		return nil, err
	}
	s.readClock()
	if err := s.openWAL(); err != nil {
		return nil, err
	}
	s.leftover = &leftover{store: s}
	if s.wal.Leftover() {
		s.opts.CleanShutdown = false
	}
	s.trash = &trash{store: s}
	s.room = openRoom(s)
	s.cleaner = newCleaner(s)
	s.producerExpiry.Store(s.opts.ProducerExpiryMillis)
	s.syncer = startSyncer(s)
	if s.opts.Durability == Sync {
		s.committer = startCommitter(s)
	}
	return s, nil
}

// Leftover tells whether a crash has left a write-ahead log that is not replayed
// yet; Lineage names the processes that wrote it, and Inherit, which comes before
// this process shows itself anywhere else, adds it to them, durably, behind the newest
// that has shown itself.
func (s *Store) Leftover() bool { return s.wal.Leftover() }

// Lineage, see Leftover.
func (s *Store) Lineage() ([]string, error) { return s.wal.Lineage() }

// Inherit, see Leftover.
func (s *Store) Inherit(newest string) error { return s.wal.Inherit(newest) }

// now is the wall clock in Kafka's unit.
func (s *Store) now() protocol.Timestamp { return protocol.Timestamp(s.opts.Clock.Now().UnixMilli()) }

// Open implements logstore.Store.
func (s *Store) Open(id logstore.ID, cfg logstore.Config) (logstore.Log, error) {
	return s.open(id, cfg, false)
}

// Create implements logstore.Store.
func (s *Store) Create(id logstore.ID, cfg logstore.Config) (logstore.Log, error) {
	return s.open(id, cfg, true)
}

func (s *Store) open(id logstore.ID, cfg logstore.Config, created bool) (logstore.Log, error) {
	if id.Topic == "" || strings.ContainsAny(id.Topic, "/\\\x00") || id.Partition < 0 {
		return nil, fmt.Errorf("%q is no name for a partition's folder", id.String())
	}
	kept := s.intern(cfg)
	// Before the store is locked: the checkpoints are locked while they list the logs.
	cleaned := s.checkpoints.everCleaned(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.closed {
		return nil, logstore.ErrClosed
	}
	if l := s.mu.logs[id]; l != nil {
		return l, nil
	}
	l := newLog(s, id, kept, cleaned)
	l.created = created
	s.mu.logs[id] = l
	return l, nil
}

func (s *Store) intern(cfg logstore.Config) *logstore.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept := s.mu.configs[cfg]; kept != nil {
		return kept
	}
	s.mu.configs[cfg] = &cfg
	return &cfg
}

// each is a copy of the list of logs, so that none is called under the lock.
func (s *Store) each() []*log {
	s.mu.Lock()
	defer s.mu.Unlock()
	logs := make([]*log, 0, len(s.mu.logs))
	for _, l := range s.mu.logs {
		logs = append(logs, l)
	}
	return logs
}

// broken is the error of everything once a sync has failed.
func (s *Store) broken() error {
	if err := s.fatal.Load(); err != nil {
		return *err
	}
	return nil
}

// fail ends the store after a failed sync: what is on the disk is unknown, and
// asking again could lie (the kernel marks the pages clean). Nothing that waits is
// acknowledged.
func (s *Store) fail(cause error) error {
	err := fmt.Errorf("%w: a sync failed: %w", logstore.ErrOffline, cause)
	if !s.fatal.CompareAndSwap(nil, &err) {
		return s.broken()
	}
	s.unverified.Store(true)
	// The caller may hold the lock of a log, so the rest is told from elsewhere.
	s.failing.Go(func() {
		for _, l := range s.each() {
			l.mu.Lock()
			waiting := l.endLocked(phaseFailed, err)
			l.mu.Unlock()
			l.answer(waiting, 0, err)
		}
		s.opts.Fatal(err)
	})
	return err
}

// Delete implements logstore.Store.
func (s *Store) Delete(ids ...logstore.ID) error {
	var logs []*log
	s.mu.Lock()
	for _, id := range ids {
		if l := s.mu.logs[id]; l != nil {
			logs = append(logs, l)
			delete(s.mu.logs, id)
		}
	}
	s.mu.Unlock()
	return s.deleteLogs(logs)
}

// forgetLog drops a log that was closed on its own; its marks are kept.
func (s *Store) forgetLog(l *log) {
	s.checkpoints.keep(l)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.logs[l.id] == l {
		delete(s.mu.logs, l.id)
	}
}

// KeepRoom makes the ballast, see Options.BallastBytes. A start leaves that for
// later, and Checkpoint does it too.
func (s *Store) KeepRoom() { s.room.keep() }

// Checkpoint implements logstore.Store.
func (s *Store) Checkpoint() error {
	s.room.keep()
	now := s.now()
	for _, l := range s.each() {
		if l.flushOverdue(now) {
			s.syncer.add(l)
		}
	}
	return s.checkpoints.write()
}

// Verified tells whether a marker of a clean shutdown may be written after Close:
// every log was recovered, synced and closed, so that the next start need not
// scan any.
func (s *Store) Verified() bool { return !s.unverified.Load() }

// Close implements logstore.Store. When ctx ends before every log is closed, the
// rest is left as after a crash and Verified tells so.
func (s *Store) Close(ctx context.Context) error {
	s.mu.Lock()
	already := s.mu.closed
	s.mu.closed = true
	s.mu.Unlock()
	if already {
		return nil
	}
	s.stopWork()
	var failures []error
	if ctx.Err() != nil {
		s.unverified.Store(true) // also when no log was opened yet
	}
	failures = append(failures, s.closeLogs(ctx)...)
	s.failing.Wait() // a sync of the stop may have failed
	for _, write := range []func() error{s.checkpoints.writeIfUsed, s.checkpoints.writeHighWatermarks} {
		if err := write(); err != nil {
			s.unverified.Store(true)
			failures = append(failures, err)
		}
	}
	failures = append(failures, s.closeWAL())
	return errors.Join(append(failures, ctx.Err())...)
}

// stopWork ends the goroutines and timers.
func (s *Store) stopWork() {
	s.cleaner.stop()
	if s.committer != nil {
		s.committer.stop()
	}
	s.syncer.stop()
	s.trash.stop()
	s.failing.Wait()
}

// closeWAL removes the write-ahead log when every log is durable without it, and
// leaves it for the next start otherwise.
func (s *Store) closeWAL() error {
	if !s.Verified() {
		return s.wal.Close()
	}
	err := s.wal.Remove()
	if err != nil {
		s.unverified.Store(true)
	}
	return err
}

// Abandon ends the store as it is and writes nothing: for a directory that turned
// out not to be ours.
func (s *Store) Abandon() {
	s.mu.Lock()
	already := s.mu.closed
	s.mu.closed = true
	s.mu.Unlock()
	if already {
		return
	}
	s.unverified.Store(true)
	s.stopWork()
	for _, l := range s.each() {
		l.abandon()
	}
	_ = s.wal.Close() // it stays as it was found
}

// Tidy finishes deletions that a stop has interrupted, and sets folders of
// partitions aside whose topic id is not known (renamed to end in "-stray",
// nothing is lost). It lists the data directory, so it belongs in the background
// after the start.
func (s *Store) Tidy(known func(protocol.UUID) bool) error {
	entries, err := s.opts.FS.ReadDir(s.opts.Dir)
	if err != nil {
		return fmt.Errorf("list the data directory: %w", err)
	}
	deleted, folders := make(map[string]bool), make(map[string]bool)
	for _, entry := range entries {
		folders[entry.Name()] = true
		if name, ok := deletedName(entry.Name()); ok {
			deleted[name] = true
		}
	}
	// Once the folders are gone, nothing explains the rows any more.
	s.checkpoints.forgetDeleted(deleted, folders)
	var failures []error
	for _, entry := range entries {
		name, dir := entry.Name(), path.Join(s.opts.Dir, entry.Name())
		key, isPartition := partitionOfFolder(name)
		switch {
		case !entry.IsDir():
		case strings.HasSuffix(name, deleteSuffix):
			failures = append(failures, s.trash.removeNow(dir))
		case isPartition:
			id, err := TopicIDOf(s.opts.FS, dir)
			if err == nil && !id.IsZero() && !known(id) {
				err = s.setStrayAside(dir, name, key, id)
			}
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

// SetUnnamedAside sets folders of partitions aside that do not say whose they are and
// whose topics do not exist, before one is created that would take their records for
// its own at the next start. It lists the data directory.
func (s *Store) SetUnnamedAside(exists func(topic string, partition int32) bool) error {
	entries, err := s.opts.FS.ReadDir(s.opts.Dir)
	if err != nil {
		return fmt.Errorf("list the data directory: %w", err)
	}
	var failures []error
	for _, entry := range entries {
		key, isPartition := partitionOfFolder(entry.Name())
		if !isPartition || !entry.IsDir() || exists(key.topic, key.partition) {
			continue
		}
		dir := path.Join(s.opts.Dir, entry.Name())
		id, err := TopicIDOf(s.opts.FS, dir)
		if err == nil && id.IsZero() {
			// Any id will do, as long as no folder was set aside under it.
			err = s.setStrayAside(dir, entry.Name(), key, protocol.NewUUID())
		}
		failures = append(failures, err)
	}
	return errors.Join(failures...)
}

// setStrayAside renames a folder whose topic is not known. Where a log of the same
// name is open, the folder is left to that log, which is the only one to know
// whether it is still the one that was looked at.
func (s *Store) setStrayAside(dir, name string, key partitionKey, id protocol.UUID) error {
	if s.hasLog(key) {
		return nil // and so is the row in the checkpoint files
	}
	s.checkpoints.forget(key)
	if err := s.checkpoints.writeIfStale(); err != nil {
		return err
	}
	s.mu.Lock() // keeps a log of that name from being opened
	defer s.mu.Unlock()
	if s.hasLogLocked(key) {
		return nil
	}
	return setAside(s, dir, name, id)
}

func (s *Store) hasLog(key partitionKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hasLogLocked(key)
}

func (s *Store) hasLogLocked(key partitionKey) bool {
	for other := range s.mu.logs {
		if keyOf(other) == key {
			return true
		}
	}
	return false
}
