package server

import (
	"net"

	"github.com/barnabas-mq/barnabas/quota"
)

// Connections that come faster than they may: those of a listener wait, one after the
// other, on its accept loop. Those of an address are closed, but not at once: a client
// comes again as soon as it is refused, and would be more work than if it were served.

// heldMax bounds the sockets that are open only to be closed. More are closed at once.
const heldMax = 1024

// isInTime holds a connection back until it may be served; false when it is not to be,
// and is closed now or later.
func (s *Server) isInTime(l *Listener, sock net.Conn) bool {
	now := func() quota.Millis { return quota.Millis(s.opts.Clock.Monotonic().Milliseconds()) }
	if wait := s.rates.Accept(l.Name, now()); wait > 0 {
		s.tooFast.Inc()
		if !s.sit(wait) {
			_ = sock.Close() // the server stops, and nothing was asked
			return false
		}
	}
	closeAfter := s.rates.From(l.Name, endOf(sock.RemoteAddr()).Addr(), now())
	if closeAfter == 0 {
		return true
	}
	s.tooFast.Inc()
	s.refused.Inc()
	s.holdBack(sock, closeAfter)
	return false
}

// sit waits by the server's clock; false means that the server stops.
func (s *Server) sit(wait quota.Millis) bool {
	over := make(chan struct{})
	timer := s.opts.Clock.AfterFunc(wait.Duration(), func() { close(over) })
	defer timer.Stop()
	select {
	case <-over:
		return true
	case <-s.stopping:
		return false
	}
}

// holdBack closes a socket later.
func (s *Server) holdBack(sock net.Conn, after quota.Millis) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.stopped || len(s.mu.held) >= heldMax {
		_ = sock.Close() // nothing was asked
		return
	}
	s.mu.held[sock] = s.opts.Clock.AfterFunc(after.Duration(), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.mu.held, sock)
		_ = sock.Close()
	})
}

// dropHeldLocked closes the sockets that are held back.
func (s *Server) dropHeldLocked() {
	for sock, timer := range s.mu.held {
		timer.Stop()
		_ = sock.Close()
	}
	clear(s.mu.held)
}
