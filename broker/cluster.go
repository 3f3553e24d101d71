package broker

import (
	"os"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/server"
	"github.com/barnabas-mq/barnabas/server/api"
)

// Brokers implements api.ClusterView: this one, at the address that it tells the
// clients of that listener.
func (b *Broker) Brokers(l *server.Listener) []api.Endpoint { return []api.Endpoint{b.Self(l)} }

// Self implements api.ClusterView.
func (b *Broker) Self(l *server.Listener) api.Endpoint {
	s := b.settings.Load()
	e := api.Endpoint{NodeID: s.NodeID, Host: l.Host, Port: int32(l.Port)}
	if a := advertised(s, l.Name); a != nil {
		e.Host = a.Host
		if a.Port != 0 {
			e.Port = int32(a.Port)
		}
	}
	if e.Host == "" || e.Host == "0.0.0.0" || e.Host == "::" {
		e.Host = hostname()
	}
	if s.Rack != "" {
		e.Rack = &s.Rack
	}
	return e
}

func advertised(s *config.Broker, name string) *config.Listener {
	for i := range s.AdvertisedListeners {
		if s.AdvertisedListeners[i].Name == name {
			return &s.AdvertisedListeners[i]
		}
	}
	return nil
}

// hostname is what Kafka advertises when nothing else is known.
func hostname() string {
	if name, err := os.Hostname(); err == nil {
		return name
	}
	return "localhost"
}
