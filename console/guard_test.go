package console

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A name that a stranger can have pointed at this machine is no way in.
func TestNamesOfStrangersAreRefused(t *testing.T) {
	c := open(t, Options{Ready: func() error { return nil }})
	for host, want := range map[string]int{
		"127.0.0.1:9308": 200, "[::1]:9308": 200, "localhost:9308": 200, "LOCALHOST": 200, "broker": 200, "host.docker.internal:9308": 200,
		"evil.example:9308": 421, "localhost.evil.example": 421, "127.0.0.1.evil.example:9308": 421, "internal.": 200, "evil.example.": 421,
	} {
		q, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+c.Address()+"/health/ready", nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Host, q.Close = host, true
		p, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		p.Body.Close()
		if p.StatusCode != want {
			t.Errorf("%s: status %d, want %d", host, p.StatusCode, want)
		}
	}
}

// What is over the bound waits until a connection ends, and does not hold up the end.
func TestConnectionsAreBounded(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := bounded(inner, 1)
	accepted := make(chan net.Conn)
	ended := make(chan error, 1)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				ended <- err
				return
			}
			accepted <- conn
		}
	}()
	for range 2 {
		peer, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer peer.Close()
	}
	first := <-accepted
	select {
	case <-accepted:
		t.Error("both were accepted")
	default:
	}
	first.Close()
	first.Close() // gives one place back, not two
	second := <-accepted
	defer second.Close()
	if n := len(l.places); n > 1 {
		t.Errorf("%d places are taken of one", n)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil {
		t.Error("the listener still accepts")
	}
}

// sendHalf sends a request without the end of its body.
func sendHalf(t *testing.T, address, path string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second)) // a broken test ends
	if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf", path); err != nil {
		t.Fatal(err)
	}
	return conn
}

// Who sends half a request does not hold up the stop, whatever it asks for.
func TestHalfARequestDoesNotHoldUpTheStop(t *testing.T) {
	c := open(t, Options{Ready: func() error { return nil }, Control: slowControl{}})
	paths := []string{"/health/ready", "/control/reset", "/nothing"}
	for _, path := range paths {
		sendHalf(t, c.Address(), path)
	}
	deadline := time.Now().Add(20 * time.Second) // a broken test ends
	for len(c.listener.places) < len(paths) && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // far more than it takes
	defer cancel()
	if err := c.Close(ctx); err != nil {
		t.Errorf("the stop waits: %v", err)
	}
}

// Not even until its time is up.
func TestHalfARequestEndsWithTheServer(t *testing.T) {
	s := httptest.NewUnstartedServer(whole(time.Hour, http.NotFoundHandler()))
	running, hurry := context.WithCancel(t.Context())
	s.Config.BaseContext = func(net.Listener) context.Context { return running }
	s.Start()
	defer s.Close()
	conn := sendHalf(t, s.Listener.Addr().String(), "/")
	defer conn.Close() // before the server, which waits for it
	hurry()
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") {
		t.Errorf("answered %q, %v", answer, err)
	}
}
