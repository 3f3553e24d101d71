package server

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// awaitHello gives the handshake its time, and waits for what the peer begins it with.
func (c *conn) awaitHello() (*gatherer, error) {
	under := &gatherer{Conn: c.sock, owner: c, end: time.Now().Add(c.server.opts.HandshakeTimeout)}
	under.socket, _ = c.transport.(watcher)
	if err := c.sock.SetDeadline(under.end); err != nil {
		return under, err
	}
	if c.stopping.Load() { // it may have set an earlier one
		return under, io.EOF
	}
	return under, under.awaitHello()
}

// secure makes the TLS handshake, of which err is what went wrong before it. io.EOF is a
// peer that left before it, as those do that only look whether the port is open, and a
// server that stops.
//
// The socket stays where it is: whoever ends the connection closes it, or sets its
// deadline, below TLS.
func (c *conn) secure(under *gatherer, err error) error {
	var secured *tls.Conn
	if err == nil {
		secured, err = c.handshake(under)
	}
	if c.stopping.Load() {
		return io.EOF
	}
	if err != nil {
		return describeHandshake(err)
	}
	if err := c.sock.SetDeadline(time.Time{}); err != nil {
		return err
	}
	if c.stopping.Load() {
		return io.EOF
	}
	under.timeout = c.server.opts.WriteTimeout
	c.secured, c.transport = secured, &secureTransport{plainTransport{conn: secured}, under}
	state := secured.ConnectionState()
	c.TLS = &state
	return nil
}

// handshake makes it, unless the server stops, or its time was over while it waited for its
// turn. The hello is here already, so that the socket would tell of either only after all of
// the arithmetic.
func (c *conn) handshake(under *gatherer) (*tls.Conn, error) {
	if c.stopping.Load() {
		return nil, io.EOF
	}
	if !time.Now().Before(under.end) {
		return nil, context.DeadlineExceeded
	}
	secured := tls.Server(under, c.Listener.tls)
	return secured, secured.Handshake()
}

// endSecured tells the peer that this is the end, unless something was not sent: then
// nobody may take what there is for a whole.
func (c *conn) endSecured(err error) {
	if c.secured == nil {
		return
	}
	if err == nil {
		_ = c.secured.CloseWrite() // the socket is closed in any case
	}
	c.transport.(*secureTransport).under.giveBack()
}

// describeHandshake tells what people do to a TLS port by mistake.
func describeHandshake(err error) error {
	var header tls.RecordHeaderError
	switch {
	case errors.Is(err, io.EOF) || isPeerGone(err):
		return io.EOF
	case errors.As(err, &header) && header.Conn != nil: // of the first bytes
		return errors.New("this client does not speak TLS, and the listener does; set security.protocol=SSL in the client")
	case isTimeout(err):
		return errors.New("the TLS handshake took longer than barnabas.connection.handshake.timeout.ms")
	}
	return fmt.Errorf("the TLS handshake failed: %w", err)
}

// refuse ends a connection whose handshake has failed.
func (c *conn) refuse(err error) {
	if err != io.EOF {
		c.server.tellRefused(c, err)
		c.linger()
	}
	_ = c.sock.Close() // nothing was asked
	c.server.leave(c, nil)
}

const (
	// lingerTime and lingerBytes are what a peer has to hear why it was refused. A socket
	// that is closed while bytes of the peer lie unread is reset, and the alert with it:
	// the client would take it for a broker that has gone, and come again at once.
	lingerTime  = time.Second
	lingerBytes = 64 << 10
)

// linger lets the peer read the last that was sent.
func (c *conn) linger() {
	half, ok := c.sock.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil || c.sock.SetReadDeadline(time.Now().Add(lingerTime)) != nil || c.stopping.Load() {
		return
	}
	var some [1 << 10]byte // io.Discard takes eight times as much, of which nothing is kept
	for left := lingerBytes; left > 0; {
		n, err := c.sock.Read(some[:])
		if left -= n; err != nil {
			return
		}
	}
}

// secureTransport copies ranges through memory: what is encrypted cannot be sent from
// the page cache. The time that a peer has to take something is the gatherer's, who sees
// what is really written.
type secureTransport struct {
	plainTransport
	under *gatherer
}

// recordBytes is what one record of TLS holds at most.
const recordBytes = 16 << 10

// write implements transport. What is more than a record goes into the socket with one
// system call for a piece, together with what writeMore has left.
func (t *secureTransport) write(p []byte) error {
	for len(p) > 0 {
		piece := p[:min(len(p), pieceBytes)]
		if len(piece) > recordBytes || t.under.isHolding() {
			t.under.hold(len(piece))
		}
		if _, err := t.conn.Write(piece); err != nil {
			return err
		}
		if err := t.under.release(); err != nil {
			return err
		}
		p = p[len(piece):]
	}
	return nil
}

// writeMore implements transport.
func (t *secureTransport) writeMore(p []byte) error {
	if len(p) > pieceBytes {
		return t.write(p)
	}
	if len(p) == 0 {
		return nil
	}
	t.under.hold(len(p))
	_, err := t.conn.Write(p)
	return err
}

func (t *secureTransport) sendRange(r outRange) error { return copyRange(r, t.write) }

// gatherer is a socket below TLS that can hold back what is written: TLS writes each of
// its records by itself. It gives the peer a bounded time for each write.
//
// Its lock is taken for a whole write: the side that reads may have a word of its own
// to send (a new key), and records must not overtake each other.
type gatherer struct {
	net.Conn
	owner   *conn
	socket  watcher       // nil where nobody can tell whether bytes are there
	timeout time.Duration // 0 during the handshake, which has a time of its own
	hello   []byte        // what was received before the handshake and is still to be read
	end     time.Time     // of the time for the handshake

	mu struct {
		sync.Mutex
		holding bool
		held    []byte // borrowed
		failed  error  // of a write: half a record may be sent, and nothing fits behind it
	}
}

const (
	recordHeaderBytes = 5
	recordOfAlert     = 0x15
	recordOfHandshake = 0x16
	// helloBytes is the room for what a peer begins with. Once it is full there is room for as
	// much as most first records have, helloBytesMost, and then for twice as much each time.
	helloBytes     = 512
	helloBytesMost = 2 << 10
)

// awaitHello receives the first record of a handshake. TLS would make room for the record
// that is announced, and for more, before anything of it has come: a peer that says no more
// costs a few hundred bytes here, and not twenty thousand. What is no handshake is left to
// TLS to refuse.
//
// It takes no turn: a peer that says a part of its hello, or nothing, is not in the way of
// those who have something to work on.
func (g *gatherer) awaitHello() error {
	if g.socket != nil { // without a buffer
		if err := g.socket.watch(); err != nil {
			return err
		}
	}
	record := make([]byte, 0, helloBytes)
	need := recordHeaderBytes
	for len(record) < need {
		if len(record) == cap(record) {
			record = append(make([]byte, 0, min(need, max(helloBytesMost, 2*cap(record)))), record...)
		}
		n, err := g.receiveHello(record[len(record):cap(record)])
		if record = record[:len(record)+n]; err == io.EOF && len(record) > 0 { //nolint:errorlint // a socket gives it bare
			return io.ErrUnexpectedEOF
		} else if err != nil {
			return err
		}
		if need > recordHeaderBytes || len(record) < recordHeaderBytes {
			continue
		}
		if record[0] != recordOfHandshake && record[0] != recordOfAlert {
			break
		}
		length := int(binary.BigEndian.Uint16(record[3:]))
		if length > recordBytes {
			return fmt.Errorf("the first record announces %d bytes, and may have %d", length, recordBytes)
		}
		need += length
	}
	g.hello = record
	return nil
}

// receiveHello reads what has come, and waits for it, with little stack where that is possible.
func (g *gatherer) receiveHello(p []byte) (int, error) {
	if g.socket != nil {
		return g.socket.receiveSome(p)
	}
	return g.Conn.Read(p)
}

// receive reads from the socket. A stranger has no turn while he is waited for, and has one
// once there is something to work on.
func (g *gatherer) receive(p []byte) (int, error) {
	c := g.owner
	if !c.isStranger() || c.turn && g.socket != nil && g.socket.isThere() {
		return g.Conn.Read(p)
	}
	c.leaveTurn()
	if g.socket != nil {
		if err := g.socket.watch(); err != nil {
			return 0, err
		}
		c.takeTurn()
		return g.Conn.Read(p)
	}
	n, err := g.Conn.Read(p)
	if err == nil {
		c.takeTurn()
	}
	return n, err
}

// Read implements net.Conn.
func (g *gatherer) Read(p []byte) (int, error) {
	if len(g.hello) == 0 {
		return g.receive(p)
	}
	n := copy(p, g.hello)
	if g.hello = g.hello[n:]; len(g.hello) == 0 {
		g.hello = nil
	}
	return n, nil
}

// recordOverhead is more than TLS adds to a record.
const recordOverhead = 256

func (g *gatherer) isHolding() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.mu.holding
}

// hold begins to hold back, or goes on, with room for n bytes more.
func (g *gatherer) hold(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mu.holding = true
	need := len(g.mu.held) + n + (n/recordBytes+1)*recordOverhead
	if need <= cap(g.mu.held) {
		return
	}
	larger := append(borrow(need)[:0], g.mu.held...)
	g.drop()
	g.mu.held = larger
}

func (g *gatherer) drop() {
	if g.mu.held != nil {
		lend(g.mu.held)
		g.mu.held = nil
	}
}

// Write implements net.Conn.
func (g *gatherer) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.mu.holding {
		g.mu.held = append(g.mu.held, p...)
		return len(p), nil
	}
	return g.send(p)
}

// release writes what was held back. After an error nothing more can be said in order.
func (g *gatherer) release() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.mu.holding {
		return nil
	}
	g.mu.holding = false
	_, err := g.send(g.mu.held)
	g.drop()
	return err
}

// send writes to the socket; mu is held.
func (g *gatherer) send(p []byte) (int, error) {
	if g.mu.failed != nil {
		return 0, g.mu.failed
	}
	// The peer may take its time, also for what the side that reads has to say after the
	// handshake. Only the connection's own goroutine has a turn here.
	g.owner.leaveTurn()
	if g.timeout > 0 {
		if err := g.SetWriteDeadline(time.Now().Add(g.timeout)); err != nil {
			return 0, err
		}
	}
	n, err := g.Conn.Write(p)
	g.mu.failed = err
	return n, err
}

// giveBack drops what was held back and never sent.
func (g *gatherer) giveBack() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mu.holding = false
	g.drop()
}
