package quota

import (
	"net/netip"
	"testing"

	"github.com/barnabas-mq/barnabas/internal/metrics"
)

// Ten seconds' worth of connections may come at once. Then each is held back until the
// rate is right again, for a sample at most; a listener's own limit holds beside the
// broker's.
func TestConnectionsThatComeTooFast(t *testing.T) {
	c := NewConnections(Window{11, 1000}, &metrics.Set{})
	now := Millis(5000)
	accept := func(listener string, times int, want Millis) {
		t.Helper()
		for range times - 1 {
			c.Accept(listener, now)
		}
		if got := c.Accept(listener, now); got != want {
			t.Errorf("%s: waits for %d ms, want %d", listener, got, want)
		}
	}
	accept("A", 1000, 0)
	c.Change(ConnectionLimits{Broker: 10, Listeners: map[string]int{"A": 2, "B": 1 << 31}})
	accept("A", 20, 0)
	accept("A", 1, 500)
	accept("B", 79, 0)
	accept("B", 1, 100)
	accept("A", 5, 1000)
	now += 20_000
	accept("A", 1, 0)
}

// Where none may come, each waits for a sample.
func TestConnectionsThatAllWait(t *testing.T) {
	c := NewConnections(Window{11, 1000}, &metrics.Set{})
	for _, l := range []ConnectionLimits{{Broker: AllTooFast}, {Listeners: map[string]int{"A": AllTooFast}}} {
		c.Change(l)
		for i := range Millis(3) {
			if wait := c.Accept("A", i*100_000); wait != 1000 {
				t.Errorf("%+v: waits for %d ms", l, wait)
			}
		}
	}
}

// Connections of an address above its limit are closed later, and are as if they had not
// come: those of others are not held back for them.
func TestConnectionsOfAnAddressThatComeTooFast(t *testing.T) {
	m := &metrics.Set{}
	c := NewConnections(Window{11, 1000}, m)
	one, other, tenth := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.10")
	come := func(address netip.Addr, times int) (wait, closed Millis) {
		for range times {
			wait, closed = c.Accept("A", 0), c.From("A", address, 0)
		}
		return wait, closed
	}
	if _, closed := come(one, 1000); closed != 0 {
		t.Error("closed without limits")
	}
	c.Change(ConnectionLimits{Broker: 4, Listeners: map[string]int{"A": 4}, Address: 1, Addresses: map[netip.Addr]int{tenth: 2}})
	if _, closed := come(one, 10); closed != 0 {
		t.Error("closed within the limit")
	}
	if wait, closed := come(one, 100); closed != 1000 || wait != 0 {
		t.Errorf("waits for %d ms, is closed after %d", wait, closed)
	}
	if wait, closed := come(tenth, 20); closed != 0 || wait != 0 {
		t.Errorf("waits for %d ms, is closed after %d", wait, closed)
	}
	if wait, closed := come(other, 10); closed != 0 || wait != 0 {
		t.Errorf("waits for %d ms, is closed after %d", wait, closed)
	}
	if wait, closed := come(tenth, 1); closed != 500 || wait != 250 {
		t.Errorf("waits for %d ms, is closed after %d", wait, closed)
	}
	if n := m.Counter("barnabas_quota_addresses").Value(); n != 3 {
		t.Errorf("%d addresses are remembered", n)
	}
}
