package server

import (
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/internal/heavy"
)

// oneTurn is a world in which there is one turn, and the first so many connections are
// strangers for ever. came counts connections.
func oneTurn(t *testing.T, strangers int32) (w *world, turns *heavy.Turns, came *atomic.Int32) {
	turns, came = heavy.New(1), &atomic.Int32{}
	opened := func(c *Conn) {
		if came.Load() < strangers {
			c.ExpectLogin(1<<10, time.Minute)
		}
		came.Add(1)
	}
	w = newWorld(t, func(o *Options) { o.Heavy = turns })
	w.handler.opened.Store(&opened)
	return w, turns, came
}

// Strangers are served one after the other; who is in waits for none of them.
func TestStrangersTakeTurns(t *testing.T) {
	w, _, came := oneTurn(t, 2)
	first, second := w.dial("127.0.0.1"), w.dial("127.0.0.1")
	waitFor(t, "both are open", func() bool { return came.Load() == 2 })
	w.send(first, frame("wait 1"))
	w.came("waits 1")
	w.send(second, frame("echo 2"))
	inside := w.dial("127.0.0.1")
	for range 100 { // time enough for the second
		w.send(inside, frame("echo 3"))
		w.came("echo 3")
		w.expect(inside, "3")
	}
	w.handler.leave <- struct{}{}
	w.came("wait 1", "echo 2")
	w.expect(first, "1")
	w.expect(second, "2")
}

// Whoever is waited for, has to wait, or is gone has no turn.
func TestATurnIsNotHeld(t *testing.T) {
	w, turns, _ := oneTurn(t, 1000)
	idle := w.dial("127.0.0.1")
	w.send(idle, frame("echo before"))
	w.came("echo before")
	w.expect(idle, "before")
	for range 20 { // most rest before the rest comes
		half := w.dial("127.0.0.1")
		w.send(half, frame("echo half"))
		w.came("echo half")
		w.expect(half, "half")
		w.send(half, frame("echo half")[:6])
	}
	paused := w.dial("127.0.0.1")
	w.send(paused, frame("pause 1"))
	w.came("waits 1")
	for _, verb := range []string{"refuse", "fail", "echo x"} {
		c := w.dial("127.0.0.1")
		w.send(c, frame(verb))
		w.came(verb)
		_ = c.Close()
	}
	talker := w.dial("127.0.0.1")
	for range 3 * restsMax { // beyond what a connection changes its goroutine for
		w.send(talker, frame("echo y", "echo z"))
		w.came("echo y", "echo z")
		w.expect(talker, "y", "z")
	}
	waitFor(t, "the turn is free", turns.TryTake)
	turns.Leave()
	w.handler.leave <- struct{}{}
	w.came("pause 1")
	w.expect(paused, "1")
	w.stop()
	if !turns.TryTake() {
		t.Error("a connection that has ended keeps its turn")
	}
}

// A peer that takes nothing of what TLS says, in the handshake or in the login after it, is
// waited for without a turn.
func TestAWriteBelowTLSHoldsNoTurn(t *testing.T) {
	for name, timeout := range map[string]time.Duration{"handshake": 0, "login": 10 * time.Second} {
		near, far := net.Pipe()
		turns := heavy.New(1)
		c := &conn{Conn: Conn{Listener: &Listener{}, loginBy: time.Now().Add(time.Hour)}, server: &Server{opts: Options{Heavy: turns}}}
		g := &gatherer{Conn: near, owner: c, timeout: timeout}
		ended := make(chan error)
		go func() {
			c.takeTurn()
			_, err := g.Write([]byte("hello"))
			ended <- err
		}()
		if _, err := io.ReadFull(far, make([]byte, 1)); err != nil { // it is being written
			t.Fatal(err)
		}
		if !turns.TryTake() {
			t.Errorf("%s: the turn is held", name)
		}
		if _, err := io.ReadFull(far, make([]byte, 4)); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != nil {
			t.Errorf("%s: %v", name, err)
		}
		_ = far.Close()
	}
}

// Nor does a handshake of TLS that does not go on, or is none.
func TestHandshakesThatDoNotGoOnHoldNoTurn(t *testing.T) {
	turns := heavy.New(1)
	w, config := newSecureWorld(t, func(o *Options) { o.Heavy = turns })
	hello := aHello(t, config)
	n := len(hello)
	for _, sent := range [][]byte{nil, hello[:1], hello[:5], hello[:n/2], hello[:n]} {
		c := w.dial("127.0.0.1")
		w.send(c, sent)
		if len(sent) == n {
			if _, err := io.ReadFull(c, make([]byte, 100)); err != nil { // of the answer, which is longer
				t.Fatal(err)
			}
		}
	}
	for _, junk := range []string{"GET / HTTP/1.1\r\n\r\n", "\x15\x03\x03\x00\x02\x02\x28"} {
		c := w.dial("127.0.0.1")
		w.send(c, []byte(junk))
		_, _ = io.Copy(io.Discard, c) // an alert, or nothing
	}
	c := w.dialSecure(config)
	w.send(c, frame("wait 1"))
	w.came("waits 1")
	waitFor(t, "the turn is free", turns.TryTake) // also while a request of who is in takes its time
	turns.Leave()
	w.handler.leave <- struct{}{}
	w.came("wait 1")
	w.expect(c, "1")
	w.stop()
	if !turns.TryTake() {
		t.Error("a connection that has ended keeps its turn")
	}
}
