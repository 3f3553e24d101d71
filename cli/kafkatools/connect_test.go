package kafkatools

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// A tool waits for a broker that is not there yet, since start scripts count on that.
func TestDialerWaitsForTheFirstBroker(t *testing.T) {
	reserved, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := reserved.Addr().String()
	if err := reserved.Close(); err != nil {
		t.Fatal(err)
	}
	warned, told := io.Pipe()
	d := &dialer{tool: &tool{errOut: told, now: time.Now}, seeds: []string{address}, until: time.Now().Add(time.Minute)}
	connected := make(chan error, 1)
	go func() {
		c, err := d.dial(context.Background(), "tcp", address)
		if err == nil {
			err = c.Close()
		}
		connected <- err
	}()
	// The warning says that the first attempt failed; only now is there a broker.
	line := make([]byte, 200)
	n, err := warned.Read(line)
	if err != nil || !strings.Contains(string(line[:n]), address) {
		t.Fatalf("%q, %v", line[:n], err)
	}
	broker, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close() //nolint:errcheck // the test is over
	if err := <-connected; err != nil {
		t.Error(err)
	}
}

// It gives up when its patience is over, and once it has met a broker it waits no more.
func TestDialerGivesUp(t *testing.T) {
	for name, d := range map[string]*dialer{
		"late": {tool: &tool{errOut: io.Discard, now: time.Now}, until: time.Now().Add(-time.Second)},
		"met":  {tool: &tool{errOut: io.Discard, now: time.Now}, until: time.Now().Add(time.Hour), met: true},
	} {
		if c, err := d.dial(context.Background(), "tcp", "127.0.0.1:1"); err == nil {
			t.Errorf("%s: connected to %v", name, c.RemoteAddr())
		}
	}
}

func TestServers(t *testing.T) {
	for list, want := range map[string]string{
		"a:1": "a:1", " a:1 , b:2": "a:1,b:2", "PLAINTEXT://a:1": "a:1", "[::1]:1": "[::1]:1",
		"": "No bootstrap urls given in bootstrap.servers", "a:1,": "Configuration 'bootstrap.servers' values must not be empty.", "a": "Invalid url in bootstrap.servers: a", "a:1,:2": "Invalid url in bootstrap.servers: :2",
	} {
		addresses, err := servers(list)
		got := strings.Join(addresses, ",")
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %s, want %s", list, got, want)
		}
	}
}
