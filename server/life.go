package server

import (
	"context"
	"sync"
)

// life is the time from one handler to the next. A connection belongs to the one in
// which it was accepted, and is not served before that has its handler.
type life struct {
	handler     Handler       // set before begun is closed
	begun       chan struct{} // closed by begin
	connections sync.WaitGroup
}

func newLife() *life { return &life{begun: make(chan struct{})} }

func (l *life) begin(h Handler) {
	l.handler = h
	close(l.begun)
}

// Pause ends every connection and returns when none is served any more; when ctx ends
// first, they are cut. Peers can go on connecting all the time: they wait, unserved,
// for Resume.
func (s *Server) Pause(ctx context.Context) {
	s.mu.Lock()
	over := s.mu.life
	s.mu.life = newLife()
	for c := range s.mu.conns {
		c.endLocked()
	}
	s.mu.Unlock()
	_ = s.endBy(ctx, over, over.connections.Wait) // those that were cut are gone as well
}

// Resume goes on with another handler, which serves the connections that have come
// since Pause.
func (s *Server) Resume(h Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.life.begin(h)
}

// endLocked has a connection end after the request under way.
func (c *conn) endLocked() {
	if !c.ended {
		c.ended = true
		close(c.done)
		c.queue.end()
	}
	c.endRead()
}

// endBy returns when wait does, which waits for the connections of a life, or with nil
// of all. When ctx ends first it cuts them. It returns the error of ctx.
func (s *Server) endBy(ctx context.Context, only *life, wait func()) error {
	ended := make(chan struct{})
	go func() { // ends with the last connection
		wait()
		close(ended)
	}()
	select {
	case <-ended:
		return ctx.Err() // answers that were parked when it ended may have been dropped
	case <-ctx.Done():
	}
	s.cut(only)
	<-ended
	return ctx.Err()
}

// cut closes the sockets of a life, or of all with nil, whatever is under way on them.
func (s *Server) cut(only *life) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.mu.conns {
		if only == nil || c.life == only {
			_ = c.sock.Close() // what is cut short here was given its time
			c.queue.close()
		}
	}
}
