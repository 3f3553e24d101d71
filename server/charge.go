package server

import (
	"errors"
	"time"
)

// Who uses more than is allowed is answered at once, told to wait, and then left alone for
// that time (KIP-219): the next request on the connection is not read. It costs the server
// nothing that the client does not have in its own buffers.
//
// A call that is charged is not overtaken: the requests behind it wait until its answer is
// sent, also when it is parked, since only then is it known how long they wait.

// Charge has toll look at the call's answer as soon as it is complete: with its length in
// front, which counts the ranges of files that answer is without, and nil for a call
// without an answer. toll may write into it, and tells for how long from then on the next
// request is not read; until the answer is sent it never is. It runs on the goroutine that
// writes the answer. A handler calls Charge before it parks.
func (c *Call) Charge(toll func(answer []byte) time.Duration) { c.toll = toll }

// levy charges a call that is not parked, whose answer is complete.
func (c *conn) levy(call *Call) {
	c.charged = true
	if call.parked {
		return
	}
	var answer []byte
	if call.out != nil {
		answer = call.out.last()
	}
	c.mute(call.toll(answer))
}

// mute is called by the goroutine that answers a call that is charged.
func (c *conn) mute(d time.Duration) {
	if d > 0 {
		c.mutedUntil.Store(int64(c.server.opts.Clock.Monotonic() + d))
	}
}

// errSilenced ends a connection while its client is throttled: the server stops, or the
// time is longer than any client may be silent for.
var errSilenced = errors.New("throttled until the end")

// settleCharge waits until the answer to a call that was charged is sent, and for as long as
// the client is throttled. Meanwhile nothing is read, so that a peer that goes away is
// noticed afterwards only, as with Kafka's muted channels. Of what the client has sent already
// as much is kept as the buffer has.
func (c *conn) settleCharge() error {
	c.charged = false
	if err := c.flush(); err != nil {
		return err
	}
	c.doLeft()
	c.in.rest()
	clock, idle := c.server.opts.Clock, c.server.opts.IdleTimeout
	if c.writer != nil {
		if err := c.awaitAnswers(idle); err != nil {
			return err
		}
	}
	left := time.Duration(c.mutedUntil.Load()) - clock.Monotonic()
	if left <= 0 {
		return nil
	}
	tooLong := idle > 0 && left > idle
	if tooLong {
		left = idle
	}
	over := make(chan struct{})
	timer := clock.AfterFunc(left, func() { close(over) })
	defer timer.Stop()
	c.server.muted.Add(1)
	defer c.server.muted.Add(-1)
	select {
	case <-over:
	case <-c.done:
		return errSilenced
	}
	if tooLong {
		return errSilenced
	}
	return nil
}

// awaitAnswers waits for those that are parked. A peer that has gone is noticed afterwards
// only: one that is answered nothing for as long as a client may be silent is let go.
func (c *conn) awaitAnswers(idle time.Duration) error {
	if idle > 0 {
		timer := c.server.opts.Clock.AfterFunc(idle, c.queue.end)
		defer timer.Stop()
	}
	sent, closed := c.queue.answered()
	switch {
	case closed:
		return c.writerEnd()
	case !sent:
		return errSilenced
	}
	select {
	case <-c.done:
		return errSilenced
	default:
		return nil
	}
}
