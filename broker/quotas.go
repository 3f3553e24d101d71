package broker

import (
	"net/netip"
	"sync"

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
		Rates:     quota.ConnectionLimits{Broker: creationRate(s.ConnectionCreationRateMax), Listeners: make(map[string]int)},
	}
	for name, own := range s.ListenerConnections {
		l.Listeners[name], l.Rates.Listeners[name] = own.Max, creationRate(own.CreationRateMax)
	}
	if image != nil {
		b.limitAddresses(&l.Rates, image)
	}
	return l
}

// creationRate is a max.connection.creation.rate. Of 0 Kafka makes an infinite delay, and
// waits for no more than a sample (QuotaUtils.boundedThrottleTime).
func creationRate(setting int) int {
	if setting == 0 {
		return quota.AllTooFast
	}
	return setting
}

// toldNames are names that the log has had a line about. Of more than toldNamesMax it has
// none: who sets as many has read the first.
type toldNames struct {
	mu    sync.Mutex
	names map[string]bool
}

const toldNamesMax = 100

// isNew tells whether there is to be a line about a name, for the first time and the last.
func (t *toldNames) isNew(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.names[name] || len(t.names) >= toldNamesMax {
		return false
	}
	if t.names == nil {
		t.names = make(map[string]bool)
	}
	t.names[name] = true
	return true
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
			if b.hostQuotas.isNew(*name) {
				b.opts.Log.Warn("a quota for the name of a host is not enforced; set it for its address", "ip", *name)
			}
			continue
		}
		if l.Addresses == nil {
			l.Addresses = make(map[netip.Addr]int)
		}
		l.Addresses[address.Unmap()] = int(perSecond)
	}
}
