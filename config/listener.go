package config

import (
	"cmp"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Listener is an address to listen on or, in advertised.listeners, an address
// that clients are told.
type Listener struct {
	// Name is in capitals, as Kafka compares listener names.
	Name string
	// Host is empty for every interface. In an advertised listener it is empty
	// when nothing was configured that a client could use: the broker then
	// answers with what it knows of the connection or of the machine.
	Host string
	Port int
	// Protocol is the security protocol: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.
	Protocol string
	// Persona is the Kafka that clients of this listener meet, empty for all that
	// there is. Advertised listeners have none.
	Persona string
}

// String is the notation of the settings.
func (l Listener) String() string {
	return l.Name + "://" + net.JoinHostPort(l.Host, strconv.Itoa(l.Port))
}

// Addresses are what to bind: localhost means both loopback addresses, because
// clients resolve it to either.
func (l Listener) Addresses() []string {
	port := strconv.Itoa(l.Port)
	if strings.EqualFold(l.Host, "localhost") {
		return []string{net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("::1", port)}
	}
	return []string{net.JoinHostPort(l.Host, port)}
}

const (
	plaintext     = "PLAINTEXT"
	protocolSSL   = "SSL"
	saslPlaintext = "SASL_PLAINTEXT"
	saslSSL       = "SASL_SSL"
)

var protocols = []string{plaintext, protocolSSL, saslPlaintext, saslSSL}

// hasTLS tells whether the listener encrypts, and hasLogins whether clients have to log in.
func (l Listener) hasTLS() bool    { return l.Protocol == protocolSSL || l.Protocol == saslSSL }
func (l Listener) hasLogins() bool { return l.Protocol == saslPlaintext || l.Protocol == saslSSL }

var endpoint = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(.*)://(?:\[([0-9a-zA-Z.:%_-]*)\]|([0-9a-zA-Z._%-]*)):(\d+)$`)
})

// parseListeners reads listeners or advertised.listeners, names only.
func parseListeners(raw string) ([]Listener, error) {
	var all []Listener
	for _, text := range parseList(raw) {
		m := endpoint().FindStringSubmatch(text)
		if m == nil {
			return nil, fmt.Errorf("%q is not of the form NAME://host:port", cut(text))
		}
		port, err := strconv.Atoi(m[4])
		if err != nil || port > 65535 {
			return nil, fmt.Errorf("%q has a port above 65535", cut(text))
		}
		all = append(all, Listener{Name: strings.ToUpper(m[1]), Host: m[2] + m[3], Port: port})
	}
	return all, nil
}

// parsePairs reads NAME:VALUE,NAME:VALUE; the names of an address may hold
// colons, so the last one separates.
func parsePairs(raw string) ([][2]string, error) {
	var pairs [][2]string
	for _, text := range parseList(raw) {
		if text == "" {
			continue // a comma at the end, common in compose files
		}
		at := strings.LastIndexByte(text, ':')
		if at <= 0 {
			return nil, fmt.Errorf("%q is not of the form name:value", cut(text))
		}
		pairs = append(pairs, [2]string{strings.TrimSpace(text[:at]), strings.TrimSpace(text[at+1:])})
	}
	return pairs, nil
}

// parseProtocols reads listener.security.protocol.map.
func parseProtocols(raw string) (map[string]string, error) {
	pairs, err := parsePairs(raw)
	if err != nil {
		return nil, err
	}
	of := make(map[string]string, len(pairs))
	for _, p := range pairs {
		name, protocol := strings.ToUpper(p[0]), strings.ToUpper(p[1])
		if !slices.Contains(protocols, protocol) {
			return nil, fmt.Errorf("%q is no security protocol; there are %s", cut(p[1]), strings.Join(protocols, ", "))
		}
		if _, twice := of[name]; twice {
			return nil, fmt.Errorf("listener %s is named twice", cut(name))
		}
		of[name] = protocol
	}
	return of, nil
}

// endpoints is the outcome of the settings that concern listeners.
type endpoints struct {
	listen, advertised []Listener
}

// listenerKeys are the settings behind endpoints; they make sense only together.
var listenerKeys = []string{
	"listeners", "advertised.listeners", "listener.security.protocol.map", "inter.broker.listener.name", "controller.listener.names",
}

// endpointSettings are those settings, as text.
type endpointSettings struct {
	listeners, advertised, protocolMap, interBroker, controllers string
}

// keyed is a problem of one setting; the caller knows where it was written.
type keyed struct{ key, text string }

// resolve turns the settings into endpoints. Controller listeners are left out
// of both lists: nobody outside the process speaks to our controller.
func (s endpointSettings) resolve() (out endpoints, wrong []keyed) {
	fail := func(key, format string, args ...any) {
		wrong = append(wrong, keyed{key, fmt.Sprintf(format, args...)})
	}
	all, err := parseListeners(s.listeners)
	if err != nil {
		fail("listeners", "%v", err)
	}
	protocolOf, err := parseProtocols(s.protocolMap)
	if err != nil {
		fail("listener.security.protocol.map", "%v", err)
	}
	controllers := parseList(strings.ToUpper(s.controllers))
	for i, l := range all {
		if reason := clash(all[:i], l); reason != "" {
			fail("listeners", "%s", reason)
		}
		if slices.Contains(controllers, l.Name) {
			continue
		}
		protocol, mapped := protocolOf[l.Name]
		if !mapped && err == nil {
			fail("listener.security.protocol.map", "listener %s has no security protocol; the map needs %s:PLAINTEXT", cut(l.Name), cut(l.Name))
		}
		l.Protocol = cmp.Or(protocol, plaintext)
		out.listen = append(out.listen, l)
	}
	if len(out.listen) == 0 && len(wrong) == 0 {
		fail("listeners", "there is no listener for clients")
	}
	out.advertised, wrong = s.advertise(out.listen, controllers, wrong)
	if name := strings.ToUpper(strings.TrimSpace(s.interBroker)); name != "" && len(wrong) == 0 && find(out.advertised, name) == nil {
		fail("inter.broker.listener.name", "listener %s is not advertised", name)
	}
	return out, wrong
}

// advertise finds what clients are told. What is not configured is what is
// listened on, without the addresses that mean every interface.
func (s endpointSettings) advertise(listen []Listener, controllers []string, wrong []keyed) ([]Listener, []keyed) {
	const key = "advertised.listeners"
	configured, err := parseListeners(s.advertised)
	if err != nil {
		return nil, append(wrong, keyed{key, err.Error()})
	}
	if len(configured) == 0 {
		advertised := append([]Listener(nil), listen...)
		for i, l := range advertised {
			if anyInterface(l.Host) {
				advertised[i].Host = ""
			}
		}
		return advertised, wrong
	}
	var advertised []Listener
	for _, l := range configured {
		behind := find(listen, l.Name)
		switch {
		case slices.Contains(controllers, l.Name):
			continue
		case behind == nil && len(listen) > 0:
			wrong = append(wrong, keyed{key, fmt.Sprintf("listener %s is not in listeners", cut(l.Name))})
			continue
		case behind == nil:
			continue
		case anyInterface(l.Host) && l.Host != "":
			wrong = append(wrong, keyed{key, fmt.Sprintf("clients cannot connect to %s; advertise an address that they can reach", l.Host)})
		case find(advertised, l.Name) != nil:
			wrong = append(wrong, keyed{key, fmt.Sprintf("listener %s is named twice", l.Name)})
		}
		l.Protocol = behind.Protocol
		advertised = append(advertised, l)
	}
	return advertised, wrong
}

// persona is that of the listener, or of all.
func (r *reader) persona(listener string) string {
	if v, ok := r.raw(personaKey(listener)); ok {
		return strings.TrimSpace(v)
	}
	return r.text(keyPersona)
}

// personaKey is the setting for one listener.
func personaKey(listener string) string {
	return listenersOwn(listener, keyPersona)
}

// listenersOwn is the name of a setting for one listener; Kafka writes listener
// names small there.
func listenersOwn(listener, key string) string {
	return listenerPrefix + strings.ToLower(listener) + "." + key
}

const listenerPrefix = "listener.name."

// strayPersonas finds personas of listeners that are not there: whoever wrote one
// would test against another Kafka than meant.
func (r *reader) strayPersonas(listen []Listener) (stray []keyed) {
	for _, l := range r.layers {
		for name := range l.values {
			if !strings.HasPrefix(name, listenerPrefix) || !strings.HasSuffix(name, "."+keyPersona) {
				continue
			}
			if !slices.ContainsFunc(listen, func(l Listener) bool { return personaKey(l.Name) == name }) {
				stray = append(stray, keyed{name, "no listener for clients has this name (in small letters)"})
			}
		}
	}
	return stray
}

// clash tells why a listener cannot stand beside the earlier ones. A port may
// be shared by an IPv4 and an IPv6 address, and port 0 by all.
func clash(earlier []Listener, l Listener) string {
	for _, e := range earlier {
		if e.Name == l.Name {
			return "listener " + cut(l.Name) + " is named twice"
		}
		families := strings.Contains(e.Host, ":") != strings.Contains(l.Host, ":") && e.Host != "" && l.Host != ""
		if e.Port == l.Port && l.Port != 0 && !families {
			return fmt.Sprintf("listeners %s and %s have the same port", cut(e.Name), cut(l.Name))
		}
	}
	return ""
}

func find(all []Listener, name string) *Listener {
	for i := range all {
		if all[i].Name == name {
			return &all[i]
		}
	}
	return nil
}

func anyInterface(host string) bool { return host == "" || host == "0.0.0.0" || host == "::" }
