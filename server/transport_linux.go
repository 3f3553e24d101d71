package server

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// socketTransport sends file ranges from the page cache by sendfile(2) with an
// explicit offset, so that any number of readers share one open file.
type socketTransport struct {
	plainTransport
	raw syscall.RawConn
	// incoming is the receive under way, outgoing the first attempt of a send, nearly
	// always the only one. They and what makes them are kept, so that a request costs no
	// allocation here.
	incoming struct {
		in  *input
		n   int
		err error
	}
	outgoing struct {
		p     []byte
		flags int
		n     int
		err   error
	}
	receiveOnce, receiveIfAny, sendOnce func(fd uintptr) bool
}

func newTransport(c net.Conn, timeout time.Duration) transport {
	raw := rawConnOf(c)
	if raw == nil {
		return &plainTransport{conn: c, timeout: timeout}
	}
	t := &socketTransport{plainTransport: plainTransport{conn: c, timeout: timeout}, raw: raw}
	t.receiveOnce, t.sendOnce = t.tryReceive, t.trySend
	t.receiveIfAny = func(fd uintptr) bool { return t.tryReceive(fd) || true }
	return t
}

// rawConnOf gives access to the descriptor, nil for a connection without one.
func rawConnOf(c net.Conn) syscall.RawConn {
	if sc, ok := c.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			return raw
		}
	}
	return nil
}

// receive implements receiver. It reads at once when bytes are there, and waits
// without a buffer when none are.
func (t *socketTransport) receive(in *input) (int, error) {
	t.incoming.in, t.incoming.n, t.incoming.err = in, 0, nil
	if err := t.raw.Read(t.receiveOnce); err != nil {
		return 0, err
	}
	return t.incoming.n, t.incoming.err
}

// receiveNow implements watcher.
func (t *socketTransport) receiveNow(in *input) (int, error) {
	t.incoming.in, t.incoming.n, t.incoming.err = in, 0, errRests
	if err := t.raw.Read(t.receiveIfAny); err != nil {
		return 0, err
	}
	return t.incoming.n, t.incoming.err
}

// watch implements watcher. It looks again, because what came since receiveNow wakes
// nobody, and does so without a buffer: to borrow one takes more stack than to wait.
func (t *socketTransport) watch() {
	_ = t.raw.Read(isReadable) // an error comes again when the bytes are read
}

func isReadable(fd uintptr) bool {
	var b [1]byte
	_, err := transfer(unix.SYS_RECVFROM, fd, b[:], unix.MSG_PEEK)
	return err != unix.EAGAIN
}

// tryReceive reads what is there, and reports false when that is nothing.
func (t *socketTransport) tryReceive(fd uintptr) bool {
	c := &t.incoming
	p := c.in.room()
	for {
		n, err := transfer(unix.SYS_RECVFROM, fd, p, 0)
		switch err {
		case 0:
			if c.n, c.err = n, nil; n == 0 {
				c.err = io.EOF
			}
			return true
		case unix.EINTR:
		case unix.EAGAIN:
			c.in.rest()
			return false
		default:
			c.err = err
			return true
		}
	}
}

// briefBytes is what the kernel copies in a time that is not worth telling the
// scheduler of: a few microseconds.
const briefBytes = 64 << 10

// transfer is one recvfrom(2) or sendto(2) of a socket, which never waits. A short
// one is made without the scheduler's knowledge: to tell it costs a tenth of a small
// request, and it could use the time for nothing. One that copies much is told of,
// so that others can run meanwhile.
func transfer(call, fd uintptr, p []byte, flags uintptr) (int, syscall.Errno) {
	at, size := unsafe.Pointer(unsafe.SliceData(p)), uintptr(len(p))
	var n uintptr
	var err syscall.Errno
	if len(p) > briefBytes {
		n, _, err = syscall.Syscall6(call, fd, uintptr(at), size, flags|unix.MSG_DONTWAIT, 0, 0)
	} else {
		n, _, err = syscall.RawSyscall6(call, fd, uintptr(at), size, flags|unix.MSG_DONTWAIT, 0, 0)
	}
	if err != 0 {
		return 0, err
	}
	return int(n), 0
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

// trySend makes the first attempt.
func (t *socketTransport) trySend(fd uintptr) bool {
	t.outgoing.n, t.outgoing.err = transmit(fd, t.outgoing.p, t.outgoing.flags)
	return true
}

// transmit sends what the socket takes, nothing for one that is full.
func transmit(fd uintptr, p []byte, flags int) (int, error) {
	for {
		n, err := transfer(unix.SYS_SENDTO, fd, p, uintptr(flags|unix.MSG_NOSIGNAL))
		switch err {
		case 0, unix.EAGAIN:
			return n, nil
		case unix.EINTR:
		default:
			return 0, err
		}
	}
}

func (t *socketTransport) send(p []byte, flags int) error {
	t.outgoing.p, t.outgoing.flags = p, flags
	err := t.raw.Write(t.sendOnce)
	t.outgoing.p = nil
	if err = cmp.Or(err, t.outgoing.err); err != nil || t.outgoing.n == len(p) {
		return err
	}
	p = p[t.outgoing.n:]
	return t.untilDone(func(fd uintptr) (bool, error) {
		for len(p) > 0 {
			n, err := transmit(fd, p, flags)
			if err != nil || n == 0 {
				return err != nil, err
			}
			p = p[n:]
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
