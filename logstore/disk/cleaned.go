package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// cleanedSegment is a segment that compaction writes. Its files end in ".cleaned"
// until swapIn; its handle stays in use until they have their own names.
type cleanedSegment struct {
	*segment
	log      *log
	file     vfs.File
	interval int64
	pooled   *[scanBytes]byte
	buffer   []byte
	written  int64
}

// errAbandoned ends a compaction of a log that is no longer what it was when it
// began: closed, deleted, truncated, or retention took a segment.
var errAbandoned = errors.New("the log has changed under its compaction")

// createCleaned begins the segment that replaces the ones from base on.
func (l *log) createCleaned(base protocol.Offset, intervalBytes int64) (*cleanedSegment, error) {
	c := &cleanedSegment{segment: newSegment(&l.store.handles, l.dir, base), log: l, interval: intervalBytes}
	c.created = l.store.now()
	c.swapping.Store(true)
	var err error
	if c.file, err = c.data.createAs(c.data.name + cleanedSuffix); err != nil {
		return nil, err
	}
	c.pooled = scanBuffers.Get().(*[scanBytes]byte)
	c.buffer = c.pooled[:0]
	return c, nil
}

// add appends a batch.
func (c *cleanedSegment) add(b protocol.Batch) error {
	at := c.size.Load()
	if at+int64(len(b)) > math.MaxInt32 {
		return fmt.Errorf("%s would be larger than 2 GiB", c.data.name)
	}
	c.note(b, at, c.interval)
	if len(c.buffer)+len(b) > len(c.pooled) {
		if err := c.flush(); err != nil {
			return err
		}
	}
	if len(b) > len(c.pooled) {
		return c.write(b)
	}
	c.buffer = append(c.buffer, b...)
	return nil
}

func (c *cleanedSegment) flush() error {
	err := c.write(c.buffer)
	c.buffer = c.pooled[:0]
	return err
}

func (c *cleanedSegment) write(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if _, err := c.file.WriteAt(p, c.written); err != nil {
		return fmt.Errorf("write %s: %w", c.data.name+cleanedSuffix, err)
	}
	c.written += int64(len(p))
	return nil
}

// finish makes all files of the segment durable. There is one of each kind, even an
// empty one: which are left under which name tells a recovery how far the swap came.
func (c *cleanedSegment) finish(next protocol.Offset, aborted []logstore.AbortedTransaction) error {
	if err := c.flush(); err != nil {
		return err
	}
	c.next.Store(int64(next))
	c.index.finish()
	c.mu.Lock()
	c.aborted, c.noAborted = aborted, len(aborted) == 0
	c.mu.Unlock()
	offsets, times := c.encode()
	var txns []byte
	for _, t := range aborted {
		txns = appendAbortedTxn(txns, t)
	}
	for _, part := range []struct {
		suffix string
		data   []byte
	}{{offsetSuffix, offsets}, {timeSuffix, times}, {txnSuffix, txns}} {
		fill := func(file vfs.File) error {
			if len(part.data) == 0 {
				return nil
			}
			_, err := file.WriteAt(part.data, 0)
			return err
		}
		name := c.log.segmentPath(c.base, part.suffix) + cleanedSuffix
		if err := vfs.WriteNew(c.log.store.opts.FS, name, true, fill); err != nil {
			return err
		}
	}
	// Nothing is promised of these files yet: when a sync fails they are thrown away.
	if err := c.file.Datasync(); err != nil {
		return fmt.Errorf("sync %s: %w", c.data.name+cleanedSuffix, err)
	}
	return c.log.syncFolder()
}

// syncFolder makes names durable. The folder is missing when the log was deleted.
func (l *log) syncFolder() error {
	err := l.store.opts.FS.SyncDir(l.dir)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return errAbandoned
	}
	return l.store.failOnSync(&syncError{l.dir, err})
}

// close gives the buffers back; the files stay as they are.
func (c *cleanedSegment) close() {
	scanBuffers.Put(c.pooled)
	c.pooled, c.buffer = nil, nil
	c.data.release()
}

// discard removes the files of a segment that was not swapped in, those first that
// a recovery would swap in without the others.
func (c *cleanedSegment) discard() error {
	c.retire()
	for _, stage := range []string{swapSuffix, cleanedSuffix} {
		removed := false
		for _, suffix := range segmentKinds {
			err := c.log.store.opts.FS.Remove(c.log.segmentPath(c.base, suffix) + stage)
			if err != nil && !passedOver(err) {
				return fmt.Errorf("remove what a compaction has left: %w", err)
			}
			removed = removed || err == nil
		}
		if removed && stage == swapSuffix {
			if err := c.log.syncFolder(); err != nil {
				return err
			}
		}
	}
	return nil
}

// swapIn puts the segment in the place of old. Appends and syncs go on. Kafka does it
// in the same steps (LocalLog.replaceSegments), and finishSwaps brings any of them to
// an end:
//
//	X.* are renamed to .swap         while one .cleaned is left, nothing has happened
//	the old files to .deleted        X.log.swap is the segment now
//	X.log.swap to X.log              then what else is .swap belongs to X.log
//	the rest of .swap
//
// Each step is durable before the next one begins. Only a failure of the first
// leaves everything as it was; swapped is false then.
func (l *log) swapIn(c *cleanedSegment, old []*segment) (swapped bool, err error) {
	l.reshaping.Lock()
	defer l.reshaping.Unlock()
	if !l.replace(old, nil) {
		return false, errAbandoned
	}
	if err := l.renameKinds(c.base, cleanedSuffix, swapSuffix, segmentKinds[:]...); err != nil {
		return false, err
	}
	if err := l.syncFolder(); err != nil {
		return true, err // the store has ended
	}
	if !l.replace(old, c.segment) {
		c.retire()
		return true, errAbandoned // the log went offline meanwhile; the next start goes on from here
	}
	if err := l.finishSwap(c, old); err != nil {
		if l.store.broken() == nil {
			l.mu.Lock()
			err = l.goOffline(fmt.Errorf("put compacted segment %d in its place: %w", c.base, err))
			l.mu.Unlock()
		}
		return true, err
	}
	return true, nil
}

// replace publishes the list with s in the place of old; nil only looks. It reports
// false when old is not all there, or the log ends. reshaping is held, so that
// nobody else takes segments off the list.
func (l *log) replace(old []*segment, s *segment) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.readyLocked() != nil || l.mu.shut {
		return false
	}
	list := *l.segments.Load()
	at := slices.Index(list, old[0])
	if at < 0 || len(list)-at <= len(old) || !slices.Equal(list[at:at+len(old)], old) {
		return false
	}
	if s != nil {
		// Before anybody finds the new one: who has read old records must be able to
		// tell that a list of aborted transactions read after that is not theirs.
		for _, s := range old {
			s.retire()
		}
		l.publish(slices.Concat(list[:at], []*segment{s}, list[at+len(old):]))
	}
	return true
}

func (l *log) finishSwap(c *cleanedSegment, old []*segment) error {
	if err := l.setOldAside(old); err != nil {
		return err
	}
	if err := l.syncFolder(); err != nil {
		return err
	}
	if err := l.renameKinds(c.base, swapSuffix, "", logSuffix); err != nil {
		return err
	}
	if err := l.syncFolder(); err != nil {
		return err
	}
	kinds := []string{offsetSuffix, timeSuffix, txnSuffix}
	if c.noAborted { // the usual case has no such file
		name := l.segmentPath(c.base, txnSuffix) + swapSuffix
		if err := l.store.room.with(func() error { return l.store.opts.FS.Remove(name) }); err != nil {
			return err
		}
		kinds = kinds[:2]
	}
	if err := l.renameKinds(c.base, swapSuffix, "", kinds...); err != nil {
		return err
	}
	if err := l.syncFolder(); err != nil {
		return err
	}
	c.useFiles(len(c.offsets), len(c.times))
	c.swapping.Store(false)
	return nil
}

// setOldAside takes the names from segments that were replaced; they are removed
// after file.delete.delay.ms. A longer name may find no room on a full disk: then
// they are removed at once, and those who read them go on all the same.
func (l *log) setOldAside(old []*segment) error {
	var renamed []string
	for _, s := range old {
		for _, suffix := range segmentKinds {
			name := l.segmentPath(s.base, suffix)
			err := l.store.opts.FS.Rename(name, name+deletedSuffix)
			switch {
			case err == nil:
				renamed = append(renamed, name+deletedSuffix)
			case passes(err):
				err = l.store.opts.FS.Remove(name)
			}
			if err != nil && !passedOver(err) {
				return fmt.Errorf("set a segment aside: %w", err)
			}
		}
	}
	l.store.trash.add(l.cfg.Load().FileDeleteDelayMillis, renamed...)
	return nil
}

// renameKinds moves files of a segment from one stage to the next.
func (l *log) renameKinds(base protocol.Offset, from, to string, kinds ...string) error {
	for _, suffix := range kinds {
		name := l.segmentPath(base, suffix)
		// A name may need room, and half a swap cannot wait for it.
		if err := l.store.room.with(func() error { return l.store.opts.FS.Rename(name+from, name+to) }); err != nil {
			return fmt.Errorf("swap a compacted segment in: %w", err)
		}
	}
	return nil
}
