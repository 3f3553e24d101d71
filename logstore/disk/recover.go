package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/bits"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// recover finds out what the disk holds of the log, at its first use; mu is held.
// After a clean stop nothing is scanned. Otherwise every segment that reaches
// beyond the recovery point is read and checked, and its indexes, the epochs and
// the producer state are rebuilt from it. The steps can be interrupted anywhere
// and done again.
func (l *log) recover() error {
	found, durable, err := l.listReplayed(l.store.checkpoints.of(l.id))
	if err != nil {
		return err
	}
	known := l.store.checkpoints.of(l.id) // what was known before may have been a deleted namesake's
	if len(found.bases) == 0 {
		l.mu.bare = len(found.names) == 0
		l.setMarks(known.start, known.start)
		return nil
	}
	list, err := l.openSegments(found.bases)
	if err != nil {
		return err
	}
	for _, s := range list {
		s.noAborted = !found.names[fileName(s.base, txnSuffix)]
	}
	l.mu.folderMade = true
	l.mu.snapshots, l.mu.deleting = found.snapshots, found.deleting
	l.publish(list)

	clean := l.store.opts.CleanShutdown && l.reopenActive(list[len(list)-1])
	if clean {
		err = l.recoverClean(list, known)
	} else {
		err = l.recoverUnclean(list, known, max(known.recovery, durable))
	}
	if err != nil {
		return err
	}
	return l.startAt(known.start, clean)
}

// listReplayed lists the folder, after the log's entries of the write-ahead log were
// written back to it. durable is what those promise.
func (l *log) listReplayed(known marks) (found folderFiles, durable protocol.Offset, err error) {
	if found, err = l.list(known); err != nil || !l.store.wal.Leftover() || l.cfg.Load().OwnSync {
		return found, 0, err
	}
	entries, err := l.store.leftover.of(l.id)
	if err != nil || len(entries) == 0 {
		return found, 0, err
	}
	known = l.store.checkpoints.of(l.id) // list may have found it to be a namesake's
	l.mu.folderMade = len(found.names) > 0
	if durable, err = l.replay(entries, found, known); err != nil {
		return found, durable, err
	}
	found, err = l.list(known)
	return found, durable, err
}

// folderFiles is what a partition's folder holds.
type folderFiles struct {
	bases     []protocol.Offset // of .log files, sorted
	snapshots []protocol.Offset
	names     map[string]bool
	// deleting: a deletion of segments had begun, whose files were there still.
	deleting bool
}

// list reads the folder and removes what earlier deletions and writes left.
func (l *log) list(known marks) (folderFiles, error) {
	found := folderFiles{names: make(map[string]bool)}
	entries, err := l.store.opts.FS.ReadDir(l.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return found, l.explainMissing(known)
	}
	if err != nil {
		return found, fmt.Errorf("list the partition's folder: %w", err)
	}
	id, err := TopicIDOf(l.store.opts.FS, l.dir)
	if err != nil {
		return found, err
	}
	if nearly(id, l.id.TopicID) {
		id = protocol.UUID{} // its file is damaged: read as if it said nothing
	}
	// A topic of this name was deleted and made anew, and the old folder has outlived a
	// crash; one that a crash kept from saying whose it is as well.
	whose := id
	if id.IsZero() && l.created {
		whose = l.id.TopicID // which no folder that is set aside has in its name
	}
	if !id.IsZero() && id != l.id.TopicID || id.IsZero() && l.created {
		l.store.checkpoints.forget(keyOf(l.id))
		if err := l.store.checkpoints.writeIfStale(); err != nil { // or a crash leaves a row without a folder
			return found, err
		}
		return found, setAside(l.store, l.dir, l.id.String(), whose)
	}
	if entries, err = l.finishSwaps(entries); err != nil {
		return found, err
	}
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasSuffix(name, deletedSuffix) || strings.HasSuffix(name, temporarySuffix) {
			if _, ok := offsetOf(name, logSuffix+deletedSuffix); ok {
				found.deleting = true
			}
			if err := l.store.opts.FS.Remove(path.Join(l.dir, name)); err != nil {
				return found, fmt.Errorf("remove a leftover: %w", err)
			}
			continue
		}
		found.names[name] = true
		if base, ok := offsetOf(name, logSuffix); ok {
			found.bases = append(found.bases, base)
		}
		if at, ok := offsetOf(name, snapshotSuffix); ok {
			found.snapshots = append(found.snapshots, at)
		}
	}
	if id.IsZero() && !l.id.TopicID.IsZero() && len(found.bases) > 0 {
		l.store.opts.Logger.Warn("a partition's folder does not say whose it is, and is taken for the topic's", "folder", l.dir)
		if err := l.writeTopicID(); err != nil {
			return found, fmt.Errorf("write %s: %w", metadataFile, err)
		}
	}
	slices.Sort(found.bases)
	if len(found.bases) == 0 && known.recovery > known.start {
		return found, &logstore.CorruptError{File: l.dir, Offset: known.recovery, Reason: "the segments that were there are missing"}
	}
	return found, nil
}

// nearly tells whether an id is another one with a damaged byte or two of its text.
// Two topics' ids differ in about 61 bits; taking damage for a namesake's folder
// would put the partition's records aside.
func nearly(a, b protocol.UUID) bool {
	differing := 0
	for i := range a {
		differing += bits.OnesCount8(a[i] ^ b[i])
	}
	return differing > 0 && differing <= 12
}

// explainMissing judges a folder that is not there. That is how a partition
// without records looks; one that had durable records must have been deleted by
// us, which leaves a renamed folder until the checkpoint files are written anew.
func (l *log) explainMissing(known marks) error {
	if known.recovery == 0 {
		return nil
	}
	entries, err := l.store.opts.FS.ReadDir(l.store.opts.Dir)
	if err != nil {
		return fmt.Errorf("list the data directory: %w", err)
	}
	for _, entry := range entries {
		if name, ok := deletedName(entry.Name()); ok && name == cutName(l.id.String(), deleteTailBytes) {
			l.store.checkpoints.forget(keyOf(l.id))
			return nil
		}
	}
	if l.store.checkpoints.of(l.id).recovery == 0 {
		return nil // Tidy has removed the folder meanwhile
	}
	return &logstore.CorruptError{File: l.dir, Offset: known.recovery, Reason: "the folder is missing, records were there"}
}

// offsetOf reads the offset in a file name of the given kind.
func offsetOf(name, suffix string) (protocol.Offset, bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok || len(digits) != 20 {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return protocol.Offset(n), err == nil && n >= 0
}

// openSegments makes a segment per file, sealed ones complete to their successor.
func (l *log) openSegments(bases []protocol.Offset) ([]*segment, error) {
	list := make([]*segment, len(bases))
	for i, base := range bases {
		s := newSegment(&l.store.handles, l.dir, base)
		info, err := l.store.opts.FS.Stat(s.data.name)
		if err != nil {
			return nil, fmt.Errorf("look at a segment: %w", err)
		}
		s.size.Store(info.Size())
		s.created = l.store.now()
		if i > 0 {
			list[i-1].next.Store(int64(base))
		}
		list[i] = s
	}
	return list, nil
}

// setMarks sets where the log begins and ends; everything there is visible.
func (l *log) setMarks(start, end protocol.Offset) {
	l.start.Store(int64(start))
	l.end.Store(int64(end))
	l.high.Store(int64(end))
}

// recoverClean trusts the disk: only the last batches after the active segment's
// index were looked at.
func (l *log) recoverClean(list []*segment, known marks) error {
	end := list[len(list)-1].nextOffset()
	if end < known.recovery {
		return list[len(list)-1].tooShort(known.recovery)
	}
	l.setMarks(list[0].base, end)
	l.mu.synced, l.mu.cleanAt = end, end
	l.recoveryPoint.Store(int64(end))
	if err := l.useSealedIndexes(list[:len(list)-1]); err != nil {
		return err
	}
	epochs, ok := readEpochs(l.store.opts.FS, l.dir)
	l.mu.epochs = epochs
	if !ok || !l.epochsFit(list[len(list)-1].lastEpoch, end) {
		if err := l.takeEpochs(list); err != nil {
			return err
		}
		if err := l.writeEpochs(); err != nil {
			return fmt.Errorf("write the leader epochs: %w", err)
		}
	}
	if err := l.missingBefore(list[0], known); err != nil {
		return err
	}
	return l.loadProducers(list, end)
}

// epochsFit tells whether the newest epoch with records that the file knows is that
// of the newest batch (-1 when there is none at hand). An epoch that begins at the
// log's end has none yet: Kafka notes it as it becomes leader
// (Partition.makeLeader).
func (l *log) epochsFit(newest protocol.Epoch, end protocol.Offset) bool {
	if newest == protocol.None {
		return true
	}
	starts := l.mu.epochs.All()
	if n := len(starts); n > 0 && starts[n-1].Start == end {
		starts = starts[:n-1]
	}
	n := len(starts)
	return n > 0 && starts[n-1].Epoch == newest && starts[n-1].Start < end
}

// useSealedIndexes takes the index files of sealed segments as they are; missing
// or misshapen ones are rebuilt. An empty time index may be right, for records
// without timestamps, but is too rare to be believed.
func (l *log) useSealedIndexes(sealed []*segment) error {
	for i, s := range sealed {
		offsets, err1 := l.store.opts.FS.Stat(s.offsetFile.name)
		times, err2 := l.store.opts.FS.Stat(s.timeFile.name)
		if err1 == nil && err2 == nil && (times.Size() > 0 || s.size.Load() == 0) && offsets.Size()%offsetEntryBytes == 0 && times.Size()%timeEntryBytes == 0 && s.useTxnIndex(l.store.opts.FS) {
			s.useFiles(int(offsets.Size()/offsetEntryBytes), int(times.Size()/timeEntryBytes))
			continue
		}
		next := s.next.Load()
		if bad, err := l.rebuildTxns(sealed, i, s.size.Load()); err != nil {
			return err
		} else if bad != nil {
			return s.corrupt(bad)
		}
		s.next.Store(next)
		s.finish()
		l.store.syncer.add(l) // writes them
	}
	return nil
}

func (s *segment) corrupt(bad *badBatch) error {
	return &logstore.CorruptError{File: s.data.name, Position: bad.position, Offset: s.nextOffset(), Reason: bad.reason}
}

// tooShort: durable records are missing at the segment's end.
func (s *segment) tooShort(recoveryPoint protocol.Offset) error {
	return s.corrupt(&badBatch{s.size.Load(), fmt.Sprintf("the log ends here, but was durable up to offset %d", recoveryPoint)})
}

// reopenActive takes the last segment into use by its index files and the few
// batches after their last entry; false when they do not fit it, and the segment
// must be scanned although the stop was clean.
func (l *log) reopenActive(s *segment) (fits bool) {
	size := s.size.Load()
	defer func() {
		if !fits {
			s.size.Store(size) // all of it is to be scanned
		}
	}()
	if !s.loadFiles(l.store.opts.FS, smallFileMax) {
		return false
	}
	if size == 0 {
		return len(s.offsets) == 0 && s.loadTxnIndex(l.store.opts.FS)
	}
	file, err := s.data.acquire()
	if err != nil {
		return false
	}
	defer s.data.release()
	from := int64(0)
	if n := len(s.offsets); n > 0 {
		from = int64(s.offsets[n-1].position)
	}
	if from >= size {
		return false
	}
	first := newScanner(file, 0, size, false)
	b, _, err := first.batch()
	if err == nil {
		s.firstTimestamp = b.MaxTimestamp()
	}
	first.close()
	if err != nil {
		return false
	}
	scan := newScanner(file, from, size, false)
	defer scan.close()
	for due := s.base; ; due = s.nextOffset() {
		b, at, err := scan.batch()
		if errors.Is(err, io.EOF) {
			return s.loadTxnIndex(l.store.opts.FS)
		}
		if err != nil || !s.continues(b, at, from, due) {
			return false
		}
		s.note(b, at, l.cfg.Load().IndexIntervalBytes)
	}
}

// continues tells whether the batch at a position fits the index, whose last entry
// is at from, and the batch before it, which ended below due.
func (s *segment) continues(b protocol.Batch, at, from int64, due protocol.Offset) bool {
	if b.LastOffset()-s.base > math.MaxInt32 {
		return false
	}
	if n := len(s.offsets); n > 0 && at == from {
		return b.BaseOffset() >= s.base && b.LastOffset()-s.base == protocol.Offset(s.offsets[n-1].relative)
	}
	return b.BaseOffset() == due
}

// takeEpochs takes the epochs from the batch headers of list: their file is
// missing, damaged or older than the log.
func (l *log) takeEpochs(list []*segment) error {
	l.mu.epochs = logstore.Epochs{}
	for _, s := range list {
		err := s.eachBatch(0, false, func(b protocol.Batch, _ int64) error {
			l.mu.epochs.Assign(b.LeaderEpoch(), b.BaseOffset())
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// startAt raises the log start to where deletions had brought it. A power cut, and Kafka,
// may have left epochs from before them.
func (l *log) startAt(start protocol.Offset, clean bool) error {
	if start <= protocol.Offset(l.start.Load()) {
		return nil
	}
	if end := protocol.Offset(l.end.Load()); start > end {
		if clean || l.store.opts.Durability == Sync {
			return &logstore.CorruptError{File: path.Join(l.store.opts.Dir, logStartFile), Offset: start,
				Reason: fmt.Sprintf("it says where %s starts, but the log ends at offset %d", l.id, end)}
		}
		return l.startBeyondEnd(start)
	}
	l.start.Store(int64(start))
	return l.dropEpochsBefore(start)
}

// startBeyondEnd begins the log anew: everything that is left was deleted before,
// and what came after it was lost with the power. Offsets must not be given twice.
// The files are kept aside all the same, because the start is but a number in a
// text file without a checksum.
func (l *log) startBeyondEnd(start protocol.Offset) error {
	list := *l.segments.Load()
	l.store.opts.Logger.Warn("a log ended before its start and begins anew there; its segments are kept aside", "partition", l.id.String(),
		"start", int64(start), "end", l.end.Load())
	if err := l.setTornAside(list); err != nil {
		return err
	}
	l.publish(nil)
	l.mu.epochs = logstore.Epochs{}
	l.mu.producers.Clear()
	l.mu.snapshots = nil
	l.setMarks(start, start)
	l.mu.synced = start
	l.recoveryPoint.Store(int64(start))
	return nil
}
