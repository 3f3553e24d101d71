package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Options is what a Console needs.
type Options struct {
	// Listen is the host:port to listen on; port 0 takes a free one.
	Listen string
	// Ready gives the reason why clients are not served yet; nil when they are.
	Ready func() error
	// Look gives what the metrics say. With groups it asks the coordinators too.
	Look func(ctx context.Context, groups bool) (*Look, error)
	// JMX and Exporter choose the families of metrics.
	JMX, Exporter bool
	// Pprof opens /debug/pprof/.
	Pprof bool
	// Control opens /control/; nil does not.
	Control Control
	Log     *slog.Logger
}

// Console serves HTTP from Open until Close.
type Console struct {
	o        Options
	listener *boundedListener
	server   http.Server
	ended    chan struct{} // closed when nothing is accepted any more
	hurry    func()        // ends the context of the requests under way
	scraping chan struct{} // one look at a time: it is as large as the broker has partitions
}

// The limits of the port: it serves a few machines, not the public.
const (
	headerTimeout  = 5 * time.Second
	bodyTimeout    = 10 * time.Second
	scrapeTimeout  = 30 * time.Second
	idleTimeout    = 2 * time.Minute
	headerBytesMax = 64 << 10
	bodyBytesMax   = 1 << 20
	connectionsMax = 256
)

// Open listens, and serves at once: /health/ready refuses until Options.Ready does not.
func Open(o Options) (*Console, error) {
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("listening for HTTP on %s: %w", o.Listen, err)
	}
	c := &Console{o: o, listener: bounded(listener, connectionsMax), ended: make(chan struct{}), scraping: make(chan struct{}, 1)}
	var running context.Context
	running, c.hurry = context.WithCancel(context.Background())
	c.server = http.Server{
		Handler:           whole(bodyTimeout, c.sameMachine(c.routes())),
		BaseContext:       func(net.Listener) context.Context { return running },
		ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: headerBytesMax,
		ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
	go func() { // ended by Close
		defer close(c.ended)
		if err := c.server.Serve(c.listener); !errors.Is(err, http.ErrServerClosed) {
			o.Log.Error("the HTTP port does not serve any more", "error", err)
		}
	}()
	return c, nil
}

// Address is host:port as bound.
func (c *Console) Address() string { return c.listener.Addr().String() }

// Close ends the port: requests under way have until ctx ends. A nil Console is closed.
func (c *Console) Close(ctx context.Context) error {
	if c == nil {
		return nil
	}
	c.hurry() // nobody waits for a fault or a profile any more
	err := c.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, c.server.Close())
	}
	<-c.ended
	return err
}

func (c *Console) routes() http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"/health/live", "/livez", "/healthz"} {
		mux.HandleFunc("GET "+path, c.live)
	}
	for _, path := range []string{"/health/ready", "/readyz", "/v1/status/ready"} {
		mux.HandleFunc("GET "+path, c.ready)
	}
	mux.HandleFunc("GET /metrics", c.metrics)
	if c.o.Pprof {
		routeProfiles(mux)
	}
	if c.o.Control != nil {
		c.routeControl(mux)
	}
	return mux
}

// live answers as long as the process does.
func (c *Console) live(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "alive") }

// ready answers 200 once clients are served, and 503 with the reason before.
func (c *Console) ready(w http.ResponseWriter, _ *http.Request) {
	if err := c.o.Ready(); err != nil {
		say(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	say(w, http.StatusOK, "ready")
}

func (c *Console) metrics(w http.ResponseWriter, r *http.Request) {
	select {
	case c.scraping <- struct{}{}:
		defer func() { <-c.scraping }()
	case <-r.Context().Done():
		return
	}
	// Who does not read the answer must not keep the next from asking. Without a deadline the peer is waited for.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(scrapeTimeout))
	look, err := c.o.Look(r.Context(), c.o.Exporter)
	if err != nil {
		say(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write(c.exposition(look)) // a peer that went away needs nothing
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") // a peer that went away needs nothing
}
