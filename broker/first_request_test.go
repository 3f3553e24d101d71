package broker

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Clients that do not ask for versions begin with Metadata, in the one that they
// believe in. Every version is served as the first request of a connection.
func TestMetadataMayComeFirst(t *testing.T) {
	b := mustStart(t, WithTopic("orders", 2))
	for version := int16(0); version <= 13; version++ {
		for name, topics := range map[string][]kmsg.MetadataRequestTopic{"all": nil, "one": {named("orders")}} {
			if version == 0 && topics == nil {
				topics = []kmsg.MetadataRequestTopic{} // which is all, before null was allowed
			}
			q := kmsg.NewPtrMetadataRequest()
			q.SetVersion(version)
			q.Topics = topics
			p := dial(t, b).ask(q).(*kmsg.MetadataResponse)
			if len(p.Brokers) != 1 || len(p.Topics) != 1 || *p.Topics[0].Topic != "orders" || len(p.Topics[0].Partitions) != 2 || p.Topics[0].ErrorCode != 0 {
				t.Errorf("version %d, %s: %+v", version, name, p)
			}
		}
	}
}

func named(topic string) kmsg.MetadataRequestTopic {
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &topic
	return t
}

// soughtSettings are what consoles, exporters and admin tools look up in the broker's
// settings, with what Kafka 4.3 has of them: whether a client may see them change, and
// the names that they fall back to.
var soughtSettings = []struct {
	name, value string
	kind        kmsg.ConfigType
	readOnly    bool
	synonyms    []string
}{
	{"num.partitions", "1", kmsg.ConfigTypeInt, true, []string{"num.partitions"}},
	{"default.replication.factor", "1", kmsg.ConfigTypeInt, true, []string{"default.replication.factor"}},
	{"auto.create.topics.enable", "true", kmsg.ConfigTypeBoolean, true, []string{"auto.create.topics.enable"}},
	{"delete.topic.enable", "true", kmsg.ConfigTypeBoolean, true, []string{"delete.topic.enable"}},
	{"message.max.bytes", "1048588", kmsg.ConfigTypeInt, false, []string{"message.max.bytes"}},
	{"log.retention.hours", "168", kmsg.ConfigTypeInt, true, []string{"log.retention.hours"}},
	{"log.retention.minutes", "", kmsg.ConfigTypeInt, true, nil},
	{"log.retention.ms", "", kmsg.ConfigTypeLong, false, nil},
	{"log.retention.bytes", "-1", kmsg.ConfigTypeLong, false, []string{"log.retention.bytes"}},
	{"log.cleanup.policy", "delete", kmsg.ConfigTypeList, false, []string{"log.cleanup.policy"}},
	{"min.insync.replicas", "1", kmsg.ConfigTypeInt, false, []string{"min.insync.replicas"}},
	{"compression.type", "producer", kmsg.ConfigTypeString, false, []string{"compression.type"}},
	{"ssl.keystore.password", "", kmsg.ConfigTypePassword, false, nil},
}

func TestTheBrokerTellsWhatToolsLookFor(t *testing.T) {
	b := mustStart(t, WithProfile("server"), WithTopics(Topic{Name: "kept", Partitions: 1, Configs: map[string]string{"cleanup.policy": "compact"}}))
	describe := func(kind kmsg.ConfigResourceType, name string) map[string]kmsg.DescribeConfigsResponseResourceConfig {
		q := kmsg.NewPtrDescribeConfigsRequest()
		q.SetVersion(4)
		q.IncludeSynonyms, q.IncludeDocumentation = true, true
		q.Resources = []kmsg.DescribeConfigsRequestResource{{ResourceType: kind, ResourceName: name}}
		all := make(map[string]kmsg.DescribeConfigsResponseResourceConfig)
		for _, c := range dial(t, b).ask(q).(*kmsg.DescribeConfigsResponse).Resources[0].Configs {
			all[c.Name] = c
		}
		return all
	}
	settings := describe(kmsg.ConfigResourceTypeBroker, "1")
	for _, want := range soughtSettings {
		c, ok := settings[want.name]
		value, documentation := "", ""
		if c.Value != nil {
			value = *c.Value
		}
		if c.Documentation != nil {
			documentation = *c.Documentation
		}
		if !ok || value != want.value || c.ConfigType != want.kind || c.ReadOnly != want.readOnly || documentation == "" {
			t.Errorf("%s is %+v (there: %v, value %q), want %+v", want.name, c, ok, value, want)
		}
		if isPassword := want.kind == kmsg.ConfigTypePassword; c.IsSensitive != isPassword {
			t.Errorf("%s is sensitive: %v", want.name, c.IsSensitive)
		}
		var synonyms []string
		for _, s := range c.ConfigSynonyms {
			synonyms = append(synonyms, s.Name)
		}
		if len(want.synonyms) > 0 && (len(synonyms) == 0 || synonyms[len(synonyms)-1] != want.synonyms[0]) {
			t.Errorf("%s falls back to %v, want %v", want.name, synonyms, want.synonyms)
		}
	}
	for _, gone := range []string{"inter.broker.protocol.version", "metadata.version"} { // Kafka 4.3 has neither: a feature took their place
		if _, there := settings[gone]; there {
			t.Errorf("%s is a setting", gone)
		}
	}
	if c := describe(kmsg.ConfigResourceTypeTopic, "kept")["cleanup.policy"]; c.Value == nil || *c.Value != "compact" || c.Source != kmsg.ConfigSourceDynamicTopicConfig {
		t.Errorf("cleanup.policy is %+v", c)
	}
}
