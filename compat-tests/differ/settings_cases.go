package differ

import (
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// loggerStories change the level of the one logger that both brokers have.
func loggerStories() []Story {
	tell := func(s *Session, label string) { s.Ask(label, describe(loggerResource, "1", "root")) }
	return []Story{
		{Name: "settings/logger", Key: kmsg.IncrementalAlterConfigs, Tell: func(s *Session) {
			tell(s, "at first")
			for _, level := range []string{"TRACE", "DEBUG", "INFO", "ERROR", "FATAL", "OFF", "ALL", "debug", " INFO", "LOUD", "", "WARN"} {
				s.Ask("set "+strconv.Quote(level), change(loggerResource, "1", "root", opSet, &level))
				tell(s, "after "+strconv.Quote(level))
			}
			s.Ask("set null", change(loggerResource, "1", "root", opSet, nil))
			s.Ask("delete", change(loggerResource, "1", "root", opDelete, nil))
			s.Ask("append", change(loggerResource, "1", "root", opAppend, ptr("INFO")))
			s.Ask("subtract", change(loggerResource, "1", "root", opSubtract, ptr("INFO")))
			s.Ask("unknown operation", change(loggerResource, "1", "root", 9, ptr("INFO")))
			s.Ask("unknown logger", change(loggerResource, "1", "no.such.logger", opSet, ptr("INFO")))
			s.Ask("unknown logger, delete", change(loggerResource, "1", "no.such.logger", opDelete, nil))
			s.Ask("unknown logger, append", change(loggerResource, "1", "no.such.logger", opAppend, ptr("INFO")))
			s.Ask("empty logger", change(loggerResource, "1", "", opSet, ptr("INFO")))
			s.Ask("other broker", change(loggerResource, "99", "root", opSet, ptr("INFO")))
			s.Ask("all brokers", change(loggerResource, "", "root", opSet, ptr("INFO")))
			s.Ask("no number", change(loggerResource, "one", "root", opSet, ptr("INFO")))
			check := change(loggerResource, "1", "root", opSet, ptr("DEBUG"))
			check.ValidateOnly = true
			s.Ask("only checked", check)
			tell(s, "after the check")
			mixed := change(loggerResource, "1", "root", opSet, ptr("DEBUG"))
			mixed.Resources[0].Configs = append(mixed.Resources[0].Configs, change(loggerResource, "1", "no.such.logger", opSet, ptr("INFO")).Resources[0].Configs...)
			s.Ask("one good and one bad logger", mixed)
			tell(s, "after both")
			twice := change(loggerResource, "1", "root", opSet, ptr("DEBUG"))
			twice.Resources[0].Configs = append(twice.Resources[0].Configs, change(loggerResource, "1", "root", opSet, ptr("ERROR")).Resources[0].Configs...)
			s.Ask("one logger twice", twice)
			tell(s, "after two")
			resources := change(loggerResource, "1", "root", opSet, ptr("INFO"))
			resources.Resources = append(resources.Resources, resources.Resources[0])
			s.Ask("one broker twice", resources)
			none := change(loggerResource, "1", "root", opSet, nil)
			none.Resources[0].Configs = nil
			s.Ask("no loggers", none)
			s.Ask("back", change(loggerResource, "1", "root", opSet, ptr("WARN")))
		}},
		{Name: "settings/logger, described", Key: kmsg.DescribeConfigs, Tell: func(s *Session) {
			req := describe(loggerResource, "1", "root")
			req.IncludeSynonyms, req.IncludeDocumentation = true, true
			s.Ask("whole", req)
			s.Ask("unknown logger", describe(loggerResource, "1", "no.such.logger"))
			s.Ask("all brokers", describe(loggerResource, ""))
			s.Ask("other broker", describe(loggerResource, "99"))
			s.Ask("no number", describe(loggerResource, "one"))
		}},
		{Name: "settings/logger, replaced", Key: kmsg.AlterConfigs, Tell: func(s *Session) {
			s.Ask("set", alteration{kind: loggerResource, name: "1", key: "root", value: ptr("INFO")}.whole(""))
			s.Ask("all brokers", alteration{kind: loggerResource, name: "", key: "root", value: ptr("INFO")}.whole(""))
		}},
	}
}

// togetherStories set values that are legal one by one.
func togetherStories() []Story {
	sets := []struct {
		label string
		pairs []string
	}{
		{"no retention", []string{"log.retention.ms", "0"}},
		{"endless retention", []string{"log.retention.ms", "-1"}},
		{"no roll", []string{"log.roll.ms", "0"}},
		{"negative jitter", []string{"log.roll.jitter.ms", "-1"}},
		{"local above retention", []string{"log.retention.ms", "1000", "log.local.retention.ms", "2000"}},
		{"local endless", []string{"log.retention.ms", "1000", "log.local.retention.ms", "-1"}},
		{"both endless", []string{"log.retention.ms", "-1", "log.local.retention.ms", "-1"}},
		{"local bytes above retention", []string{"log.retention.bytes", "1000", "log.local.retention.bytes", "2000"}},
		{"local bytes endless", []string{"log.retention.bytes", "1000", "log.local.retention.bytes", "-1"}},
		{"local bytes without retention", []string{"log.local.retention.bytes", "2000"}},
		{"nobody but one", []string{"max.connections.per.ip", "0", "max.connections.per.ip.overrides", "127.0.0.1:5"}},
		{"overrides without number", []string{"max.connections.per.ip.overrides", "127.0.0.1"}},
		{"overrides without host", []string{"max.connections.per.ip.overrides", ":5"}},
		{"overrides below zero", []string{"max.connections.per.ip.overrides", "127.0.0.1:-5"}},
		{"overrides of a name", []string{"max.connections.per.ip.overrides", "no.such.host.invalid:5"}},
		{"table too small for threads", []string{"log.cleaner.threads", "2", "log.cleaner.dedupe.buffer.size", "2097152"}},
		{"table just large enough", []string{"log.cleaner.threads", "2", "log.cleaner.dedupe.buffer.size", "2097154"}},
		{"lags crossed", []string{"log.cleaner.min.compaction.lag.ms", "2000", "log.cleaner.max.compaction.lag.ms", "1000"}},
		{"load factor", []string{"log.cleaner.io.buffer.load.factor", "0"}},
		{"timestamps", []string{"log.message.timestamp.before.max.ms", "0", "log.message.timestamp.after.max.ms", "0"}},
		{"no policy", []string{"log.cleanup.policy", ""}},
		{"both policies", []string{"log.cleanup.policy", "compact,delete"}},
		{"a policy twice", []string{"log.cleanup.policy", "delete,delete"}},
		{"read-only and dynamic", []string{"log.retention.ms", "1000", "log.dirs", "x"}},
		{"unknown and dynamic", []string{"log.retention.ms", "1000", "no.such.setting", "x"}},
		{"hours", []string{"log.retention.hours", "5"}},
		{"another listener", []string{"listeners", "OTHER://127.0.0.1:0"}},
		{"no listener", []string{"listeners", ""}},
		{"another protocol", []string{"listener.security.protocol.map", "PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT"}},
		{"unknown protocol", []string{"listener.security.protocol.map", "PLAINTEXT:TELEPATHY"}},
		{"unknown listener of a setting", []string{"listener.name.nobody.max.connections", "5"}},
		{"all directories cordoned", []string{"cordoned.log.dirs", "*"}},
		{"all directories and another cordoned", []string{"cordoned.log.dirs", "*,x"}},
		{"another address advertised", []string{"advertised.listeners", "PLAINTEXT://localhost:1"}},
		{"a reporter that does not exist", []string{"metric.reporters", "com.example.Reporter"}},
		{"no reporter", []string{"metric.reporters", ""}},
		{"prefix alone", []string{"listener.name.", "5"}},
		{"listener alone", []string{"listener.name.plaintext", "5"}},
	}
	return []Story{{Name: "settings/together", Key: kmsg.IncrementalAlterConfigs, Versions: only(1), Tell: func(s *Session) {
		for _, place := range []string{"1", ""} {
			for _, set := range sets {
				req := change(brokerResource, place, "", opSet, nil)
				req.ValidateOnly, req.Resources[0].Configs = true, nil
				for i := 0; i+1 < len(set.pairs); i += 2 {
					one := change(brokerResource, place, set.pairs[i], opSet, &set.pairs[i+1])
					req.Resources[0].Configs = append(req.Resources[0].Configs, one.Resources[0].Configs...)
				}
				s.Ask(strconv.Quote(place)+" "+set.label, req)
			}
		}
	}}, {Name: "settings/together, replaced", Key: kmsg.AlterConfigs, Tell: func(s *Session) {
		for _, place := range []string{"1", ""} {
			for _, set := range sets {
				req := alteration{kind: brokerResource, name: place}.whole("")
				req.ValidateOnly, req.Resources[0].Configs = true, nil
				for i := 0; i+1 < len(set.pairs); i += 2 {
					one := alteration{kind: brokerResource, name: place, key: set.pairs[i], value: &set.pairs[i+1]}.whole("")
					req.Resources[0].Configs = append(req.Resources[0].Configs, one.Resources[0].Configs...)
				}
				s.Ask(strconv.Quote(place)+" "+set.label, req)
			}
		}
	}}}
}

// listenerStories change the settings that one listener can have of its own.
func listenerStories() []Story {
	return []Story{{Name: "settings/of a listener", Key: kmsg.IncrementalAlterConfigs, Versions: only(1), Tell: func(s *Session) {
		for _, name := range []string{"max.connections", "max.connection.creation.rate", "num.network.threads"} {
			c := setting{name, kmsg.ConfigTypeInt, s.own(name)}
			for _, place := range []string{"1", ""} {
				s.alterAndBack(brokerResource, place, c, "listener.name.plaintext."+name)
			}
		}
		for _, place := range []string{"1", ""} {
			s.alterAndBack(brokerResource, place, setting{"no.such.setting", kmsg.ConfigTypeUnknown, nil}, "no.such.setting")
		}
	}}}
}
