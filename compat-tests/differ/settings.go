package differ

import (
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	loggerResource  = kmsg.ConfigResourceTypeBrokerLogger
	metricsResource = kmsg.ConfigResourceTypeClientMetrics
	groupResource   = kmsg.ConfigResourceTypeGroupConfig
)

// setting is what a broker says of one of its settings.
type setting struct {
	name  string
	kind  kmsg.ConfigType
	value *string
}

// settings are all settings that a broker describes of a resource, by name.
func (s *Session) settings(kind kmsg.ConfigResourceType, resource string) []setting {
	resp := s.Quiet(describe(kind, resource)).(*kmsg.DescribeConfigsResponse)
	var all []setting
	for _, c := range resp.Resources[0].Configs {
		all = append(all, setting{c.Name, c.ConfigType, c.Value})
	}
	slices.SortFunc(all, func(a, b setting) int { return strings.Compare(a.name, b.name) })
	return all
}

// settingsStories compare whole descriptions, and what every single setting says
// to a change. They are not among Stories, because brokers differ in settings by
// nature (settings_test.go lists where) and because the sweep is long.
func settingsStories(settings []setting) []Story {
	stories := append(describedStories(), loggerStories()...)
	stories = append(stories, togetherStories()...)
	stories = append(stories, listenerStories()...)
	stories = append(stories, resourceStories()...)
	for _, c := range settings {
		stories = append(stories, Story{Name: "settings/broker/" + c.name, Key: kmsg.IncrementalAlterConfigs, Versions: only(1), Tell: func(s *Session) {
			for _, place := range []string{"1", ""} {
				s.alterAndBack(brokerResource, place, c, c.name)
			}
		}}, Story{Name: "settings/broker/" + c.name + ", only checked", Key: kmsg.IncrementalAlterConfigs, Versions: only(1), Harmless: true, Tell: func(s *Session) {
			for _, place := range []string{"1", ""} {
				s.tryAlterations(c, c.name, place)
			}
		}}, Story{Name: "settings/listener/" + c.name, Key: kmsg.IncrementalAlterConfigs, Versions: only(1), Harmless: true, Tell: func(s *Session) {
			for _, place := range []string{"1", ""} {
				s.tryAlterations(c, "listener.name.plaintext."+c.name, place)
			}
		}})
	}
	return stories
}

// describedStories ask for everything that there is to know of a resource.
func describedStories() []Story {
	whole := func(s *Session, label string, kind kmsg.ConfigResourceType, name string) {
		req := describe(kind, name)
		req.IncludeSynonyms, req.IncludeDocumentation = true, true
		s.Ask(label, req)
	}
	return []Story{
		{Name: "settings/described", Key: kmsg.DescribeConfigs, Tell: func(s *Session) {
			whole(s, "broker", brokerResource, "1")
			whole(s, "all brokers", brokerResource, "")
			name, _ := s.MakeTopic("t", 1)
			whole(s, "topic", topicResource, name)
			s.Ask("topic, without extras", describe(topicResource, name))
			whole(s, "group", groupResource, s.Group("g"))
			whole(s, "client metrics", metricsResource, s.Group("m"))
		}},
	}
}

// change is one operation on one setting of one resource.
func change(kind kmsg.ConfigResourceType, resource, key string, op kmsg.IncrementalAlterConfigOp, value *string) *kmsg.IncrementalAlterConfigsRequest {
	return alteration{kind: kind, name: resource, op: op, key: key, value: value}.incremental(resource)
}

// tryAlterations asks what a broker would say to changes of a setting.
func (s *Session) tryAlterations(c setting, name, place string) {
	try := func(label string, op kmsg.IncrementalAlterConfigOp, value *string) {
		req := change(brokerResource, place, name, op, value)
		req.ValidateOnly = true
		s.Ask(strconv.Quote(place)+" "+label, req)
	}
	valid := s.sample(c)
	try("valid", opSet, valid)
	try("null", opSet, nil)
	for _, wrong := range wrongValues(c.kind) {
		try("wrong "+strconv.Quote(wrong), opSet, &wrong)
	}
	try("append", opAppend, valid)
	try("subtract", opSubtract, valid)
	try("delete", opDelete, nil)
}

// alteredSource is the source of a value that was altered for a resource.
func alteredSource(kind kmsg.ConfigResourceType, resource string) kmsg.ConfigSource {
	switch kind {
	case topicResource:
		return kmsg.ConfigSourceDynamicTopicConfig
	case metricsResource:
		return 7 // KIP-714
	case groupResource:
		return 8 // KIP-1043
	}
	if resource == "" {
		return kmsg.ConfigSourceDynamicDefaultBrokerConfig
	}
	return kmsg.ConfigSourceDynamicBrokerConfig
}

// alterAndBack changes a setting and takes the change back, and asks each time
// what the broker says of it then.
func (s *Session) alterAndBack(kind kmsg.ConfigResourceType, resource string, c setting, name string) {
	place := resource
	if kind != brokerResource {
		place = "it"
	}
	tell := func(label string) {
		req := describe(kind, resource, name)
		req.IncludeSynonyms = true
		s.Ask(strconv.Quote(place)+" "+label, req)
	}
	isSet := func(want bool) func(kmsg.Response) bool {
		return func(r kmsg.Response) bool {
			configs := r.(*kmsg.DescribeConfigsResponse).Resources[0].Configs
			is := slices.ContainsFunc(configs, func(c kmsg.DescribeConfigsResponseResourceConfig) bool {
				return c.Source == alteredSource(kind, resource)
			})
			return is == want
		}
	}
	if name == "min.insync.replicas" && kind == brokerResource && resource == "" {
		return // it cannot be taken back while eligible leader replicas are on (KIP-966)
	}
	resp := s.Ask(strconv.Quote(place)+" set", change(kind, resource, name, opSet, s.sample(c))).(*kmsg.IncrementalAlterConfigsResponse)
	if resp.Resources[0].ErrorCode != 0 {
		return
	}
	s.Until(describe(kind, resource, name), isSet(true))
	tell("is set")
	s.Ask(strconv.Quote(place)+" taken back", change(kind, resource, name, opDelete, nil))
	s.Until(describe(kind, resource, name), isSet(false))
	tell("is back")
}

// samples are values that a setting takes, where its present value and type do
// not tell one.
var samples = map[string]string{
	"cleanup.policy": "compact", "message.timestamp.type": "LogAppendTime", "match": "client_id=a", "metrics": "org.apache.kafka",
	"leader.replication.throttled.replicas": "0:1", "follower.replication.throttled.replicas": "*",
	"share.auto.offset.reset": "earliest", "share.isolation.level": "read_committed", "local.retention.ms": "1000",
	"remote.storage.enable": "false", "consumer.heartbeat.interval.ms": "6000", "share.heartbeat.interval.ms": "6000",
	"log.cleanup.policy": "compact", "log.message.timestamp.type": "LogAppendTime", "compression.type": "gzip",
	"max.connections.per.ip.overrides": "127.0.0.2:5", "log.retention.ms": "86400000", "compression.gzip.level": "5",
	"log.local.retention.ms": "1000", "log.local.retention.bytes": "-2", "log.retention.bytes": "1000000",
}

// sample is a legal value of a setting, if possible another one than it has.
func (s *Session) sample(c setting) *string {
	if v, ok := samples[c.name]; ok {
		return &v
	}
	if c.name == "cordoned.log.dirs" {
		return s.own("log.dirs")
	}
	switch c.kind {
	case kmsg.ConfigTypeBoolean:
		return ptr(strconv.FormatBool(c.value != nil && *c.value == "false"))
	case kmsg.ConfigTypeInt, kmsg.ConfigTypeLong, kmsg.ConfigTypeShort:
		return ptr(neighbour(c.value))
	case kmsg.ConfigTypeDouble:
		return ptr("0.7")
	case kmsg.ConfigTypePassword:
		return ptr("secret")
	}
	if own := s.own(c.name); own != nil {
		return own
	}
	return ptr("x")
}

// neighbour is a number beside a number.
func neighbour(value *string) string {
	const large = 1 << 30
	if value == nil {
		return "1000"
	}
	n, err := strconv.ParseInt(*value, 10, 64)
	if err != nil || n < 0 {
		return *value
	}
	if n >= large {
		return strconv.FormatInt(n-1, 10)
	}
	return strconv.FormatInt(n+1, 10)
}

// own is the present value of a setting, which may differ between brokers.
func (s *Session) own(name string) *string {
	resp := s.Quiet(describe(brokerResource, "1", name)).(*kmsg.DescribeConfigsResponse)
	if configs := resp.Resources[0].Configs; len(configs) == 1 {
		return configs[0].Value
	}
	return nil
}

// wrongValues are what no setting of a type takes, and what only some take.
func wrongValues(kind kmsg.ConfigType) []string {
	switch kind {
	case kmsg.ConfigTypeBoolean:
		return []string{"", "maybe", "1"}
	case kmsg.ConfigTypeInt, kmsg.ConfigTypeLong, kmsg.ConfigTypeShort, kmsg.ConfigTypeDouble:
		return []string{"", "soon", "-5", "-1", "0", "1", "4", "1000000", "2147483648", "99999999999999999999"}
	}
	return []string{"", "no such choice", "a,,b"}
}
