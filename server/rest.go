package server

import "errors"

// Most connections of a large system rest: a client has asked for versions and
// metadata and says nothing more for minutes. A request runs deep, and a stack stays as
// large as it once was until two collections have halved it: 8 KiB, where a goroutine
// that only waits needs 2. So the first times that nothing is there to read, the
// connection's goroutine ends, and another one waits in its place, which starts the next
// to serve once bytes have come. A connection that goes on asking keeps its goroutine.
//
// At any time one goroutine is the connection's; each starts its successor last.

// restsMax is how often a connection changes its goroutine, each of which costs about a
// microsecond: clients send some ten requests before the first of their user's.
const restsMax = 16

// errRests tells that the connection waits for a request and has nothing else to do.
var errRests = errors.New("nothing to read")

// watcher is a transport that can tell whether bytes are there.
type watcher interface {
	// receiveNow is receive, but for errRests when nothing is there.
	receiveNow(in *input) (int, error)
	// watch waits until something is: bytes, the end, or an error to come. Its own error
	// is that of the wait: the idle timeout, or the server's stop.
	watch() error
	// receiveSome waits for bytes as watch does, and reads them.
	receiveSome(p []byte) (int, error)
	// isThere tells whether something is, at once.
	isThere() bool
}

// receive implements receiver for the connection's input.
func (c *conn) receive(in *input) (int, error) {
	if w, ok := c.transport.(watcher); ok && c.rests < restsMax && in.r == in.w {
		return w.receiveNow(in)
	}
	c.leaveTurn()
	return c.transport.receive(in)
}

// rest hands the connection over to a goroutine that waits.
func (c *conn) rest() {
	c.leaveTurn()
	c.rests++
	w := c.transport.(watcher)
	go func() { // ended by bytes, the peer, the idle timeout or the server's stop
		if err := w.watch(); err != nil {
			go c.end(cleanEnd(err))
			return
		}
		c.takeTurn()
		go c.work() // finds out what has come
	}()
}
