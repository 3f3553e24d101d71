package server

import (
	"maps"
	"net"
	"sync"

	"github.com/barnabas-mq/barnabas/quota"
)

// Limits bounds the connections. Kafka's own settings give the values.
type Limits struct {
	// Connections is max.connections: more wait unaccepted.
	Connections int
	// ConnectionsPerAddress is max.connections.per.ip; AddressOverrides replaces it
	// for single addresses. More are closed at once.
	ConnectionsPerAddress int
	AddressOverrides      map[string]int
	// Listeners is listener.name.NAME.max.connections, which holds beside Connections.
	Listeners map[string]int
	// Rates are how many connections may come in a second. What comes faster waits and is
	// served then; what comes faster from one address is closed.
	Rates quota.ConnectionLimits
}

// census counts the open connections.
type census struct {
	mu struct {
		sync.Mutex
		limits     Limits
		total      int
		perAddress map[string]int
		// perListener counts by name. Invariant: the sum is total.
		perListener map[string]int
		stopped     bool
	}
	room sync.Cond
}

func newCensus(l Limits) *census {
	c := &census{}
	c.mu.limits = l
	c.mu.perAddress = make(map[string]int)
	c.mu.perListener = make(map[string]int)
	c.room.L = &c.mu
	return c
}

// change replaces the limits. Connections that are open already stay.
func (c *census) change(l Limits) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.limits = l
	c.room.Broadcast()
}

// waitForRoom blocks until max.connections, of the broker and of the listener,
// allows one more; false means the server stops.
func (c *census) waitForRoom(listener string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.isFullLocked(listener) && !c.mu.stopped {
		c.room.Wait()
	}
	return !c.mu.stopped
}

func (c *census) isFullLocked(listener string) bool {
	own, limited := c.mu.limits.Listeners[listener]
	return c.mu.total >= c.mu.limits.Connections || limited && c.mu.perListener[listener] >= own
}

// enter counts a connection, or reports false when its address has too many.
func (c *census) enter(listener, address string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	limit := c.mu.limits.ConnectionsPerAddress
	if override, ok := c.mu.limits.AddressOverrides[address]; ok {
		limit = override
	}
	if c.mu.perAddress[address] >= limit {
		return false
	}
	c.mu.total++
	c.mu.perListener[listener]++
	c.mu.perAddress[address]++
	return true
}

func (c *census) leave(listener, address string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.total--
	c.mu.perListener[listener]--
	if c.mu.perAddress[address]--; c.mu.perAddress[address] == 0 {
		delete(c.mu.perAddress, address)
	}
	c.room.Broadcast() // any listener may be the one that has room now
}

// perListener counts the open connections by the names of the listeners.
func (c *census) perListener() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.mu.perListener)
}

func (c *census) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.stopped = true
	c.room.Broadcast()
}

// hostOf is the address without the port.
func hostOf(a net.Addr) string {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.IP.String()
	}
	return a.String()
}
