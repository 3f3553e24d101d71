package server

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestAnswersOnBothLoopbackAddresses(t *testing.T) {
	w := newWorld(t, nil)
	hosts := []string{"127.0.0.1"}
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil {
		l.Close()
		hosts = append(hosts, "::1")
	}
	for _, host := range hosts {
		c := w.dial(host)
		w.send(c, frame("echo hello"))
		w.expect(c, "hello")
	}
}

func TestFramesMayComeByteByByteOrAThousandAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	c := w.dial("127.0.0.1")
	for _, b := range frame("echo one byte at a time") {
		w.send(c, []byte{b})
	}
	w.expect(c, "one byte at a time")

	var all []byte
	var want []string
	for i := range 1000 {
		text := fmt.Sprintf("%d-%s", i, strings.Repeat("x", i))
		all = append(all, frame("echo "+text)...)
		want = append(want, text)
	}
	go w.send(c, all)
	w.expect(c, want...)
}

func TestLargeFramesArriveWhole(t *testing.T) {
	w := newWorld(t, nil)
	c := w.dial("127.0.0.1")
	for _, size := range []int{500, 5000, 70_000, 1<<20 - 5, 600, 1<<20 - 5} {
		text := strings.Repeat("y", size)
		go w.send(c, frame("echo "+text))
		w.expect(c, text)
	}
}

// What a call leaves is done after its answer, and before the next request; also when
// the peer is gone.
func TestWhatACallLeavesIsDoneAfterItsAnswer(t *testing.T) {
	w := newWorld(t, nil)
	c := w.dial("127.0.0.1")
	w.send(c, frame("leave first"))
	w.expect(c, "first")
	w.came("leave first", "left first")
	w.send(c, frame("echo second"))
	w.handler.leave <- struct{}{}
	w.expect(c, "second")
	w.came("echo second")
	w.send(c, frame("leave third"))
	c.Close()
	w.came("leave third", "left third")
	w.handler.leave <- struct{}{}
}

func TestParkedAnswersKeepTheOrderOfRequests(t *testing.T) {
	w := newWorld(t, nil)
	c := w.dial("127.0.0.1")
	w.send(c, frame("echo first", "park a", "echo second", "park b", "silent", "echo third"))
	w.came("echo first", "park a", "echo second", "park b", "silent", "echo third")
	w.expect(c, "first")
	w.handler.release("b")
	w.handler.release("a")
	w.expect(c, "a", "second", "b", "third")

	// Once nothing is parked the connection answers by itself again.
	w.send(c, frame("echo fourth", "park c"))
	w.came("echo fourth", "park c")
	w.handler.release("c")
	w.expect(c, "fourth", "c")
}

func TestParkingAndAnsweringRace(t *testing.T) {
	w := newWorld(t, nil)
	c := w.dial("127.0.0.1")
	const rounds = 2000
	go func() {
		for i := range rounds {
			w.came(fmt.Sprintf("park %d", i))
			w.handler.release(fmt.Sprint(i))
			w.came(fmt.Sprintf("echo e%d", i))
		}
	}()
	go func() {
		for i := range rounds {
			w.send(c, frame(fmt.Sprintf("park %d", i), fmt.Sprintf("echo e%d", i)))
		}
	}()
	for i := range rounds {
		w.expect(c, fmt.Sprint(i), fmt.Sprintf("e%d", i))
	}
}

func TestFileRangesLieBetweenBytes(t *testing.T) {
	w := newWorld(t, nil)
	c := w.dial("127.0.0.1")
	w.send(c, frame("echo before", "file 13", "echo after"))
	w.expect(c, "before", "<<7890123456789>>", "after")

	w.send(c, frame("park a", "file 5", "echo end"))
	w.came("echo before", "file 13", "echo after", "park a", "file 5", "echo end")
	w.handler.release("a")
	w.expect(c, "a", "<<78901>>", "end")
	waitFor(t, "every source to be released", func() bool { return w.handler.source.holders.Load() == 0 })
}

func TestAFailingRequestEndsItsConnectionAlone(t *testing.T) {
	w := newWorld(t, nil)
	bad, good := w.dial("127.0.0.1"), w.dial("127.0.0.1")
	w.send(bad, frame("echo due", "fail now", "echo never"))
	w.expect(bad, "due")
	w.expectEnd(bad)
	w.send(good, frame("echo alive"))
	w.expect(good, "alive")
	waitFor(t, "the reason in the log", func() bool { return strings.Contains(w.logged(), "the script says so") })
}

func TestStreamsThatAreNotKafka(t *testing.T) {
	for _, c := range []struct{ name, bytes, logged string }{
		{"HTTP", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP request on a Kafka port"},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "TLS handshake"},
		{"negative length", "\xff\xff\xff\xffabcdefgh", "announces -1 bytes"},
		{"huge length", "\x7f\xff\xff\xffabcdefgh", "more than socket.request.max.bytes"},
		{"one byte over the limit", "\x00\x10\x00\x01abcdefgh", "more than socket.request.max.bytes"},
		{"shorter than a header", "\x00\x00\x00\x07abcdefg", "less than a request header"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			conn := w.dial("127.0.0.1")
			w.send(conn, []byte(c.bytes))
			w.expectEnd(conn)
			waitFor(t, "a line in the log", func() bool { return strings.Contains(w.logged(), c.logged) })
		})
	}
}

// A health check that writes a line to see whether the port is open is not worth one
// in the log; a request that breaks off is.
func TestPortChecksAreNotLogged(t *testing.T) {
	w := newWorld(t, nil)
	for _, text := range []string{"", "\n", "abc"} {
		conn := w.dial("127.0.0.1")
		w.send(conn, []byte(text))
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	broken := w.dial("127.0.0.1")
	w.send(broken, []byte{0, 0, 0, 20, 1})
	if err := broken.Close(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "all connections to end", func() bool { return w.handler.closed.Load() == 4 })
	waitFor(t, "the request that broke off in the log", func() bool { return strings.Contains(w.logged(), "unexpected EOF") })
	if got := strings.Count(w.logged(), "connection closed"); got != 1 {
		t.Errorf("%d connections are in the log:\n%s", got, w.logged())
	}
}

func TestAnAnnouncedLengthTakesNoMemory(t *testing.T) {
	var in input
	in.w = copy(in.room(), binary.BigEndian.AppendUint32(nil, 900<<20))
	in.makeRoom()
	if len(in.buf) > 4096 {
		t.Fatalf("4 bytes received, %d held", len(in.buf))
	}
}

// trickle gives a few bytes at a time and counts nothing else.
type trickle struct {
	data []byte
	step int
}

func (r *trickle) receive(in *input) (int, error) {
	n := copy(in.room(), r.data[:min(r.step, len(r.data))])
	r.data = r.data[n:]
	return n, nil
}

func TestALargeFrameIsMovedAFewTimesOnly(t *testing.T) {
	const size = 20 << 20
	r := &trickle{data: append(binary.BigEndian.AppendUint32(nil, size), make([]byte, size)...), step: 60_000}
	var in input
	made, last := 0, 0
	for {
		if frame, err := in.next(frameLimits{min: frameBytesMin, max: size}); err != nil {
			t.Fatal(err)
		} else if frame != nil {
			if len(frame) != size {
				t.Fatalf("the frame has %d bytes", len(frame))
			}
			break
		}
		if err := in.fill(r); err != nil {
			t.Fatal(err)
		}
		if len(in.buf) != last {
			last = len(in.buf)
			made += last
		}
	}
	if made > size+size/3 {
		t.Fatalf("buffers of %d bytes were made for a frame of %d", made, size)
	}
}

// At the beginning every wait for a request changes the goroutine.
func TestAConnectionRestsAndGoesOn(t *testing.T) {
	w := newWorld(t, nil)
	c := w.dial("127.0.0.1")
	for i := range 3 * restsMax {
		text := fmt.Sprint("round ", i)
		all := frame("echo " + text)
		w.send(c, all[:3])
		w.send(c, all[3:])
		w.expect(c, text)
	}
	if n := w.handler.closed.Load(); n != 0 {
		t.Fatalf("the handler was told of %d ends", n)
	}
}

// A call that waits long keeps what came behind it, and no more.
func TestAReleasedFrameLeavesTheNextOne(t *testing.T) {
	next := frame("echo next")
	in := input{buf: borrow(1 << 20)}
	in.w = copy(in.buf, append(frame("echo first"), next...))
	if first, err := in.next(frameLimits{min: frameBytesMin, max: 1 << 20}); err != nil || string(first) != "echo first" {
		t.Fatalf("%q, %v", first, err)
	}
	in.shrink()
	if len(in.buf) != bufferBytesMin {
		t.Errorf("%d bytes are held for %d", len(in.buf), len(next))
	}
	if second, err := in.next(frameLimits{min: frameBytesMin, max: 1 << 20}); err != nil || string(second) != "echo next" {
		t.Fatalf("%q, %v", second, err)
	}
	if in.shrink(); in.buf != nil {
		t.Error("a buffer is held for nothing")
	}
}

func TestAPeerThatReadsNothingIsNotServedForEver(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.WriteTimeout = 50 * time.Millisecond })
	c := w.dial("127.0.0.1")
	request := frame("file 500000000")
	w.send(c, request)
	waitFor(t, "the connection to be given up", func() bool { return w.handler.closed.Load() == 1 })
	if n := w.handler.source.holders.Load(); n != 0 {
		t.Fatalf("%d sources are still held", n)
	}
}

// A connection that says nothing has its time once, not anew with each goroutine that
// waits for it.
func TestAnIdleConnectionIsClosed(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.IdleTimeout = 20 * time.Millisecond })
	var idle atomic.Pointer[conn]
	find := func(opened *Conn) {
		w.server.mu.Lock()
		defer w.server.mu.Unlock()
		for c := range w.server.mu.conns {
			if &c.Conn == opened {
				idle.Store(c)
			}
		}
	}
	w.handler.opened.Store(&find)
	c := w.dial("127.0.0.1")
	w.expectEnd(c)
	waitFor(t, "the connection to be forgotten", func() bool { return w.handler.closed.Load() == 1 })
	if n := idle.Load().rests; n > 1 {
		t.Errorf("it had its time %d times", n)
	}
}

// What a connection once received does not count while it waits, or those that are idle
// would keep all others from being served.
func TestAnIdleConnectionTakesNoRoom(t *testing.T) {
	const limit = 1 << 20
	w := newWorld(t, func(o *Options) { o.RequestBytesMax = limit })
	big := strings.Repeat("y", 700_000)
	for range 2 {
		c := w.dial("127.0.0.1")
		for range 2 * restsMax { // until it keeps its goroutine
			w.send(c, frame("echo x"))
			w.expect(c, "x")
		}
		w.send(c, frame("echo "+big))
		w.expect(c, big)
	}
	waitFor(t, "all room to be free", func() bool {
		w.server.budget.mu.Lock()
		defer w.server.budget.mu.Unlock()
		return w.server.budget.room.used == 0
	})
	c := w.dial("127.0.0.1")
	w.send(c, frame("echo hello"))
	w.expect(c, "hello")
}

func TestTooManyConnectionsOfOneAddress(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits.ConnectionsPerAddress = 1 })
	first := w.dial("127.0.0.1")
	w.send(first, frame("echo in"))
	w.expect(first, "in")
	w.expectEnd(w.dial("127.0.0.1"))
	first.Close()
	waitFor(t, "the first to be forgotten", func() bool { return w.handler.closed.Load() == 1 })
	waitFor(t, "a place to be free", func() bool {
		c := w.dial("127.0.0.1")
		w.send(c, frame("echo again"))
		var b [1]byte
		_, err := c.Read(b[:])
		return err == nil
	})
}

func TestMoreConnectionsThanAllowedWait(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.Addresses[0].Host = "127.0.0.1"
		o.Limits.Connections = 1
	})
	first := w.dial("127.0.0.1")
	w.send(first, frame("echo in"))
	w.expect(first, "in")
	second, third := w.dial("127.0.0.1"), w.dial("127.0.0.1")
	w.send(third, frame("echo later"))
	first.Close()
	second.Close()
	w.expect(third, "later")
}

func TestAStopSendsParkedAnswers(t *testing.T) {
	w := newWorld(t, nil)
	c := w.dial("127.0.0.1")
	w.send(c, frame("park a"))
	w.came("park a")
	stopped := make(chan error)
	go func() { stopped <- w.server.Shutdown(context.Background()) }()
	waitFor(t, "the server to stop accepting", func() bool {
		probe, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", w.port))
		if err == nil {
			probe.Close()
		}
		return err != nil
	})
	w.handler.release("a")
	w.expect(c, "a")
	w.expectEnd(c)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
}

func TestAStopDoesNotWaitForEver(t *testing.T) {
	w := newWorld(t, nil)
	c := w.dial("127.0.0.1")
	w.send(c, frame("park a"))
	w.came("park a")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := w.server.Shutdown(ctx); err == nil {
		t.Fatal("a stop with a parked answer reports a clean end")
	}
	w.expectEnd(c)
	w.handler.release("a") // completing late is harmless
}

func TestAPortInUseIsNamed(t *testing.T) {
	w := newWorld(t, nil)
	s := New(Options{Addresses: []Address{{Name: "PLAINTEXT", Host: "localhost", Port: w.port}}, Metrics: w.server.opts.Metrics})
	_, err := s.Listen()
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("PLAINTEXT://localhost:%d", w.port)) {
		t.Fatalf("error %v does not name the address", err)
	}
}
