package broker

import (
	"net/netip"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/quota"
	"github.com/barnabas-mq/barnabas/server"
)

func quotaWindows(s *config.Broker) quota.Windows {
	window := func(w config.QuotaWindow) quota.Window {
		return quota.Window{Samples: w.Samples, Length: quota.Millis(w.Length.Milliseconds())}
	}
	return quota.Windows{Clients: window(s.QuotaWindow), Mutation: window(s.ControllerQuotaWindow)}
}

// connectionLimits are those of the settings, and of addresses in the image, if there is
// one yet.
func (b *Broker) connectionLimits(s *config.Broker, image *metadata.Image) server.Limits {
	l := server.Limits{
		Connections: s.ConnectionsMax, ConnectionsPerAddress: s.ConnectionsPerIPMax, AddressOverrides: s.ConnectionsPerIPOverrides,
		Listeners: make(map[string]int),
		Rates:     quota.ConnectionLimits{Broker: s.ConnectionCreationRateMax, Listeners: make(map[string]int)},
	}
	for name, own := range s.ListenerConnections {
		l.Listeners[name], l.Rates.Listeners[name] = own.Max, own.CreationRateMax
	}
	if image != nil {
		b.limitAddresses(&l.Rates, image)
	}
	return l
}

// limitAddresses adds the quotas of addresses. The name of a host is none: who it stands
// for would have to be asked for again and again.
func (b *Broker) limitAddresses(l *quota.ConnectionLimits, image *metadata.Image) {
	for q := range image.ClientQuotas() {
		perSecond, ok := q.Limit("connection_creation_rate")
		if !ok || len(q.Entity) != 1 || q.Entity[0].Type != metadata.QuotaIP {
			continue
		}
		name := q.Entity[0].Name
		if name == nil {
			l.Address = int(perSecond)
			continue
		}
		address, err := netip.ParseAddr(*name)
		if err != nil {
			b.opts.Log.Warn("a quota for the name of a host is not enforced; set it for its address", "ip", *name)
			continue
		}
		if l.Addresses == nil {
			l.Addresses = make(map[netip.Addr]int)
		}
		l.Addresses[address.Unmap()] = int(perSecond)
	}
}
