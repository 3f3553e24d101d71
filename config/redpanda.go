package config

import (
	"fmt"
	"net"
	"strings"
)

// RedpandaStart is what a start of Redpanda's image means in Kafka's settings.
type RedpandaStart struct {
	// Settings go into Input.Given. Their origin is a flag, a variable or the mode.
	Settings []Setting
	// ConfigFile is the value of --config: a file for FromRedpandaFile.
	ConfigFile string
	// Beside are the addresses HOST:PORT of the services that Redpanda has beside Kafka's
	// protocol: schema registry, REST proxy and administration.
	Beside []string
	// Warnings are what the user should know, to be logged once.
	Warnings Problems
}

// FromRedpanda translates a command line of Redpanda (what follows rpk, or
// follows `redpanda start`; the words themselves may be there) and its environment.
// Flags win over variables. Flags that it does not know it passes over with their
// values, as Redpanda hands them on to its runtime. An error is Problems: a flag
// whose value cannot be understood.
func FromRedpanda(args, environ []string) (RedpandaStart, error) {
	var t redpandaTranslation
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		flag, ok := redpandaVariables[name]
		if value = unquote(value); ok && value != "" {
			t.flag(flag, value, Origin{Kind: FromEnvironment, Name: name})
		}
	}
	args = spread(args)
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		name, value, has := strings.Cut(word, "=")
		if !strings.HasPrefix(name, "-") {
			continue // redpanda, start, and the values of flags that nobody knows
		}
		name = strings.TrimLeft(name, "-")
		if !has && redpandaFlags[name] && len(args) > 0 {
			value, args = args[0], args[1:]
		}
		t.flag(name, value, Origin{Kind: FromFlag, Name: "--" + name})
	}
	for _, service := range besideKafka {
		addresses := t.beside[service.flag]
		if len(addresses) == 0 {
			addresses = []string{service.address}
		}
		t.out.Beside = append(t.out.Beside, addresses...)
	}
	t.out.Warnings = t.out.Warnings.sorted()
	return t.out, t.wrong.asError()
}

// spread takes "--flag value" in one argument apart, which is how Redpanda's compose
// files have it: its entry point lets the shell do so.
func spread(args []string) []string {
	var words []string
	for _, arg := range args {
		name, value, two := strings.Cut(arg, " ")
		if !two || !strings.HasPrefix(arg, "-") || strings.Contains(name, "=") {
			words = append(words, arg)
			continue
		}
		words = append(words, name)
		if value = strings.TrimSpace(value); value != "" {
			words = append(words, value)
		}
	}
	return words
}

// besideKafka are Redpanda's other services, where they listen when nothing is said.
var besideKafka = []struct{ flag, address string }{
	{"schema-registry-addr", "0.0.0.0:8081"}, {"pandaproxy-addr", "0.0.0.0:8082"}, {"admin-addr", "0.0.0.0:9644"},
}

// redpandaFlags are those that mean something here. All of them take a value.
var redpandaFlags = map[string]bool{
	"kafka-addr": true, "advertise-kafka-addr": true, "set": true, "mode": true, "node-id": true, "seeds": true, "config": true, "rack": true,
	"schema-registry-addr": true, "pandaproxy-addr": true,
}

// redpandaVariables are the variables that stand for flags. RP_BOOTSTRAP_USER makes
// a user, which changes nothing for clients that do not log in.
var redpandaVariables = map[string]string{
	"REDPANDA_KAFKA_ADDRESS": "kafka-addr", "REDPANDA_ADVERTISE_KAFKA_ADDRESS": "advertise-kafka-addr", "REDPANDA_SEEDS": "seeds",
	"REDPANDA_SCHEMA_REGISTRY_ADDRESS": "schema-registry-addr", "REDPANDA_PANDAPROXY_ADDRESS": "pandaproxy-addr",
	"RP_BOOTSTRAP_USER": "bootstrap-user",
}

// redpandaTranslation gathers what a start or a file says.
type redpandaTranslation struct {
	out    RedpandaStart
	beside map[string][]string // flag -> addresses of besideKafka
	wrong  Problems
}

func (t *redpandaTranslation) set(name, value string, origin Origin) {
	t.out.Settings = append(t.out.Settings, Setting{name, value, origin})
}

func (t *redpandaTranslation) warn(key string, origin Origin, format string, args ...any) {
	t.out.Warnings = append(t.out.Warnings, Problem{key, origin, key + ": " + fmt.Sprintf(format, args...)})
}

func (t *redpandaTranslation) flag(name, value string, origin Origin) {
	switch name {
	case "kafka-addr":
		t.listen(parseRedpandaAddresses(value), origin)
	case "advertise-kafka-addr":
		t.advertise(parseRedpandaAddresses(value), origin)
	case "schema-registry-addr", "pandaproxy-addr":
		var addresses []string // the later of two wins
		for _, a := range parseRedpandaAddresses(value) {
			addresses = append(addresses, net.JoinHostPort(a.host, a.port))
		}
		if t.beside == nil {
			t.beside = make(map[string][]string)
		}
		t.beside[name] = addresses
	case "set":
		key, v, ok := strings.Cut(value, "=")
		if !ok {
			t.wrong = append(t.wrong, Problem{"", origin, fmt.Sprintf("%q is not of the form key=value", cut(value))})
			return
		}
		origin.Name += " " + key
		t.property(strings.TrimPrefix(key, "redpanda."), v, origin)
	case "mode":
		t.mode(value)
	case "node-id":
		t.set("node.id", value, origin)
	case "rack":
		t.set("broker.rack", value, origin)
	case "seeds":
		if strings.Trim(value, ", []") != "" {
			t.warn(name, origin, "Barnabas runs alone: it will not form a cluster with %s", cut(value))
		}
	case "config":
		t.out.ConfigFile = value
	case "bootstrap-user":
		t.warn("RP_BOOTSTRAP_USER", origin, "users are not looked at, as nobody has to log in")
	}
}

// mode is what Redpanda prepares for a mode, weaker than all that is written.
func (t *redpandaTranslation) mode(name string) {
	if name != "dev-container" {
		return
	}
	origin := Origin{Kind: FromProfile, Name: "--mode " + name}
	for _, one := range [][2]string{
		{"auto_create_topics_enabled", "true"}, {"group_initial_rebalance_delay", "0"}, {"group_topic_partitions", "3"}, {"write_caching_default", "true"},
	} {
		t.property(one[0], one[1], origin)
	}
}

// redpandaProperties are properties of Redpanda's cluster and node that Kafka has
// under another name.
var redpandaProperties = map[string]string{
	"auto_create_topics_enabled": "auto.create.topics.enable", "default_topic_partitions": "num.partitions",
	"default_topic_replication": "default.replication.factor", "default_topic_replications": "default.replication.factor",
	"delete_retention_ms": "log.retention.ms", "log_retention_ms": "log.retention.ms", "retention_bytes": "log.retention.bytes",
	"log_segment_size": "log.segment.bytes", "log_segment_ms": "log.roll.ms", "log_cleanup_policy": "log.cleanup.policy",
	"log_compression_type": "compression.type", "log_message_timestamp_type": "log.message.timestamp.type",
	"kafka_batch_max_bytes": "message.max.bytes", "kafka_request_max_bytes": "socket.request.max.bytes",
	"kafka_connections_max": "max.connections", "kafka_connections_max_per_ip": "max.connections.per.ip",
	"group_initial_rebalance_delay": "group.initial.rebalance.delay.ms", "group_topic_partitions": "offsets.topic.num.partitions",
	"group_min_session_timeout_ms": "group.min.session.timeout.ms", "group_max_session_timeout_ms": "group.max.session.timeout.ms",
	"transactional_id_expiration_ms":     "transactional.id.expiration.ms",
	"transaction_coordinator_partitions": "transaction.state.log.num.partitions",
	"data_directory":                     "log.dirs", "node_id": "node.id", "rack": "broker.rack",
}

// property translates one property of the node or of the cluster. Those that Kafka
// has no word for tune Redpanda's own machinery and are passed over.
func (t *redpandaTranslation) property(name, value string, origin Origin) {
	value = strings.Trim(strings.TrimSpace(value), `"'`)
	on := strings.EqualFold(value, "true")
	switch name {
	case "enable_sasl", "kafka_enable_authorization":
		if on {
			// Kafka's own word for it, so that it is refused like it.
			t.set("authorizer.class.name", name, origin)
		}
		return
	case "write_caching_default":
		switch {
		case on:
			t.set(keyDurability, string(DurabilityCached), origin)
		case strings.EqualFold(value, "false"):
			t.set(keyDurability, string(DurabilitySync), origin)
		}
		return
	}
	setting := redpandaProperties[name]
	if setting == "" {
		return
	}
	switch value {
	case "null", "~", "":
		if strings.Contains(name, "retention") {
			t.set(setting, "-1", origin) // without limit
		}
		return
	}
	t.set(setting, value, origin)
}

// redpandaAddress is one of the addresses of Redpanda's Kafka API.
type redpandaAddress struct {
	name, host, port string
	protocol         string
}

// parseRedpandaAddresses reads a list of [NAME://]HOST[:PORT][|AUTHENTICATION].
func parseRedpandaAddresses(list string) (all []redpandaAddress) {
	for _, text := range parseList(list) {
		if text == "" {
			continue
		}
		a := redpandaAddress{port: "9092", protocol: plaintext}
		text, how, _ := strings.Cut(text, "|")
		a.protocol = redpandaProtocol(how)
		if name, rest, ok := strings.Cut(text, "://"); ok {
			a.name, text = name, rest
		}
		a.host = strings.Trim(text, "[]")
		if host, port, err := net.SplitHostPort(text); err == nil {
			a.host, a.port = host, port
		}
		all = append(all, a)
	}
	return all
}

// redpandaProtocol is Kafka's word for a way to authenticate.
func redpandaProtocol(how string) string {
	switch strings.ToLower(strings.TrimSpace(how)) {
	case "", "none":
		return plaintext
	case "mtls_identity":
		return "SSL"
	}
	return "SASL_PLAINTEXT"
}

// listen sets the listeners and what protects each.
func (t *redpandaTranslation) listen(all []redpandaAddress, origin Origin) {
	if len(all) == 0 {
		return
	}
	var protocols []string
	for i, a := range all {
		protocols = append(protocols, a.listenerName(i)+":"+a.protocol)
	}
	t.set("listeners", redpandaListeners(all), origin)
	t.set("listener.security.protocol.map", strings.Join(protocols, ","), origin)
}

func (t *redpandaTranslation) advertise(all []redpandaAddress, origin Origin) {
	if len(all) > 0 {
		t.set("advertised.listeners", redpandaListeners(all), origin)
	}
}

func redpandaListeners(all []redpandaAddress) string {
	var text []string
	for i, a := range all {
		text = append(text, a.listenerName(i)+"://"+bracketed(a.host)+":"+a.port)
	}
	return strings.Join(text, ",")
}

// listenerName is the address's own name or, for the i-th that has none, one by
// its place, so that listening and advertising agree.
func (a redpandaAddress) listenerName(i int) string {
	switch {
	case a.name != "":
		return strings.ToUpper(a.name)
	case i == 0:
		return plaintext
	}
	return fmt.Sprintf("%s%d", plaintext, i+1)
}
