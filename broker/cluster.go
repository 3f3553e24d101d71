package broker

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/server"
	"github.com/barnabas-mq/barnabas/server/api"
)

// Brokers implements api.ClusterView: this one, at the address that it tells the
// client.
func (b *Broker) Brokers(c *server.Conn) []api.Endpoint { return []api.Endpoint{b.Self(c)} }

// Self implements api.ClusterView.
func (b *Broker) Self(c *server.Conn) api.Endpoint {
	s := b.settings.Load()
	e := api.Endpoint{NodeID: s.NodeID}
	if s.Rack != "" {
		e.Rack = &s.Rack
	}
	host, port := told(s, c.Listener)
	if host == "" {
		host, port = b.tellAddress(s, c, port)
	}
	e.Host, e.Port = host, int32(port)
	return e
}

// told is the address that all clients of a listener are told. The host is empty
// when nothing says which one it is.
func told(s *config.Broker, l *server.Listener) (host string, port int) {
	host, port = l.Host, l.Port
	if a := advertised(s, l.Name); a != nil {
		host = a.Host
		if a.Port != 0 {
			port = a.Port
		}
	}
	if isEveryAddress(host) {
		host = ""
	}
	return host, port
}

// tellAddress finds the address for one client of a listener on every interface.
// The machine behind a container's port mapping comes from the gateway: there the
// port is on its localhost. With Podman without root it comes from the container's
// own address, as clients in the container may: both have the port on 127.0.0.1, and
// a client in the container that comes through it is told the same again. Anybody
// else gets the address that has just worked.
func (b *Broker) tellAddress(s *config.Broker, c *server.Conn, port int) (string, int) {
	switch peer, reached := c.Peer.Addr(), c.Reached.Addr(); {
	case s.AdvertisedHostname, !reached.IsValid(), reached.Is6() && reached.IsLinkLocalUnicast():
		return hostname(), port // a link-local address means nothing without the client's own zone
	case slices.Contains(b.gateways, peer):
		return "localhost", port
	case peer == reached && reached.Is4():
		return "127.0.0.1", port
	default:
		return reached.WithZone("").String(), port
	}
}

// registered is the address of a listener in the metadata, where no client is.
func registered(s *config.Broker, l *server.Listener) (host string, port int) {
	if host, port = told(s, l); host == "" {
		host = hostname()
	}
	return host, port
}

// toldAtAll says for people what clients of the listeners are told.
func (b *Broker) toldAtAll() string {
	s := b.settings.Load()
	var text []string
	for _, l := range b.listeners {
		host, port := told(s, l)
		one := l.Name + "://" + net.JoinHostPort(host, strconv.Itoa(port))
		switch {
		case host != "":
		case s.AdvertisedHostname:
			one = l.Name + "://" + net.JoinHostPort(hostname(), strconv.Itoa(port))
		case len(b.gateways) > 0:
			one = fmt.Sprintf("%s://ADDRESS-REACHED:%d (localhost:%d for clients from the gateway %s; a port mapped to another number needs advertised.listeners)",
				l.Name, port, port, b.gateways[0])
		default:
			one = fmt.Sprintf("%s://ADDRESS-REACHED:%d (a port mapped to another number needs advertised.listeners)", l.Name, port)
		}
		text = append(text, one)
	}
	return strings.Join(text, ", ")
}

// findGateways asks the machine for its default gateways, if any client may be
// told an address that hangs on them.
func (b *Broker) findGateways() {
	s := b.settings.Load()
	if s.AdvertisedHostname {
		return
	}
	for _, l := range b.listeners {
		if host, _ := told(s, l); host == "" {
			b.gateways = b.opts.Gateways()
			return
		}
	}
}

// machineGateways are those of the machine, or of the container.
func machineGateways() []netip.Addr {
	text, err := os.ReadFile(routesFile)
	if err != nil {
		return nil // not Linux, or no /proc: every client gets the address that it reached
	}
	return parseGateways(text)
}

func advertised(s *config.Broker, name string) *config.Listener {
	for i := range s.AdvertisedListeners {
		if s.AdvertisedListeners[i].Name == name {
			return &s.AdvertisedListeners[i]
		}
	}
	return nil
}

func isEveryAddress(host string) bool { return host == "" || host == "0.0.0.0" || host == "::" }

// hostname is what Kafka advertises when nothing else is known.
func hostname() string {
	if name, err := os.Hostname(); err == nil {
		return name
	}
	return "localhost"
}
