package disk

import (
	"errors"
	"fmt"
	"path"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
)

// ballastFile takes up room in good times. Kafka passes over plain files that it
// does not know.
const ballastFile = "barnabas-ballast"

const (
	// ballastShareMax is what part of a volume the ballast may take.
	ballastShareMax = 32
	// ballastWriteBytes is written at once when the ballast is made: no more than that
	// of it is ever in memory.
	ballastWriteBytes = 64 << 10
	// ballastParts is in how many steps it is let go: others may take what one gives.
	ballastParts = 4
	// startBytes is what a start writes at most before it serves: a few small files.
	startBytes = 64 << 10
)

// room keeps commits, metadata and deletions going on a disk that is full: clients'
// records are refused from the first write on that finds no room, and the ballast is
// let go, part by part, as everything else needs it. Once there is room for it again,
// it is made anew and records are taken again.
type room struct {
	store *Store
	bytes int64 // of the ballast, 0 for none
	full  atomic.Bool

	mu struct {
		sync.Mutex
		held int64 // bytes of the ballast that are there
	}
}

// openRoom looks for the ballast of an earlier process and, where the disk is full,
// lets it go at once: a start has to write as well.
func openRoom(s *Store) *room {
	r := &room{store: s}
	free, total, err := s.opts.FS.FreeBytes(s.opts.Dir)
	if err != nil || s.opts.BallastBytes <= 0 {
		return r
	}
	r.bytes = min(s.opts.BallastBytes, int64(total/ballastShareMax))
	info, err := s.opts.FS.Stat(r.name())
	if err != nil {
		return r // the first start here
	}
	r.mu.held = min(info.Size(), r.bytes)
	if r.mu.held < r.bytes || int64(free) < r.bytes/2 {
		r.noteFull() // some was let go, and nobody has found room since
		r.keep()
	}
	if free < startBytes {
		r.release()
	}
	return r
}

func (r *room) name() string { return path.Join(r.store.opts.Dir, ballastFile) }

// keep makes the ballast when there is room for it, and ends the refusals.
func (r *room) keep() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keepLocked()
}

// keepLocked asks for twice the ballast, so that there is as much room again once
// it is made: what was refused must not be taken for a moment only.
func (r *room) keepLocked() {
	if r.mu.held == r.bytes && !r.full.Load() {
		return
	}
	free, _, err := r.store.opts.FS.FreeBytes(r.store.opts.Dir)
	if err != nil || int64(free) < 2*r.bytes || free == 0 {
		return
	}
	if r.mu.held < r.bytes {
		if err := r.make(); err != nil {
			return // no room after all; it is tried again
		}
		r.mu.held = r.bytes
	}
	if r.full.Swap(false) {
		r.store.opts.Logger.Warn("there is room on the disk again: records are taken", "data", r.store.opts.Dir, "free", free)
	}
}

// make writes the ballast. Its content is never read, so that it is not synced.
func (r *room) make() error {
	file, err := r.store.opts.FS.Open(r.name(), vfs.ReadWrite|vfs.Create, vfs.FilePerm)
	if err != nil {
		return err
	}
	zeros := make([]byte, min(ballastWriteBytes, r.bytes))
	for at := r.mu.held; err == nil && at < r.bytes; at += int64(len(zeros)) {
		_, err = file.WriteAt(zeros[:min(int64(len(zeros)), r.bytes-at)], at)
	}
	if err != nil {
		err = errors.Join(err, file.Truncate(r.mu.held))
	}
	return errors.Join(err, file.Close())
}

// noteFull refuses clients' records from now on.
func (r *room) noteFull() {
	if !r.full.Swap(true) {
		r.store.opts.Logger.Error("the disk is full: records are refused until there is room; reads, commits and deletions go on", "data", r.store.opts.Dir)
	}
}

// release lets a part of the ballast go; false when there is none left.
func (r *room) release() bool {
	r.noteFull()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mu.held <= 0 {
		return false
	}
	left := max(r.mu.held-max(r.bytes/ballastParts, 1), 0)
	file, err := r.store.opts.FS.Open(r.name(), vfs.ReadWrite, 0)
	if err == nil {
		err = errors.Join(file.Truncate(left), file.Close())
	}
	if err != nil {
		r.store.opts.Logger.Warn("the ballast cannot be let go", "file", r.name(), "error", err)
		return false
	}
	r.mu.held = left
	return true
}

// with does what must go on, and again with more room while it finds none.
func (r *room) with(do func() error) error {
	err := do()
	for vfs.IsFull(err) && r.release() {
		err = do()
	}
	return err
}

// admit tells whether a client's records may be written.
func (r *room) admit() error {
	if !r.full.Load() {
		return nil
	}
	if r.mu.TryLock() { // whoever is looking already will see
		r.keepLocked()
		r.mu.Unlock()
	}
	if !r.full.Load() {
		return nil
	}
	return fmt.Errorf("%w: %s: %w", logstore.ErrStorage, r.store.opts.Dir, syscall.ENOSPC)
}
