package server

import (
	"io"
	"net"
	"testing"
	"time"
)

// A consumer behind a thin line takes longer for one answer than the write timeout.
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
	sock, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer sock.Close()
	const size = 40 << 20
	sent := make(chan error, 1)
	go func() { sent <- newTransport(sock, time.Second).write(make([]byte, size)) }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	_ = peer.SetDeadline(time.Now().Add(20 * time.Second)) // a broken test ends
	for buf, got := make([]byte, 64<<10), 0; got < size; got += len(buf) {
		select {
		case err := <-sent:
			if err != nil {
				t.Fatalf("after %d bytes: %v", got, err)
			}
		default:
		}
		<-tick.C
		if _, err := io.ReadFull(peer, buf); err != nil {
			t.Fatalf("after %d bytes: %v", got, err)
		}
	}
}
