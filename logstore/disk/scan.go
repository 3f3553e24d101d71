package disk

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/protocol"
)

// scanBytes is how much a scan reads at once: large enough that the system call
// no longer shows beside the CRC, small enough to keep a few at a time.
const scanBytes = 1 << 20

var scanBuffers = sync.Pool{New: func() any { return new([scanBytes]byte) }}

// badBatch says where a scan met bytes that are no batch.
type badBatch struct {
	position int64
	reason   string
}

func (e *badBatch) Error() string { return fmt.Sprintf("byte %d: %s", e.position, e.reason) }

// scanner reads the batches of one segment file in order. With verify, each CRC
// is computed; without, only the headers are looked at.
type scanner struct {
	file   vfs.File
	end    int64 // of the file, or of the part to scan
	verify bool

	pooled *[scanBytes]byte
	buf    []byte // holds the file's bytes from start on
	start  int64
	next   int64 // position of the next batch
}

func newScanner(file vfs.File, from, end int64, verify bool) *scanner {
	pooled := scanBuffers.Get().(*[scanBytes]byte)
	return &scanner{file: file, end: end, verify: verify, pooled: pooled, buf: pooled[:0], start: from, next: from}
}

func (s *scanner) close() {
	scanBuffers.Put(s.pooled)
	s.pooled, s.buf = nil, nil
}

// batch returns the next batch and its position. It aliases a buffer that the
// next call reuses. The error is io.EOF at the end, *badBatch where the bytes are
// no whole valid batch, or the disk's.
func (s *scanner) batch() (protocol.Batch, int64, error) {
	left := s.end - s.next
	if left == 0 {
		return nil, s.next, io.EOF
	}
	if left < protocol.BatchHeaderBytes {
		return nil, s.next, s.bad("%d bytes are too few for a batch", left)
	}
	header, err := s.view(protocol.BatchHeaderBytes)
	if err != nil {
		return nil, s.next, err
	}
	size := int64(protocol.Batch(header).Size())
	if reason := headerDefect(header, left); reason != "" {
		return nil, s.next, s.bad("%s", reason)
	}
	want := size
	if !s.verify {
		want = protocol.BatchHeaderBytes
		if protocol.Batch(header).IsControl() {
			want = size // markers are read by the producer table
		}
	}
	bytes, err := s.view(want)
	if err != nil {
		return nil, s.next, err
	}
	b := protocol.Batch(bytes)
	if s.verify {
		if err := protocol.VerifyBatch(b); err != nil {
			return nil, s.next, s.bad("%v", err)
		}
	}
	at := s.next
	s.next += size
	return b, at, nil
}

func (s *scanner) bad(format string, args ...any) *badBatch {
	return &badBatch{position: s.next, reason: fmt.Sprintf(format, args...)}
}

// headerDefect says what is wrong with a header of which left bytes remain in
// the file, or "".
func headerDefect(header protocol.Batch, left int64) string {
	size := int64(header.Size())
	switch {
	case header.Magic() != 2:
		return fmt.Sprintf("format %d where only 2 can be", header.Magic())
	case size < protocol.BatchHeaderBytes:
		return fmt.Sprintf("a batch of %d bytes, less than its header", size)
	case size > left:
		return fmt.Sprintf("a batch of %d bytes, of which %d are there", size, left)
	case header.LastOffsetDelta() < 0:
		return fmt.Sprintf("a negative last offset delta of %d", header.LastOffsetDelta())
	case header.BaseOffset() < 0:
		return fmt.Sprintf("a negative base offset of %d", header.BaseOffset())
	case header.LastOffset() < header.BaseOffset():
		return fmt.Sprintf("a base offset of %d, too large for its records", header.BaseOffset())
	}
	return ""
}

// view gives the n bytes at next, reading ahead.
func (s *scanner) view(n int64) ([]byte, error) {
	from := s.next - s.start
	if from+n <= int64(len(s.buf)) {
		return s.buf[from : from+n], nil
	}
	buf := s.pooled[:]
	if n > int64(len(buf)) {
		buf = make([]byte, n) // one large batch; n is bounded by the file's size
	}
	want := min(int64(len(buf)), s.end-s.next)
	read, err := s.file.ReadAt(buf[:want], s.next)
	if err != nil && !(errors.Is(err, io.EOF) && int64(read) == want) {
		if errors.Is(err, io.EOF) {
			return nil, s.bad("the file ends %d bytes too early", want-int64(read))
		}
		return nil, fmt.Errorf("read a segment: %w", err)
	}
	s.buf, s.start = buf[:want], s.next
	return s.buf[:n], nil
}
