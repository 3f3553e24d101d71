package api

// CreateTopics (key 19), versions 0 to 7.
//
// Creates each topic by itself: one that is refused does not keep the others from
// being created, and all that are created are one write. A topic that the answer
// calls created is there for the next request of any client. Numbers of -1 take
// the broker's defaults, also before v4, as in Kafka 4.
//
// With barnabas.replication.clamp (profile dev) a replication factor above the
// number of brokers is accepted and the answer tells the real one. Topic settings
// that Kafka 4 has removed are accepted and forgotten. An internal topic can be
// created with the number of partitions that its coordinator uses, or -1, which
// Kafka does not insist on, and gets the settings that the coordinator needs.
//
//	v1     validate only; error messages
//	v2-v3  as v1
//	v4     -1 without an assignment (KIP-464)
//	v5     flexible; tells partitions, replication factor and settings (KIP-525)
//	v6     may answer THROTTLING_QUOTA_EXCEEDED (KIP-599); there are no quotas yet
//	v7     tells the topic's id
//
// Left out: create.topic.policy.class.name.

import (
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var createTopics = now(0, 7, (*API).createTopics)

// metadataTopic is the log of the metadata itself, which is no topic of clients.
const metadataTopic = "__cluster_metadata"

func (a *API) createTopics(r *Request, q *kmsg.CreateTopicsRequest) *kmsg.CreateTopicsResponse {
	p := q.ResponseKind().(*kmsg.CreateTopicsResponse)
	settings := a.Config()
	counts := countNames(q.Topics, func(t *kmsg.CreateTopicsRequestTopic) string { return t.Topic })
	var wanted []*newTopic
	var repeated []string
	for i := range q.Topics {
		switch t := &q.Topics[i]; {
		case counts[t.Topic] > 1:
			repeated = append(repeated, t.Topic)
			counts[t.Topic] = -1 // told once
		case counts[t.Topic] == 1:
			wanted = append(wanted, newTopicOf(t, settings))
		}
	}
	a.create(r, settings, wanted, q)
	for _, t := range wanted {
		p.Topics = append(p.Topics, t.answer(settings))
	}
	for _, name := range repeated {
		t := newTopic{NewTopic: metadata.NewTopic{Name: name}}
		t.result.Err = protocol.ErrInvalidRequest.WithMessage("Duplicate topic name.")
		p.Topics = append(p.Topics, t.answer(settings))
	}
	return p
}

// newTopic is a topic on its way from the request to the answer.
type newTopic struct {
	metadata.NewTopic
	nullConfigs []string // names that came without a value
	result      metadata.CreateResult
}

// newTopicOf fills the broker's defaults in.
func newTopicOf(q *kmsg.CreateTopicsRequestTopic, settings *config.Broker) *newTopic {
	t := &newTopic{NewTopic: metadata.NewTopic{
		Name: q.Topic, Partitions: q.NumPartitions, ReplicationFactor: q.ReplicationFactor,
	}}
	defaults := newTopicDefaults(q.Topic, settings)
	configs := metadata.Config(defaults.Configs).Map()
	for _, c := range q.Configs {
		switch {
		case config.IsRemoved(c.Name):
		case c.Value == nil:
			t.nullConfigs = append(t.nullConfigs, c.Name)
		default:
			configs[c.Name] = *c.Value
		}
	}
	t.Configs = configEntries(configs)
	if len(q.ReplicaAssignment) > 0 {
		for _, assigned := range q.ReplicaAssignment {
			t.Assignment = append(t.Assignment, metadata.Assignment{Partition: assigned.Partition, Replicas: assigned.Replicas})
		}
		return t
	}
	if t.Partitions == -1 {
		t.Partitions = defaults.Partitions
	}
	if t.ReplicationFactor == -1 {
		t.ReplicationFactor = defaults.ReplicationFactor
	}
	return t
}

// create makes the topics that nothing speaks against, and notes the results.
func (a *API) create(r *Request, settings *config.Broker, wanted []*newTopic, q *kmsg.CreateTopicsRequest) {
	var possible []*newTopic
	var topics []metadata.NewTopic
	for _, t := range wanted {
		if t.result.Err = t.refusal(settings); t.result.Err == nil {
			possible = append(possible, t)
			topics = append(topics, t.NewTopic)
		}
	}
	if len(possible) == 0 {
		return
	}
	options := metadata.CreateOptions{
		NewID: protocol.NewUUID, FewerReplicas: settings.ReplicationClamp,
		CheckConfigs: func(_ string, configs []metadata.ConfigEntry) error {
			return settings.ValidateTopic(metadata.Config(configs).Map())
		},
	}
	var results []metadata.CreateResult
	_, err := a.change(r, q.TimeoutMillis, q.ValidateOnly, func(image *metadata.Image) (records []metadata.Record, err error) {
		records, results, err = metadata.CreateTopics(image, topics, options)
		return records, err
	})
	for i, t := range possible {
		if err != nil {
			t.result.Err = err
		} else {
			t.result = results[i]
		}
	}
}

// refusal is what speaks against a topic before the metadata is asked.
func (t *newTopic) refusal(settings *config.Broker) error {
	if t.Name == metadataTopic {
		return protocol.ErrInvalidRequest.WithMessage("Creation of internal topic %s is prohibited.", metadataTopic)
	}
	if isInternalTopic(t.Name) {
		partitions := t.Partitions
		if len(t.Assignment) > 0 {
			partitions = int32(len(t.Assignment))
		}
		if need := newTopicDefaults(t.Name, settings).Partitions; partitions != need {
			return protocol.ErrInvalidPartitions.WithMessage("The internal topic %s needs %d partitions.", t.Name, need)
		}
	}
	if len(t.nullConfigs) > 0 {
		return protocol.ErrInvalidConfig.WithMessage("Null value not supported for topic configs: %s", strings.Join(t.nullConfigs, ","))
	}
	return nil
}

func (t *newTopic) answer(settings *config.Broker) kmsg.CreateTopicsResponseTopic {
	one := kmsg.NewCreateTopicsResponseTopic()
	one.Topic = t.Name
	// An empty array, never null: the Java client does not expect null.
	one.Configs = []kmsg.CreateTopicsResponseTopicConfig{}
	if one.ErrorCode, one.ErrorMessage = problemOf(t.result.Err); one.ErrorCode != 0 {
		return one
	}
	one.TopicID = t.result.ID
	one.NumPartitions, one.ReplicationFactor = t.result.Partitions, t.result.ReplicationFactor
	for _, e := range settings.DescribeTopic(metadata.Config(t.Configs).Map(), nil) {
		c := kmsg.NewCreateTopicsResponseTopicConfig()
		c.Name, c.Value, c.Source = e.Name, e.Value, int8(e.Source)
		c.ReadOnly, c.IsSensitive = e.ReadOnly, e.Sensitive
		one.Configs = append(one.Configs, c)
	}
	return one
}

// configEntries is the opposite of metadata.Config.Map.
func configEntries(m map[string]string) []metadata.ConfigEntry {
	entries := make([]metadata.ConfigEntry, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		entries = append(entries, metadata.ConfigEntry{Name: name, Value: m[name]})
	}
	return entries
}
