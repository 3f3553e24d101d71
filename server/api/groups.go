package api

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/metadata"
)

// javaHost is a peer's address as Java prints it, which is how group members are
// stored and described: "/127.0.0.1", and IPv6 in full, "/0:0:0:0:0:0:0:1".
func javaHost(remoteAddr string) string {
	address, err := netip.ParseAddrPort(remoteAddr)
	if err != nil {
		return "/" + remoteAddr
	}
	ip := address.Addr().Unmap()
	if ip.Is4() {
		return "/" + ip.String()
	}
	groups := make([]string, 8)
	bytes := ip.As16()
	for i := range groups {
		groups[i] = fmt.Sprintf("%x", uint16(bytes[2*i])<<8|uint16(bytes[2*i+1]))
	}
	host := "/" + strings.Join(groups, ":")
	if zone := ip.Zone(); zone != "" {
		host += "%" + zone
	}
	return host
}

// repeatsMax is how many groups a request may name for those named again to be
// answered again.
const repeatsMax = 100

// repeated is the list as Kafka describes it: who is named again is answered again.
// Of a list that no client sends, each is answered once, since a small request could
// ask for the same large answer ten thousand times.
func repeated(ids []string) []string {
	if len(ids) <= repeatsMax {
		return ids
	}
	return once(ids)
}

// once is the list without what it names again.
func once[T comparable](ids []T) []T { return onceBy(ids, func(id *T) T { return *id }) }

// onceBy is the list without those whose name comes again.
func onceBy[T any, K comparable](list []T, name func(*T) K) []T {
	seen := make(map[K]bool, len(list))
	return slices.DeleteFunc(slices.Clone(list), func(one T) bool {
		again := seen[name(&one)]
		seen[name(&one)] = true
		return again
	})
}

// topicRef is a topic of a request, which names it by id from a certain version
// on and by name before.
type topicRef struct {
	name  string
	id    [16]byte
	topic *metadata.Topic // nil when there is none
}

func findTopic(image *metadata.Image, byID bool, name string, id [16]byte) topicRef {
	if byID {
		return topicRef{id: id, topic: image.TopicByID(id)}
	}
	return topicRef{name: name, topic: image.Topic(name)}
}

// groupsFor parts the groups into those that the client may do something to and the others.
func (a *API) groupsFor(r *Request, o auth.Operation, ids []string) (allowed, denied []string) {
	if a.Access == nil {
		return ids, nil
	}
	for _, id := range ids {
		if a.may(r, o, auth.Group, id) {
			allowed = append(allowed, id)
		} else {
			denied = append(denied, id)
		}
	}
	return allowed, denied
}
