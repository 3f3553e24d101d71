package server

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"
)

// Who waits for bytes holds no buffer, and hears of bytes and of the end.
func TestASocketIsLookedAtWithoutABuffer(t *testing.T) {
	sock, peer := socketPair(t)
	socket := newTransport(sock, time.Second).(*socketTransport)
	var in input
	if n, err := socket.receiveNow(&in); n != 0 || err != errRests || in.buf != nil {
		t.Fatalf("nothing is there: %d bytes, %v, a buffer of %d", n, err, len(in.buf))
	}
	if _, err := peer.Write(frame("echo 1")); err != nil {
		t.Fatal(err)
	}
	if err := socket.watch(); err != nil {
		t.Fatal(err)
	}
	if n, err := socket.receiveNow(&in); n != len(frame("echo 1")) || err != nil {
		t.Fatalf("a frame is there: %d bytes, %v", n, err)
	}
	in.giveBack()
	if err := peer.Close(); err != nil {
		t.Fatal(err)
	}
	if err := socket.watch(); err != nil {
		t.Fatal(err)
	}
	if n, err := socket.receive(&in); n != 0 || err != io.EOF {
		t.Fatalf("the peer is gone: %d bytes, %v", n, err)
	}
	if err := sock.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := socket.watch(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("its time is up: %v", err)
	}
}
