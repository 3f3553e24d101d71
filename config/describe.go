package config

import (
	"slices"
	"strings"
)

// Source tells where a described value comes from, in the numbers of
// DescribeConfigs.
type Source int8

const (
	SourceUnknown Source = iota
	SourceDynamicTopic
	SourceDynamicBroker
	SourceDynamicDefaultBroker
	SourceStaticBroker
	SourceDefault
	SourceDynamicBrokerLogger
	SourceClientMetrics
	SourceGroup
)

// Entry describes one setting of a resource.
type Entry struct {
	Name  string
	Value *string // nil: none, or a secret
	// Type is TypeUnknown for a name that is in no table.
	Type      Type
	Source    Source
	ReadOnly  bool
	Sensitive bool
	// Synonyms are the places that have a value, the one that counts first. An
	// entry may have none though its value is known: Kafka lists the members of
	// a family of settings only from the described one on.
	Synonyms []SynonymEntry
	// Doc is empty for a name that is in no table.
	Doc string
}

// SynonymEntry is one place that has a value.
type SynonymEntry struct {
	Name   string
	Value  *string // nil: a secret
	Source Source
}

// DescribeTopic describes the settings of a topic with these overrides: all, or
// those of the keys. Entries are sorted by name.
func (b *Broker) DescribeTopic(overrides map[string]string, keys []string) []Entry {
	o := overlay{scope: ScopeTopic, overrides: overrides, broker: b.reader}
	return describeTable(ScopeTopic, overrides, keys, func(k *Key) Entry {
		e := k.entry(o.text(k.Name))
		if raw, set := overrides[k.Name]; set {
			// The value of an override is shown in its parsed form here too.
			e.Value = k.shown(k.Canonical(raw))
			e.Synonyms = []SynonymEntry{{k.Name, e.Value, SourceDynamicTopic}}
		}
		if behind := k.brokerSynonyms(); len(behind) > 0 {
			e.Synonyms = append(e.Synonyms, b.synonyms(behind[0].Name, behind, k.Sensitive())...)
		}
		return e.withSource()
	})
}

// DescribeGroup describes the settings of a group with these overrides.
func (b *Broker) DescribeGroup(overrides map[string]string, keys []string) []Entry {
	o := overlay{scope: ScopeGroup, overrides: overrides, broker: b.reader}
	return describeTable(ScopeGroup, overrides, keys, func(k *Key) Entry {
		e := k.entry(o.text(k.Name))
		if _, set := overrides[k.Name]; set {
			e.Synonyms = []SynonymEntry{{k.Name, e.Value, SourceGroup}}
		}
		if behind := k.brokerSynonyms(); len(behind) > 0 {
			e.Synonyms = append(e.Synonyms, b.synonyms(behind[0].Name, behind, false)...)
		} else {
			e.Synonyms = append(e.Synonyms, SynonymEntry{k.Name, &k.Default, SourceDefault})
		}
		return e.withSource()
	})
}

// DescribeClientMetrics describes a client-metrics subscription.
func (b *Broker) DescribeClientMetrics(configs map[string]string, keys []string) []Entry {
	return describeTable(ScopeClientMetrics, configs, keys, func(k *Key) Entry {
		raw, set := configs[k.Name]
		if !set {
			return k.entry(k.Default).withSource()
		}
		e := k.entry(raw)
		e.Synonyms = []SynonymEntry{{k.Name, e.Value, SourceClientMetrics}}
		return e.withSource()
	})
}

// DescribeBroker describes the settings of this broker: those of the tables
// and those that were set under other names.
func (b *Broker) DescribeBroker(keys []string) []Entry {
	set := make(map[string]string)
	for _, l := range b.reader.layers {
		for name, value := range l.values {
			if _, stronger := set[name]; !stronger {
				set[name] = value
			}
		}
	}
	entries := describeTable(ScopeBroker, set, keys, b.describeOwn)
	for _, name := range sortedNames(set) {
		if _, known := Lookup(ScopeBroker, name); !known && wanted(keys, name) {
			entries = append(entries, b.describeForeign(name, set[name]))
		}
	}
	return entries
}

// DescribeBrokerDefaults describes what was altered for the whole cluster: the
// broker resource without a name.
func (b *Broker) DescribeBrokerDefaults(keys []string) []Entry {
	var entries []Entry
	for _, l := range b.reader.layers {
		if l.source != SourceDynamicDefaultBroker {
			continue
		}
		for _, name := range sortedNames(l.values) {
			if !wanted(keys, name) {
				continue
			}
			key, update, known := alterableKey(name)
			if !known {
				key = &Key{Type: TypeUnknown}
			}
			e := key.entry(l.values[name])
			e.ReadOnly = update == ReadOnly
			if known && name != key.Name { // of a listener; Kafka calls those read-only
				e.Name, e.Doc, e.ReadOnly = name, "", true
			}
			if !known {
				e.Name = name
				e.Value, e.Sensitive = nil, true
			}
			e.Synonyms = []SynonymEntry{{name, e.Value, SourceDynamicDefaultBroker}}
			entries = append(entries, e.withSource())
		}
	}
	return entries
}

func (b *Broker) describeOwn(k *Key) Entry {
	e := Entry{Name: k.Name, Type: k.Type, Sensitive: k.Sensitive(), Doc: k.Doc}
	if raw, set := b.reader.raw(k.Name); set {
		e.Value = k.shown(k.Canonical(raw))
	} else if !k.Null {
		e.Value = k.shown(k.Default)
	}
	e.ReadOnly = k.Update == ReadOnly
	e.Synonyms = b.synonyms(k.Name, k.brokerSynonyms(), k.Sensitive())
	return e.withSource()
}

// describeForeign describes a name that is in no table: a setting of one
// listener, behind which the setting without the prefix stands, or one that
// nobody knows. The latter might be a secret, so its value is not shown.
func (b *Broker) describeForeign(name, value string) Entry {
	e := Entry{Name: name, ReadOnly: true, Sensitive: true}
	family := []Synonym{{name, 1}}
	if key, known := listenerKey(name); known {
		e.Type, e.Sensitive, e.Value = key.Type, key.Sensitive(), key.shown(key.Canonical(value))
		family = append(family, Synonym{key.Name, 1})
	}
	e.Synonyms = b.synonyms(name, family, e.Sensitive)
	return e.withSource()
}

// synonyms lists the places that have a value for the first of the names, the
// strongest place first. What a place says under a name of the family counts
// only after one that says it under the described name (ConfigHelper in Kafka).
func (b *Broker) synonyms(described string, family []Synonym, secret bool) []SynonymEntry {
	var found []SynonymEntry
	add := func(name, value string, source Source) {
		e := SynonymEntry{Name: name, Source: source}
		if !secret {
			e.Value = &value
		}
		if name == described || len(found) > 0 {
			found = append(found, e)
		}
	}
	for _, l := range b.reader.layers {
		for _, n := range family {
			if v, ok := l.values[n.Name]; ok {
				add(n.Name, v, l.source)
			}
		}
	}
	for _, n := range family {
		if k, known := Lookup(ScopeBroker, n.Name); known && !k.Null {
			add(n.Name, k.Default, SourceDefault)
		}
	}
	return found
}

// describeTable runs over the scope's table. Internal settings show only when
// they are set.
func describeTable(scope Scope, set map[string]string, keys []string, describe func(*Key) Entry) []Entry {
	var entries []Entry
	for _, k := range sorted() {
		if k.Scope&scope == 0 || !wanted(keys, k.Name) {
			continue
		}
		if _, isSet := set[k.Name]; k.Internal && !isSet {
			continue
		}
		entries = append(entries, describe(k))
	}
	return entries
}

// wanted tells whether a request asks for the name; no names ask for all.
func wanted(keys []string, name string) bool { return len(keys) == 0 || slices.Contains(keys, name) }

func (k *Key) entry(value string) Entry {
	return Entry{Name: k.Name, Value: k.shown(k.Canonical(value)), Type: k.Type, Sensitive: k.Sensitive(), Doc: k.Doc}
}

// shown hides secrets.
func (k *Key) shown(value string) *string {
	if k.Sensitive() {
		return nil
	}
	value = strings.Clone(value)
	return &value
}

// withSource fills in the source: that of the first synonym.
func (e Entry) withSource() Entry {
	e.Source = SourceDefault
	if len(e.Synonyms) > 0 {
		e.Source = e.Synonyms[0].Source
	}
	return e
}
