package server

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

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
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	peer, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	sock := &toldDeadlines{accepted.(*net.TCPConn), make(chan struct{}, 1<<20)}
	defer sock.Close()
	if err := errors.Join(sock.SetWriteBuffer(64<<10), peer.(*net.TCPConn).SetReadBuffer(64<<10)); err != nil {
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
