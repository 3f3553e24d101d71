package server

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/barnabas-mq/barnabas/internal/metrics"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scripted is a handler whose requests say what to do: "echo TEXT" answers at
// once, "park TEXT" answers when the test releases it, "silent", "fail",
// "file N", "wait TEXT" answers when the test lets it leave, as a long poll; "pause TEXT"
// tells that it waits.
type scripted struct {
	mu      sync.Mutex
	parked  map[string]*Ticket
	came    chan string
	closed  atomic.Int32
	source  *memorySource
	leave   chan struct{} // lets work that calls left go on
	charged chan string   // the answers that calls were charged for
	opened  atomic.Pointer[func(*Conn)]
}

func newScripted() *scripted {
	return &scripted{parked: make(map[string]*Ticket), came: make(chan string, 10000), source: &memorySource{}, leave: make(chan struct{}, 1), charged: make(chan string, 100)}
}

func (h *scripted) Opened(c *Conn) any {
	if tell := h.opened.Load(); tell != nil {
		(*tell)(c)
	}
	return nil
}

func (h *scripted) Closed(*Conn) { h.closed.Add(1) }

func (h *scripted) Serve(call *Call) error {
	text := strings.TrimRight(string(call.Frame), " ")
	verb, rest, _ := strings.Cut(text, " ")
	defer func() { h.came <- text }()
	switch verb {
	case "echo":
		answer(call.Out(), rest)
	case "leave":
		answer(call.Out(), rest)
		call.Afterwards(func() { h.came <- "left " + rest; <-h.leave })
	case "charge", "charge-park", "charge-silent":
		var millis int
		if _, err := fmt.Sscan(rest, &millis); err != nil {
			return err
		}
		call.Charge(func(a []byte) time.Duration {
			h.charged <- string(a)
			return time.Duration(millis) * time.Millisecond
		})
		switch verb {
		case "charge":
			answer(call.Out(), rest)
		case "charge-park":
			ticket := call.Park()
			h.mu.Lock()
			h.parked[rest] = ticket
			h.mu.Unlock()
		}
	case "wait", "pause":
		if verb == "pause" {
			if err := call.Wait(); err != nil {
				return err
			}
		}
		call.ReleaseFrame()
		h.came <- "waits " + rest
		<-h.leave
		answer(call.Out(), rest)
	case "silent":
	case "refuse":
		return &LoginError{"the script says so"}
	case "fail":
		return errors.New("the script says so")
	case "park":
		ticket := call.Park()
		h.mu.Lock()
		h.parked[rest] = ticket
		h.mu.Unlock()
	case "file":
		var n int
		if _, err := fmt.Sscan(rest, &n); err != nil {
			return err
		}
		out := call.Out()
		out.Begin()
		out.SetBytes(append(out.Bytes(), "<<"...))
		h.source.hold()
		out.AppendRange(h.source, 7, n)
		out.SetBytes(append(out.Bytes(), ">>"...))
		out.End()
	default:
		return fmt.Errorf("no verb %q", verb)
	}
	return nil
}

func (h *scripted) release(name string) {
	h.mu.Lock()
	t := h.parked[name]
	h.mu.Unlock()
	t.Reply(func(o *Out) { answer(o, name) })
}

func answer(o *Out, text string) {
	o.Begin()
	o.SetBytes(append(o.Bytes(), text...))
	o.End()
}

// memorySource is a source of endless digits that counts its holders.
type memorySource struct{ holders atomic.Int32 }

func (s *memorySource) hold()                    { s.holders.Add(1) }
func (s *memorySource) Release()                 { s.holders.Add(-1) }
func (s *memorySource) SysConn() syscall.RawConn { return nil }
func (s *memorySource) ReadAt(p []byte, at int64) (int, error) {
	for i := range p {
		p[i] = byte('0' + (at+int64(i))%10)
	}
	return len(p), nil
}

// world is a server on loopback with its log.
type world struct {
	t       *testing.T
	handler *scripted
	server  *Server
	port    int
	log     *bytes.Buffer
	logMu   *sync.Mutex
}

type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func newWorld(t *testing.T, change func(*Options)) *world {
	t.Helper()
	w := &world{t: t, handler: newScripted(), log: &bytes.Buffer{}, logMu: &sync.Mutex{}}
	opts := Options{
		Addresses:     []Address{{Name: "PLAINTEXT", Host: "localhost"}},
		FrameBytesMax: 1 << 20, IdleTimeout: time.Minute, WriteTimeout: 10 * time.Second,
		RepliesMax: 100, SendBufferBytes: -1, ReceiveBufferBytes: -1,
		Limits:  Limits{Connections: 1000, ConnectionsPerAddress: 1000},
		Log:     slog.New(slog.NewTextHandler(lockedWriter{w.logMu, w.log}, nil)),
		Metrics: &metrics.Set{}, LinesMax: 100,
	}
	if change != nil {
		change(&opts)
	}
	w.server = New(opts)
	listeners, err := w.server.Listen()
	if err != nil {
		t.Fatal(err)
	}
	w.port = listeners[0].Port
	w.server.Serve(w.handler)
	t.Cleanup(w.stop)
	return w
}

func (w *world) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := w.server.Shutdown(ctx); err != nil {
		w.t.Errorf("shutting down: %v", err)
	}
}

func (w *world) logged() string {
	w.logMu.Lock()
	defer w.logMu.Unlock()
	return w.log.String()
}

func (w *world) dial(host string) net.Conn {
	w.t.Helper()
	c, err := net.Dial("tcp", net.JoinHostPort(host, fmt.Sprint(w.port)))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second)) // a broken test ends
	return c
}

// frame pads a text to the shortest length that a request may have.
func frame(texts ...string) []byte {
	var b []byte
	for _, s := range texts {
		s += strings.Repeat(" ", max(0, frameBytesMin-len(s)))
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	return b
}

// send may run beside the test: a failure shows in what the test waits for.
func (w *world) send(c net.Conn, b []byte) {
	w.t.Helper()
	if _, err := c.Write(b); err != nil {
		w.t.Error(err)
	}
}

func (w *world) expect(c net.Conn, want ...string) {
	w.t.Helper()
	for _, text := range want {
		var length [4]byte
		if _, err := io.ReadFull(c, length[:]); err != nil {
			w.t.Fatalf("waiting for %.40q: %v", text, err)
		}
		got := make([]byte, binary.BigEndian.Uint32(length[:]))
		if _, err := io.ReadFull(c, got); err != nil {
			w.t.Fatalf("reading %.40q: %v", text, err)
		}
		if string(got) != text {
			w.t.Fatalf("answer is %.60q, want %.60q", got, text)
		}
	}
}

func (w *world) expectEnd(c net.Conn) {
	w.t.Helper()
	if n, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, errTimeout(err)) {
		w.t.Fatalf("the connection is open: read %d bytes, %v", n, err)
	}
}

// errTimeout is err when it is a timeout, else nil.
func errTimeout(err error) error {
	var n net.Error
	if errors.As(err, &n) && n.Timeout() {
		return err
	}
	return nil
}

func (w *world) came(want ...string) {
	w.t.Helper()
	for _, text := range want {
		if got := <-w.handler.came; got != text {
			w.t.Errorf("the handler saw %q, want %q", got, text)
		}
	}
}

// waitFor runs until the condition holds.
func waitFor(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for tick := time.NewTicker(time.Millisecond); ; <-tick.C {
		if condition() {
			tick.Stop()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

// While the server pauses, a connection of before ends and a new one waits for the
// next handler.
func TestNewConnectionsWaitOutAPause(t *testing.T) {
	w := newWorld(t, nil)
	before, parked := w.dial("127.0.0.1"), w.dial("127.0.0.1")
	w.send(before, frame("echo 1"))
	w.expect(before, "1")
	w.send(parked, frame("park 2"))
	w.came("echo 1", "park 2")
	w.server.Pause(t.Context())
	w.expectEnd(before)
	w.expectEnd(parked)
	if n := w.handler.closed.Load(); n != 2 {
		t.Errorf("%d connections were told that they ended", n)
	}
	during := w.dial("127.0.0.1")
	w.send(during, frame("echo 3"))
	next := newScripted()
	w.server.Resume(next)
	w.expect(during, "3")
	if got := <-next.came; got != "echo 3" || len(w.handler.came) != 0 {
		t.Errorf("the next handler saw %q", got)
	}
}

// Who waits out a pause does not hold up a stop.
func TestAStopDuringAPause(t *testing.T) {
	w := newWorld(t, nil)
	w.server.Pause(t.Context())
	during := w.dial("127.0.0.1")
	w.send(during, frame("echo 1"))
	waitFor(t, "the connection is accepted", func() bool { return w.server.Connections()["PLAINTEXT"] == 1 })
	w.stop()
	w.expectEnd(during)
}

// A connection that does not end by itself is cut when the time is up.
func TestAPauseCutsWhoDoesNotEnd(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.WriteTimeout = time.Hour })
	c := w.dial("127.0.0.1")
	w.send(c, frame("file 64000000")) // nobody reads it
	w.came("file 64000000")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.server.Pause(ctx)
	if n := w.server.Connections()["PLAINTEXT"]; n != 0 {
		t.Errorf("%d connections are open", n)
	}
	w.server.Resume(w.handler)
}
