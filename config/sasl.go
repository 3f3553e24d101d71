package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/barnabas-mq/barnabas/internal/jaas"
)

// The mechanisms of SASL that are served, and the login modules that configure them.
const (
	mechanismPlain    = "PLAIN"
	mechanismScram256 = "SCRAM-SHA-256"
	mechanismScram512 = "SCRAM-SHA-512"

	plainModule = jaas.PlainModule
)

var mechanisms = []string{mechanismPlain, mechanismScram256, mechanismScram512, mechanismOAuth, mechanismGSSAPI}

// SASL is what a listener with logins offers.
type SASL struct {
	Mechanisms []string
	// Passwords are the users of PLAIN.
	Passwords map[string]string
	// OAuth is which tokens OAUTHBEARER takes, nil where it is not offered.
	OAuth *OAuth
	// Kerberos is whose tickets GSSAPI takes, nil where it is not offered.
	Kerberos *Kerberos
	// ReauthMax is connections.max.reauth.ms by mechanism, 0 for none.
	ReauthMax map[string]time.Duration
	// Open says that nobody has to log in after all: nothing that was asked for is built,
	// and barnabas.insecure.ignore starts it all the same.
	Open bool
}

// saslFaults are what is wrong with the logins of listeners, and which of their
// mechanisms are not served.
func (r *reader) saslFaults(listen []Listener) (wrong, unserved []keyed) {
	for _, l := range listen {
		if l.hasLogins() {
			_, w, u := r.sasl(l.Name)
			wrong, unserved = append(wrong, w...), append(unserved, u...)
		}
	}
	return wrong, unserved
}

// sasl gathers a listener's settings. The faults are of settings that no mechanism could
// work with; unserved ones ask for protection that is not built yet.
func (r *reader) sasl(listener string) (s SASL, wrong, unserved []keyed) {
	const key = "sasl.enabled.mechanisms"
	s.ReauthMax = make(map[string]time.Duration)
	var missing []string
	for _, m := range parseList(r.ownText(listener, key)) {
		m = strings.ToUpper(m)
		switch {
		case m == "" || slices.Contains(s.Mechanisms, m):
		case !slices.Contains(mechanisms, m):
			missing = append(missing, m)
		default:
			s.Mechanisms = append(s.Mechanisms, m)
			s.ReauthMax[m] = r.reauthMax(listener, m)
		}
	}
	switch {
	case len(s.Mechanisms) > 0 && len(missing) > 0:
		unserved = append(unserved, keyed{r.writtenAs(listener, key), fmt.Sprintf("listener %s offers %s, which is not built yet; it stays closed to all but %s",
			listener, cut(strings.Join(missing, ", ")), strings.Join(s.Mechanisms, ", "))})
	case len(missing) > 0:
		s.Open = true
		unserved = append(unserved, keyed{r.writtenAs(listener, key), fmt.Sprintf("listener %s offers %s alone, which is not built yet (there are %s): it would be open, and nobody would have to log in",
			listener, cut(strings.Join(missing, ", ")), strings.Join(mechanisms, ", "))})
	case len(s.Mechanisms) == 0:
		wrong = append(wrong, keyed{r.writtenAs(listener, key), fmt.Sprintf("listener %s has logins and offers no mechanism; there are %s", listener, strings.Join(mechanisms, ", "))})
	}
	if slices.Contains(s.Mechanisms, mechanismPlain) {
		var err error
		if s.Passwords, err = r.passwords(listener); err != nil {
			wrong = append(wrong, keyed{listenersOwn(listener, plainJAAS), "listener " + listener + ": " + err.Error()})
		}
	}
	if slices.Contains(s.Mechanisms, mechanismOAuth) {
		var key string
		var err error
		if s.OAuth, key, err = r.oauth(listener); err != nil {
			wrong = append(wrong, keyed{key, "listener " + listener + ": " + err.Error()})
		}
	}
	if slices.Contains(s.Mechanisms, mechanismGSSAPI) {
		var key string
		var err error
		if s.Kerberos, key, err = r.kerberos(listener); err != nil {
			wrong = append(wrong, keyed{key, "listener " + listener + ": " + err.Error()})
		}
	}
	return s, wrong, unserved
}

// reauthMax is connections.max.reauth.ms of a mechanism, of the listener, or of all.
func (r *reader) reauthMax(listener, mechanism string) time.Duration {
	const key = "connections.max.reauth.ms"
	name := listenersOwn(listener, strings.ToLower(mechanism)+"."+key)
	if !r.isSet(name) {
		name = listenersOwn(listener, key)
	}
	return durationOf(max(r.ofListener(name), 0), time.Millisecond)
}

const plainJAAS = "plain.sasl.jaas.config"

// passwords are the users of PLAIN. As in Kafka the setting is that of a listener and a
// mechanism: one without them is nobody's.
func (r *reader) passwords(listener string) (map[string]string, error) {
	text, _ := r.raw(listenersOwn(listener, plainJAAS))
	if strings.TrimSpace(text) == "" {
		return nil, fmt.Errorf("PLAIN needs its users: %s required user_NAME=\"PASSWORD\";", plainModule)
	}
	modules, err := jaas.ParseConfig(text)
	if err != nil {
		return nil, err
	}
	if len(modules) != 1 || modules[0].Class != plainModule {
		return nil, fmt.Errorf("PLAIN has one login module, %s", plainModule)
	}
	passwords := make(map[string]string)
	for option, value := range modules[0].Options {
		if name, ok := strings.CutPrefix(option, "user_"); ok {
			passwords[name] = value
		}
	}
	return passwords, nil
}

// writtenAs is the name under which a setting of a listener was written.
func (r *reader) writtenAs(listener, key string) string {
	if own := listenersOwn(listener, key); r.isSet(own) {
		return own
	}
	return key
}
