package server

import (
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// transport is a connection's socket.
type transport interface {
	receiver
	write(p []byte) error
	// writeMore sends p and tells the kernel that more follows at once.
	writeMore(p []byte) error
	sendRange(r outRange) error
	// broken is where the error of the write that failed is kept.
	broken() *error
}

// plainTransport copies ranges through memory; it serves connections that have
// no descriptor to sendfile to.
type plainTransport struct {
	conn    net.Conn
	timeout time.Duration
	failed  error // of a write, see transport.broken
}

func (t *plainTransport) broken() *error { return &t.failed }

// arm gives the peer a bounded time to take the next piece. A peer that reads
// nothing for that long loses its connection.
func (t *plainTransport) arm() error {
	return t.conn.SetWriteDeadline(time.Now().Add(t.timeout))
}

// receive implements receiver. It cannot tell when bytes are there without taking
// them, so that it holds the smallest buffer while it waits.
func (t *plainTransport) receive(in *input) (int, error) {
	in.rest()
	return t.conn.Read(in.room())
}

func (t *plainTransport) write(p []byte) error {
	for len(p) > 0 {
		if err := t.arm(); err != nil {
			return err
		}
		n, err := t.conn.Write(p[:min(len(p), pieceBytes)])
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

func (t *plainTransport) writeMore(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	return t.write(p)
}

// pieceBytes is what is copied at once, and what a peer has one write timeout for.
const pieceBytes = 256 << 10

var copyBuffers = sync.Pool{New: func() any { b := make([]byte, pieceBytes); return &b }}

func (t *plainTransport) sendRange(r outRange) error { return copyRange(r, t.write) }

// copyRange reads a range piece by piece and writes it.
func copyRange(r outRange, write func([]byte) error) error {
	buf := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buf)
	for r.n > 0 {
		p := (*buf)[:min(r.n, len(*buf))]
		n, err := r.source.ReadAt(p, r.position)
		if n < len(p) {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			// The length in front is already sent: only closing is honest now.
			return fmt.Errorf("reading %d bytes to send: %w", len(p), err)
		}
		if err := write(p); err != nil {
			return err
		}
		r.position += int64(n)
		r.n -= n
	}
	return nil
}
