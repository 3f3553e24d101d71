package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// environment is what an environment says, see readEnvironment.
type environment struct {
	settings []Setting // the weakest first
	// clusterID is the identity for a new data directory.
	clusterID string
	// noMachine are variables for a Java machine, which there is none of.
	noMachine []string
	// logins is the JAAS file that the Java machine would be told to read.
	logins jaasSource
	notes  Problems // worth a warning
	wrong  Problems
}

// readEnvironment picks the settings out of an environment (os.Environ's form).
// The rule is that of Kafka's image: KAFKA_ goes, letters become small, _ is a dot,
// ___ a dash and __ an underscore. KAFKA_CFG_ is bitnami's, which also reads a value
// from the file that NAME_FILE names. One setting under several names: bitnami's
// scripts decide, in which the file wins over the value and the name without CFG_
// over the one with it.
func readEnvironment(environ []string, readFile func(string) ([]byte, error)) environment {
	var out environment
	type ranked struct {
		Setting
		rank int
	}
	var all []ranked
	ids := map[string]string{}
	for _, entry := range environ {
		v, ok := parseVariable(entry)
		if !ok {
			continue
		}
		origin := Origin{Kind: FromEnvironment, Name: v.variable}
		if v.file {
			if readFile == nil {
				readFile = noFiles
			}
			text, err := readFile(v.value)
			if err != nil {
				out.wrong = append(out.wrong, Problem{v.setting, origin, fmt.Sprintf("the file %q cannot be read: %v", cut(v.value), err)})
				continue
			}
			v.value = strings.TrimRight(string(text), "\r\n")
		}
		if without := strings.ReplaceAll(v.value, hostnameCommand, ""); without != v.value {
			v.value = without
			out.notes = append(out.notes, Problem{v.setting, origin, v.setting + ": HOSTNAME_COMMAND is not run; clients are told an address as without advertised.listeners"})
		}
		switch v.kind {
		case variableOfJVM:
			file, rest := "", true
			if v.variable == javaOptions {
				file, rest = javaLoginConfig(v.value)
			}
			switch {
			case file == "":
				out.noMachine = append(out.noMachine, v.variable)
			case rest:
				out.noMachine = append(out.noMachine, v.variable+" (all but its JAAS file)")
			}
			if file != "" {
				out.logins = jaasSource{file, v.variable, origin}
			}
		case variableOfIdentity:
			ids[v.setting] = strings.TrimSpace(v.value)
		case variableOfSetting:
			if strings.TrimSpace(v.value) == "" && !mayBeEmpty(v.setting) {
				continue // as compose files pass a variable on that has no value
			}
			all = append(all, ranked{Setting{v.setting, v.value, origin}, v.rank})
		}
	}
	for _, name := range slices.Backward(identityVariables) {
		if ids[name] != "" {
			out.clusterID = ids[name]
		}
	}
	slices.SortStableFunc(all, func(a, b ranked) int { return a.rank - b.rank })
	for _, one := range all {
		out.settings = append(out.settings, one.Setting)
	}
	slices.Sort(out.noMachine)
	return out
}

// plainNames are Debezium's, without KAFKA_ (docker-entrypoint.sh of its Kafka image).
var plainNames = map[string]string{
	"BROKER_ID": "broker.id", "NODE_ID": "node.id", "ADVERTISED_HOST_NAME": oldAdvertisedHost, "ADVERTISED_PORT": oldAdvertisedPort,
}

// addPlainNames takes them where nothing else is said. Any program may have a NODE_ID
// of its own: what is no number where one has to be is not meant for us.
func (e *environment) addPlainNames(environ []string) {
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		setting, known := plainNames[name]
		if value = unquote(value); !known || strings.TrimSpace(value) == "" {
			continue
		}
		if _, isNumber := parseCount(value); !isNumber && setting != oldAdvertisedHost {
			continue
		}
		said := func(one Setting) bool { return one.Name == setting || one.Name == nodeIDTwin(setting) }
		if !slices.ContainsFunc(e.settings, said) {
			e.settings = append(e.settings, Setting{setting, value, Origin{Kind: FromEnvironment, Name: name}})
		}
	}
}

// mayBeEmpty tells whether an empty value says anything: a number, a folder or a
// listener that is empty is one that nobody chose, while a word can be taken away.
func mayBeEmpty(setting string) bool {
	key, known := Lookup(ScopeBroker, setting)
	if !known || slices.Contains(listenerKeys, setting) {
		return !known
	}
	// Without a policy everything is kept.
	return key.Type == TypeString || key.Type == TypePassword || key.Type == TypeClass || setting == "log.cleanup.policy"
}

// hostnameCommand is where wurstmeister's image puts in what a program says that it
// is told to run.
const hostnameCommand = "_{HOSTNAME_COMMAND}"

func noFiles(string) ([]byte, error) { return nil, fmt.Errorf("files are not read here") }

// What a variable is for.
type variableKind uint8

const (
	variableOfSetting variableKind = iota
	variableOfJVM
	variableOfIdentity
)

// variable is one that concerns us.
type variable struct {
	variable string // its name in the environment
	setting  string // what it sets; for an identity the variable's name without _FILE
	value    string
	kind     variableKind
	file     bool // value names the file that holds the value
	rank     int  // the stronger, the higher
}

// identityVariables name the cluster of a new data directory, the strongest first:
// apache's and cp's name, then bitnami's two.
var identityVariables = []string{"CLUSTER_ID", "KAFKA_CLUSTER_ID", "KAFKA_KRAFT_CLUSTER_ID"}

// bitnamiAliases are bitnami's names that its rule does not explain.
var bitnamiAliases = map[string]string{
	"KAFKA_LOGS_DIRS": "log.dirs", "KAFKA_SEGMENT_BYTES": "log.segment.bytes", "KAFKA_MAX_MESSAGE_BYTES": "message.max.bytes",
	"KAFKA_LOG_RETENTION_CHECK_INTERVALS_MS": "log.retention.check.interval.ms",
}

// otherNames are the ways in which images for Kafka 0.x to 2.x and the launchers of
// today spell settings of that time.
var otherNames = map[string]string{
	"advertised.host": "advertised.host.name",
}

func parseVariable(entry string) (variable, bool) {
	name, value, _ := strings.Cut(entry, "=")
	v := variable{variable: name, value: unquote(value)}
	if at := slices.Index(identityVariables, strings.TrimSuffix(name, "_FILE")); at >= 0 {
		v.kind, v.setting, v.file = variableOfIdentity, identityVariables[at], strings.HasSuffix(name, "_FILE")
		return v, true
	}
	if !strings.HasPrefix(name, "KAFKA_") || isServiceVariable(name, value) || isNoSetting(name) {
		return v, false
	}
	if isForJVM(name) {
		v.kind = variableOfJVM
		return v, true
	}
	v.setting = settingOf(name)
	if stem, ok := strings.CutSuffix(name, "_FILE"); ok && !isKnown(v.setting) {
		if set := settingOf(stem); isKnown(set) {
			v.setting, v.file = set, true
		}
	}
	const rankOfFile, rankOfAlias, rankOfPlain = 1, 2, 4
	if v.file {
		v.rank += rankOfFile
	}
	switch _, alias := bitnamiAliases[strings.TrimSuffix(name, "_FILE")]; {
	case alias:
		v.rank += rankOfAlias
	case !strings.HasPrefix(name, bitnamiPrefix):
		v.rank += rankOfPlain
	}
	return v, true
}

const bitnamiPrefix = "KAFKA_CFG_"

// settingOf is the name of the setting behind a variable.
func settingOf(variable string) string {
	if name, ok := bitnamiAliases[variable]; ok {
		return name
	}
	name := propertyName(strings.TrimPrefix(variable, bitnamiPrefix))
	if other, ok := otherNames[name]; ok {
		return other
	}
	return name
}

func propertyName(variable string) string {
	s := strings.ToLower(strings.ReplaceAll(variable, "KAFKA_", ""))
	s = strings.ReplaceAll(s, "_", ".")
	s = strings.ReplaceAll(s, "...", "-")
	return strings.ReplaceAll(s, "..", "_")
}

// variableOf is the variable for a setting without a dash or an underscore in its name.
func variableOf(setting string) string {
	return "KAFKA_" + strings.ToUpper(strings.ReplaceAll(setting, ".", "_"))
}

func isKnown(setting string) bool {
	if _, ok := Lookup(ScopeBroker, setting); ok {
		return true
	}
	_, ok := listenerKey(setting)
	return ok
}

// unquote takes off the quotes that the list form of a compose file's environment
// keeps (- KAFKA_CFG_LISTENERS="...").
func unquote(value string) string {
	s := strings.TrimSpace(value)
	if n := len(s); n >= 2 && s[0] == s[n-1] && (s[0] == '"' || s[0] == '\'') {
		return s[1 : n-1]
	}
	return value
}

// isServiceVariable knows what Kubernetes puts into every container of a
// namespace that has a service called kafka or kafka-something; none of it is meant
// for us.
func isServiceVariable(name, value string) bool {
	if strings.HasSuffix(name, "_PORT") && strings.Contains(value, "://") {
		return true
	}
	return serviceVariable().MatchString(name)
}

var serviceVariable = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(.+_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT_\d+_(TCP|UDP|SCTP)(_PROTO|_PORT|_ADDR)?)$`)
})

// javaOptions are handed to the Java machine as they are.
const javaOptions = "KAFKA_OPTS"

// isForJVM tells what is for the Java machine, its logging and its management port.
func isForJVM(name string) bool {
	for _, prefix := range []string{"KAFKA_JMX_", "KAFKA_LOG4J_", "KAFKA_TOOLS_LOG4J_", "KAFKA_JVM_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return slices.Contains([]string{"KAFKA_HEAP_OPTS", javaOptions, "KAFKA_GC_LOG_OPTS", "KAFKA_EXTRA_FLAGS"}, name)
}

// notSettings are variables that images and launchers read for themselves, or
// define; none of them is a broker's setting.
var notSettings = []string{
	"KAFKA_VERSION", "KAFKA_HOME", "KAFKA_DEBUG", "KAFKA_CREATE_TOPICS", "KAFKA_CREATE_TOPICS_SEPARATOR", "KAFKA_USER", "KAFKA_GROUP",
	// Bitnami's scripts. Users and certificates are for listeners that ask for
	// protection, which the protocol map of the listeners tells.
	"KAFKA_ENABLE_KRAFT", "KAFKA_SKIP_KRAFT_STORAGE_INIT", "KAFKA_INITIAL_CONTROLLERS", "KAFKA_KRAFT_BOOTSTRAP_SCRAM_USERS",
	"KAFKA_BASE_DIR", "KAFKA_VOLUME_DIR", "KAFKA_DATA_DIR", "KAFKA_CONF_DIR", "KAFKA_CONF_FILE", "KAFKA_MOUNTED_CONF_DIR",
	"KAFKA_CERTS_DIR", "KAFKA_INITSCRIPTS_DIR", "KAFKA_PID_FILE", "KAFKA_DAEMON_USER", "KAFKA_DAEMON_GROUP",
	"KAFKA_CLIENT_USERS", "KAFKA_CLIENT_PASSWORDS", "KAFKA_CLIENT_USER", "KAFKA_CLIENT_PASSWORD", "KAFKA_CLIENT_LISTENER_NAME",
	"KAFKA_BROKER_USER", "KAFKA_BROKER_PASSWORD", "KAFKA_INTER_BROKER_USER", "KAFKA_INTER_BROKER_PASSWORD",
	"KAFKA_CONTROLLER_USER", "KAFKA_CONTROLLER_PASSWORD", "KAFKA_CERTIFICATE_PASSWORD",
}

func isNoSetting(name string) bool {
	for _, prefix := range []string{"KAFKA_REST_", "KAFKA_TLS_"} { // confluent-local's REST proxy, bitnami's certificates
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return slices.Contains(notSettings, name) || slices.Contains(notSettings, strings.TrimSuffix(name, "_FILE"))
}
