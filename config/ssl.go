package config

import (
	"strings"

	"github.com/barnabas-mq/barnabas/internal/ssl"
)

// ownText is a setting of one listener: listener.name.NAME.KEY, and without it KEY.
func (r *reader) ownText(listener, key string) string {
	if v, set := r.raw(listenersOwn(listener, key)); set {
		return strings.TrimSpace(v)
	}
	return r.text(key)
}

// ssl gathers a listener's ssl.* settings.
func (r *reader) ssl(l Listener) ssl.Settings {
	text := func(key string) string { return r.ownText(l.Name, key) }
	clientAuth := text("ssl.client.auth")
	if own, set := r.raw(listenersOwn(l.Name, "ssl.client.auth")); l.hasLogins() {
		// Who logs in needs no certificate, unless the listener itself asks for one (KIP-684).
		if clientAuth = string(ssl.ClientAuthNone); set {
			clientAuth = strings.TrimSpace(own)
		}
	}
	settings := ssl.Gather(text)
	settings.ClientAuth = ssl.ClientAuth(strings.ToLower(clientAuth))
	flag := func(key string) bool { v, _ := parseBool(text(key)); return v }
	settings.DNChanges, settings.SANChanges = flag("ssl.allow.dn.changes"), flag("ssl.allow.san.changes")
	return settings
}

// nameRules say how the name in a certificate becomes a user's.
func (r *reader) nameRules(listener string) string {
	return r.ownText(listener, "ssl.principal.mapping.rules")
}

// sslFaults are what is wrong with the ssl.* settings of the listeners that have TLS,
// without a look into the files.
func (r *reader) sslFaults(listen []Listener) (wrong []keyed) {
	for _, l := range listen {
		if !l.hasTLS() {
			continue
		}
		key, err := r.ssl(l).Check()
		if err == nil {
			continue
		}
		wrong = append(wrong, keyed{r.writtenAs(l.Name, key), "listener " + l.Name + ": " + err.Error()})
	}
	return wrong
}

// baseKey is the setting behind the name of one listener's.
func baseKey(name string) string {
	if key, known := listenerKey(name); known {
		return key.Name
	}
	return name
}

func (r *reader) isSet(name string) bool {
	_, set := r.raw(name)
	return set
}
