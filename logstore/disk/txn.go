package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// learn takes a batch of segment s into the producer state, and an abort into the
// segment's transaction index; mu is held. Appends and recovery both come here.
func (l *log) learn(s *segment, b protocol.Batch) (aborted bool) {
	ended, ok := l.mu.producers.Apply(b, l.store.now())
	if !ok || !ended.Aborted {
		return false
	}
	s.addAborted(logstore.AbortedTransaction{Producer: ended.ProducerID, First: ended.First, Last: ended.Last, LastStable: ended.LastStable})
	return true
}

// updateStable brings the last stable offset up to the marks; mu is held. It is
// due whenever High has moved. Records that retention or DeleteRecords took away
// hold nothing back (UnifiedLog.maybeIncrementFirstUnstableOffset).
func (l *log) updateStable() {
	stable := l.mu.producers.Advance(protocol.Offset(l.high.Load()))
	l.stable.Store(max(int64(stable), l.start.Load()))
}

// raiseStartTo raises the log start, before it Stable: no reader may find them in
// the wrong order. mu is held.
func (l *log) raiseStartTo(start protocol.Offset) {
	l.stable.Store(max(l.stable.Load(), int64(start)))
	l.start.Store(int64(start))
}

// tellStable wakes those who wait for Stable, if it has moved from where it was
// although High has not; mu is not held.
func (l *log) tellStable(was int64) {
	if l.watcher != nil && l.stable.Load() != was {
		l.watcher.Advanced(0)
	}
}

// addAborted notes an aborted transaction of the active segment.
func (x *index) addAborted(t logstore.AbortedTransaction) {
	x.mu.Lock()
	x.aborted, x.noAborted = append(x.aborted, t), false
	x.mu.Unlock()
}

// dropAborted forgets the aborted transactions before the segment is read anew.
func (x *index) dropAborted() {
	x.mu.Lock()
	x.aborted = nil
	x.mu.Unlock()
}

func (s *segment) txnIndexName() string { return s.dir + "/" + fileName(s.base, txnSuffix) }

// noteAborted writes the newest aborted transaction behind the active segment's
// others, as Kafka does at the append, for whoever looks at the folder. The file
// is made again when the segment is sealed, so a failure costs nothing.
func (l *log) noteAborted(s *segment) {
	s.mu.RLock()
	last := len(s.aborted) - 1
	entry := appendAbortedTxn(nil, s.aborted[last])
	s.mu.RUnlock()
	flags := vfs.ReadWrite
	if last == 0 {
		flags |= vfs.Create | vfs.Truncate
	}
	file, err := l.store.opts.FS.Open(s.txnIndexName(), flags, vfs.FilePerm)
	if err == nil {
		_, err = file.WriteAt(entry, int64(last)*txnIndexEntryBytes)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		l.store.opts.Logger.Warn("an aborted transaction is in memory only until its segment is sealed",
			"file", s.txnIndexName(), "error", err)
	}
}

// writeTxnIndex makes the segment's file what memory says. There is a file only if
// there is an entry.
func (l *log) writeTxnIndex(s *segment, durable bool) error {
	s.mu.RLock()
	none := s.noAborted
	var data []byte
	for _, t := range s.aborted {
		data = appendAbortedTxn(data, t)
	}
	s.mu.RUnlock()
	name := s.txnIndexName()
	if len(data) > 0 {
		return vfs.ReplaceFile(l.store.opts.FS, name, data, durable)
	}
	if none {
		return nil
	}
	if err := l.store.opts.FS.Remove(name); err != nil && !passedOver(err) {
		return err
	}
	s.mu.Lock()
	s.noAborted = true
	s.mu.Unlock()
	return nil
}

// useTxnIndex looks whether the file of a sealed segment can be used; false when
// it must be made again. What it holds is read at need.
func (s *segment) useTxnIndex(fsys vfs.FS) bool {
	if s.noAborted {
		return true
	}
	_, err := s.readAborted(fsys)
	return err == nil
}

// loadTxnIndex takes the file of the segment that becomes active again into
// memory; false when it does not fit the segment.
func (s *segment) loadTxnIndex(fsys vfs.FS) bool {
	if s.noAborted {
		return true
	}
	list, err := s.readAborted(fsys)
	if err != nil || len(list) > 0 && list[len(list)-1].Last >= s.nextOffset() {
		return false
	}
	s.mu.Lock()
	s.aborted = list
	s.mu.Unlock()
	return true
}

// readAborted reads the segment's file. What ended before the segment began cannot
// be in it (TransactionIndex.sanityCheck).
func (s *segment) readAborted(fsys vfs.FS) ([]logstore.AbortedTransaction, error) {
	list, err := readTxnIndex(fsys, s.txnIndexName())
	if err == nil && len(list) > 0 && list[0].Last < s.base {
		return nil, &logstore.CorruptError{File: s.txnIndexName(), Offset: list[0].Last,
			Reason: "a transaction ended before the segment began"}
	}
	return list, err
}

// abortedTxns are the segment's aborted transactions; the caller changes nothing.
func (s *segment) abortedTxns(fsys vfs.FS) ([]logstore.AbortedTransaction, error) {
	s.mu.RLock()
	list, read := s.aborted, s.onDisk && !s.noAborted
	s.mu.RUnlock()
	if !read {
		return list, nil
	}
	list, err := s.readAborted(fsys)
	if s.data.retired.Load() {
		return nil, errGone // a file that is missing then means nothing
	}
	if err == nil && len(list) == 0 {
		err = s.noteNoAborted(fsys)
	}
	return list, err
}

// noteNoAborted takes an empty file for what it says, and a missing one for damage:
// while the segment is in use only somebody else can have removed it.
func (s *segment) noteNoAborted(fsys vfs.FS) error {
	if _, err := fsys.Stat(s.txnIndexName()); errors.Is(err, fs.ErrNotExist) {
		return &logstore.CorruptError{File: s.txnIndexName(), Offset: s.base, Reason: "it is missing, and aborted transactions were in it"}
	} else if err != nil {
		return fmt.Errorf("%w: look for a transaction index: %w", logstore.ErrStorage, err)
	}
	s.mu.Lock()
	s.noAborted = true
	s.mu.Unlock()
	return nil
}

// rebuildTxns reads list[i] up to size, checking headers only, and makes its
// indexes anew: the transaction index too, for which the producer state is brought
// to where the segment begins. That state is left as it is at the end; mu is held.
func (l *log) rebuildTxns(list []*segment, i int, size int64) (*badBatch, error) {
	s := list[i]
	if err := l.loadProducers(list[:i], s.base); err != nil {
		return nil, err
	}
	s.dropAborted()
	_, bad, err := l.rebuild(s, size, looseScan, func(b protocol.Batch) { l.learn(s, b) })
	return bad, err
}

// AbortedIn implements logstore.Log, as Kafka's LocalLog.collectAbortedTransactions:
// a transaction is listed in the segment of its marker, which comes after its
// records, and the search ends where no later marker can matter.
func (l *log) AbortedIn(from, below protocol.Offset) ([]logstore.Aborted, error) {
	for {
		if err := l.Ready(); err != nil {
			return nil, err
		}
		list := l.segments.Load()
		found, err := l.collectAborted(*list, from, below)
		if err == nil && from < protocol.Offset(l.start.Load()) {
			return nil, logstore.ErrOffsetOutOfRange
		}
		if err == nil {
			return found, nil
		}
		if l.segments.Load() == list && !errors.Is(err, errGone) {
			err = l.readFailed(err, func(list []*segment) (err error) {
				found, err = l.collectAborted(list, from, below)
				return err
			})
			if err != nil {
				return nil, fmt.Errorf("aborted transactions in [%d, %d): %w", from, below, err)
			}
			return found, nil
		}
	}
}

func (l *log) collectAborted(list []*segment, from, below protocol.Offset) ([]logstore.Aborted, error) {
	var found []logstore.Aborted
	for i := segmentOf(list, from); i < len(list); i++ {
		txns, err := list[i].abortedTxns(l.store.opts.FS)
		if err != nil {
			return nil, err
		}
		at, _ := slices.BinarySearchFunc(txns, from, func(t logstore.AbortedTransaction, from protocol.Offset) int {
			return int(max(min(t.Last-from, 1), -1))
		})
		for _, t := range txns[at:] {
			if t.First < below {
				found = append(found, logstore.Aborted{ProducerID: t.Producer, First: t.First})
			}
			if t.LastStable >= below {
				return found, nil
			}
		}
	}
	return found, nil
}
