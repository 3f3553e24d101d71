package server

import (
	"errors"
	"time"

	"github.com/barnabas-mq/barnabas/internal/invariant"
	"github.com/barnabas-mq/barnabas/internal/metrics"
)

// Handler runs requests. Its methods are called from the connection's goroutine.
type Handler interface {
	// Opened tells of a new connection; what it returns is Conn.State from then on.
	Opened(c *Conn) any
	// Serve runs one request. It answers with Call.Out, or parks the call, or does
	// neither (acks=0 has no answer). An error closes the connection after the
	// answers that are due; it is logged once, here.
	Serve(call *Call) error
	// Closed tells that the connection ended.
	Closed(c *Conn)
}

// Call is one request under way. It is valid until Serve returns, except for a
// Ticket that it gave.
type Call struct {
	Conn *Conn
	// Frame is the request without its length. It is reused after Serve returns, and
	// after ReleaseFrame: whoever parks copies what is still needed.
	Frame []byte

	conn   *conn
	out    *Out
	parked bool
	hangUp bool
	timed  timed
	// afterwards is what is left to do once the answer is sent.
	afterwards func()
	toll       func(answer []byte) time.Duration // see Charge; nil for most
}

// timed is a call whose length is to be known; the zero value is one where nobody asks.
type timed struct {
	start   time.Time
	lengths *metrics.Histogram
}

// Time counts how long the call takes until its answer is complete. It is for before
// the call is parked.
func (c *Call) Time(lengths *metrics.Histogram) { c.timed = timed{now(), lengths} }

// ErrHangUp is a handler's error for a connection that it closes on command and not
// because anything is wrong. Nobody needs to read of it in the log.
var ErrHangUp = errors.New("closed on command")

// LoginError is a handler's error for a client that could not show who it is.
type LoginError struct{ Reason string }

func (e *LoginError) Error() string { return "the login failed: " + e.Reason }

// UnansweredError is a handler's error for a client that is not told of its login, so that it tries
// again.
type UnansweredError struct{ Reason string }

func (e *UnansweredError) Error() string { return "the login is to be tried again: " + e.Reason }

// HangUp lets the handler do its work for nothing: in place of the answer, given now
// or later, the connection is closed. It is called before the answer begins.
func (c *Call) HangUp() error {
	c.hangUp = true
	return c.Wait() // earlier answers are sent
}

// drop forgets an answer that is complete. HangUp has sent what came before it.
func (c *Call) drop() {
	if c.out != nil {
		c.out.reset()
	}
}

// Out is where the answer goes when it is given now: Begin, append, End.
func (c *Call) Out() *Out {
	invariant.Check(!c.parked, "a parked call answers through its ticket")
	if c.out == nil {
		c.out = c.conn.answerNow()
	}
	return c.out
}

// Alone tells that the connection has nothing else to do: no more of its bytes are
// here, and no earlier call is parked. A handler may block for the length of a disk
// access then, after Wait, and spare itself a hand-over to another goroutine.
func (c *Call) Alone() bool {
	return c.conn.in.r == c.conn.in.w && (c.conn.writer == nil || !c.conn.queue.isActive())
}

// Wait must be called before the handler blocks: it sends the answers that are
// already complete, so that no earlier request waits for this one.
func (c *Call) Wait() error {
	invariant.Check(c.out == nil, "a call waits before it begins its answer")
	c.conn.leaveTurn()
	return c.conn.flush()
}

// ReleaseFrame gives back the memory of the frame before the handler blocks for long:
// neither Frame nor what was decoded from it without a copy is read from here on.
func (c *Call) ReleaseFrame() {
	c.Frame = nil
	c.conn.in.shrink()
	c.conn.in.account()
}

// Afterwards has work done on the connection's goroutine once the answers that are
// complete have been sent, in any case, also when the connection ends. The next request
// waits for it. It is for a call that is Alone, and is given once.
func (c *Call) Afterwards(work func()) {
	invariant.Check(c.afterwards == nil, "a call leaves one piece of work")
	c.afterwards = work
}

// Park postpones the answer. The connection goes on with its next request, and
// answers still leave in request order. It blocks while too many answers wait,
// so that no lock may be held here.
func (c *Call) Park() *Ticket {
	invariant.Check(c.out == nil && !c.parked, "a call parks once, before it begins its answer")
	c.parked = true
	return c.conn.park(c)
}

// Ticket is the right to answer a parked call once.
type Ticket struct {
	queue  *queue
	out    *Out         // set when the answer is complete
	encode func(o *Out) // runs on the writer's goroutine; nil when there is no answer
	done   bool         // guarded by queue.mu
	timed  timed
	hangUp bool // closes the connection where the answer would be sent
	// charge is told of the answer, on the writer's goroutine; nil for most.
	charge func(answer []byte)
}

// Reply completes the call: encode is run later, on the goroutine that writes,
// and must append one answer (Begin, append, End) to the Out that it gets; nil
// completes the call without an answer. Reply never blocks and may be called from
// any goroutine.
func (t *Ticket) Reply(encode func(o *Out)) { t.queue.complete(t, encode) }
