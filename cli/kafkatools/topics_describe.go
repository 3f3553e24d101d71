package kafkatools

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/cli/consumergroup"
	"github.com/barnabas-mq/barnabas/protocol"
)

// describeTopics asks for metadata with ids; a broker that knows DescribeTopicPartitions
// tells of the eligible leader replicas as well.
func (t *tool) describeTopics(got *parsed, client *kgo.Client) error {
	var chosen []kmsg.MetadataResponseTopic
	all, err := t.metadata(client)
	if err != nil {
		return unreachable(err, "listTopics")
	}
	if id := first(got.values("topic-id")); id != "" {
		want, err := parseUUID(id)
		if err != nil {
			return err
		}
		for _, topic := range all.Topics {
			if topic.Topic != nil && topic.TopicID == want {
				chosen = append(chosen, topic)
			}
		}
		if len(chosen) == 0 && !got.has("if-exists") {
			return says("TopicId '%s' does not exist as expected", id)
		}
	} else {
		names, err := t.existing(got, client)
		if err != nil {
			return err
		}
		for _, topic := range all.Topics {
			if topic.Topic != nil && slices.Contains(names, *topic.Topic) {
				chosen = append(chosen, topic)
			}
		}
		slices.SortFunc(chosen, func(a, b kmsg.MetadataResponseTopic) int { return strings.Compare(*a.Topic, *b.Topic) })
	}
	if len(chosen) == 0 {
		return nil
	}
	hash := func(topic kmsg.MetadataResponseTopic) int32 { return hashOf(*topic.Topic) }
	chosen = mapOrder(mapOrder(chosen, 0, hash), len(chosen), hash)
	eligible := t.eligible(client, chosen)
	for _, topic := range chosen {
		if err := t.describeTopic(got, client, topic, eligible); err != nil {
			return err
		}
	}
	return nil
}

// parseUUID reads an id as Uuid.fromString does.
func parseUUID(s string) (id [16]byte, err error) {
	if len(s) > 24 {
		return id, says("Input string with prefix `%s` is too long to be decoded as a base64 UUID", s[:24])
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil {
		return id, err
	}
	if len(raw) != len(id) {
		return id, says("Input string `%s` decoded as %d bytes, which is not equal to the expected 16 bytes of a base64-encoded UUID", s, len(raw))
	}
	return [16]byte(raw), nil
}

// replicas of a partition that may lead it next (KIP-966).
type eligibleReplicas struct{ now, before []int32 }

// eligible is nil when the broker does not tell.
func (t *tool) eligible(client *kgo.Client, topics []kmsg.MetadataResponseTopic) map[partition]eligibleReplicas {
	found := map[partition]eligibleReplicas{}
	request := kmsg.NewDescribeTopicPartitionsRequest()
	for _, topic := range topics {
		name := kmsg.NewDescribeTopicPartitionsRequestTopic()
		name.Topic = *topic.Topic
		request.Topics = append(request.Topics, name)
	}
	slices.SortFunc(request.Topics, func(a, b kmsg.DescribeTopicPartitionsRequestTopic) int { return strings.Compare(a.Topic, b.Topic) })
	var last partition
	for {
		answer, err := request.RequestWith(t.ctx, client)
		if err != nil {
			return nil // an older broker: the columns say N/A
		}
		for _, topic := range answer.Topics {
			if topic.Topic == nil {
				continue
			}
			for _, p := range topic.Partitions {
				found[partition{Topic: *topic.Topic, Number: p.Partition}] = eligibleReplicas{p.EligibleLeaderReplicas, p.LastKnownELR}
			}
		}
		if answer.NextCursor == nil {
			return found
		}
		next := partition{Topic: answer.NextCursor.Topic, Number: answer.NextCursor.Partition}
		if consumergroup.Compare(next, last) <= 0 {
			return found // a broker that sends back to where it was would never come to an end
		}
		last = next
		cursor := kmsg.NewDescribeTopicPartitionsRequestCursor()
		cursor.Topic, cursor.Partition = next.Topic, next.Number
		request.Cursor = &cursor
	}
}

func (t *tool) describeTopic(got *parsed, client *kgo.Client, topic kmsg.MetadataResponseTopic, eligible map[partition]eligibleReplicas) error {
	configs, err := t.resourceConfigs(client, kmsg.ConfigResourceTypeTopic, *topic.Topic, false)
	if err != nil {
		return err
	}
	configs = mapOrder(configs, 0, func(c kmsg.DescribeConfigsResponseResourceConfig) int32 { return hashOf(c.Name) })
	slices.SortFunc(topic.Partitions, func(a, b kmsg.MetadataResponseTopicPartition) int { return int(a.Partition - b.Partition) })
	var own []string
	minISR := 1
	for _, c := range configs {
		if c.Name == "min.insync.replicas" && c.Value != nil {
			minISR, _ = strconv.Atoi(*c.Value)
		}
		if c.Source != kmsg.ConfigSourceDefaultConfig {
			own = append(own, c.Name+"="+textOr(c.Value, "null"))
		}
	}
	whole := got.count("under-replicated-partitions", "unavailable-partitions", "under-min-isr-partitions", "at-min-isr-partitions") == 0
	if whole && (!got.has("topics-with-overrides") || len(own) > 0) {
		line := "Topic: " + *topic.Topic
		if topic.TopicID != [16]byte{} {
			line += "\tTopicId: " + protocol.UUID(topic.TopicID).String()
		}
		t.say("%s\tPartitionCount: %d\tReplicationFactor: %d\tConfigs: %s", line, len(topic.Partitions),
			replicaCount(topic), strings.Join(own, ","))
	}
	if got.has("topics-with-overrides") {
		return nil
	}
	for _, p := range topic.Partitions {
		if !whole && !reported(got, p, minISR) {
			continue
		}
		leader := "none"
		if p.ErrorCode != kerr.LeaderNotAvailable.Code && p.Leader >= 0 {
			leader = strconv.Itoa(int(p.Leader))
		}
		elr, lastKnown := "N/A", "N/A"
		if e, told := eligible[partition{Topic: *topic.Topic, Number: p.Partition}]; told {
			elr, lastKnown = joined(e.now), joined(e.before)
		}
		t.say("\tTopic: %s\tPartition: %d\tLeader: %s\tReplicas: %s\tIsr: %s\tElr: %s\tLastKnownElr: %s",
			*topic.Topic, p.Partition, leader, joined(p.Replicas), joined(p.ISR), elr, lastKnown)
	}
	return nil
}

// replicaCount is that of the first partition. A broker may tell of a topic without any.
func replicaCount(topic kmsg.MetadataResponseTopic) int {
	if len(topic.Partitions) == 0 {
		return 0
	}
	return len(topic.Partitions[0].Replicas)
}

func reported(got *parsed, p kmsg.MetadataResponseTopicPartition, minISR int) bool {
	return got.has("under-replicated-partitions") && len(p.ISR) < len(p.Replicas) ||
		got.has("unavailable-partitions") && p.Leader < 0 ||
		got.has("under-min-isr-partitions") && (p.Leader < 0 || len(p.ISR) < minISR) ||
		got.has("at-min-isr-partitions") && len(p.ISR) == minISR
}

func joined(ids []int32) string {
	var words []string
	for _, id := range ids {
		words = append(words, strconv.Itoa(int(id)))
	}
	return strings.Join(words, ",")
}

func textOr(value *string, without string) string {
	if value == nil {
		return without
	}
	return *value
}

// resourceConfigs are the settings of one thing, as the broker lists them.
func (t *tool) resourceConfigs(client *kgo.Client, kind kmsg.ConfigResourceType, name string, synonyms bool) ([]kmsg.DescribeConfigsResponseResourceConfig, error) {
	request := kmsg.NewDescribeConfigsRequest()
	request.IncludeSynonyms = synonyms
	resource := kmsg.NewDescribeConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kind, name
	request.Resources = append(request.Resources, resource)
	answer, err := request.RequestWith(t.ctx, client)
	if err != nil {
		return nil, unreachable(err, "describeConfigs")
	}
	if len(answer.Resources) == 0 {
		return nil, nil
	}
	r := answer.Resources[0]
	return r.Configs, refused(r.ErrorCode, r.ErrorMessage)
}
