package broker

import (
	"bytes"
	"net/netip"
	"slices"
	"strconv"
)

// routesFile is Linux's table of IPv4 routes.
const routesFile = "/proc/net/route"

// The flags of a route that say that it is in use and that it leads over a gateway
// (RTF_UP, RTF_GATEWAY).
const routeOverGateway = 1 | 2

// parseGateways finds the gateways of the default routes in Linux's table of
// routes: a line of titles, then one line for each route with its interface,
// destination, gateway, flags (all hexadecimal, addresses with the first byte last),
// three counters and the mask. What it does not understand it passes over.
func parseGateways(text []byte) (gateways []netip.Addr) {
	const destination, gateway, flags, mask = 1, 2, 3, 7
	for line := range bytes.Lines(text) {
		f := bytes.Fields(line)
		if len(f) <= mask {
			continue
		}
		to, isRoute := routeNumber(f[destination])
		of, hasMask := routeNumber(f[mask])
		over, hasGateway := routeNumber(f[gateway])
		is, hasFlags := routeNumber(f[flags])
		if !isRoute || !hasMask || !hasGateway || !hasFlags || to != 0 || of != 0 || is&routeOverGateway != routeOverGateway {
			continue
		}
		a := netip.AddrFrom4([4]byte{byte(over), byte(over >> 8), byte(over >> 16), byte(over >> 24)})
		if !a.IsUnspecified() && !slices.Contains(gateways, a) {
			gateways = append(gateways, a)
		}
	}
	return gateways
}

func routeNumber(field []byte) (uint32, bool) {
	n, err := strconv.ParseUint(string(field), 16, 32)
	return uint32(n), err == nil
}
