package server

import (
	"encoding/binary"
	"syscall"

	"github.com/barnabas-mq/barnabas/internal/invariant"
)

// Source is a file-like thing that a range of an answer is taken from; it stays
// readable until Release. The log's chunks satisfy it.
type Source interface {
	ReadAt(p []byte, position int64) (int, error)
	// SysConn is for sendfile; nil when the bytes are not in a file.
	SysConn() syscall.RawConn
	Release()
}

// Out collects answers: bytes, and ranges of sources between them. It belongs to
// one goroutine at a time. Empty, it holds no buffer.
type Out struct {
	buf    []byte // borrowed, or grown out of one that was
	ranges []outRange
	// start is where the answer under way begins in buf, -1 outside an answer.
	start       int
	rangesStart int
	ended       int // where the answer began in buf that ended last
	// usual is how many bytes were sent the last time, and what is borrowed for the next.
	usual int
}

// outRange says that n bytes of source from position follow buf[:at].
type outRange struct {
	at       int
	source   Source
	position int64
	n        int
}

// Begin starts an answer by leaving room for its length.
func (o *Out) Begin() {
	if o.buf == nil {
		o.buf = borrow(max(o.usual, bufferBytesMin))[:0]
	}
	o.start, o.rangesStart = len(o.buf), len(o.ranges)
	o.buf = append(o.buf, 0, 0, 0, 0)
}

// End fills in the length of the answer that Begin started.
func (o *Out) End() {
	size := len(o.buf) - o.start - 4
	for _, r := range o.ranges[o.rangesStart:] {
		size += r.n
	}
	binary.BigEndian.PutUint32(o.buf[o.start:], uint32(size))
	o.ended, o.start = o.start, -1
}

// last is the answer that ended last, which was not written yet.
func (o *Out) last() []byte { return o.buf[o.ended:] }

// Bytes gives the buffer to append to; SetBytes takes it back.
func (o *Out) Bytes() []byte { return o.buf }

// SetBytes stores the buffer after appending. It must begin with what Bytes gave.
func (o *Out) SetBytes(b []byte) {
	invariant.Check(len(b) >= len(o.buf), "an answer shrank from %d to %d bytes", len(o.buf), len(b))
	o.buf = b
}

// AppendRange adds n bytes of source, which Out releases once they are sent or dropped.
func (o *Out) AppendRange(source Source, position int64, n int) {
	o.ranges = append(o.ranges, outRange{at: len(o.buf), source: source, position: position, n: n})
}

// size is the number of bytes that wait to be sent, ranges included.
func (o *Out) size() int {
	n := len(o.buf)
	for _, r := range o.ranges {
		n += r.n
	}
	return n
}

// reset drops everything and gives the sources and the buffer back.
func (o *Out) reset() {
	for i := range o.ranges {
		o.ranges[i].source.Release()
		o.ranges[i].source = nil
	}
	o.ranges = o.ranges[:0]
	if o.buf != nil {
		o.usual = min(len(o.buf), outUsualMax)
		lend(o.buf)
		o.buf = nil
	}
	o.start = -1
}

// outUsualMax is the largest buffer that is borrowed before it is known to be needed.
const outUsualMax = 64 << 10

// writeTo sends everything and resets, whatever the outcome. After an error nothing is sent
// any more: half an answer may be out, and nothing fits behind it.
func (o *Out) writeTo(t transport) error {
	defer o.reset()
	broken := t.broken()
	if *broken == nil {
		*broken = o.sendTo(t)
	}
	return *broken
}

func (o *Out) sendTo(t transport) error {
	sent := 0
	for _, r := range o.ranges {
		if err := t.writeMore(o.buf[sent:r.at]); err != nil {
			return err
		}
		sent = r.at
		if err := t.sendRange(r); err != nil {
			return err
		}
	}
	if sent == len(o.buf) {
		return nil
	}
	return t.write(o.buf[sent:])
}
