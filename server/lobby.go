package server

import (
	"runtime"

	"github.com/barnabas-mq/barnabas/internal/heavy"
)

// What is done for whoever has not shown yet who he is costs the server more than him: a
// handshake of TLS is a millisecond of arithmetic for a few hundred bytes, and thousands can
// come at once. It is done in turns (package heavy), so that who has come in keeps his speed.
// Between two turns a connection waits for its peer, or for time to pass, or for its answer to
// be taken: whoever holds a turn waits for nobody.
//
// The time limits of the handshake and of the login run while a turn is waited for, and show
// when it comes: before anything is worked on.

// isStranger tells whether the peer is on its way in: before the end of the handshake of TLS
// and of the login.
func (c *conn) isStranger() bool {
	return c.Listener.tls != nil && c.secured == nil || !c.loginBy.IsZero()
}

// takeTurn is for a stranger that has sent something, before it is looked at. Others need none.
func (c *conn) takeTurn() {
	if c.turn || !c.isStranger() {
		return
	}
	if turns := c.server.opts.Heavy; !turns.TryTake() {
		_ = c.flush() // no answer waits for a turn; an error shows when the next one is written
		turns.Take(heavy.Strangers)
	}
	c.turn = true
	// The runtime goes on at once with whoever a turn was handed to, and from him with the
	// next: first come those who can go on without one.
	runtime.Gosched()
}

// leaveTurn is for before anything is waited for.
func (c *conn) leaveTurn() {
	if c.turn {
		c.turn = false
		c.server.opts.Heavy.Leave()
	}
}
