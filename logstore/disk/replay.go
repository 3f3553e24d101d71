package disk

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"sync"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/internal/wal"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// leftover is the write-ahead log that a crash has left. It is read at the first
// use of any log, and each log takes its entries from it when it is recovered.
type leftover struct {
	store *Store
	mu    struct {
		sync.Mutex
		read    bool
		failure error // it cannot be read: no log can be recovered
		logs    map[entryKey][]leftEntry
	}
}

// entryKey names a log as entries do.
type entryKey struct {
	topicID   protocol.UUID
	partition int32
}

// leftEntry is one batch of a log.
type leftEntry struct {
	segment  protocol.Offset // base of the segment
	position int64           // in the segment
	at       int64           // of the body, in the slot
	bytes    int32           // of the body
	slot     int32
	settled  bool // the log is known to have been durable up to the batch's end
	damaged  bool
	guarded  [batchGuarded]byte
}

// of gives the entries of a log, in the order in which they were appended.
func (f *leftover) of(id logstore.ID) ([]leftEntry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.mu.read {
		if err := f.readLocked(); err != nil {
			return nil, err
		}
	}
	return f.mu.logs[entryKey{id.TopicID, id.Partition}], f.mu.failure
}

func (f *leftover) readLocked() error {
	logs := make(map[entryKey][]leftEntry)
	err := f.store.wal.Replay(validEntry, func(e wal.Entry) error {
		key := entryKey{partition: int32(binary.BigEndian.Uint32(e.Head[16:]))}
		copy(key.topicID[:], e.Head)
		if e.Kind == entryCut {
			from := protocol.Offset(binary.BigEndian.Uint64(e.Head[entryKeyBytes:]))
			logs[key] = slices.DeleteFunc(logs[key], func(e leftEntry) bool { return e.header().BaseOffset() >= from })
			return nil
		}
		logs[key] = append(logs[key], newLeftEntry(e))
		return nil
	})
	switch corrupt := walCorrupt(err); {
	case corrupt != nil:
		f.mu.failure, logs = corrupt, nil
	case err != nil:
		return fmt.Errorf("%w: %w", logstore.ErrStorage, err) // the next use tries again
	}
	f.mu.read, f.mu.logs = true, logs
	return nil
}

// validEntry tells whether an entry is what was written.
func validEntry(kind uint8, head int, content []byte) bool {
	switch kind {
	case entryBatch:
		return head == batchHeadBytes && protocol.VerifyBatch(content[head-batchGuarded:]) == nil
	case entryCut:
		return head == cutHeadBytes
	}
	return false
}

func newLeftEntry(e wal.Entry) leftEntry {
	rest := e.Head[entryKeyBytes:]
	left := leftEntry{
		segment: protocol.Offset(binary.BigEndian.Uint64(rest)), position: int64(binary.BigEndian.Uint64(rest[8:])),
		at: e.Position, bytes: int32(e.Bytes), slot: int32(e.Slot), settled: e.Settled, damaged: e.Damaged,
	}
	copy(left.guarded[:], rest[16:])
	return left
}

// header is the batch, of which only offsets, size and CRC are there.
func (e *leftEntry) header() protocol.Batch { return e.guarded[:] }

// done forgets what was read.
func (f *leftover) done() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.read, f.mu.logs = true, nil
}

// keys lists the logs with entries.
func (f *leftover) keys() ([]entryKey, error) {
	if _, err := f.of(logstore.ID{}); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	keys := make([]entryKey, 0, len(f.mu.logs))
	for key := range f.mu.logs {
		keys = append(keys, key)
	}
	return keys, nil
}

// Replay writes what a crash has left in the write-ahead log into the segments,
// makes it durable there and removes it. Logs that are used meanwhile do not wait
// for the others. Every log must be open: entries of any other are of a topic that
// was deleted. When ctx ends or a log cannot be recovered, the rest stays for the
// next start.
func (s *Store) Replay(ctx context.Context) error {
	if !s.wal.Leftover() {
		return nil
	}
	keys, err := s.leftover.keys()
	if err != nil {
		return err
	}
	open := make(map[entryKey]*log)
	for _, l := range s.each() {
		open[entryKey{l.id.TopicID, l.id.Partition}] = l
	}
	for _, key := range keys {
		if err := ctx.Err(); err != nil {
			return err
		}
		l := open[key]
		if l == nil {
			continue
		}
		err := l.Ready()
		if err == nil {
			err = l.settleInSegments()
		}
		if err != nil && !errors.Is(err, logstore.ErrDeleted) {
			return fmt.Errorf("the write-ahead log is kept, because %s cannot be recovered: %w", l.id, err)
		}
	}
	if err := s.checkpoints.write(); err != nil {
		return err
	}
	s.leftover.done()
	return s.wal.FreeLeftover()
}

// replay writes the log's entries of the write-ahead log to where they were
// appended, also where the segment looks complete: after a power cut or a failed
// sync, what is read of a file need not be what is on the disk. It returns up to
// where the log is known to have been durable. mu is held.
//
// It passes over what the recovery point covers, as it is on disk: segments that
// were synced by then, or compacted since; and over segments before the start. A
// segment that should be there and is not is left for recovery to judge.
func (l *log) replay(entries []leftEntry, found folderFiles, known marks) (durable protocol.Offset, err error) {
	first := startSegment(entries, found, known.start)
	cleaned, _ := l.store.checkpoints.cleanedTo(l.id)
	covered := max(known.recovery, cleaned) // compacted segments are not as the entries say
	w := replayWriter{log: l, found: found}
	defer func() { err = errors.Join(err, w.close()) }()
	for i := range entries {
		e := &entries[i]
		last := e.header().LastOffset()
		if e.settled && !e.damaged {
			durable = max(durable, last+1)
		}
		if last < covered || e.segment < first {
			continue
		}
		if e.segment < covered && !found.names[fileName(e.segment, logSuffix)] {
			return durable, nil
		}
		if e.damaged {
			if err := w.check(e); err != nil {
				return durable, err
			}
			continue
		}
		w.buf, err = l.store.wal.AppendBody(append(w.buf[:0], e.guarded[:]...), wal.Entry{Slot: int(e.slot), Position: e.at, Bytes: int(e.bytes)})
		if err == nil {
			err = w.write(e.segment, e.position, w.buf)
		}
		if err != nil {
			return durable, fmt.Errorf("%w: %w", logstore.ErrStorage, err)
		}
	}
	return durable, nil
}

// replayWriter writes batches to segment files, of which it keeps one open.
type replayWriter struct {
	log   *log
	found folderFiles
	base  protocol.Offset
	file  vfs.File
	buf   []byte
}

// startSegment is the segment that the log's start lies in. Those before it may have
// been deleted; in this one, records before the start have their place.
func startSegment(entries []leftEntry, found folderFiles, start protocol.Offset) protocol.Offset {
	first := protocol.Offset(0)
	for _, base := range found.bases {
		if base <= start {
			first = max(first, base)
		}
	}
	for i := range entries {
		if base := entries[i].segment; base <= start {
			first = max(first, base)
		}
	}
	return first
}

// check lets a damaged entry pass when the segment holds the batch: only a power
// cut would have needed the entry.
func (w *replayWriter) check(e *leftEntry) error {
	l := w.log
	damaged := &logstore.CorruptError{File: l.store.wal.SlotName(int(e.slot)), Position: e.at, Offset: e.header().BaseOffset(),
		Reason: "a batch of " + l.id.String() + " in the write-ahead log is damaged, and its segment does not hold it"}
	if !w.found.names[fileName(e.segment, logSuffix)] {
		return damaged
	}
	if err := w.open(e.segment); err != nil {
		return err
	}
	b := make(protocol.Batch, e.header().Size())
	n, err := w.file.ReadAt(b, e.position)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if n < len(b) || !bytes.Equal(b[:batchGuarded], e.guarded[:]) || protocol.VerifyBatch(b) != nil {
		return damaged
	}
	return nil
}

func (w *replayWriter) write(segment protocol.Offset, position int64, b protocol.Batch) error {
	if err := w.open(segment); err != nil {
		return err
	}
	if _, err := w.file.WriteAt(b, position); err != nil {
		return fmt.Errorf("replay the write-ahead log: %w", err)
	}
	return nil
}

// open makes the segment's file the open one.
func (w *replayWriter) open(segment protocol.Offset) error {
	if w.file != nil && w.base == segment {
		return nil
	}
	if err := w.close(); err != nil {
		return err
	}
	l := w.log
	if !l.mu.folderMade {
		if err := l.makeFolder(); err != nil {
			return err
		}
	}
	file, err := l.store.opts.FS.Open(path.Join(l.dir, fileName(segment, logSuffix)), vfs.ReadWrite|vfs.Create, vfs.FilePerm)
	if err != nil {
		return fmt.Errorf("replay the write-ahead log: %w", err)
	}
	w.file, w.base = file, segment
	l.mu.namesDirty = true
	return nil
}

func (w *replayWriter) close() error {
	if w.file == nil {
		return nil
	}
	err := w.file.Close()
	w.file = nil
	return err
}
