package config

import (
	"slices"
	"strings"
)

// removedTopicKeys were topic settings until Kafka 4. Old tools still send
// them, and Kafka 4 refuses those requests; Barnabas takes them and forgets them.
var removedTopicKeys = []string{
	"message.downconversion.enable", "message.format.version", "message.timestamp.difference.max.ms",
}

// IsRemoved tells whether a topic setting is taken and forgotten.
func IsRemoved(name string) bool { return slices.Contains(removedTopicKeys, name) }

// legacy are the names, or beginnings of names, of broker settings that are in
// old files, with what to tell the user about them.
var legacy = []struct{ prefix, advice string }{
	{"inter.broker.protocol.version", "the setting is gone since Kafka 4.0 and has no effect"},
	{"log.message.format.version", "the setting is gone since Kafka 4.0 and has no effect"},
	{"log.message.timestamp.difference.max.ms", "the setting is gone since Kafka 4.0; use the before and after forms"},
	{"log.message.downconversion.enable", "the setting is gone since Kafka 4.0 and has no effect"},
	{"control.plane.listener.name", "the setting is gone since Kafka 4.0 and has no effect"},
	{"broker.id.generation.enable", "the setting is gone since Kafka 4.0 and has no effect"},
	{"reserved.broker.max.id", "the setting is gone since Kafka 4.0 and has no effect"},
	{"password.encoder.", "the setting is gone since Kafka 4.0 and has no effect"},
	{"super.users", "without an authorizer the setting has no effect"},
	{"allow.everyone.if.no.acl.found", "without an authorizer the setting has no effect"},
}

// noMachineWarning is one word for all that is meant for a Java machine or for
// ZooKeeper: old files and compose files are full of it, and it never hurts.
func (s *Static) noMachineWarning() Problems {
	names := slices.Clone(s.noMachine)
	first := Problem{Origin: Origin{Kind: FromEnvironment}}
	for name, one := range s.settings {
		if !strings.HasPrefix(name, "zookeeper.") {
			continue
		}
		if o := one.origin; first.Key == "" || o.Kind > first.Origin.Kind || o.Kind == first.Origin.Kind && (o.Line < first.Origin.Line || o.Line == first.Origin.Line && name < first.Key) {
			first.Key, first.Origin = name, o
		}
		if one.origin.Kind == FromEnvironment {
			name = one.origin.Name
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	if len(s.noMachine) > 0 {
		first.Key, first.Origin = s.noMachine[0], Origin{Kind: FromEnvironment, Name: s.noMachine[0]}
	}
	first.Text = strings.Join(names, ", ") + ": there is no Java machine and no ZooKeeper here; without effect"
	return Problems{first}
}

// unknownAdvice is the warning for a property that is in no table, empty for
// one that is rightly there: what belongs to a listener, to a plug-in or to a
// vendor's additions is kept without a word, as Kafka does.
func unknownAdvice(name string) string {
	for _, prefix := range []string{"listener.name.", "config.providers.", "confluent.", "rsm.config.", "rlmm.config.", "zookeeper."} {
		if strings.HasPrefix(name, prefix) {
			return ""
		}
	}
	for _, l := range legacy {
		if name == l.prefix || strings.HasSuffix(l.prefix, ".") && strings.HasPrefix(name, l.prefix) {
			return l.advice
		}
	}
	return "no setting has this name; it is kept and has no effect"
}
