package api

import (
	"context"
	"errors"
	"strconv"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Internal topics hold the coordinators' state. Clients may read them, but not
// write or delete them.
const (
	OffsetsTopic      = "__consumer_offsets"
	TransactionsTopic = "__transaction_state"
	ShareStateTopic   = "__share_group_state"
)

func isInternalTopic(name string) bool {
	return name == OffsetsTopic || name == TransactionsTopic || name == ShareStateTopic
}

// autoCreate creates topics that a client named, with the broker's defaults. It
// returns the image to answer from and, by name, why a topic could not be made.
func (a *API) autoCreate(names []string, leave func(partitions int) error) (*metadata.Image, map[string]error) {
	problems := make(map[string]error)
	for _, name := range names {
		if metadata.ValidateTopicName(name) != nil || name == metadataTopic {
			continue // answered by the name alone; the metadata's own log is nobody's topic
		}
		err := AutoCreateTopic(a.Metadata, a.Config(), name, leave)
		if err != nil && !errors.Is(err, protocol.ErrThrottlingQuotaExceeded) { // as if nobody had asked yet
			problems[name] = err
		}
	}
	return a.Metadata.Image(), problems
}

// AutoCreateTopic creates a topic that is used before anybody created it: with the
// broker's defaults, or with what an internal topic needs. A topic that exists
// is success: somebody else was faster.
//
// Internal topics take the brokers that there are whatever their replication
// factor says. Kafka's default of 3 would leave a single node without consumer
// groups for ever, and no further broker can join to mend it.
//
// leave is asked for the partitions that the client may not be allowed; nil for the
// broker's own topics.
func AutoCreateTopic(store *metadata.Store, settings *config.Broker, name string, leave func(partitions int) error) error {
	topic := newTopicDefaults(name, settings)
	options := metadata.CreateOptions{NewID: protocol.NewUUID, FewerReplicas: settings.ReplicationClamp || isInternalTopic(name), Admit: leave}
	var result metadata.CreateResult
	_, err := store.Propose(context.Background(), func(image *metadata.Image) ([]metadata.Record, error) {
		records, results, err := metadata.CreateTopics(image, []metadata.NewTopic{topic}, options)
		if err == nil {
			result = results[0]
		}
		return records, err
	})
	if err == nil {
		err = result.Err
	}
	if errors.Is(err, metadata.ErrTopicExists) {
		return nil
	}
	return err
}

// newTopicDefaults is a topic as it is made when nobody says more than its name.
func newTopicDefaults(name string, settings *config.Broker) metadata.NewTopic {
	topic := metadata.NewTopic{
		Name: name, Partitions: int32(settings.NumPartitions), ReplicationFactor: int16(settings.DefaultReplicationFactor),
	}
	switch name {
	case OffsetsTopic:
		topic.Partitions, topic.ReplicationFactor = int32(settings.OffsetsTopicPartitions), int16(settings.OffsetsTopicReplicationFactor)
		topic.Configs = stateTopicConfigs(settings.OffsetsTopicSegmentBytes)
	case TransactionsTopic:
		topic.Partitions, topic.ReplicationFactor = int32(settings.TransactionTopicPartitions), int16(settings.TransactionTopicReplicationFactor)
		topic.Configs = stateTopicConfigs(settings.TransactionTopicSegmentBytes)
	case ShareStateTopic:
		topic.Partitions, topic.ReplicationFactor = int32(settings.ShareStateTopicPartitions), int16(settings.ShareStateTopicReplicationFactor)
		topic.Configs = shareStateTopicConfigs(settings)
	}
	return topic
}

// stateTopicConfigs are what Kafka's coordinators give their topics.
func stateTopicConfigs(segmentBytes int) []metadata.ConfigEntry {
	return []metadata.ConfigEntry{
		{Name: "cleanup.policy", Value: "compact"},
		{Name: "compression.type", Value: "producer"},
		{Name: "segment.bytes", Value: strconv.Itoa(segmentBytes)},
	}
}

// shareStateTopicConfigs are what Kafka's share coordinator gives its topic, which is not
// compacted: the coordinator itself deletes from its start what it needs no more
// (ShareCoordinatorService.shareGroupStateTopicConfigs).
func shareStateTopicConfigs(settings *config.Broker) []metadata.ConfigEntry {
	return []metadata.ConfigEntry{
		{Name: "cleanup.policy", Value: "delete"},
		{Name: "compression.type", Value: "producer"},
		{Name: "min.insync.replicas", Value: strconv.Itoa(settings.ShareStateTopicMinISR)},
		{Name: "retention.ms", Value: "-1"},
		{Name: "segment.bytes", Value: strconv.Itoa(settings.ShareStateTopicSegmentBytes)},
	}
}
