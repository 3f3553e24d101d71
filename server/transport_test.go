package server

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// socketPair is a connection over loopback, which ends with the test: an accepted socket
// and its peer.
func socketPair(t *testing.T) (accepted, peer *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialed, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialed.Close() })
	sock, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sock.Close() })
	return sock.(*net.TCPConn), dialed.(*net.TCPConn)
}

// toldDeadlines is a socket that tells of each write deadline.
type toldDeadlines struct {
	*net.TCPConn
	armed chan struct{}
}

func (c *toldDeadlines) SetWriteDeadline(d time.Time) error {
	if !d.IsZero() {
		c.armed <- struct{}{}
	}
	return c.TCPConn.SetWriteDeadline(d)
}

// A consumer behind a thin line takes longer for one answer than the write timeout: it
// has that time anew whenever it has taken something.
func TestAPeerThatReadsSlowlyIsServed(t *testing.T) {
	accepted, peer := socketPair(t)
	sock := &toldDeadlines{accepted, make(chan struct{}, 1<<20)}
	if err := errors.Join(sock.SetWriteBuffer(64<<10), peer.SetReadBuffer(64<<10)); err != nil {
		t.Fatal(err)
	}
	const size, step = 16 << 20, 1 << 20 // a step is far more than the two buffers hold
	sent := make(chan error, 1)
	go func() { sent <- newTransport(sock, 10*time.Second).write(make([]byte, size)) }()
	_ = peer.SetDeadline(time.Now().Add(time.Minute)) // a broken test ends
	buf := make([]byte, step)
	for got := 0; got < size; got += step {
		select {
		case <-sock.armed: // and armed again in each step, because the rest finds no room
		case err := <-sent:
			t.Fatalf("after %d of %d bytes: %v", got, size, err)
		}
		if _, err := io.ReadFull(peer, buf); err != nil {
			t.Fatalf("after %d bytes: %v", got, err)
		}
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}

// shaky fails its first write, and counts all.
type shaky struct {
	plainTransport
	writes int
}

func (s *shaky) write([]byte) error {
	if s.writes++; s.writes == 1 {
		return errors.New("half of it is out")
	}
	return nil
}

// Once a write has failed nothing is sent behind what may be half an answer, whoever tries.
func TestNothingIsSentBehindHalfAnAnswer(t *testing.T) {
	s := &shaky{}
	var answers [2]Out
	for i := range answers {
		answers[i].start = -1
		answer(&answers[i], "text")
		if err := answers[i].writeTo(s); err == nil || s.writes != 1 || answers[i].size() != 0 {
			t.Errorf("answer %d: %v after %d writes, %d bytes kept", i+1, err, s.writes, answers[i].size())
		}
	}
}
