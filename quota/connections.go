package quota

import (
	"math"
	"net/netip"
	"sync"

	"github.com/barnabas-mq/barnabas/internal/metrics"
)

// ConnectionLimits are how many connections may come in a second; 0 is without a limit, and
// AllTooFast of the broker or a listener lets each wait.
type ConnectionLimits struct {
	Broker    int            // max.connection.creation.rate
	Listeners map[string]int // listener.name.NAME.max.connection.creation.rate
	// Addresses are the connection_creation_rate of single addresses, Address that of each
	// other one.
	Addresses map[netip.Addr]int
	Address   int
}

// Connections is how many connections have come (SocketServer.ConnectionQuotas). Its
// methods are safe for concurrent use.
type Connections struct {
	window Window

	mu struct {
		sync.Mutex
		limits    ConnectionLimits
		broker    Rate
		listeners map[string]*Rate // of those that had a limit
	}
	addresses ledger[netip.Addr]
}

// NewConnections makes one without limits.
func NewConnections(w Window, m *metrics.Set) *Connections {
	c := &Connections{window: w}
	c.mu.listeners = make(map[string]*Rate)
	c.addresses.window, c.addresses.remembered = w, m.Counter("barnabas_quota_addresses")
	return c
}

// Change replaces the limits.
func (c *Connections) Change(l ConnectionLimits) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.limits = l
}

// AllTooFast is a limit that every connection is above: it is held back for the length of a
// sample, and served then.
const AllTooFast = -1

// isLimit tells apart what stands for none: Kafka's default is the largest number.
func isLimit(perSecond int) bool { return perSecond != 0 && perSecond < math.MaxInt32 }

// Accept counts a connection that a listener has accepted. It is held back for that long
// before it is served, and others behind it.
func (c *Connections) Accept(listener string, now Millis) (wait Millis) {
	c.mu.Lock()
	defer c.mu.Unlock()
	over := func(r *Rate, perSecond int) {
		r.Record(c.window, 1, now)
		wait = max(wait, min(r.Over(c.window, float64(max(perSecond, 0)), now), c.window.Length))
	}
	if isLimit(c.mu.limits.Broker) {
		over(&c.mu.broker, c.mu.limits.Broker)
	}
	if own := c.mu.limits.Listeners[listener]; isLimit(own) {
		if c.mu.listeners[listener] == nil {
			c.mu.listeners[listener] = &Rate{}
		}
		over(c.mu.listeners[listener], own)
	}
	return wait
}

// From counts a connection of an address. One that is too much is closed, after that long,
// so that the peer does not come again at once; it does not count then, neither for the
// address nor for the listener.
func (c *Connections) From(listener string, address netip.Addr, now Millis) (closeAfter Millis) {
	c.mu.Lock()
	defer c.mu.Unlock()
	perSecond, own := c.mu.limits.Addresses[address]
	if !own {
		perSecond = c.mu.limits.Address
	}
	if !isLimit(perSecond) {
		return 0
	}
	c.addresses.Lock()
	defer c.addresses.Unlock()
	r := &c.addresses.account(address, float64(perSecond), now).rate
	r.Record(c.window, 1, now)
	closeAfter = min(r.Over(c.window, float64(perSecond), now), c.window.Length)
	if closeAfter == 0 {
		return 0
	}
	r.Record(c.window, -1, now)
	if isLimit(c.mu.limits.Broker) {
		c.mu.broker.Record(c.window, -1, now)
	}
	if l := c.mu.listeners[listener]; l != nil && isLimit(c.mu.limits.Listeners[listener]) {
		l.Record(c.window, -1, now)
	}
	return closeAfter
}
