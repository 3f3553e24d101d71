package config

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// OpKind is what IncrementalAlterConfigs asks for, in its numbers.
type OpKind int8

const (
	OpSet OpKind = iota
	OpDelete
	OpAppend
	OpSubtract
)

// Op is one change of one setting.
type Op struct {
	Kind  OpKind
	Name  string
	Value *string // may be nil with OpDelete only
}

// Apply gives the settings that a resource has after the changes. It does not
// judge the values; the Validate methods do. current is left alone.
func Apply(scope Scope, current map[string]string, ops []Op) (map[string]string, error) {
	next := make(map[string]string, len(current)+len(ops))
	maps.Copy(next, current)
	touched := make(map[string]bool, len(ops))
	for _, op := range ops {
		if touched[op.Name] {
			return nil, refuse(ErrInvalidRequest, op.Name, "Error due to duplicate config keys: %s is changed twice", cut(op.Name))
		}
		touched[op.Name] = true
		if scope == ScopeTopic && IsRemoved(op.Name) {
			continue
		}
		if err := applyOne(scope, next, op); err != nil {
			return nil, err
		}
	}
	return next, nil
}

func applyOne(scope Scope, configs map[string]string, op Op) error {
	if op.Kind == OpDelete {
		delete(configs, op.Name)
		return nil
	}
	if op.Value == nil {
		return refuse(ErrInvalidRequest, op.Name, "Null value not supported for : %s", cut(op.Name))
	}
	switch op.Kind {
	case OpSet:
		configs[op.Name] = *op.Value
		return nil
	case OpAppend, OpSubtract:
		key, known := Lookup(scope, op.Name)
		verb := "APPEND"
		if op.Kind == OpSubtract {
			verb = "SUBTRACT"
		}
		// Kafka's controller knows the types of broker and topic settings only.
		if !known || key.Type != TypeList || scope&(ScopeBroker|ScopeTopic) == 0 {
			return refuse(ErrInvalidConfig, op.Name, "Can't %s to key %s because its type is not LIST.", verb, cut(op.Name))
		}
		configs[op.Name] = changeList(key, configs, op)
		return nil
	}
	return refuse(ErrUnexpected, op.Name, "Unknown operation %d for %s", op.Kind, cut(op.Name))
}

// changeList starts from the default, not from what the broker's settings give
// the resource; so does Kafka.
func changeList(key *Key, configs map[string]string, op Op) string {
	have, set := configs[key.Name]
	if !set {
		have = key.Default
	}
	var list []string
	for _, v := range strings.Split(have, ",") {
		if v != "" {
			list = append(list, v)
		}
	}
	for _, v := range elements(*op.Value) {
		switch at := slices.Index(list, v); {
		case op.Kind == OpAppend && at < 0:
			list = append(list, v)
		case op.Kind == OpSubtract && at >= 0:
			list = slices.Delete(list, at, at+1)
		}
	}
	return strings.Join(list, ",")
}

// elements cuts a list as Java's String.split does: nothing at the end counts, but
// of an empty text the whole. An empty element makes most lists illegal.
func elements(s string) []string {
	list := strings.Split(s, ",")
	for len(list) > 1 && list[len(list)-1] == "" {
		list = list[:len(list)-1]
	}
	return list
}

// ValidateTopic judges all settings that a topic is to have of its own.
func (b *Broker) ValidateTopic(overrides map[string]string) error {
	for _, name := range sortedNames(overrides) {
		if IsRemoved(name) {
			continue
		}
		key, known := Lookup(ScopeTopic, name)
		if !known {
			return refuse(ErrInvalidConfig, name, "Unknown topic config name: %s", cut(name))
		}
		if err := key.Check(overrides[name]); err != nil {
			return err
		}
	}
	t := b.Topic(overrides)
	if t.CompactionLagMinMillis > t.CompactionLagMaxMillis {
		return refuse(ErrInvalidConfig, "min.compaction.lag.ms", "min.compaction.lag.ms (%d) is above max.compaction.lag.ms (%d)",
			t.CompactionLagMinMillis, t.CompactionLagMaxMillis)
	}
	if t.RemoteStorage {
		return refuse(ErrInvalidConfig, "remote.storage.enable", "Tiered storage is not enabled on this broker, so the topic cannot use it")
	}
	return nil
}

// ValidateGroup judges all settings that a group is to have of its own.
func (b *Broker) ValidateGroup(overrides map[string]string) error {
	for _, name := range sortedNames(overrides) {
		key, known := Lookup(ScopeGroup, name)
		if !known {
			return refuse(ErrInvalidConfig, name, "Unknown group config name: %s", cut(name))
		}
		if err := key.Check(overrides[name]); err != nil {
			return err
		}
	}
	o := overlay{scope: ScopeGroup, overrides: overrides, broker: b.reader}
	for _, s := range groupSpans {
		if _, set := overrides[s.name]; set {
			if err := s.outside(b.reader, o.integer(s.name)); err != nil {
				return err
			}
		}
	}
	for _, kind := range []string{"consumer", "share", "streams"} {
		heartbeat, session := kind+".heartbeat.interval.ms", kind+".session.timeout.ms"
		if o.integer(heartbeat) >= o.integer(session) {
			return refuse(ErrInvalidConfig, session, "%s must be greater than %s", session, heartbeat)
		}
	}
	return nil
}

// ValidateBroker judges what is to be altered for one broker or, with
// perBroker false, for the whole cluster: the complete set, as it will be
// stored, against the settings of the start and of the other place. fit, which may be
// nil, has the last word.
func (b *Broker) ValidateBroker(altered map[string]string, perBroker bool, fit func(*Broker) error) error {
	for _, name := range sortedNames(altered) {
		if err := checkAltered(name, altered[name], perBroker); err != nil {
			return err
		}
	}
	layers := slices.Clone(b.reader.layers)
	for i := range layers {
		if perBroker && layers[i].source == SourceDynamicBroker || !perBroker && layers[i].source == SourceDynamicDefaultBroker {
			layers[i].values = altered
		}
	}
	next := &reader{layers: layers}
	wrong, unprotected := together(next)
	unprotected = append(unprotected, askingForProtection(altered)...)
	if !next.boolean(keyInsecureIgnore) {
		wrong = append(wrong, unprotected...)
	}
	if len(wrong) > 0 {
		return refuse(ErrInvalidRequest, wrong[0].key, "%s: %s", wrong[0].key, wrong[0].text)
	}
	if err := checkStep(b.reader, next); err != nil || fit == nil {
		return err
	}
	if err := fit(newBroker(next)); err != nil {
		return refuse(ErrInvalidRequest, "", "%v", err)
	}
	return nil
}

// clientMatchers are what a client-metrics subscription may select clients by.
var clientMatchers = []string{
	"client_id", "client_instance_id", "client_software_name", "client_software_version", "client_source_address", "client_source_port",
}

// ValidateClientMetrics judges all settings of a client-metrics subscription.
func ValidateClientMetrics(configs map[string]string) error {
	for _, name := range sortedNames(configs) {
		key, known := Lookup(ScopeClientMetrics, name)
		if !known {
			return refuse(ErrInvalidRequest, name, "Unknown client metrics configuration: %s", cut(name))
		}
		value := configs[name]
		if err := key.Check(value); err != nil {
			return err
		}
		switch name {
		case "interval.ms":
			const least, most = 100, 3_600_000
			if ms, _ := strconv.Atoi(strings.TrimSpace(value)); ms < least || ms > most {
				return refuse(ErrInvalidRequest, name, "Invalid value %s for interval.ms, interval must be between %d and %d (1 hour)", value, least, most)
			}
		case "match":
			for _, pattern := range parseList(value) {
				if !isClientPattern(pattern) {
					return refuse(ErrInvalidConfig, name, "Illegal client matching pattern: %s", cut(pattern))
				}
			}
		}
	}
	return nil
}

func isClientPattern(pattern string) bool {
	attribute, expression, ok := strings.Cut(pattern, "=")
	if !ok || !slices.Contains(clientMatchers, strings.TrimSpace(attribute)) {
		return false
	}
	_, err := regexp.Compile(strings.TrimSpace(expression))
	return err == nil
}

// sortedNames makes the first of several faults always the same.
func sortedNames(m map[string]string) []string {
	return slices.Sorted(maps.Keys(m))
}
