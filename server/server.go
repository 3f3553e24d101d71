package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/heavy"
	"github.com/barnabas-mq/barnabas/internal/metrics"
	"github.com/barnabas-mq/barnabas/quota"
)

// Options is what a Server needs.
type Options struct {
	Addresses []Address
	// FrameBytesMax is socket.request.max.bytes.
	FrameBytesMax int
	// IdleTimeout is connections.max.idle.ms; 0 never closes.
	IdleTimeout time.Duration
	// WriteTimeout is how long a peer may leave an answer untaken.
	WriteTimeout time.Duration
	// Heavy has the turns in which strangers are served; nil for turns of the server's own.
	Heavy *heavy.Turns
	// HandshakeTimeout bounds the TLS handshake as a whole.
	HandshakeTimeout time.Duration
	// SendBufferBytes and ReceiveBufferBytes are socket.send.buffer.bytes and
	// socket.receive.buffer.bytes; -1 leaves the system's choice.
	SendBufferBytes    int
	ReceiveBufferBytes int
	Limits             Limits
	// QuotaWindow is what the rates of connections are taken over; Kafka's when it is zero.
	QuotaWindow quota.Window
	// RepliesMax is how many answers of one connection may wait behind a parked
	// one before its requests are no longer read.
	RepliesMax int
	// RequestBytesMax is queued.max.request.bytes; 0 is without limit.
	RequestBytesMax int64
	// LinesMax is how many lines a second the log has of connections that were refused, of
	// those that broke off, and of those that were too many: of each.
	LinesMax int
	Log      *slog.Logger
	Metrics  *metrics.Set
	// Clock is what clients are throttled by; nil is the machine's. All that has to do with
	// sockets is in real time.
	Clock clock.Clock
}

// Server accepts connections and serves them. Start it with Listen and Serve,
// end it with Shutdown.
type Server struct {
	opts      Options
	listeners []*Listener
	stopping  chan struct{} // closed by Shutdown
	census    *census
	rates     *quota.Connections
	budget    *budget

	mu struct {
		sync.Mutex
		conns   map[*conn]struct{}
		held    map[net.Conn]clock.Timer // see holdBack
		life    *life                    // of the connections that come now
		stopped bool
	}
	connections sync.WaitGroup // one per connection
	accepting   sync.WaitGroup // one per socket that accepts
	// drainBy ends the wait of a stop for parked answers; nil before a stop.
	drainBy atomic.Pointer[context.Context]

	// What the log has room for of connections that came to nothing.
	refusedLines, unansweredLines, brokenLines, crowdLines Lines

	requests, opened, open, refused, broken, unsecured, muted, tooFast *metrics.Counter
}

// New makes a server; it does not touch the network.
func New(opts Options) *Server {
	if opts.Clock == nil {
		opts.Clock = clock.Real()
	}
	if opts.Heavy == nil {
		opts.Heavy = heavy.New(runtime.GOMAXPROCS(0))
	}
	s := &Server{opts: opts, stopping: make(chan struct{}), census: newCensus(opts.Limits), budget: newBudget(opts.RequestBytesMax, opts.Clock)}
	s.mu.conns, s.mu.life, s.mu.held = make(map[*conn]struct{}), newLife(), make(map[net.Conn]clock.Timer)
	s.refusedLines, s.brokenLines = Lines{Message: "connection refused"}, Lines{Message: "connection closed"}
	s.unansweredLines, s.crowdLines = Lines{Message: "login not answered"},
		Lines{Message: "connection refused: its address has too many (max.connections.per.ip)"}
	for _, l := range s.lines() {
		l.Log, l.Clock, l.Level, l.PerSecond = opts.Log, opts.Clock, slog.LevelWarn, opts.LinesMax
	}
	if opts.QuotaWindow == (quota.Window{}) {
		opts.QuotaWindow = quota.Window{Samples: 11, Length: 1000}
	}
	m := opts.Metrics
	s.rates = quota.NewConnections(opts.QuotaWindow, m)
	s.rates.Change(opts.Limits.Rates)
	s.requests = m.Counter("barnabas_requests_total")
	s.opened = m.Counter("barnabas_connections_opened_total")
	s.open = m.Counter("barnabas_connections_open")
	s.refused = m.Counter("barnabas_connections_refused_total")
	s.broken = m.Counter("barnabas_connections_broken_total")
	s.unsecured = m.Counter("barnabas_connections_failed_authentication_total")
	s.tooFast = m.Counter("barnabas_connections_too_fast_total")
	s.muted = m.Counter("barnabas_connections_throttled")
	return s
}

func (s *Server) lines() []*Lines {
	return []*Lines{&s.refusedLines, &s.unansweredLines, &s.brokenLines, &s.crowdLines}
}

// Listen binds every address. From then on peers can connect; they are served
// once Serve is called.
func (s *Server) Listen() ([]*Listener, error) {
	for _, a := range s.opts.Addresses {
		l, err := listen(a, s.opts.FrameBytesMax)
		if err != nil {
			s.closeListeners()
			return nil, err
		}
		s.listeners = append(s.listeners, l)
	}
	return s.listeners, nil
}

// SetLimits replaces Options.Limits for the connections that come from now on.
func (s *Server) SetLimits(l Limits) {
	s.census.change(l)
	s.rates.Change(l.Rates)
}

// Connections counts the open connections by the names of the listeners.
func (s *Server) Connections() map[string]int { return s.census.perListener() }

// Serve starts accepting, with the handler for all requests, and returns at once.
func (s *Server) Serve(h Handler) {
	s.Resume(h)
	for _, l := range s.listeners {
		for _, socket := range l.sockets {
			s.accepting.Add(1)
			go s.accept(l, socket) // ended by closing the socket in Shutdown
		}
	}
}

func (s *Server) accept(l *Listener, socket net.Listener) {
	defer s.accepting.Done()
	pause := time.Duration(0)
	for s.census.waitForRoom(l.Name) {
		sock, err := socket.Accept()
		if err == nil {
			pause = 0
			if s.isInTime(l, sock) {
				s.admit(l, sock)
				runtime.Gosched() // or what has begun would wait for all that come together
			}
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE) {
			s.opts.Log.Warn("accepting a connection failed", "listener", l.Name, "error", err)
		} else if pause == 0 {
			s.opts.Log.Error("no file descriptor is left for a new connection; raise the limit (ulimit -n)", "error", err)
		}
		// Out of descriptors or memory: give others time to end.
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		if !s.rest(pause) {
			return
		}
	}
}

// rest lets an accept loop wait; false means that the server stops.
func (s *Server) rest(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.stopping:
		return false
	}
}

// admit counts a connection and starts its goroutine.
func (s *Server) admit(l *Listener, sock net.Conn) {
	address := hostOf(sock.RemoteAddr())
	if !s.census.enter(l.Name, address) {
		s.crowdLines.Tell(address, "peer", address)
		s.refused.Inc()
		_ = sock.Close() // the peer sees the end of the stream, as with Kafka
		return
	}
	s.tune(sock)
	c := &conn{server: s, sock: sock, address: address, transport: newTransport(sock, s.opts.WriteTimeout), in: input{budget: s.budget}}
	c.in.claim.close = sock.Close
	c.Conn = Conn{
		Listener: l, RemoteAddr: sock.RemoteAddr().String(), Peer: endOf(sock.RemoteAddr()), Reached: endOf(sock.LocalAddr()),
		done: make(chan struct{}),
	}
	c.ExpectRequests()
	c.queue.init(s.opts.RepliesMax)
	s.mu.Lock()
	if s.mu.stopped {
		s.mu.Unlock()
		s.census.leave(c.Listener.Name, address)
		_ = sock.Close() // never served
		return
	}
	s.mu.conns[c] = struct{}{}
	c.life = s.mu.life
	c.life.connections.Add(1)
	s.connections.Add(1)
	s.mu.Unlock()
	s.opened.Inc()
	s.open.Add(1)
	go c.begin() // ended by the peer, by its own error, or by Shutdown
}

// endOf is one end of a connection, zero for what is not TCP.
func endOf(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	end := tcp.AddrPort()
	return netip.AddrPortFrom(end.Addr().Unmap(), end.Port())
}

func (s *Server) tune(sock net.Conn) {
	tcp, ok := sock.(*net.TCPConn)
	if !ok {
		return
	}
	// A system that refuses a size keeps its own; that costs speed, not service.
	if n := s.opts.SendBufferBytes; n > 0 {
		_ = tcp.SetWriteBuffer(n)
	}
	if n := s.opts.ReceiveBufferBytes; n > 0 {
		_ = tcp.SetReadBuffer(n)
	}
}

// leave forgets a connection that has ended, and tells why if that is worth telling.
func (s *Server) leave(c *conn, err error) {
	defer s.connections.Done()
	defer c.life.connections.Done()
	s.mu.Lock()
	delete(s.mu.conns, c)
	c.endLocked()
	s.mu.Unlock()
	s.census.leave(c.Listener.Name, c.address)
	s.open.Add(-1)
	var login *LoginError
	if errors.As(err, &login) {
		s.tellRefused(c, err)
		return
	}
	var unanswered *UnansweredError
	if errors.As(err, &unanswered) {
		s.unansweredLines.Tell(c.address, "peer", c.RemoteAddr, "listener", c.Listener.Name, "reason", err)
		return
	}
	if err != nil && !isPeerGone(err) && !errors.Is(err, ErrHangUp) {
		s.brokenLines.Tell(c.address, "peer", c.RemoteAddr, "listener", c.Listener.Name, "reason", err)
		s.broken.Inc()
	}
}

// tellRefused counts a client that could not show who it is.
func (s *Server) tellRefused(c *conn, reason error) {
	s.refusedLines.Tell(c.address, "peer", c.RemoteAddr, "listener", c.Listener.Name, "reason", reason)
	s.unsecured.Inc()
}

// isPeerGone tells a peer that vanished, which is its right, from a fault.
func isPeerGone(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed)
}

// Shutdown stops accepting, lets the requests under way end and closes every
// connection. When ctx ends first, it closes them as they are. Nothing is written to the log
// once it has returned.
func (s *Server) Shutdown(ctx context.Context) error {
	if s.drainBy.Swap(&ctx) == nil {
		close(s.stopping)
	}
	s.closeListeners()
	s.census.stop()
	s.budget.end()
	s.mu.Lock()
	s.mu.stopped = true
	s.dropHeldLocked()
	for c := range s.mu.conns {
		c.endLocked()
	}
	s.mu.Unlock()
	err := s.endBy(ctx, nil, func() {
		s.accepting.Wait()
		s.connections.Wait()
	})
	for _, l := range s.lines() {
		l.Close()
	}
	return err
}

// drain lets parked answers leave while the server stops; a connection that
// ended by itself has nobody to send them to.
func (s *Server) drain(q *queue) {
	by := s.drainBy.Load()
	if by == nil {
		return
	}
	stop := context.AfterFunc(*by, q.close)
	defer stop()
	q.idle()
}

func (s *Server) closeListeners() {
	for _, l := range s.listeners {
		l.close()
	}
}
