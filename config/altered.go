package config

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// checkAltered judges one broker setting that is to change while the broker
// runs. Names that nobody knows are kept, as Kafka keeps them for plug-ins.
func checkAltered(name, value string, perBroker bool) error {
	key, update, known := alterableKey(name)
	switch {
	case !known, strings.HasPrefix(name, "config.providers"):
		return nil // Kafka takes the latter out before it looks (DynamicBrokerConfig.resolveVariableConfigs)
	case update == ReadOnly:
		return refuse(ErrInvalidRequest, name, "Cannot update these configs dynamically: [%s]", name)
	case update == PerBroker && !perBroker:
		return refuse(ErrInvalidRequest, name, "Cannot update these configs at default cluster level, broker id must be specified: [%s]", name)
	case strings.HasPrefix(name, "ssl.keystore.") || strings.HasPrefix(name, "ssl.truststore.") || name == "ssl.key.password":
		return refuse(ErrInvalidRequest, name, "These security configs can be altered only with the prefix of a listener: [%s]", name)
	}
	if err := key.Check(value); err != nil {
		return &Error{Kind: ErrInvalidRequest, Key: name, Message: err.Error()}
	}
	if class := key.missingClass(name, value); class != nil {
		return refuse(ErrInvalidRequest, name, "Invalid value %s for configuration %s: no such class", cut(*class), name)
	}
	if slices.Contains(positiveWhenAltered, key.Name) && strings.Trim(value, "+-0 ") == "" {
		return refuse(ErrInvalidRequest, name, "Invalid value %s for configuration %s: Value must be at least 1", value, name)
	}
	return nil
}

// isOfSecurity: settings that say who comes in through a listener.
func isOfSecurity(key string) bool {
	return strings.HasPrefix(key, "ssl.") || strings.HasPrefix(key, "sasl.")
}

// positiveWhenAltered may be 0 in a file only (ConnectionQuotas in Kafka).
var positiveWhenAltered = []string{"max.connections", "max.connection.creation.rate"}

// clusterWideOfListeners are the settings of one listener that may be altered for
// all brokers at once (DynamicBrokerConfig.ClusterLevelListenerConfigs in Kafka).
var clusterWideOfListeners = []string{"max.connections", "max.connection.creation.rate", "num.network.threads"}

// alterableKey finds the setting behind a name and how it may change under that
// name: what belongs to one listener may, whatever the setting itself allows.
func alterableKey(name string) (key *Key, update Update, known bool) {
	if key, known = Lookup(ScopeBroker, name); known {
		return key, key.Update, true
	}
	if key, known = listenerKey(name); !known {
		return nil, ReadOnly, false
	}
	if slices.Contains(clusterWideOfListeners, key.Name) {
		return key, ClusterWide, true
	}
	return key, PerBroker, true
}

// missingClass is a Java class that the value names and that cannot be there: a
// broker loads what it is told to use while it runs, and Kafka comes with its own
// classes only.
func (k *Key) missingClass(name, value string) *string {
	var classes []string
	switch {
	case k.Type == TypeClass:
		classes = []string{strings.TrimSpace(value)}
	case name == "metric.reporters":
		classes = parseList(value)
	}
	for i := range classes {
		if !strings.HasPrefix(classes[i], "org.apache.kafka.") {
			return &classes[i]
		}
	}
	return nil
}

// threadCounts may at most double or halve in one step, so that a slip of the
// hand does not stop a broker (DynamicThreadPool in Kafka).
var threadCounts = []string{
	"background.threads", "log.cleaner.threads", "num.io.threads", "num.network.threads", "num.recovery.threads.per.data.dir",
	"num.replica.fetchers", "remote.log.manager.copier.thread.pool.size", "remote.log.manager.expiration.thread.pool.size",
	"remote.log.manager.follower.thread.pool.size", "remote.log.reader.threads",
}

// checkStep judges a change from one legal state to another.
func checkStep(from, to *reader) error {
	for _, step := range []func(from, to *reader) error{threadSteps, fixedListeners, fixedProtection, fixedTokens, localRetention} {
		if err := step(from, to); err != nil {
			return err
		}
	}
	return nil
}

// threadSteps finds the thread counts that change by more than they may, those of
// one listener included.
func threadSteps(from, to *reader) error {
	names := slices.Clone(threadCounts)
	for _, l := range to.layers {
		for name := range l.values {
			if key, known := listenerKey(name); known && key.Name == "num.network.threads" {
				names = append(names, name)
			}
		}
	}
	for _, name := range names {
		before, after := from.ofListener(name), to.ofListener(name)
		if after != before && (after < before/2 || after > 2*before) {
			return refuse(ErrInvalidRequest, name, "%s may change from %d to between %d and %d in one step, not to %d",
				name, before, before/2, 2*before, after)
		}
	}
	return nil
}

// ofListener is a number under its own name, or that of the setting behind a
// listener's name when the listener has none.
func (r *reader) ofListener(name string) int64 {
	if key, known := listenerKey(name); known {
		if raw, set := r.raw(name); set && key.Check(raw) == nil {
			v, _ := strconv.ParseInt(strings.TrimSpace(raw), 10, 64) // Check has parsed it
			return v
		}
		name = key.Name
	}
	return r.integer(name)
}

// fixedListeners keeps the listeners as they are: addresses are bound at the start.
// What clients are told may change.
func fixedListeners(from, to *reader) error {
	before, _ := from.endpoints().resolve()
	after, _ := to.endpoints().resolve()
	if !slices.Equal(before.listen, after.listen) {
		return refuse(ErrInvalidRequest, "listeners", "Listeners cannot be changed while the broker runs")
	}
	return nil
}

// fixedProtection keeps what a listener with TLS or logins asks of its clients: of that
// only its stores may change while it is open (SslConfigs.RECONFIGURABLE_CONFIGS in Kafka).
func fixedProtection(from, to *reader) error {
	ends, _ := to.endpoints().resolve()
	for _, l := range ends.listen {
		if !l.hasTLS() && !l.hasLogins() {
			continue
		}
		before, after := from.ssl(l), to.ssl(l)
		before.Keys, before.Trust = after.Keys, after.Trust
		logins, _, _ := from.sasl(l.Name)
		altered, _, _ := to.sasl(l.Name)
		if !reflect.DeepEqual(before, after) || from.nameRules(l.Name) != to.nameRules(l.Name) || l.hasLogins() && !reflect.DeepEqual(logins, altered) {
			return refuse(ErrInvalidRequest, "", "Configs cannot be updated dynamically for existing listener %s: what it asks of its clients is for a restart", l.Name)
		}
	}
	return nil
}

// fixedTokens keeps from clients a URL that the broker asks, and a file that it reads: they
// are the word of who has its file. Kafka has a list of those that may be named, in a system
// property. Where nobody logs in such a setting is taken, and without effect.
func fixedTokens(from, to *reader) error {
	ends, _ := to.endpoints().resolve()
	for _, layer := range to.layers {
		for name := range layer.values {
			before, _ := from.raw(name)
			if after, _ := to.raw(name); after == before || !strings.HasPrefix(baseKey(name), "sasl.oauthbearer.") {
				continue
			}
			open := slices.ContainsFunc(ends.listen, func(l Listener) bool {
				return !l.hasLogins() && strings.HasPrefix(name, listenersOwn(l.Name, ""))
			})
			if !open {
				return refuse(ErrInvalidRequest, name, "Cannot update these configs dynamically: [%s]", name)
			}
		}
	}
	return nil
}

// localRetention keeps what stays locally within what is kept at all
// (DynamicLogConfig.validateReconfiguration in Kafka).
func localRetention(from, to *reader) error {
	crossed := func(r *reader) string {
		const all, none = -2, -1 // what retention says; no limit
		if most, local := r.family(retentionFamily), r.integer("log.local.retention.ms"); most != none && local != all && (local == none || local > most) {
			return "log.local.retention.ms"
		}
		if most, local := r.integer("log.retention.bytes"), r.integer("log.local.retention.bytes"); most > none && local != all && (local == none || local > most) {
			return "log.local.retention.bytes"
		}
		return ""
	}
	// A start takes such values, and a change of something else must not fail for them.
	if name := crossed(to); name != "" && crossed(from) != name {
		return refuse(ErrInvalidRequest, name, "%s is above the retention of the log", name)
	}
	return nil
}
