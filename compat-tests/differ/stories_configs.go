package differ

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	topicResource  = kmsg.ConfigResourceTypeTopic
	brokerResource = kmsg.ConfigResourceTypeBroker
)

// brokerKeys are read one by one so that a missing key is named in a
// report rather than lost in a long list.
var brokerKeys = []string{
	"log.retention.hours", "log.retention.ms", "num.partitions", "auto.create.topics.enable", "message.max.bytes", "log.segment.bytes",
	"offsets.topic.num.partitions", "offsets.retention.minutes", "group.initial.rebalance.delay.ms", "default.replication.factor",
	"min.insync.replicas", "compression.type", "log.cleanup.policy", "delete.topic.enable", "unclean.leader.election.enable",
	"socket.request.max.bytes", "fetch.max.bytes", "transaction.max.timeout.ms", "num.io.threads", "node.id", "broker.rack",
	"log.message.timestamp.type", "connections.max.idle.ms", "group.max.session.timeout.ms", "group.min.session.timeout.ms",
}

func describe(kind kmsg.ConfigResourceType, name string, keys ...string) *kmsg.DescribeConfigsRequest {
	r := kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName, r.ConfigNames = kind, name, keys
	req := kmsg.NewPtrDescribeConfigsRequest()
	req.Resources = append(req.Resources, r)
	return req
}

func describeConfigsStories() []Story {
	all := func(req *kmsg.DescribeConfigsRequest) *kmsg.DescribeConfigsRequest {
		req.IncludeSynonyms, req.IncludeDocumentation = true, true
		return req
	}
	return []Story{
		{Name: "describe configs/topic", Key: kmsg.DescribeConfigs, Tell: func(s *Session) {
			name, _ := s.MakeTopic("t", 1, "retention.ms", "86400000", "cleanup.policy", "compact,delete")
			s.Ask("all keys", describe(topicResource, name))
			s.Ask("all keys with synonyms", all(describe(topicResource, name)))
			s.Ask("two keys", all(describe(topicResource, name, "retention.ms", "segment.bytes")))
			s.Ask("unknown key", describe(topicResource, name, "no.such.key", "retention.ms"))
			none := describe(topicResource, name)
			none.Resources[0].ConfigNames = []string{}
			s.Ask("empty list of keys", none)
			s.Ask("unknown topic", describe(topicResource, unknownTopic))
			s.Ask("invalid topic", describe(topicResource, "a/b"))
			s.Ask("empty topic", describe(topicResource, ""))
			both := describe(topicResource, name, "retention.ms")
			both.Resources = append(both.Resources, describe(topicResource, unknownTopic).Resources...)
			s.Ask("known and unknown topic", both)
			both.Resources = append(both.Resources, both.Resources[0])
			s.Ask("one topic twice", both)
			empty := describe(topicResource, name)
			empty.Resources = nil
			s.Ask("nothing", empty)
		}},
		{Name: "describe configs/broker", Key: kmsg.DescribeConfigs, Tell: func(s *Session) {
			for _, key := range brokerKeys {
				s.Ask(key, all(describe(brokerResource, "1", key)))
			}
			s.Ask("defaults of all brokers", describe(brokerResource, ""))
			s.Ask("other broker", describe(brokerResource, "99"))
			s.Ask("no number", describe(brokerResource, "one"))
			s.Ask("unknown key", describe(brokerResource, "1", "no.such.key"))
		}},
		{Name: "describe configs/other kinds", Key: kmsg.DescribeConfigs, Tell: func(s *Session) {
			s.Ask("unknown kind", describe(77, "x"))
			s.Ask("kind 0", describe(0, "x"))
			s.Ask("unknown group", describe(32, s.Group("never-made")))
			s.Ask("unknown group, one key", describe(32, s.Group("never-made"), "consumer.session.timeout.ms"))
			s.Ask("empty group", describe(32, ""))
			s.Ask("unknown client metrics", describe(16, "never-made"))
			s.Ask("empty client metrics", describe(16, ""))
		}},
	}
}

// alteration is one change of one resource, for both alter APIs.
type alteration struct {
	label string
	kind  kmsg.ConfigResourceType
	name  string // empty: the topic of the story
	op    kmsg.IncrementalAlterConfigOp
	key   string
	value *string
}

const (
	opSet      = kmsg.IncrementalAlterConfigOpSet
	opDelete   = kmsg.IncrementalAlterConfigOpDelete
	opAppend   = kmsg.IncrementalAlterConfigOpAppend
	opSubtract = kmsg.IncrementalAlterConfigOpSubtract
)

var alterations = []alteration{
	{"set", topicResource, "", opSet, "retention.ms", ptr("1000000")},
	{"set a list", topicResource, "", opSet, "cleanup.policy", ptr("compact")},
	{"unknown key", topicResource, "", opSet, "no.such.key", ptr("1")},
	{"no number", topicResource, "", opSet, "retention.ms", ptr("soon")},
	{"out of range", topicResource, "", opSet, "segment.bytes", ptr("1")},
	{"unknown choice", topicResource, "", opSet, "compression.type", ptr("brotli")},
	{"set to null", topicResource, "", opSet, "retention.ms", nil},
	{"empty key", topicResource, "", opSet, "", ptr("1")},
	{"unknown topic", topicResource, unknownTopic, opSet, "retention.ms", ptr("1000")},
	{"invalid topic", topicResource, "a/b", opSet, "retention.ms", ptr("1000")},
	{"unknown kind", 77, "x", opSet, "retention.ms", ptr("1000")},
	{"broker, read-only key", brokerResource, "1", opSet, "log.dirs", ptr("/elsewhere")},
	{"broker, unknown broker", brokerResource, "99", opSet, "log.cleaner.threads", ptr("2")},
	{"broker, no number", brokerResource, "one", opSet, "log.cleaner.threads", ptr("2")},
	{"broker, bad value", brokerResource, "1", opSet, "log.retention.ms", ptr("soon")},
}

// incrementalOnly are those that the older API cannot say.
var incrementalOnly = []alteration{
	{"append", topicResource, "", opAppend, "cleanup.policy", ptr("delete")},
	{"append again", topicResource, "", opAppend, "cleanup.policy", ptr("delete")},
	{"append what no list may hold", topicResource, "", opAppend, "cleanup.policy", ptr("burn")},
	{"append to a number", topicResource, "", opAppend, "retention.ms", ptr("1")},
	{"subtract", topicResource, "", opSubtract, "cleanup.policy", ptr("compact")},
	{"subtract what is not there", topicResource, "", opSubtract, "cleanup.policy", ptr("compact")},
	{"subtract from a number", topicResource, "", opSubtract, "retention.ms", ptr("1")},
	{"append null", topicResource, "", opAppend, "cleanup.policy", nil},
	{"delete", topicResource, "", opDelete, "retention.ms", nil},
	{"delete what is not set", topicResource, "", opDelete, "retention.ms", nil},
	{"delete with a value", topicResource, "", opDelete, "segment.bytes", ptr("5")},
	{"delete unknown key", topicResource, "", opDelete, "no.such.key", nil},
	{"unknown operation", topicResource, "", 9, "retention.ms", ptr("1")},
	{"broker, dynamic key", brokerResource, "1", opSet, "log.cleaner.threads", ptr("2")},
	{"broker, back", brokerResource, "1", opDelete, "log.cleaner.threads", nil},
	{"all brokers, dynamic key", brokerResource, "", opSet, "message.max.bytes", ptr("1048600")},
	{"all brokers, back", brokerResource, "", opDelete, "message.max.bytes", nil},
	{"group", 32, "g", opSet, "consumer.session.timeout.ms", ptr("46000")},
	{"group, unknown key", 32, "g", opSet, "no.such.key", ptr("1")},
	{"group, out of range", 32, "g", opSet, "consumer.session.timeout.ms", ptr("1")},
	{"group, back", 32, "g", opDelete, "consumer.session.timeout.ms", nil},
	{"empty group", 32, "", opSet, "consumer.session.timeout.ms", ptr("46000")},
}

func (a alteration) incremental(topic string) *kmsg.IncrementalAlterConfigsRequest {
	c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	c.Name, c.Op, c.Value = a.key, a.op, a.value
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = a.kind, a.resource(topic)
	r.Configs = append(r.Configs, c)
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	req.Resources = append(req.Resources, r)
	return req
}

func (a alteration) whole(topic string) *kmsg.AlterConfigsRequest {
	c := kmsg.NewAlterConfigsRequestResourceConfig()
	c.Name, c.Value = a.key, a.value
	r := kmsg.NewAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = a.kind, a.resource(topic)
	r.Configs = append(r.Configs, c)
	req := kmsg.NewPtrAlterConfigsRequest()
	req.Resources = append(req.Resources, r)
	return req
}

func (a alteration) resource(topic string) string {
	if a.kind == topicResource && a.name == "" {
		return topic
	}
	return a.name
}

// awaitConfig waits until a topic shows a value: Kafka applies a change after
// it has answered.
func (s *Session) awaitConfig(topic, key, value string) {
	s.Until(describe(topicResource, topic, key), func(r kmsg.Response) bool {
		resources := r.(*kmsg.DescribeConfigsResponse).Resources
		if len(resources) != 1 || len(resources[0].Configs) != 1 || resources[0].Configs[0].Value == nil {
			return false
		}
		return *resources[0].Configs[0].Value == value
	})
}

func alterConfigsStories() []Story {
	changed := []string{"retention.ms", "cleanup.policy", "segment.bytes", "compression.type"}
	return []Story{
		{Name: "incremental alter configs/one by one", Key: kmsg.IncrementalAlterConfigs, Tell: func(s *Session) {
			topic, _ := s.MakeTopic("t", 1)
			for _, a := range append(append([]alteration{}, alterations...), incrementalOnly...) {
				s.Ask(a.label, a.incremental(topic))
			}
			alteration{kind: topicResource, op: opSet, key: "flush.ms", value: ptr("777")}.settle(s, topic)
			s.Ask("what is set now", describe(topicResource, topic, changed...))
		}},
		{Name: "incremental alter configs/several at once", Key: kmsg.IncrementalAlterConfigs, Tell: func(s *Session) {
			topic, _ := s.MakeTopic("t", 1)
			set := func(key, value string) *kmsg.IncrementalAlterConfigsRequest {
				return alteration{kind: topicResource, op: opSet, key: key, value: &value}.incremental(topic)
			}
			check := set("retention.ms", "5000")
			check.ValidateOnly = true
			s.Ask("only checked", check)
			keyTwice := set("retention.ms", "5000")
			keyTwice.Resources[0].Configs = append(keyTwice.Resources[0].Configs, keyTwice.Resources[0].Configs[0])
			s.Ask("one key twice", keyTwice)
			topicTwice := set("retention.ms", "5000")
			topicTwice.Resources = append(topicTwice.Resources, set("segment.bytes", "2097152").Resources...)
			s.Ask("one topic twice", topicTwice)
			oneBad := set("retention.ms", "5000")
			oneBad.Resources[0].Configs = append(oneBad.Resources[0].Configs, set("no.such.key", "1").Resources[0].Configs...)
			s.Ask("one good and one bad key", oneBad)
			mixed := set("segment.bytes", "2097152")
			mixed.Resources = append(mixed.Resources, alteration{kind: topicResource, name: unknownTopic, op: opSet, key: "retention.ms", value: ptr("1")}.incremental(topic).Resources...)
			s.Ask("one good and one bad topic", mixed)
			none := set("retention.ms", "1")
			none.Resources[0].Configs = nil
			s.Ask("no keys", none)
			none.Resources = nil
			s.Ask("nothing", none)
			s.awaitConfig(topic, "segment.bytes", "2097152")
			s.Ask("what is set now", describe(topicResource, topic, changed...))
		}},
		{Name: "alter configs/replaces", Key: kmsg.AlterConfigs, Tell: func(s *Session) {
			topic, _ := s.MakeTopic("t", 1, "flush.ms", "777")
			for _, a := range alterations {
				s.Ask(a.label, a.whole(topic))
			}
			check := alteration{kind: topicResource, key: "segment.ms", value: ptr("60000")}.whole(topic)
			check.ValidateOnly = true
			s.Ask("only checked", check)
			s.Ask("the last one stands", alteration{kind: topicResource, key: "segment.bytes", value: ptr("2097152")}.whole(topic))
			s.awaitConfig(topic, "segment.bytes", "2097152")
			s.Ask("what is set now", describe(topicResource, topic, append(changed, "flush.ms", "segment.ms")...))
			clear := alteration{kind: topicResource}.whole(topic)
			clear.Resources[0].Configs = nil
			s.Ask("no keys clears", clear)
			s.awaitConfig(topic, "segment.bytes", "1073741824")
			s.Ask("nothing is set now", describe(topicResource, topic, changed...))
		}},
	}
}

// settle makes one more change and waits for it, so that all before it show.
func (a alteration) settle(s *Session, topic string) {
	s.Quiet(a.incremental(topic))
	s.awaitConfig(topic, a.key, *a.value)
}

func configResourceStories() []Story {
	return []Story{{Name: "list config resources/kinds", Key: kmsg.ListConfigResources, Tell: func(s *Session) {
		s.MakeTopic("t", 1)
		list := func(kinds ...int8) *kmsg.ListConfigResourcesRequest {
			req := kmsg.NewPtrListConfigResourcesRequest()
			req.ResourceTypes = kinds
			return req
		}
		s.Ask("all", list())
		if s.Version >= 1 {
			s.Ask("topics", list(2))
			s.Ask("brokers", list(4))
			s.Ask("loggers", list(8))
			s.Ask("client metrics and groups", list(16, 32))
			s.Ask("unknown kind", list(77))
			s.Ask("known and unknown kind", list(2, 77))
		}
	}}}
}
