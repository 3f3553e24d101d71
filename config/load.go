package config

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Input is everything that a start may be given. Nothing is read from the
// process: the caller passes the environment and the file's text.
type Input struct {
	Listen  []string // --listen HOST:PORT, repeated
	Data    string   // --data DIR
	Profile string   // --profile; empty is server
	// ProfileFrom is what named the profile, if it was not --profile.
	ProfileFrom string
	Overrides   []string // --override key=value, repeated
	Environ     []string // os.Environ's form
	File        *File    // nil without a properties file
	// Family is the container image that the start stands in for.
	Family Family
	// Given are settings that came in another form than the above (FromRedpanda).
	// Each counts as one from the place that its origin names, and the later of two
	// from one place wins.
	Given []Setting
	// ClusterID is the identity that a new data directory gets, any text; empty
	// leaves it to CLUSTER_ID and its like in the environment.
	ClusterID string
	// ReadFile reads the file that a variable with _FILE at its end names, and a JAAS file.
	// Without it such a variable, or a JAAS file that is needed, is a fault.
	ReadFile func(name string) ([]byte, error)
}

// Setting is one value with the place where it was written.
type Setting struct {
	Name, Value string
	Origin      Origin
}

// File is a properties file that has been read.
type File struct {
	Name string
	Text []byte
}

// Static holds the settings that a broker was started with. It never changes;
// Broker combines it with what was altered later.
type Static struct {
	Profile string
	// Warnings are what the user should know, to be logged once.
	Warnings Problems
	// ClusterID is what a new data directory's cluster is to be called; empty makes
	// one up.
	ClusterID string

	noMachine []string          // variables for a Java machine
	advice    map[string]string // of old settings that mean something: what
	settings  map[string]setting
	values    map[string]string // the same without origins; node.id and broker.id both present
}

type setting struct {
	value  string
	origin Origin
}

// profiles are the defaults that --profile puts between Kafka's own and the
// properties file.
var profiles = map[string]map[string]string{
	"server": {},
	"dev": {
		keyDurability: "cached",
		keyClamp:      "true",
		// A test that starts a consumer should not wait three seconds for others.
		"group.initial.rebalance.delay.ms": "0",
		// With a buffer of the system's size, which grows with the peer's appetite, a fetch
		// took 0.6 of the processor's time that it took with Kafka's 100 KiB.
		"socket.send.buffer.bytes": "-1",
		// Consumers of KIP-848 take and give up partitions with heartbeats; at Kafka's
		// five seconds a second consumer waits ten for its share.
		"group.consumer.assignment.interval.ms":    "0",
		"group.consumer.heartbeat.interval.ms":     "1000",
		"group.consumer.min.heartbeat.interval.ms": "1000",
	},
}

// Load combines all that was given, by precedence: flags, overrides,
// environment, file, profile, defaults. The error is Problems: everything that
// is wrong at once.
func Load(in Input) (*Static, error) {
	s := &Static{Profile: in.Profile, settings: make(map[string]setting), advice: make(map[string]string)}
	if s.Profile == "" {
		s.Profile = "server"
	}
	var wrong Problems
	profile, known := profiles[s.Profile]
	if !known {
		from := in.ProfileFrom
		if from == "" {
			from = "--profile"
		}
		wrong = append(wrong, Problem{"", Origin{Kind: FromFlag, Name: from}, fmt.Sprintf("%q is no profile; there are dev and server", in.Profile)})
	}
	for name, value := range profile {
		s.set(name, value, Origin{Kind: FromProfile, Name: s.Profile})
	}
	s.setDefaults(in.Family, in.File != nil)
	s.take(in.Given, FromProfile)
	wrong = append(wrong, s.readFile(in.File)...)
	s.take(in.Given, FromFile)
	environment := readEnvironment(in.Environ, in.ReadFile)
	if in.Family == Apache {
		environment.addPlainNames(in.Environ)
	}
	s.take(environment.settings, FromEnvironment)
	s.take(in.Given, FromEnvironment)
	wrong = append(wrong, environment.wrong...)
	s.Warnings = append(s.Warnings, environment.notes...)
	s.noMachine = environment.noMachine
	wrong = append(wrong, s.setClusterID(in.ClusterID, environment.clusterID)...)
	for _, text := range in.Overrides {
		name, value, ok := strings.Cut(text, "=")
		if !ok || strings.TrimSpace(name) == "" {
			wrong = append(wrong, Problem{"", Origin{Kind: FromOverride}, fmt.Sprintf("%q is not of the form key=value", text)})
			continue
		}
		s.set(strings.TrimSpace(name), value, Origin{Kind: FromOverride})
	}
	s.take(in.Given, FromOverride)
	s.take(in.Given, FromFlag)
	s.setFlags(in)
	s.completeListeners()
	s.complete()
	wrong = append(wrong, s.takeLoginFile(environment.logins, in.ReadFile)...)
	wrong = append(wrong, s.check()...)
	return s, wrong.sorted().asError()
}

// take sets those that come from one kind of place.
func (s *Static) take(given []Setting, kind OriginKind) {
	for _, one := range given {
		if one.Origin.Kind == kind {
			s.set(one.Name, one.Value, one.Origin)
		}
	}
}

// setClusterID takes the first that says something. Any text is an identity (compose
// files hold more than base64), if meta.properties can hold it.
func (s *Static) setClusterID(ids ...string) Problems {
	for _, id := range ids {
		if id = strings.TrimSpace(id); id == "" {
			continue
		}
		if strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }) {
			return Problems{{"cluster.id", Origin{Kind: FromEnvironment, Name: "CLUSTER_ID"}, fmt.Sprintf("%q holds a control character or a backslash", cut(id))}}
		}
		s.ClusterID = id
		break
	}
	return nil
}

// readFile takes the file's entries.
func (s *Static) readFile(f *File) Problems {
	if f == nil {
		return nil
	}
	entries, err := ParseProperties(f.Text)
	if err != nil {
		origin := Origin{Kind: FromFile, Name: f.Name}
		reason := err.Error()
		if syntax, ok := err.(*SyntaxError); ok {
			origin.Line, reason = syntax.Line, syntax.Reason
		}
		return Problems{{"", origin, reason}}
	}
	for _, p := range entries {
		s.set(p.Name, p.Value, Origin{Kind: FromFile, Name: f.Name, Line: p.Line})
	}
	return nil
}

func (s *Static) setFlags(in Input) {
	if in.Data != "" {
		s.set("log.dirs", in.Data, Origin{Kind: FromFlag, Name: "--data"})
	}
	if len(in.Listen) == 0 {
		return
	}
	origin := Origin{Kind: FromFlag, Name: "--listen"}
	var listeners, protocolMap []string
	mapped, _ := parseProtocols(s.settings["listener.security.protocol.map"].value) // check tells of a fault
	for i, address := range in.Listen {
		name := plaintext
		if i > 0 {
			name = fmt.Sprintf("%s%d", plaintext, i+1)
		}
		if scheme, rest, ok := strings.Cut(address, "://"); ok {
			name, address = scheme, rest
		}
		listeners = append(listeners, name+"://"+address)
		// Never open what a file says is closed, nor what is called SSL.
		protocol, scheme := plaintext, strings.ToUpper(name)
		if known, ok := mapped[scheme]; ok {
			protocol = known
		} else if slices.Contains(protocols, scheme) {
			protocol = scheme
		}
		protocolMap = append(protocolMap, name+":"+protocol)
	}
	s.set("listeners", strings.Join(listeners, ","), origin)
	// The addresses in a file belong to the listeners of that file: clients
	// would be sent to where nobody listens.
	for _, name := range []string{"advertised.listeners", "inter.broker.listener.name", "controller.listener.names"} {
		if s.settings[name].origin.Kind < FromOverride {
			delete(s.settings, name)
		}
	}
	s.set("listener.security.protocol.map", strings.Join(protocolMap, ","), origin)
}

// set puts a value in front of weaker ones.
func (s *Static) set(name, value string, origin Origin) {
	// node.id and broker.id are one setting with two names: the stronger place
	// decides, and two different values in one place are reported by check.
	if twin := nodeIDTwin(name); twin != "" && s.settings[twin].origin.Kind < origin.Kind {
		delete(s.settings, twin)
	}
	s.settings[name] = setting{value, origin}
}

func nodeIDTwin(name string) string {
	switch name {
	case "node.id":
		return "broker.id"
	case "broker.id":
		return "node.id"
	}
	return ""
}

// complete fills in what Kafka demands and Barnabas does not, and makes the
// plain values, with the node id under both its names as Kafka describes it.
func (s *Static) complete() {
	// Kafka with ZooKeeper made up an id for that.
	if strings.TrimSpace(s.settings["broker.id"].value) == "-1" {
		delete(s.settings, "broker.id")
	}
	_, node := s.settings["node.id"]
	_, broker := s.settings["broker.id"]
	if !node && !broker {
		s.set("node.id", "1", Origin{})
	}
	if _, ok := s.settings["process.roles"]; !ok {
		s.set("process.roles", "broker,controller", Origin{})
	}
	s.values = make(map[string]string, len(s.settings)+1)
	for name, one := range s.settings {
		if k, known := Lookup(ScopeBroker, name); known && k.Type == TypeList {
			// Compose files often leave a comma at the end of a list.
			one.value = strings.TrimRight(strings.TrimSpace(one.value), ", \t\r\n")
			s.settings[name] = one
		}
		s.values[name] = one.value
		if twin := nodeIDTwin(name); twin != "" {
			if _, both := s.settings[twin]; !both {
				s.values[twin] = one.value
			}
		}
	}
}

// HasNodeID tells whether somebody wrote a node id. Without one, a data directory may
// keep its own.
func (s *Static) HasNodeID() bool {
	return max(s.origin("node.id").Kind, s.origin("broker.id").Kind) > FromProfile
}

// origin is where the setting of that very name was written: FromDefault when nowhere.
func (s *Static) origin(name string) Origin { return s.settings[name].origin }

// sorted puts problems in the order in which a user meets them.
func (p Problems) sorted() Problems {
	sort.SliceStable(p, func(i, j int) bool {
		a, b := p[i], p[j]
		if a.Origin.Kind != b.Origin.Kind {
			return a.Origin.Kind > b.Origin.Kind
		}
		if a.Origin.Line != b.Origin.Line {
			return a.Origin.Line < b.Origin.Line
		}
		return a.Key < b.Key
	})
	return p
}
