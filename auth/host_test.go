package auth

import (
	"net/netip"
	"testing"
)

// As InetAddress.getHostAddress of Java 21 writes them.
func TestHostOf(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.1":         "10.0.0.1",
		"::ffff:10.0.0.1":  "10.0.0.1",
		"::1":              "0:0:0:0:0:0:0:1",
		"2001:DB8::a0:0:1": "2001:db8:0:0:0:a0:0:1",
		"fe80::1%eth0":     "fe80:0:0:0:0:0:0:1%eth0",
	} {
		if got := HostOf(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	if got := HostOf(netip.Addr{}); got != "" {
		t.Errorf("no address: %q", got)
	}
}
