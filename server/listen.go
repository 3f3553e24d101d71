package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// Listener is one address that the server accepts on. `localhost` is one
// listener with two sockets, 127.0.0.1 and ::1, on the same port.
type Listener struct {
	// Name as in the setting `listeners`, PLAINTEXT for instance.
	Name string
	// Host as configured and Port as bound (a configured 0 is resolved).
	Host string
	Port int
	// Persona is for the handler: what the clients of this listener are shown.
	Persona string

	frameBytesMax int
	tls           *tls.Config // nil: plaintext
	sockets       []net.Listener
}

// Address is one entry of the setting `listeners`.
type Address struct {
	Name string
	Host string // "" is every address
	Port int    // 0 takes a free one
	// Persona is Listener.Persona.
	Persona string
	// TLS encrypts the connections, nil leaves them plain.
	TLS *tls.Config
}

// listen binds an address. The order of hosts decides which one takes a free port.
func listen(a Address, frameBytesMax int) (*Listener, error) {
	l := &Listener{Name: a.Name, Host: a.Host, Port: a.Port, Persona: a.Persona, frameBytesMax: frameBytesMax, tls: a.TLS}
	hosts := []string{a.Host}
	if a.Host == "localhost" {
		hosts = []string{"127.0.0.1", "::1"}
	}
	const attempts = 16 // a free port on 127.0.0.1 may be taken on ::1
	for try := 1; ; try++ {
		err := l.bind(hosts)
		if err == nil {
			return l, nil
		}
		l.close()
		if a.Port != 0 || try == attempts {
			return nil, fmt.Errorf("listening on %s://%s: %w", a.Name, net.JoinHostPort(a.Host, strconv.Itoa(a.Port)), err)
		}
		l.Port = 0
	}
}

func (l *Listener) bind(hosts []string) error {
	for i, host := range hosts {
		socket, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(l.Port)))
		if i > 0 && isNoSuchAddress(err) {
			continue // a machine without IPv6 has no ::1
		}
		if err != nil {
			return err
		}
		l.sockets = append(l.sockets, socket)
		l.Port = socket.Addr().(*net.TCPAddr).Port
	}
	return nil
}

func isNoSuchAddress(err error) bool {
	return errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)
}

func (l *Listener) close() {
	for _, s := range l.sockets {
		_ = s.Close() // accepting has ended; there is nothing to flush
	}
	l.sockets = nil
}
