package server

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/internal/heavy"
	"github.com/barnabas-mq/barnabas/internal/ssltest"
)

// newSecureWorld is a world whose listener has TLS; the config is a client's.
func newSecureWorld(t *testing.T, change func(*Options)) (*world, *tls.Config) {
	root := ssltest.NewAuthority("root")
	server := root.Issue(ssltest.Want{Name: "server"})
	w := newWorld(t, func(o *Options) {
		o.Addresses[0].Name = "SSL"
		o.Addresses[0].TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{server.Certificate.Raw}, PrivateKey: server.Key}}}
		o.HandshakeTimeout = 10 * time.Second
		if change != nil {
			change(o)
		}
	})
	return w, ssltest.Client(root, nil)
}

func (w *world) dialSecure(config *tls.Config) *tls.Conn {
	w.t.Helper()
	c := tls.Client(w.dial("127.0.0.1"), config)
	if err := c.Handshake(); err != nil {
		w.t.Fatal(err)
	}
	return c
}

func TestRequestsOverTLS(t *testing.T) {
	w, config := newSecureWorld(t, nil)
	seen := make(chan *tls.ConnectionState, 1)
	tell := func(c *Conn) { seen <- c.TLS }
	w.handler.opened.Store(&tell)
	c := w.dialSecure(config)
	if state := <-seen; state == nil || state.Version != tls.VersionTLS13 {
		t.Errorf("the handler is told of %+v", state)
	}
	w.send(c, frame("echo 1", "park 2", "echo 3"))
	w.came("echo 1", "park 2", "echo 3")
	w.handler.release("2")
	w.expect(c, "1", "2", "3")
	// Ranges: shorter than a record, than a piece, and of several pieces.
	for _, n := range []int{0, 1, 1000, 16 << 10, pieceBytes, 3*pieceBytes + 5} {
		w.send(c, frame("file "+fmt.Sprint(n)))
		w.came("file " + fmt.Sprint(n))
		want := make([]byte, n)
		_, _ = w.handler.source.ReadAt(want, 7)
		w.expect(c, "<<"+string(want)+">>")
	}
	waitFor(t, "the ranges are released", func() bool { return w.handler.source.holders.Load() == 0 })
	w.stop()
	// The peer is told that this is the end, so that nobody can cut an answer short: a
	// record comes before that of the socket.
	if rest, err := io.ReadAll(c.NetConn()); err != nil || len(rest) < 5 || rest[0] != 0x17 {
		t.Errorf("the connection ends with %x, %v", rest, err)
	}
	if text := w.logged(); text != "" {
		t.Errorf("logged: %s", text)
	}
}

func TestPlaintextOnATLSListener(t *testing.T) {
	w, _ := newSecureWorld(t, nil)
	c := w.dial("127.0.0.1")
	w.send(c, frame("echo 1"))
	_, _ = io.Copy(io.Discard, c) // an alert, and the end
	waitFor(t, "the log says what to do", func() bool { return strings.Contains(w.logged(), "set security.protocol=SSL in the client") })
	if n := w.server.unsecured.Value(); n != 1 {
		t.Errorf("%d failed handshakes are counted", n)
	}
	if n := w.handler.closed.Load(); n != 0 {
		t.Errorf("the handler was told of the end of a connection that it was not told of")
	}
}

// Who only looks whether the port is open is nobody's concern.
func TestAProbeOfATLSListener(t *testing.T) {
	w, config := newSecureWorld(t, nil)
	_ = w.dial("127.0.0.1").Close()
	waitFor(t, "the probe is gone", func() bool { return w.server.opened.Value() == 1 && w.server.open.Value() == 0 })
	c := w.dialSecure(config)
	w.send(c, frame("echo 1"))
	w.expect(c, "1")
	if text := w.logged(); text != "" {
		t.Errorf("logged: %s", text)
	}
}

func TestAHandshakeThatTakesTooLong(t *testing.T) {
	w, _ := newSecureWorld(t, func(o *Options) { o.HandshakeTimeout = 10 * time.Millisecond })
	c := w.dial("127.0.0.1")
	w.send(c, []byte{0x16, 3, 1, 2, 0}) // the beginning of a hello
	_, _ = io.Copy(io.Discard, c)
	waitFor(t, "the log names the setting", func() bool { return strings.Contains(w.logged(), "barnabas.connection.handshake.timeout.ms") })
}

// Half a handshake holds up no stop.
func TestAStopDuringHandshakes(t *testing.T) {
	w, _ := newSecureWorld(t, func(o *Options) { o.HandshakeTimeout = time.Hour })
	var all []net.Conn
	for range 10 {
		c := w.dial("127.0.0.1")
		w.send(c, []byte{0x16, 3, 1, 2, 0})
		all = append(all, c)
	}
	waitFor(t, "all are accepted", func() bool { return w.server.Connections()["SSL"] == len(all) })
	w.stop()
	for _, c := range all {
		_, _ = io.Copy(io.Discard, c)
	}
	if text := w.logged(); text != "" || w.server.unsecured.Value() != 0 {
		t.Errorf("%d handshakes count as failed, logged: %s", w.server.unsecured.Value(), text)
	}
}

// aHello is what a client begins its handshake with.
func aHello(t *testing.T, config *tls.Config) []byte {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { _ = far.Close() })
	go func() { _ = tls.Client(near, config).Handshake() }() // until the pipe is closed
	hello := make([]byte, 16<<10)
	n, err := far.Read(hello)
	if err != nil {
		t.Fatal(err)
	}
	return hello[:n]
}

// A handshake that has waited for its turn until its time was over, or the server stops, is
// not worked on.
func TestAHandshakeWhoseTurnComesTooLate(t *testing.T) {
	_, config := newSecureWorld(t, nil)
	for name, want := range map[string]string{"time": "barnabas.connection.handshake.timeout.ms", "stop": "EOF"} {
		worked := func(*tls.ClientHelloInfo) (*tls.Config, error) {
			t.Errorf("%s: it is worked on", name)
			return nil, io.ErrUnexpectedEOF
		}
		c := &conn{Conn: Conn{Listener: &Listener{tls: &tls.Config{GetConfigForClient: worked}}}, server: &Server{}}
		near, far := net.Pipe()
		under := &gatherer{Conn: near, owner: c, hello: aHello(t, config), end: time.Now()}
		if name == "stop" {
			under.end = time.Now().Add(time.Hour)
			c.stopping.Store(true)
		}
		if err := c.secure(under, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
		_, _ = near.Close(), far.Close()
	}
}

// Half a hello takes no turn, not even to be refused.
func TestHalfAHelloTakesNoTurn(t *testing.T) {
	turns := heavy.New(1)
	w, config := newSecureWorld(t, func(o *Options) { o.Heavy = turns })
	if !turns.TryTake() {
		t.Fatal("there is no turn")
	}
	c := w.dial("127.0.0.1")
	w.send(c, aHello(t, config)[:100])
	_ = c.(*net.TCPConn).CloseWrite()
	_, _ = io.Copy(io.Discard, c)
	waitFor(t, "it is refused", func() bool { return strings.Contains(w.logged(), "the TLS handshake failed") })
	turns.Leave()
}

// What the reading side has to say comes between what is gathered, whole and in order,
// and with a time of its own.
func TestGatherer(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	_ = far.SetDeadline(time.Now().Add(20 * time.Second)) // a broken test ends
	g := &gatherer{Conn: near, owner: &conn{}, timeout: 10 * time.Second}
	expired := time.Unix(1, 0)
	_ = near.SetWriteDeadline(expired) // that of a write long ago
	write := func(text string) {
		if n, err := g.Write([]byte(text)); n != len(text) || err != nil {
			t.Errorf("writing %q: %d, %v", text, n, err)
		}
	}
	got := make(chan string)
	go func() {
		for range 3 {
			b := make([]byte, 1<<20)
			n, _ := far.Read(b)
			got <- string(b[:n])
		}
	}()
	go write("a")
	if text := <-got; text != "a" {
		t.Errorf("got %q", text)
	}
	g.hold(1)
	write("b")
	g.hold(100_000) // more room
	both := make(chan struct{})
	go func() { write("c"); close(both) }() // the reading side's
	<-both
	write(strings.Repeat("d", 100_000))
	go func() {
		if err := g.release(); err != nil {
			t.Error(err)
		}
		write("e")
	}()
	if text := <-got; text != "bc"+strings.Repeat("d", 100_000) {
		t.Errorf("got %d bytes, %.5q", len(text), text)
	}
	if text := <-got; text != "e" {
		t.Errorf("got %q", text)
	}
	// Half a record may have been sent: nothing comes behind it.
	g.timeout = time.Millisecond
	if _, err := g.Write([]byte("f")); errTimeout(err) == nil {
		t.Errorf("nobody reads: %v", err)
	}
	g.timeout = 10 * time.Second
	if _, err := g.Write([]byte("g")); errTimeout(err) == nil {
		t.Errorf("after a write that failed: %v", err)
	}
}

// Answers that were parked are written by another goroutine than the one that reads; a
// pause ends the connections of before.
func TestParkedAnswersAndPausesOverTLS(t *testing.T) {
	w, config := newSecureWorld(t, nil)
	c := w.dialSecure(config)
	const rounds = 20
	for i := range rounds {
		name := fmt.Sprint("p", i)
		w.send(c, frame("park "+name, "echo "+name))
		w.came("park "+name, "echo "+name)
		go w.handler.release(name)
		w.expect(c, name, name)
	}
	w.server.Pause(t.Context())
	w.expectEnd(c)
	during := make(chan *tls.Conn)
	go func() { during <- w.dialSecure(config) }()
	waitFor(t, "the connection is accepted", func() bool { return w.server.Connections()["SSL"] == 1 })
	w.server.Resume(w.handler)
	again := <-during
	w.send(again, frame("echo 3"))
	w.expect(again, "3")
}

// A peer that takes nothing loses its connection, as without TLS.
func TestAStalledPeerOverTLS(t *testing.T) {
	w, config := newSecureWorld(t, func(o *Options) { o.WriteTimeout = 50 * time.Millisecond })
	c := w.dialSecure(config)
	w.send(c, frame("file 64000000"))
	w.came("file 64000000")
	waitFor(t, "the connection is gone", func() bool { return w.server.Connections()["SSL"] == 0 })
	if n := w.handler.source.holders.Load(); n != 0 {
		t.Errorf("%d ranges are held", n)
	}
}

// crumbs writes byte by byte.
type crumbs struct{ net.Conn }

func (c crumbs) Write(p []byte) (int, error) {
	for i := range p {
		if n, err := c.Conn.Write(p[i : i+1]); err != nil {
			return i + n, err
		}
	}
	return len(p), nil
}

// The first record may come in any pieces, and costs what has come of it.
func TestTheFirstRecord(t *testing.T) {
	w, config := newSecureWorld(t, nil)
	long := config.Clone()
	for i := range 20 { // of a hello of several thousand bytes
		long.NextProtos = append(long.NextProtos, strings.Repeat(string(rune('a'+i)), 250))
	}
	for i, c := range []*tls.Conn{
		tls.Client(crumbs{w.dial("127.0.0.1")}, config), tls.Client(crumbs{w.dial("127.0.0.1")}, long), tls.Client(w.dial("127.0.0.1"), long),
	} {
		if err := c.Handshake(); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		w.send(c, frame("echo 1"))
		w.expect(c, "1")
	}
	// What comes behind the first record with it is neither lost nor taken twice.
	hello := aHello(t, config)[recordHeaderBytes:]
	two := append([]byte{recordOfHandshake, 3, 1, 0, 50}, hello[:50]...)
	two = append(binary.BigEndian.AppendUint16(append(two, recordOfHandshake, 3, 1), uint16(len(hello)-50)), hello[50:]...)
	split := w.dial("127.0.0.1")
	w.send(split, two)
	answer := make([]byte, 6)
	if _, err := io.ReadFull(split, answer); err != nil || answer[0] != recordOfHandshake || answer[5] != 2 { // ServerHello
		t.Errorf("a hello in two records: %x, %v", answer, err)
	}
	refused := 0
	for sent, want := range map[string]string{
		"\x16\x03\x01\x40\x01\x01":                            "the first record announces 16385 bytes",
		"\x15\x03\x01\xff\xff\x01":                            "the first record announces 65535 bytes",
		"\x17\x03\x01\xff\xff\x01":                            "does not speak TLS",
		"\x16\x03\x01\x00\x00":                                "the TLS handshake failed",
		"\x16\x03\x01\x0f\xff" + strings.Repeat("\x01", 4095): "the TLS handshake failed",
	} {
		peer := w.dial("127.0.0.1")
		w.send(peer, []byte(sent))
		_ = peer.(*net.TCPConn).CloseWrite() // whoever waits for more is told that there is none
		_, _ = io.Copy(io.Discard, peer)
		refused++
		lines := func() []string { return strings.Split(strings.TrimSpace(w.logged()), "\n") }
		waitFor(t, fmt.Sprintf("%.8x to be refused", sent), func() bool { return w.logged() != "" && len(lines()) == refused })
		if last := lines()[refused-1]; !strings.Contains(last, want) {
			t.Errorf("%.8x: %s", sent, last)
		}
	}
}
