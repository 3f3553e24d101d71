package console

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// sameMachine refuses, on a loopback address, requests that were sent to a name which
// anybody may own: a page of such a site reaches this machine by having its name point
// here (DNS rebinding), and is then of the same origin.
func (c *Console) sameMachine(next http.Handler) http.Handler {
	bound, ok := c.listener.Addr().(*net.TCPAddr)
	if !ok || !bound.IP.IsLoopback() {
		return next // every name may be this one's, and others may ask
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isOurs(r.Host) {
			say(w, http.StatusMisdirectedRequest, "this port answers to addresses and to names of this machine or network, not to "+cut(r.Host))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isOurs tells whether no stranger can have a name, with or without a port, resolved:
// an address, a name without a dot, or one below a reserved domain (RFC 6761, and
// internal, which container engines use for the host).
func isOurs(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	domain := host[strings.LastIndexByte(host, '.')+1:]
	return domain == host || domain == "localhost" || domain == "internal"
}

// cut is what a peer has sent, short enough to be sent back.
func cut(text string) string { return fmt.Sprintf("%.100q", text) }

// whole has handlers see a request once all of it is there. Otherwise net/http waits,
// without end, for the rest of a body that no handler has read, and so would a stop.
func whole(timeout time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 {
			next.ServeHTTP(w, r)
			return
		}
		connection := http.NewResponseController(w)
		_ = connection.SetReadDeadline(time.Now().Add(timeout)) // every connection has deadlines
		hurried := context.AfterFunc(r.Context(), func() { _ = connection.SetReadDeadline(time.Now()) })
		text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyBytesMax))
		if !hurried() && err == nil {
			err = r.Context().Err()
		}
		if err != nil { // the deadline stays: the rest is not waited for
			w.Header().Set("Connection", "close")
			sayJSON(w, http.StatusBadRequest, failure(err))
			return
		}
		_ = connection.SetReadDeadline(time.Time{}) // a wait may be long
		r.Body = io.NopCloser(bytes.NewReader(text))
		next.ServeHTTP(w, r)
	})
}

// bounded lets so many connections be open at once; more wait to be accepted.
func bounded(l net.Listener, most int) *boundedListener {
	return &boundedListener{Listener: l, places: make(chan struct{}, most), closed: make(chan struct{})}
}

type boundedListener struct {
	net.Listener
	places chan struct{}
	once   sync.Once
	closed chan struct{} // ends an Accept that waits for a place
}

// Accept implements net.Listener.
func (l *boundedListener) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &placed{Conn: conn, leave: sync.OnceFunc(func() { <-l.places })}, nil
}

// Close implements net.Listener.
func (l *boundedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// placed gives its place back when it is closed.
type placed struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *placed) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
