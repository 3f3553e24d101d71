package disk

import (
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/barnabas-mq/barnabas/internal/invariant"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// segment is one .log file with its indexes. Readers use it without any lock of
// the log; only the appender, which holds the log's lock, changes it.
type segment struct {
	dir  string
	base protocol.Offset
	data *handle
	index

	// size and next are published after the bytes are written, next first: a
	// reader that loads size and then next knows that size covers at most next.
	size atomic.Int64
	next atomic.Int64
	// oldest is the timestamp of the first batch once somebody has asked, else 0.
	oldest atomic.Int64
	// swapping: a compaction has published the segment and is still renaming its files.
	swapping atomic.Bool

	// The rest belongs to the appender.
	created        protocol.Timestamp // when this broker began to use it
	firstTimestamp protocol.Timestamp // of the first batch, -1 when empty or without
	jitterMillis   int64
	sinceIndex     int64          // bytes since the last index entry
	reserved       int64          // preallocated up to here
	lastEpoch      protocol.Epoch // of the newest batch, -1 when unknown
	idempotent     bool           // a batch that was noted has a producer id
}

const (
	logSuffix       = ".log"
	offsetSuffix    = ".index"
	timeSuffix      = ".timeindex"
	snapshotSuffix  = ".snapshot"
	txnSuffix       = ".txnindex"
	deletedSuffix   = ".deleted"
	temporarySuffix = ".tmp"
	// A compacted segment is written as .cleaned and takes its place by way of .swap.
	cleanedSuffix = ".cleaned"
	swapSuffix    = ".swap"
)

// segmentKinds are the files of a segment.
var segmentKinds = [...]string{logSuffix, offsetSuffix, timeSuffix, txnSuffix}

// fileName is how Kafka names the files of a segment: 20 digits, so that they
// sort by name.
func fileName(base protocol.Offset, suffix string) string {
	return fmt.Sprintf("%020d%s", int64(base), suffix)
}

func newSegment(pool *handlePool, dir string, base protocol.Offset) *segment {
	s := &segment{dir: dir, base: base, firstTimestamp: protocol.None, lastEpoch: protocol.None}
	s.data = pool.newHandle(path.Join(dir, fileName(base, logSuffix)))
	s.offsetFile = pool.newHandle(path.Join(dir, fileName(base, offsetSuffix)))
	s.timeFile = pool.newHandle(path.Join(dir, fileName(base, timeSuffix)))
	s.largest.timestamp = protocol.None
	s.next.Store(int64(base))
	return s
}

func (s *segment) nextOffset() protocol.Offset { return protocol.Offset(s.next.Load()) }

// retire closes the files; no new reader gets at them.
func (s *segment) retire() {
	s.data.retire()
	s.offsetFile.retire()
	s.timeFile.retire()
}

// note takes in a batch that is in the file at position: index and marks.
func (s *segment) note(b protocol.Batch, position, intervalBytes int64) {
	relative := b.LastOffset() - s.base
	if relative < 0 || relative > math.MaxInt32 { // asked here, because the values would be allocated for every batch
		invariant.Check(false, "segment %d cannot hold offset %d", s.base, b.LastOffset())
	}
	indexed := s.sinceIndex > intervalBytes
	largest := b.MaxTimestamp()
	if b.Count() == 0 {
		largest = protocol.None // compaction has taken the record that had it
	}
	s.append(offsetEntry{uint32(relative), uint32(position)}, largest, indexed)
	if indexed {
		s.sinceIndex = 0
	}
	s.sinceIndex += int64(b.Size())
	if position == 0 {
		s.firstTimestamp = b.MaxTimestamp()
	}
	s.lastEpoch = b.LeaderEpoch()
	s.idempotent = s.idempotent || b.ProducerID() >= 0
	s.next.Store(int64(b.LastOffset() + 1))
	s.size.Store(position + int64(b.Size()))
}

// Segment as a logstore.Source: a chunk holds one use of the data file.

// ReadAt implements logstore.Source.
func (s *segment) ReadAt(p []byte, position int64) (int, error) {
	n, err := s.data.file.ReadAt(p, position)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: read %s: %w", logstore.ErrStorage, s.data.name, err)
	}
	return n, err
}

// SysConn implements logstore.Source.
func (s *segment) SysConn() syscall.RawConn { return s.data.file.SysConn() }

// Replaced implements logstore.Source: whoever takes a segment off the list retires
// it before its files change.
func (s *segment) Replaced() bool { return s.data.retired.Load() }

// Release implements logstore.Source.
func (s *segment) Release() { s.data.release() }

// walkWindow is how much a walk over headers reads at once: about one interval of
// the index, so that most look-ups need one read.
const walkWindow = 4096

var walkBuffers = sync.Pool{New: func() any { return new([walkWindow]byte) }}

// walker looks at the batch headers of one file, from a batch's start on.
type walker struct {
	segment *segment
	file    vfs.File
	end     int64
	// next bounds the offsets: every batch below end has smaller ones.
	next  protocol.Offset
	buf   *[walkWindow]byte
	start int64
	bytes int64
	// last is the size of the batch seen last: where batches are larger than the
	// window, reading more than the header is waste.
	last int64
}

// header returns the batch header at position, which is below end.
func (w *walker) header(position int64) (protocol.Batch, error) {
	if position < w.start || position+protocol.BatchHeaderBytes > w.start+w.bytes {
		want := min(int64(walkWindow), w.end-position)
		if w.last >= walkWindow {
			want = min(want, protocol.BatchHeaderBytes)
		}
		n, err := w.file.ReadAt(w.buf[:want], position)
		if int64(n) < want {
			return nil, fmt.Errorf("%w: read %s: %w", logstore.ErrStorage, w.segment.data.name, errors.Join(err, io.ErrUnexpectedEOF))
		}
		w.start, w.bytes = position, want
	}
	from := position - w.start
	if w.bytes-from < protocol.BatchHeaderBytes {
		return nil, w.corrupt(position, "too few bytes for a batch")
	}
	header := protocol.Batch(w.buf[from : from+protocol.BatchHeaderBytes])
	if defect := headerDefect(header, w.end-position); defect != "" {
		return nil, w.corrupt(position, defect)
	}
	// The base offset lies outside the batch's CRC.
	if header.BaseOffset() < w.segment.base || header.LastOffset() >= w.next {
		return nil, w.corrupt(position, fmt.Sprintf("offsets %d to %d do not belong here", header.BaseOffset(), header.LastOffset()))
	}
	w.last = int64(header.Size())
	return header, nil
}

func (w *walker) corrupt(position int64, reason string) error {
	return &logstore.CorruptError{File: w.segment.data.name, Position: position, Offset: w.segment.base, Reason: reason}
}

// seek walks from position to the first batch that ends at or above offset; it
// returns end when there is none.
func (w *walker) seek(position int64, offset protocol.Offset) (int64, error) {
	for expected := w.segment.base; position < w.end; {
		header, err := w.header(position)
		if err != nil {
			return 0, err
		}
		if header.BaseOffset() < expected {
			return 0, w.corrupt(position, fmt.Sprintf("offset %d where at least %d is due", header.BaseOffset(), expected))
		}
		expected = header.LastOffset() + 1
		if header.LastOffset() >= offset {
			return position, nil
		}
		position += int64(header.Size())
	}
	return w.end, nil
}

// startWalk begins a walk over the bytes below end, which are published.
func (s *segment) startWalk(file vfs.File, end int64) walker {
	return walker{segment: s, file: file, end: end, next: s.nextOffset(), buf: walkBuffers.Get().(*[walkWindow]byte)}
}

func (w *walker) close() { walkBuffers.Put(w.buf) }

// find is the position of the first batch that ends at or above offset.
func (w *walker) find(offset protocol.Offset) (int64, error) {
	position, err := w.segment.floorOffset(int64(offset-w.segment.base), w.end)
	if err != nil {
		return 0, err
	}
	believed, err := w.believe(position, 0, offset)
	if err != nil {
		return 0, err
	}
	return w.seek(believed, offset)
}

// believe checks what the index said: at position begins a batch that ends at or
// below offset. An index is only a hint, and a damaged one costs a longer walk,
// from fallback on.
func (w *walker) believe(position, fallback int64, offset protocol.Offset) (int64, error) {
	if position <= fallback {
		return fallback, nil
	}
	header, err := w.header(position)
	if err != nil {
		var corrupt *logstore.CorruptError
		if errors.As(err, &corrupt) {
			return fallback, nil
		}
		return 0, err
	}
	if header.LastOffset() > offset || header.BaseOffset() < w.segment.base {
		return fallback, nil
	}
	return position, nil
}

// read answers a Read from this segment; found is false when every batch of it
// ends below in.From.
func (s *segment) read(in logstore.ReadInput) (chunk logstore.Chunk, found bool, err error) {
	file, err := s.data.acquire()
	if err != nil {
		return chunk, false, err
	}
	size, next := s.size.Load(), s.nextOffset()
	w := s.startWalk(file, size)
	from, end, below, err := w.bounds(in, next)
	w.close()
	if err != nil || end <= from {
		s.data.release()
		return chunk, from < size, err
	}
	return logstore.Chunk{Source: s, Position: from, Bytes: int(end - from), End: below}, true, nil
}

// bounds finds the range of whole batches, and an offset above all of its records;
// end <= from means that there is none.
func (w *walker) bounds(in logstore.ReadInput, next protocol.Offset) (from, end int64, below protocol.Offset, err error) {
	from, err = w.find(in.From)
	if err != nil || from == w.end {
		return from, w.end, next, err
	}
	end, below = w.end, next
	if in.Below < next {
		below = in.Below
		if end, err = w.find(in.Below); err != nil {
			return from, 0, below, err
		}
	}
	if end-from <= int64(in.MaxBytes) {
		return from, end, below, nil
	}
	end, below, err = w.cut(from, end, below, in)
	return from, end, below, err
}

// cut shortens a range to MaxBytes, on a batch's end.
func (w *walker) cut(from, end int64, below protocol.Offset, in logstore.ReadInput) (int64, protocol.Offset, error) {
	first, err := w.header(from)
	if err != nil {
		return 0, below, err
	}
	if size := int64(first.Size()); size > int64(in.MaxBytes) {
		if !in.AtLeastOne {
			return from, below, nil
		}
		return min(from+size, end), min(first.LastOffset()+1, below), nil
	}
	limit := from + int64(in.MaxBytes)
	boundary, err := w.segment.floorPosition(limit)
	if err != nil {
		return 0, below, err
	}
	boundary, err = w.believe(boundary, from, math.MaxInt64)
	if err != nil {
		return 0, below, err
	}
	for boundary < end {
		header, err := w.header(boundary)
		if err != nil {
			return 0, below, err
		}
		after := boundary + int64(header.Size())
		if after > limit {
			return boundary, min(header.BaseOffset(), below), nil
		}
		boundary = after
	}
	return end, below, nil
}
