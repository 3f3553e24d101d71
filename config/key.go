package config

import (
	"sort"
	"sync"
)

// Type is the kind of a setting's value, in the numbers of DescribeConfigs.
type Type int8

const (
	TypeUnknown Type = iota
	TypeBoolean
	TypeString
	TypeInt
	TypeShort
	TypeLong
	TypeDouble
	TypeList
	TypeClass
	TypePassword
)

var typeNames = [...]string{"unknown", "boolean", "string", "int", "short", "long", "double", "list", "class", "password"}

// String is the lower-case name that Kafka's documentation uses.
func (t Type) String() string { return typeNames[t] }

// Scope tells whose setting it is. A name may belong to the broker and to
// topics at once (compression.type); its type and range are the same there.
type Scope uint8

const (
	ScopeBroker Scope = 1 << iota
	ScopeTopic
	ScopeGroup
	ScopeClientMetrics
)

// String names the resource as Kafka's tools do.
func (s Scope) String() string {
	switch s {
	case ScopeBroker:
		return "broker"
	case ScopeTopic:
		return "topic"
	case ScopeGroup:
		return "group"
	case ScopeClientMetrics:
		return "client metrics"
	case ScopeBroker | ScopeTopic:
		return "broker, topic"
	}
	return "unknown"
}

// Update tells how a broker setting may change while the broker runs. Topic,
// group and client-metrics settings always may.
type Update uint8

const (
	// ReadOnly settings need a restart.
	ReadOnly Update = iota
	// PerBroker settings may be altered for one broker only.
	PerBroker
	// ClusterWide settings may be altered for one broker or as cluster default.
	ClusterWide
)

// String is the word that Kafka's documentation uses.
func (u Update) String() string {
	return [...]string{"read-only", "per-broker", "cluster-wide"}[u]
}

// Effect tells what Barnabas makes of a setting.
type Effect uint8

const (
	// Accepted settings are checked, kept and described, and change nothing.
	Accepted Effect = iota
	// Acts marks a setting that Barnabas obeys.
	Acts
	// Refused settings ask for protection that Barnabas cannot give yet: a value
	// that does so ends the start, unless barnabas.insecure.ignore is true.
	Refused
)

// String is the word of docs/configuration.md.
func (e Effect) String() string { return [...]string{"accepted", "acts", "refused"}[e] }

// Synonym is a broker setting that stands behind another one. Its value times
// Factor is in the unit of the setting it stands for.
type Synonym struct {
	Name   string
	Factor int64
}

// The families: settings that say the same thing in several units, the
// strongest first (LogConfig and ServerTopicConfigSynonyms in Kafka).
var (
	retentionFamily  = []Synonym{{"log.retention.ms", 1}, {"log.retention.minutes", 60_000}, {"log.retention.hours", 3_600_000}}
	rollFamily       = []Synonym{{"log.roll.ms", 1}, {"log.roll.hours", 3_600_000}}
	rollJitterFamily = []Synonym{{"log.roll.jitter.ms", 1}, {"log.roll.jitter.hours", 3_600_000}}
	flushFamily      = []Synonym{{"log.flush.interval.ms", 1}, {"log.flush.scheduler.interval.ms", 1}}
)

// Key is everything that is known of one setting. The tables keys_*.go hold
// each name exactly once.
type Key struct {
	Name    string
	Type    Type
	Default string
	// Null means that there is no default. Invariant: Default is empty then.
	Null bool
	// Valid is the set of legal values in Kafka's notation, empty for any value
	// of the type; rule.go reads it.
	Valid  string
	Update Update
	Effect Effect
	// Internal settings are accepted but described only when they are set.
	Internal bool
	// Synonyms are the broker settings that decide the value when this one is
	// not set where it belongs, the strongest first. None means: the broker
	// setting of the same name.
	Synonyms []Synonym
	Doc      string

	// Scope is filled in from the table that the key stands in.
	Scope Scope
}

// Sensitive tells whether the value may never be shown.
func (k *Key) Sensitive() bool { return k.Type == TypePassword }

// brokerSynonyms is never empty for a key that has a broker setting behind it.
func (k *Key) brokerSynonyms() []Synonym {
	if len(k.Synonyms) > 0 {
		return k.Synonyms
	}
	if k.Scope&ScopeBroker != 0 {
		return []Synonym{{k.Name, 1}}
	}
	return nil
}

// index is built at the first use: a broker that starts pays for it once, and
// a program that only imports the package does not.
var index = sync.OnceValue(buildIndex)

func buildIndex() map[string]*Key {
	tables := []struct {
		scope Scope
		keys  []Key
	}{
		{ScopeBroker, barnabasKeys}, {ScopeBroker, networkKeys}, {ScopeBroker, logKeys},
		{ScopeBroker, replicationKeys}, {ScopeBroker, groupKeys}, {ScopeBroker, coordinatorKeys},
		{ScopeBroker, quorumKeys}, {ScopeBroker, securityKeys}, {ScopeBroker, remoteKeys},
		{ScopeBroker | ScopeTopic, sharedKeys}, {ScopeTopic, topicKeys},
		{ScopeGroup, groupResourceKeys}, {ScopeClientMetrics, clientMetricsKeys},
	}
	n := 0
	for _, t := range tables {
		n += len(t.keys)
	}
	byName := make(map[string]*Key, n)
	all := make([]Key, 0, n) // one block: the pointers below stay valid
	for _, t := range tables {
		for _, k := range t.keys {
			k.Scope = t.scope
			all = append(all, k)
			byName[k.Name] = &all[len(all)-1]
		}
	}
	return byName
}

// sorted is only needed to describe and to print.
var sorted = sync.OnceValue(func() []*Key {
	keys := make([]*Key, 0, len(index()))
	for _, k := range index() {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i].Name < keys[j].Name })
	return keys
})

// Keys lists every setting, sorted by name.
func Keys() []*Key { return sorted() }

// Lookup finds a setting of the scope by its name.
func Lookup(scope Scope, name string) (*Key, bool) {
	k := index()[name]
	if k == nil || k.Scope&scope == 0 {
		return nil, false
	}
	return k, true
}
