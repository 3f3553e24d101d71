package server

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// socketTransport sends file ranges from the page cache by sendfile(2) with an
// explicit offset, so that any number of readers share one open file.
type socketTransport struct {
	plainTransport
	raw syscall.RawConn
	// first is the first attempt of a send, nearly always the only one. It and what
	// makes it are kept, so that an answer costs no allocation here.
	first struct {
		p     []byte
		flags int
		n     int
		err   error
	}
	attempt func(fd uintptr) bool
}

func newTransport(c net.Conn, timeout time.Duration) transport {
	plain := plainTransport{conn: c, timeout: timeout}
	if sc, ok := c.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			t := &socketTransport{plainTransport: plain, raw: raw}
			t.attempt = t.sendOnce
			return t
		}
	}
	return &plain
}

// tryRead implements tryReader.
func (t *socketTransport) tryRead(p []byte) int {
	got := 0
	_ = t.raw.Read(func(fd uintptr) bool {
		n, err := unix.Read(int(fd), p)
		if err == nil {
			got = n
		}
		return true
	})
	return max(got, 0)
}

// write skips the deadline while the kernel takes everything at once, which is
// the rule: a deadline costs as much as the system call itself.
func (t *socketTransport) write(p []byte) error { return t.send(p, 0) }

func (t *socketTransport) writeMore(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	return t.send(p, unix.MSG_MORE)
}

// sendOnce makes the first attempt.
func (t *socketTransport) sendOnce(fd uintptr) bool {
	f := &t.first
	if f.flags == 0 {
		f.n, f.err = unix.Write(int(fd), f.p)
	} else {
		f.n, f.err = unix.SendmsgN(int(fd), f.p, nil, nil, f.flags|unix.MSG_NOSIGNAL)
	}
	return true
}

func (t *socketTransport) send(p []byte, flags int) error {
	t.first.p, t.first.flags = p, flags
	err := t.raw.Write(t.attempt)
	t.first.p = nil
	switch {
	case err != nil:
		return err
	case t.first.err == nil && t.first.n == len(p):
		return nil
	case t.first.err != nil && t.first.err != unix.EAGAIN && t.first.err != unix.EINTR:
		return t.first.err
	}
	p = p[max(t.first.n, 0):]
	return t.untilDone(func(fd uintptr) (bool, error) {
		for len(p) > 0 {
			n, err := unix.SendmsgN(int(fd), p, nil, nil, flags|unix.MSG_NOSIGNAL)
			switch {
			case err == unix.EAGAIN:
				return false, nil
			case err == unix.EINTR:
			case err != nil:
				return true, err
			}
			p = p[max(n, 0):]
		}
		return true, nil
	})
}

// sendFileBytesMax bounds one sendfile call. The kernel takes about 2 GiB at
// most; smaller pieces keep the bytes warm between sender and receiver.
const sendFileBytesMax = 1 << 20

func (t *socketTransport) sendRange(r outRange) error {
	file := r.source.SysConn()
	if file == nil {
		return copyRange(r, t.write)
	}
	var sendErr error
	err := file.Control(func(in uintptr) {
		sendErr = t.untilDone(func(out uintptr) (bool, error) {
			for r.n > 0 {
				n, err := unix.Sendfile(int(out), int(in), &r.position, min(r.n, sendFileBytesMax))
				switch {
				case err == unix.EAGAIN:
					return false, nil
				case err == unix.EINTR:
					continue
				case err != nil:
					return true, fmt.Errorf("sendfile: %w", err)
				case n == 0:
					return true, fmt.Errorf("sendfile: %d bytes missing: %w", r.n, io.ErrUnexpectedEOF)
				}
				r.n -= n // sendfile moved r.position itself
			}
			return true, nil
		})
	})
	if err != nil {
		return err
	}
	return sendErr
}

// untilDone runs step whenever the socket is writable until it says done, and
// arms the write deadline only when the first attempt could not finish. The time
// runs anew each time the peer has taken something.
func (t *socketTransport) untilDone(step func(fd uintptr) (done bool, err error)) error {
	var stepErr error
	finished := false
	attempt := func(fd uintptr) bool {
		finished, stepErr = step(fd)
		return true
	}
	if err := t.raw.Write(attempt); err != nil || finished {
		return cmp.Or(err, stepErr)
	}
	var err error
	for err == nil && !finished {
		if err = t.arm(); err != nil {
			return err
		}
		waited := false
		err = t.raw.Write(func(fd uintptr) bool {
			finished, stepErr = step(fd)
			again := waited
			waited = true
			return finished || again
		})
	}
	clearErr := t.conn.SetWriteDeadline(time.Time{})
	return cmp.Or(err, clearErr, stepErr)
}
