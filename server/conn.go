package server

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// Conn is a connection as its Handler sees it.
type Conn struct {
	// Listener is the one that accepted the connection.
	Listener *Listener
	// RemoteAddr is host:port of the peer.
	RemoteAddr string
	// Peer and Reached are the two ends of the connection: where the peer comes
	// from, and the address of this machine that it connected to. IPv4 addresses in
	// IPv6 form are unmapped. Both are zero without TCP.
	Peer, Reached netip.AddrPort
	// TLS is what the handshake of a listener with TLS came to, nil without one.
	TLS *tls.ConnectionState
	// State is the handler's own.
	State any

	done chan struct{} // closed when the server stops or the connection ends
	// frames are what the next ones may have.
	frames frameLimits
	// loginBy is when the login must be over, zero without one under way.
	loginBy time.Time
	// lost is why the login has failed already, nil unless the peer has the last word.
	lost *LoginError
}

// frameLimits are in bytes, without the length in front.
type frameLimits struct {
	min, max int
	setting  string // that max comes from
}

// ExpectLogin bounds what comes before a login: the requests, and the time that all of it
// may take.
func (c *Conn) ExpectLogin(bytesMax int, patience time.Duration) {
	c.frames = c.atMost(frameLimits{frameBytesMin, bytesMax, "barnabas.request.preauth.max.bytes"})
	c.loginBy = time.Now().Add(patience)
}

// ExpectTokens is for tokens of a login that are frames by themselves, and may be empty.
func (c *Conn) ExpectTokens(bytesMax int) {
	c.frames = c.atMost(frameLimits{0, bytesMax, "barnabas.request.preauth.max.bytes"})
}

// ExpectLastWord is for a peer that was told that its login failed, and may answer: should
// it leave instead, reason is what the connection has ended for.
func (c *Conn) ExpectLastWord(reason string) { c.lost = &LoginError{reason} }

// ExpectRequests is for any request that the listener takes.
func (c *Conn) ExpectRequests() {
	c.frames = c.atMost(frameLimits{frameBytesMin, c.Listener.frameBytesMax, ""})
	c.loginBy = time.Time{}
}

// atMost is never more than the listener takes.
func (c *Conn) atMost(l frameLimits) frameLimits {
	if l.setting == "" || l.max > c.Listener.frameBytesMax {
		l.max, l.setting = c.Listener.frameBytesMax, "socket.request.max.bytes"
	}
	return l
}

// Done is closed when the connection ends or the server stops: whoever waits on
// behalf of the connection gives up.
func (c *Conn) Done() <-chan struct{} { return c.done }

// conn is the server's side of a connection. Everything without a note belongs
// to the connection's goroutine, which is one after the other at the beginning: rest.go.
type conn struct {
	Conn
	server    *Server
	life      *life
	ended     bool // Conn.done is closed; guarded by server.mu
	sock      net.Conn
	secured   *tls.Conn // over sock; nil without TLS
	transport transport
	in        input
	out       Out
	call      Call // reused: one request at a time
	queue     queue
	writer    chan error // the writer's end, nil until the writer is started
	idleSince time.Time  // when the read deadline was last set
	limited   time.Time  // the loginBy that the read deadline is for
	rests     int        // how often it has changed its goroutine to rest
	address   string     // of the peer, without the port
	refused   bool       // the client could not show who it is
	charged   bool       // the last call was: charge.go
	// mutedUntil is when the client is throttled no more, on the server's clock.
	mutedUntil atomic.Int64
	stopping   atomic.Bool // set by any goroutine, once
	// turn is a turn of heavy work: lobby.go. Invariant: of strangers only.
	turn bool
}

// flushBytes is how much output may gather before it is written although more
// requests are already in the buffer.
const flushBytes = 64 << 10

// begin is the connection's first goroutine. It waits for a handler, for what a peer begins a
// handshake with, and for a turn to work on that; as with rest.go, who only waits needs little
// stack, and a handshake much.
func (c *conn) begin() {
	c.out.start = -1
	select {
	case <-c.life.begun:
	case <-c.server.stopping:
		c.server.leave(c, c.finish()) // nobody has asked anything yet
		return
	}
	if c.Listener.tls == nil {
		c.open()
		return
	}
	under, err := c.awaitHello()
	if err == nil {
		c.takeTurn()
	}
	go c.greet(under, err)
}

// greet makes the handshake, unless there was an error before, and serves.
func (c *conn) greet(under *gatherer, err error) {
	err = c.secure(under, err)
	c.leaveTurn()
	if err != nil {
		c.refuse(err)
		return
	}
	c.open()
}

func (c *conn) open() {
	c.State = c.life.handler.Opened(&c.Conn)
	c.work()
}

// work serves the connection until it rests, or until its end.
func (c *conn) work() {
	err := c.serve()
	if err == errRests {
		c.rest()
		return
	}
	c.end(err)
}

// end is the last that the connection's goroutine does; err is why, nil a clean end.
func (c *conn) end(err error) {
	c.leaveTurn()
	if c.in.claim.ended.Load() { // its socket is closed: what else went wrong is of that
		err = errTooSlow
	}
	var login *LoginError
	if c.refused = errors.As(err, &login); c.refused {
		c.settle()
	}
	if flushErr := c.finish(); err == nil {
		err = flushErr
	}
	if c.lost != nil && (err == nil || isPeerGone(err)) {
		err = c.lost
	}
	c.life.handler.Closed(&c.Conn)
	c.server.leave(c, err)
}

func (c *conn) serve() error {
	for {
		err := c.runFrames()
		if err == nil {
			err = c.flush()
		}
		c.doLeft()
		if err == errSilenced {
			return nil
		}
		if err != nil {
			return err
		}
		if c.stopping.Load() {
			return nil
		}
		if err := c.fill(); err != nil {
			return cleanEnd(err)
		}
	}
}

// doLeft does what the last call has left for after its answer.
func (c *conn) doLeft() {
	if work := c.call.afterwards; work != nil {
		c.call.afterwards = nil
		work()
	}
}

// runFrames executes every whole frame in the buffer.
func (c *conn) runFrames() error {
	for {
		if c.charged {
			if err := c.settleCharge(); err != nil {
				return err
			}
		}
		frame, err := c.in.next(c.frames)
		if err != nil || frame == nil {
			return err
		}
		c.doLeft() // of the last one, when it was not alone
		call := &c.call
		*call = Call{Conn: &c.Conn, Frame: frame, conn: c}
		c.server.requests.Inc()
		c.takeTurn()
		err = c.life.handler.Serve(call)
		c.leaveTurn()
		if err != nil {
			c.keepLast(call, err)
			return err
		}
		if call.toll != nil {
			c.levy(call)
		}
		c.in.release()
		if call.timed.lengths != nil && !call.parked {
			call.timed.end()
		}
		if call.hangUp && !call.parked {
			call.drop()
			return ErrHangUp
		}
		if call.out != nil && call.out != &c.out {
			if !c.queue.push(&Ticket{queue: &c.queue, out: call.out, done: true}) {
				return c.writerEnd()
			}
		}
		if c.out.size() >= flushBytes {
			if err := c.flush(); err != nil {
				return err
			}
		}
	}
}

// keepLast lets the answer that refuses a login leave behind those that are parked; any
// other error ends the connection without one.
func (c *conn) keepLast(call *Call, err error) {
	var login *LoginError
	if errors.As(err, &login) && call.out != nil && call.out != &c.out && call.out.start < 0 {
		c.queue.push(&Ticket{queue: &c.queue, out: call.out, done: true})
		return
	}
	c.discardOpenAnswer(call)
}

// settleTime is how long a refusal may wait for the answers before it.
const settleTime = 5 * time.Second

// settle sends what is parked before a refusal.
func (c *conn) settle() {
	if c.writer == nil {
		return
	}
	late := time.AfterFunc(settleTime, c.queue.close)
	defer late.Stop()
	c.queue.idle()
}

// discardOpenAnswer drops an answer that was begun but not ended.
func (c *conn) discardOpenAnswer(call *Call) {
	if call.out == nil {
		return
	}
	if call.out != &c.out {
		call.out.reset()
		return
	}
	if c.out.start >= 0 {
		for _, r := range c.out.ranges[c.out.rangesStart:] {
			r.source.Release()
		}
		c.out.ranges = c.out.ranges[:c.out.rangesStart]
		c.out.buf = c.out.buf[:c.out.start]
		c.out.start = -1
	}
}

// fill reads more. The memory of large frames is accounted by the server.
func (c *conn) fill() error {
	if want := c.in.growth(); want > 0 {
		if err := c.reserve(want); err != nil {
			return err
		}
	}
	if err := c.limitLogin(); err != nil {
		return err
	}
	if idle := c.server.opts.IdleTimeout; idle > 0 {
		// Setting a deadline costs as much as a small request, so it is moved on
		// only when a tenth of it has passed.
		if now := time.Now(); c.loginBy.IsZero() && now.Sub(c.idleSince) > idle/10 {
			c.idleSince = now
			if err := c.sock.SetReadDeadline(now.Add(idle)); err != nil {
				return err
			}
			if c.stopping.Load() { // stop may have set an earlier one
				return io.EOF
			}
		}
	}
	err := c.in.fill(c)
	c.in.account()
	return err
}

// reserve waits until a large frame may take more memory. From then on nothing but its
// execution keeps the connection from giving that back: the answers before it have left or
// are the writer's, and there is a place behind them.
func (c *conn) reserve(want int) error {
	c.leaveTurn()
	if c.writer != nil {
		c.queue.awaitSpace()
	}
	waited, err := c.in.reserve(want)
	if waited > 0 && !c.loginBy.IsZero() {
		c.loginBy = c.loginBy.Add(waited) // the client has not wasted it
	}
	return err
}

// limitLogin gives a login that is under way the time that is left for it, and lifts that
// limit once it is over.
func (c *conn) limitLogin() error {
	if c.limited == c.loginBy {
		return nil
	}
	c.limited, c.idleSince = c.loginBy, time.Time{}
	if err := c.sock.SetReadDeadline(c.loginBy); err != nil {
		return err
	}
	if c.stopping.Load() { // stop may have set an earlier one
		return io.EOF
	}
	return nil
}

func cleanEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	if isTimeout(err) {
		return nil // idle for connections.max.idle.ms, or the server stops
	}
	return err
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// answerNow is where an answer goes that is complete when Serve returns.
func (c *conn) answerNow() *Out {
	if c.writer != nil && c.queue.isActive() {
		return &Out{start: -1}
	}
	return &c.out
}

// flush sends what waits in out. While the writer owns the socket out is empty.
func (c *conn) flush() error {
	if c.out.size() == 0 {
		return nil
	}
	return c.out.writeTo(c.transport)
}

// park puts a ticket into the queue and gives the socket's output to the writer.
func (c *conn) park(call *Call) *Ticket {
	if c.writer == nil {
		c.writer = make(chan error, 1)
		go func() { // ended by queue.close, waited for in finish
			err := c.queue.write(c.transport)
			c.queue.close()
			c.endRead()
			c.writer <- err
		}()
	}
	if c.out.size() > 0 {
		gathered := c.out
		c.out = Out{start: -1}
		c.queue.push(&Ticket{queue: &c.queue, out: &gathered, done: true})
	}
	t := &Ticket{queue: &c.queue, timed: call.timed, hangUp: call.hangUp}
	if toll := call.toll; toll != nil {
		t.charge = func(answer []byte) { c.mute(toll(answer)) }
	}
	c.queue.push(t) // a closed queue shows at the next read
	return t
}

// endRead wakes a connection goroutine that waits for bytes.
func (c *conn) endRead() {
	c.stopping.Store(true)
	_ = c.sock.SetReadDeadline(time.Unix(1, 0)) // a closed socket needs no deadline
}

// writerEnd is why the writer ended.
func (c *conn) writerEnd() error {
	err := <-c.writer
	c.writer <- err
	return err
}

// finish sends what is due, ends the writer and closes the socket.
func (c *conn) finish() error {
	err := c.flush()
	if c.writer != nil {
		c.server.drain(&c.queue)
		c.queue.close()
		if writeErr := c.writerEnd(); err == nil {
			err = writeErr
		}
	}
	c.out.reset()
	c.in.giveBack()
	c.in.account()
	c.endSecured(err)
	if c.refused && err == nil {
		c.linger()
	}
	_ = c.sock.Close() // nothing is left to lose
	return err
}

func now() time.Time { return time.Now() }

func (t *timed) end() { t.lengths.Observe(time.Since(t.start)) }
