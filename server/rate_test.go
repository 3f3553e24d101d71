package server

import (
	"net/netip"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/quota"
)

// A connection that comes too fast is served later, as are those behind it.
func TestConnectionsThatComeTooFastWait(t *testing.T) {
	manual := clock.NewManual(time.UnixMilli(0))
	w := newWorld(t, func(o *Options) {
		o.Clock, o.QuotaWindow = manual, quota.Window{Samples: 3, Length: 1000}
		o.Limits.Rates.Listeners = map[string]int{"PLAINTEXT": 1}
	})
	// Two of a window of two seconds.
	for range 2 {
		c := w.dial("127.0.0.1")
		w.send(c, frame("echo served"))
		w.expect(c, "served")
	}
	c := w.dial("127.0.0.1")
	w.send(c, frame("echo late"))
	waitFor(t, "the connection waits", func() bool { return manual.Pending() == 1 })
	manual.Advance(999 * time.Millisecond)
	if n := w.server.Connections()["PLAINTEXT"]; n != 2 {
		t.Errorf("%d connections are served", n)
	}
	manual.Advance(time.Millisecond)
	w.expect(c, "late")
	w.server.SetLimits(Limits{Connections: 10, ConnectionsPerAddress: 10})
	c = w.dial("127.0.0.1")
	w.send(c, frame("echo at once"))
	w.expect(c, "at once")
	if n := w.server.tooFast.Value(); n != 1 {
		t.Errorf("%d came too fast", n)
	}
}

// A connection too many of an address is never served: it is closed when its address may
// come again, or when the server stops. Nobody is held back for it.
func TestConnectionsOfAnAddressThatComeTooFastAreClosed(t *testing.T) {
	manual := clock.NewManual(time.UnixMilli(0))
	w := newWorld(t, func(o *Options) {
		o.Clock, o.QuotaWindow = manual, quota.Window{Samples: 2, Length: 1000}
		o.Limits.Rates.Addresses = map[netip.Addr]int{netip.MustParseAddr("127.0.0.1"): 1}
	})
	first := w.dial("127.0.0.1")
	w.send(first, frame("echo served"))
	w.expect(first, "served")
	w.came("echo served")
	second, third := w.dial("127.0.0.1"), w.dial("127.0.0.1")
	w.send(second, frame("echo never"))
	waitFor(t, "both are held", func() bool { return manual.Pending() == 2 })
	manual.Advance(time.Second)
	w.expectEnd(second)
	w.expectEnd(third)
	manual.Advance(10 * time.Second)
	again := w.dial("127.0.0.1")
	w.send(again, frame("echo again"))
	w.expect(again, "again")
	w.came("echo again")
	last := w.dial("127.0.0.1")
	waitFor(t, "the last is held", func() bool { return manual.Pending() == 1 })
	w.stop()
	w.expectEnd(last)
	if n := w.server.refused.Value(); n != 3 {
		t.Errorf("%d were refused", n)
	}
}
