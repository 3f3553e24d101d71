package disk

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/protocol"
)

// scanMode is how strictly a segment is read.
type scanMode uint8

const (
	// looseScan looks at headers only and allows gaps, which compaction leaves.
	looseScan scanMode = iota
	// gapScan checks every CRC and allows gaps.
	gapScan
	// strictScan checks every CRC, and that each batch begins where the one before
	// ended, from strictFrom on: what lies there was never compacted.
	strictScan
)

// recoverUnclean scans every segment that reaches beyond the recovery point. The log
// was durable up to promised, which is where the write-ahead log went on from there.
func (l *log) recoverUnclean(list []*segment, known marks, promised protocol.Offset) error {
	first := len(list) - 1
	for first > 0 && list[first].base > known.recovery {
		first--
	}
	scanned := list[first].base
	l.store.opts.Logger.Info("recovering a partition", "partition", l.id.String(), "from", int64(scanned), "segments", len(list)-first)
	if err := l.useSealedIndexes(list[:first]); err != nil {
		return err
	}
	epochs, ok := readEpochs(l.store.opts.FS, l.dir)
	l.mu.epochs = epochs
	inFile := epochs.All()
	if !ok {
		if err := l.takeEpochs(list[:first]); err != nil {
			return err
		}
	}
	if err := l.missingBefore(list[0], known); err != nil {
		return err
	}
	l.mu.epochs.TruncateTo(scanned)
	if err := l.loadProducers(list[:first], scanned); err != nil {
		return err
	}
	list, err := l.scanFrom(list, first, promised)
	if err != nil {
		return err
	}
	end := list[len(list)-1].nextOffset()
	if end < promised {
		return list[len(list)-1].tooShort(promised)
	}
	l.publish(list)
	l.setMarks(list[0].base, end)
	active := list[len(list)-1]
	active.reserved = active.size.Load() // what was preallocated beyond is given back when it is sealed
	l.mu.synced = known.recovery
	l.recoveryPoint.Store(int64(known.recovery))
	l.dropSnapshotsBeyond(end)
	if !ok || !slices.Equal(inFile, l.mu.epochs.All()) {
		if err := l.writeEpochs(); err != nil {
			return fmt.Errorf("write the leader epochs: %w", err)
		}
	}
	if err := l.writeTxnIndex(list[len(list)-1], l.store.opts.Durability == Sync); err != nil {
		return fmt.Errorf("write the transaction index: %w", err)
	}
	return l.settle(list, end, promised)
}

// settle makes what was recovered durable before anyone sees it, in sync mode:
// after a kill the page cache holds it, and the disk may not. What the write-ahead
// log holds is durable; its place in the segments waits for the next flush, and so
// do names and small files, of which nobody knows how far they were synced.
func (l *log) settle(list []*segment, end, promised protocol.Offset) error {
	l.mu.namesDirty, l.mu.rootDirty = true, true
	l.mu.smallDirty = []string{path.Join(l.dir, metadataFile), path.Join(l.dir, epochFile)}
	if l.store.opts.Durability == Sync && end > promised {
		if err := l.syncFiles(list, l.mu.synced, true, true); err != nil {
			return l.store.failOnSync(err)
		}
		l.mu.synced = end
	}
	l.store.syncer.add(l) // writes the index files of sealed segments
	return nil
}

// scanFrom reads the segments from list[first] on and returns the list that is
// left when a torn tail has been cut.
func (l *log) scanFrom(list []*segment, first int, promised protocol.Offset) ([]*segment, error) {
	told, gaps := l.newProgress(list[first:]), l.mayHaveGaps()
	if gaps {
		l.mu.strictFrom = promised
	}
	for i := first; i < len(list); i++ {
		s, last := list[i], i == len(list)-1
		mode := gapScan
		if last {
			mode = strictScan
		}
		s.dropAborted()
		position, bad, err := l.rebuild(s, s.size.Load(), mode, func(b protocol.Batch) {
			l.mu.epochs.Assign(b.LeaderEpoch(), b.BaseOffset())
			l.learn(s, b)
			told.add(b)
		})
		if err != nil {
			return nil, err
		}
		if bad == nil && !last && s.nextOffset() < list[i+1].base && !gaps {
			bad = &badBatch{position, fmt.Sprintf("the segment ends at offset %d, the next one begins at %d", s.nextOffset(), list[i+1].base)}
		}
		if bad != nil {
			return l.tear(list, i, bad, promised)
		}
		if !last {
			s.finish()
			s.next.Store(int64(list[i+1].base))
		}
	}
	return list, nil
}

// rebuild reads a segment from its start to size, fills its index anew and calls
// visit for every batch. It returns where the valid part ends.
func (l *log) rebuild(s *segment, size int64, mode scanMode, visit func(protocol.Batch)) (int64, *badBatch, error) {
	file, err := s.data.acquire()
	if err != nil {
		return 0, nil, err
	}
	defer s.data.release()
	s.reset()
	scan := newScanner(file, 0, size, mode != looseScan)
	defer scan.close()
	for {
		b, at, err := scan.batch()
		var bad *badBatch
		switch {
		case errors.Is(err, io.EOF):
			return at, nil, nil
		case errors.As(err, &bad):
			return at, bad, nil
		case err != nil:
			return at, nil, err
		}
		if next := s.nextOffset(); b.BaseOffset() < next || mode == strictScan && b.BaseOffset() != next && b.BaseOffset() > l.mu.strictFrom {
			return at, &badBatch{at, fmt.Sprintf("a batch with offset %d where %d is expected", b.BaseOffset(), next)}, nil
		}
		if b.LastOffset()-s.base > 1<<31-1 {
			return at, &badBatch{at, fmt.Sprintf("offset %d is too far from the segment's", b.LastOffset())}, nil
		}
		s.note(b, at, l.cfg.Load().IndexIntervalBytes)
		visit(b)
	}
}

// reset empties what is known of the segment before it is read anew.
func (s *segment) reset() {
	s.mu.Lock()
	s.offsets, s.times, s.onDisk = nil, nil, false
	s.largest = timeEntry{timestamp: protocol.None}
	s.mu.Unlock()
	s.sinceIndex = 0
	s.firstTimestamp = protocol.None
	s.size.Store(0)
	s.next.Store(int64(s.base))
}

// tear decides what bytes that are no batch mean. In the last segment beyond the
// recovery point they are a write that a crash cut short: a copy is kept and they
// are cut off. Anywhere else, and everywhere after a clean stop, records that were
// promised are damaged: the error takes the partition offline and everything stays as
// it is. In cached mode a
// power cut may also tear segments before the last one.
func (l *log) tear(list []*segment, i int, bad *badBatch, promised protocol.Offset) ([]*segment, error) {
	s, last := list[i], i == len(list)-1
	if l.store.opts.CleanShutdown || s.nextOffset() < promised || !last && l.store.opts.Durability == Sync {
		return nil, s.corrupt(bad)
	}
	if l.cfg.Load().OwnSync && l.store.opts.Durability == Sync {
		// Each of its batches was synced before the next was written.
		if at, found, err := s.batchBehind(bad.position); err != nil {
			return nil, err
		} else if found {
			return nil, s.corrupt(&badBatch{bad.position, fmt.Sprintf("%s; a whole batch follows at byte %d", bad.reason, at)})
		}
	}
	if err := l.setTornAside(list[i+1:]); err != nil {
		return nil, err
	}
	if l.store.wal.Leftover() && !l.cfg.Load().OwnSync {
		// The next crash must not bring back what is cut now, over what will be there.
		if err := l.store.cutEntries(l.id, s.nextOffset()); err != nil {
			return nil, err
		}
	}
	if err := l.store.checkpoints.truncateCleaned(l.id, s.nextOffset()); err != nil {
		return nil, err
	}
	if err := l.cutTail(s, bad); err != nil {
		return nil, err
	}
	return list[:i+1], nil
}

// setTornAside renames the files of segments that are no part of the log any more.
func (l *log) setTornAside(list []*segment) error {
	for _, s := range list {
		s.retire()
		for _, suffix := range []string{logSuffix, offsetSuffix, timeSuffix, txnSuffix, snapshotSuffix} {
			name := l.segmentPath(s.base, suffix)
			if err := l.store.opts.FS.Rename(name, name+tornSuffix); err != nil && !passedOver(err) {
				return fmt.Errorf("set a segment beyond the log's end aside: %w", err)
			}
		}
	}
	if len(list) == 0 {
		return nil
	}
	// In cached mode too: they must not come back behind what is appended from here on.
	if err := l.store.opts.FS.SyncDir(l.dir); err != nil {
		return l.store.fail(&syncError{l.dir, err})
	}
	return nil
}

// tornSuffix marks what a crash has torn; Kafka passes over such files.
const tornSuffix = ".torn"

// cutTail keeps a copy of the bytes from bad on, then cuts them off.
func (l *log) cutTail(s *segment, bad *badBatch) error {
	file, err := s.data.acquire()
	if err != nil {
		return err
	}
	defer s.data.release()
	size, err := file.Size()
	if err != nil {
		return fmt.Errorf("cut a torn tail: %w", err)
	}
	kept := l.segmentPath(s.nextOffset(), tornSuffix)
	zero, err := copyTail(l.store.opts.FS, file, bad.position, size, kept)
	if err != nil {
		return fmt.Errorf("keep a copy of a torn tail: %w", err)
	}
	if zero {
		kept = ""
	}
	if err := file.Truncate(bad.position); err != nil {
		return fmt.Errorf("cut a torn tail: %w", err)
	}
	if err := file.Datasync(); err != nil {
		return l.store.fail(fmt.Errorf("%s: %w", s.data.name, err))
	}
	cut := Truncation{ID: l.id, End: s.nextOffset(), Bytes: size - bad.position, Kept: kept}
	l.store.opts.Logger.Warn("a torn tail was cut off", "partition", l.id.String(), "segment", s.data.name,
		"byte", bad.position, "offset", int64(cut.End), "bytes", cut.Bytes, "reason", bad.reason, "copy", kept)
	l.store.opts.Truncated(cut)
	return nil
}

// copyTail copies [from, to) of a file to a new one and makes it durable, unless
// all of it is zero: that is room that was never written.
func copyTail(fsys vfs.FS, file vfs.File, from, to int64, name string) (zero bool, err error) {
	buf := scanBuffers.Get().(*[scanBytes]byte)
	defer scanBuffers.Put(buf)
	var copied vfs.File
	for at := from; at < to; {
		part := buf[:min(int64(len(buf)), to-at)]
		if n, err := file.ReadAt(part, at); n < len(part) {
			return false, errors.Join(err, closeFile(copied))
		}
		if copied == nil && !allZero(part) {
			if copied, err = fsys.Open(name, vfs.ReadWrite|vfs.Create|vfs.Truncate, vfs.FilePerm); err != nil {
				return false, err
			}
		}
		if copied != nil {
			if _, err := copied.WriteAt(part, at-from); err != nil {
				return false, errors.Join(err, closeFile(copied))
			}
		}
		at += int64(len(part))
	}
	if copied == nil {
		return true, nil
	}
	return false, errors.Join(copied.Datasync(), closeFile(copied))
}

func closeFile(f vfs.File) error {
	if f == nil {
		return nil
	}
	return f.Close()
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// behindBytes is how far batchBehind looks: a few of the largest batches that the
// metadata log takes.
const behindBytes = 16 << 20

// batchBehind looks for a whole batch behind a position that holds none.
func (s *segment) batchBehind(position int64) (at int64, found bool, err error) {
	file, err := s.data.acquire()
	if err != nil {
		return 0, false, err
	}
	defer s.data.release()
	size, err := file.Size()
	if err != nil {
		return 0, false, err
	}
	tail := make([]byte, min(size-position, behindBytes))
	if n, err := file.ReadAt(tail, position); n < len(tail) {
		return 0, false, fmt.Errorf("read a segment: %w", err)
	}
	for i := 1; i+protocol.BatchHeaderBytes <= len(tail); i++ {
		b := protocol.Batch(tail[i:])
		if headerDefect(b, int64(len(b))) == "" && b.BaseOffset() >= s.nextOffset() && protocol.VerifyBatch(b[:b.Size()]) == nil {
			return position + int64(i), true, nil
		}
	}
	return 0, false, nil
}
