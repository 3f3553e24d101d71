package auth

import (
	"fmt"
	"net/netip"
	"strings"
)

// HostOf writes an address as Java does (InetAddress.getHostAddress), and so as the hosts
// of access rules are compared: IPv6 addresses have all of their eight groups. It is ""
// for no address.
func HostOf(a netip.Addr) string {
	a = a.Unmap()
	switch {
	case !a.IsValid():
		return ""
	case a.Is4():
		return a.String()
	}
	raw := a.As16()
	groups := make([]string, len(raw)/2)
	for i := range groups {
		groups[i] = fmt.Sprintf("%x", uint16(raw[2*i])<<8|uint16(raw[2*i+1]))
	}
	host := strings.Join(groups, ":")
	if a.Zone() != "" {
		host += "%" + a.Zone()
	}
	return host
}
