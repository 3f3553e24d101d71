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
	// incoming is the receive under way, outgoing the send. They and what makes them are
	// kept, so that a request costs no allocation here.
	incoming struct {
		in  *input
		n   int
		err error
	}
	outgoing outgoing

	receiveOnce, receiveIfAny, sendOnce, sendTwice func(fd uintptr) bool
	sendFrom                                       func(file uintptr)
}

// outgoing is what is sent: bytes, or a range of a file. It shrinks as it is taken.
type outgoing struct {
	p      []byte
	flags  int
	file   uintptr
	rest   outRange
	err    error
	waited bool // for the socket to be writable, in the present call
}

// isOver tells that everything is taken, or nothing more will be.
func (o *outgoing) isOver() bool { return o.err != nil || len(o.p) == 0 && o.rest.n == 0 }

func newTransport(c net.Conn, timeout time.Duration) transport {
	raw := rawConnOf(c)
	if raw == nil {
		return &plainTransport{conn: c, timeout: timeout}
	}
	t := &socketTransport{plainTransport: plainTransport{conn: c, timeout: timeout}, raw: raw}
	t.receiveOnce = t.tryReceive
	t.receiveIfAny = func(fd uintptr) bool { return t.tryReceive(fd) || true }
	t.sendOnce = func(fd uintptr) bool { return t.outgoing.advance(fd) || true }
	t.sendTwice = t.advanceTwice
	t.sendFrom = t.sendFile
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
func (t *socketTransport) watch() error { return t.raw.Read(isReadable) }

// receiveSome implements watcher.
func (t *socketTransport) receiveSome(p []byte) (int, error) {
	n, err := 0, unix.EAGAIN
	waitErr := t.raw.Read(func(fd uintptr) bool {
		n, err = transfer(unix.SYS_RECVFROM, fd, p, 0)
		return err != unix.EAGAIN
	})
	switch {
	case waitErr != nil:
		return 0, waitErr
	case err != 0:
		return 0, err
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// isThere implements watcher.
func (t *socketTransport) isThere() bool {
	there := false
	err := t.raw.Read(func(fd uintptr) bool { there = isReadable(fd); return true })
	return err == nil && there
}

func isReadable(fd uintptr) bool {
	var b [1]byte
	_, err := transfer(unix.SYS_RECVFROM, fd, b[:], unix.MSG_PEEK)
	return err != unix.EAGAIN
}

// tryReceive reads what is there, and reports false when that is nothing.
func (t *socketTransport) tryReceive(fd uintptr) bool {
	c := &t.incoming
	n, err := transfer(unix.SYS_RECVFROM, fd, c.in.room(), 0)
	switch err {
	case 0:
		if c.n, c.err = n, nil; n == 0 {
			c.err = io.EOF
		}
	case unix.EAGAIN:
		c.in.rest()
		return false
	default:
		c.err = err
	}
	return true
}

// briefBytes is what the kernel copies in a time that is not worth telling the
// scheduler of: a few microseconds.
const briefBytes = 64 << 10

// transfer is one recvfrom(2) or sendto(2) of a socket, which never waits and is made again
// when a signal has interrupted it. A short
// one is made without the scheduler's knowledge: to tell it costs a tenth of a small
// request, and it could use the time for nothing. One that copies much is told of,
// so that others can run meanwhile.
func transfer(call, fd uintptr, p []byte, flags uintptr) (int, syscall.Errno) {
	at, size := unsafe.Pointer(unsafe.SliceData(p)), uintptr(len(p))
	for {
		var n uintptr
		var err syscall.Errno
		if len(p) > briefBytes {
			n, _, err = syscall.Syscall6(call, fd, uintptr(at), size, flags|unix.MSG_DONTWAIT, 0, 0)
		} else {
			n, _, err = syscall.RawSyscall6(call, fd, uintptr(at), size, flags|unix.MSG_DONTWAIT, 0, 0)
		}
		switch err {
		case 0:
			return int(n), 0
		case unix.EINTR:
		default:
			return 0, err
		}
	}
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

func (t *socketTransport) send(p []byte, flags int) error {
	t.outgoing = outgoing{p: p, flags: flags}
	return t.sendAll()
}

func (t *socketTransport) sendRange(r outRange) error {
	file := r.source.SysConn()
	if file == nil {
		return copyRange(r, t.write)
	}
	t.outgoing = outgoing{rest: r}
	if err := file.Control(t.sendFrom); err != nil {
		return err
	}
	return t.outgoing.err
}

// sendFile runs while the file cannot be closed.
func (t *socketTransport) sendFile(file uintptr) {
	t.outgoing.file = file
	t.outgoing.err = t.sendAll()
}

// sendAll sends what is outgoing, and arms the write deadline only when the first
// attempt could not finish. The time runs anew each time the peer has taken something.
func (t *socketTransport) sendAll() error {
	err := t.raw.Write(t.sendOnce)
	if err == nil && !t.outgoing.isOver() {
		for err == nil && !t.outgoing.isOver() {
			if err = t.arm(); err != nil {
				return err
			}
			t.outgoing.waited = false
			err = t.raw.Write(t.sendTwice)
		}
		if err == nil {
			err = t.conn.SetWriteDeadline(time.Time{})
		}
	}
	err = cmp.Or(err, t.outgoing.err)
	t.outgoing = outgoing{} // nothing is held that the caller may release
	return err
}

// advanceTwice sends, waits once if not everything was taken, and sends again.
func (t *socketTransport) advanceTwice(fd uintptr) bool {
	over, waited := t.outgoing.advance(fd), t.outgoing.waited
	t.outgoing.waited = true
	return over || waited
}

// advance sends until everything is taken or the socket is full.
func (o *outgoing) advance(fd uintptr) (over bool) {
	for !o.isOver() {
		n, err := o.once(fd)
		switch err {
		case nil:
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return false
		default:
			o.err = err
			return true
		}
		if len(o.p) > 0 {
			o.p = o.p[n:]
		} else {
			o.rest.n -= n // sendfile moved the position itself
		}
	}
	return true
}

// sendFileBytesMax bounds one sendfile call. The kernel takes about 2 GiB at
// most; smaller pieces keep the bytes warm between sender and receiver.
const sendFileBytesMax = 1 << 20

// once makes one system call.
func (o *outgoing) once(fd uintptr) (int, error) {
	if len(o.p) > 0 {
		n, err := transfer(unix.SYS_SENDTO, fd, o.p, uintptr(o.flags|unix.MSG_NOSIGNAL))
		if err != 0 {
			return 0, err
		}
		return n, nil
	}
	n, err := unix.Sendfile(int(fd), int(o.file), &o.rest.position, min(o.rest.n, sendFileBytesMax))
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return 0, err
	case err != nil:
		return 0, fmt.Errorf("sendfile: %w", err)
	case n == 0:
		return 0, fmt.Errorf("sendfile: %d bytes missing: %w", o.rest.n, io.ErrUnexpectedEOF)
	}
	return n, nil
}
