package differ

import (
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// probes are values to try on every setting of topics, groups and subscriptions:
// the edges of ranges, the spellings of numbers, the choices and lists that some
// take.
var probes = map[kmsg.ConfigType][]string{
	kmsg.ConfigTypeBoolean: {"", "true", "FALSE", " true ", "yes", "1", "truee"},
	kmsg.ConfigTypeInt: {
		"", "soon", "-5", "-2", "-1", "0", "1", "2", "4", "5", "7", "9", "10", "11", "14", "17", "18", "22", "23", "100", "1048575", "1048576",
		"45000", "2147483647", "2147483648", "1.5", " 7 ", "+7", "0x10", "1e3", "1_000", "7L", "-131072", "-131073",
	},
	kmsg.ConfigTypeDouble: {"", "soon", "-0.1", "0", "0.5", "1", "1.1", "NaN", "Infinity", "0.5d", "5e-1", "0x1p-1", " 0.5 "},
	kmsg.ConfigTypeString: {
		"", "no such choice", "CreateTime", "createtime", "LogAppendTime", "gzip", "GZIP", "snappy", "lz4", "zstd", "producer", "uncompressed", "none",
		"earliest", "latest", "LATEST", "by_duration:PT1H", "by_duration:1h", "by_duration:-PT1H", "read_committed", "read_uncommitted", " gzip ",
	},
	kmsg.ConfigTypeList: {
		"", "compact", "delete", "compact,delete", " delete , compact ", "delete,delete", "a,,b", ",", "none", "*", "0:1", "0:1,1:1", "x:y",
		"client_id=a", "client_id=[", "nobody=a", "client_source_port=1.*,client_software_name=x", "org.apache.kafka", "org.apache.kafka,*",
	},
}

func probesOf(kind kmsg.ConfigType) []string {
	if kind == kmsg.ConfigTypeLong {
		return append([]string{"9223372036854775807", "9223372036854775808"}, probes[kmsg.ConfigTypeInt]...)
	}
	return probes[kind]
}

// topicSets are values of a topic that are legal one by one.
var topicSets = [][]string{
	{"min.compaction.lag.ms", "2000", "max.compaction.lag.ms", "1000"},
	{"min.compaction.lag.ms", "1000", "max.compaction.lag.ms", "1000"},
	{"remote.storage.enable", "true"},
	{"remote.storage.enable", "true", "cleanup.policy", "compact"},
	{"local.retention.ms", "2000", "retention.ms", "1000"},
	{"local.retention.ms", "-1", "retention.ms", "1000"},
	{"local.retention.bytes", "2000", "retention.bytes", "1000"},
	{"remote.log.copy.disable", "true"},
	{"remote.log.delete.on.disable", "true"},
	{"cleanup.policy", "compact", "retention.ms", "1000"},
	{"segment.ms", "1000", "segment.jitter.ms", "5000"},
	{"segment.bytes", "1048576", "max.message.bytes", "2097152"},
	{"internal.segment.bytes", "1000"},
	{"min.insync.replicas", "3"},
	{"no.such.key", "1"},
	{"", "1"},
}

// resourceStories try values on every setting of topics, groups and client-metrics
// subscriptions.
func resourceStories() []Story {
	return []Story{
		{Name: "settings/of topics", Key: kmsg.IncrementalAlterConfigs, Versions: only(1), Tell: func(s *Session) {
			topic, _ := s.MakeTopic("t", 1)
			for _, c := range s.settings(topicResource, topic) {
				s.probe(topicResource, topic, c)
				s.alterAndBack(topicResource, topic, c, c.name)
			}
			for _, pairs := range topicSets {
				req := change(topicResource, topic, "", opSet, nil)
				req.ValidateOnly, req.Resources[0].Configs = true, nil
				for i := 0; i+1 < len(pairs); i += 2 {
					one := change(topicResource, topic, pairs[i], opSet, &pairs[i+1])
					req.Resources[0].Configs = append(req.Resources[0].Configs, one.Resources[0].Configs...)
				}
				s.Ask(strings.Join(pairs, " "), req)
			}
		}},
		{Name: "settings/of topics, replaced", Key: kmsg.AlterConfigs, Versions: only(2), Tell: func(s *Session) {
			topic, _ := s.MakeTopic("t", 1)
			for _, c := range s.settings(topicResource, topic) {
				for _, v := range probesOf(c.kind) {
					req := alteration{kind: topicResource, key: c.name, value: &v}.whole(topic)
					req.ValidateOnly = true
					s.Ask(c.name+" "+strconv.Quote(v), req)
				}
			}
		}},
		{Name: "settings/of new topics", Key: kmsg.CreateTopics, Versions: only(7), Tell: func(s *Session) {
			topic, _ := s.MakeTopic("t", 1)
			create := func(pairs ...string) {
				req := kmsg.NewPtrCreateTopicsRequest()
				req.TimeoutMillis, req.ValidateOnly = 10_000, true
				req.Topics = append(req.Topics, topicSpec(s.Topic("new"), 1, pairs...))
				// Kafka draws an id for a topic that it only checks.
				s.Peer("").Begin(strings.Join(pairs, " "), req).Racing("TopicId").Finish()
			}
			for _, c := range s.settings(topicResource, topic) {
				for _, v := range probesOf(c.kind) {
					create(c.name, v)
				}
			}
			for _, pairs := range topicSets {
				create(pairs...)
			}
		}},
		{Name: "settings/of groups", Key: kmsg.IncrementalAlterConfigs, Versions: only(1), Tell: func(s *Session) {
			for _, c := range s.settings(groupResource, s.Group("g")) {
				s.probe(groupResource, s.Group("g"), c)
				s.alterAndBack(groupResource, s.Group("g"), c, c.name)
			}
		}},
		{Name: "settings/of client metrics", Key: kmsg.IncrementalAlterConfigs, Versions: only(1), Tell: func(s *Session) {
			for _, c := range s.settings(metricsResource, s.Group("m")) {
				s.probe(metricsResource, s.Group("m"), c)
				s.alterAndBack(metricsResource, s.Group("m"), c, c.name)
			}
		}},
	}
}

// probe tries every value on a setting, and every operation.
func (s *Session) probe(kind kmsg.ConfigResourceType, resource string, c setting) {
	try := func(label string, op kmsg.IncrementalAlterConfigOp, value *string) {
		req := change(kind, resource, c.name, op, value)
		req.ValidateOnly = true
		s.Ask(c.name+" "+label, req)
	}
	for _, v := range probesOf(c.kind) {
		try("set "+strconv.Quote(v), opSet, &v)
	}
	try("set null", opSet, nil)
	try("delete", opDelete, nil)
	for _, v := range []string{"", "compact", "0:1", "org.apache.kafka", "client_id=a"} {
		try("append "+strconv.Quote(v), opAppend, &v)
		try("subtract "+strconv.Quote(v), opSubtract, &v)
	}
}
