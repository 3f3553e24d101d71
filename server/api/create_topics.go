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
//	v6     may answer THROTTLING_QUOTA_EXCEEDED (KIP-599), where versions before throttle
//	v7     tells the topic's id
//
// Left out: create.topic.policy.class.name.

import (
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var createTopics = byHand[*kmsg.CreateTopicsRequest](kmsg.CreateTopics, 0, 7, (*API).createTopics).needs(
	need{auth.Create, auth.Cluster}, need{auth.Create, auth.Topic}, need{auth.DescribeConfigs, auth.Topic})

// metadataTopic is the log of the metadata itself, which is no topic of clients.
const metadataTopic = "__cluster_metadata"

func (a *API) createTopics(r *Request, body []byte) (func([]byte) []byte, error) {
	version := r.Header.Version
	q, err := protocol.DecodeCreateTopics(version, body, r.decodedMax)
	if err != nil {
		return nil, err
	}
	settings := a.Config()
	wanted, repeated := newTopicsOf(q, settings)
	a.refuseNewTopics(r, wanted)
	a.create(r, settings, wanted, q)
	for _, name := range repeated {
		t := newTopic{NewTopic: metadata.NewTopic{Name: name}}
		t.result.Err = protocol.ErrInvalidRequest.WithMessage("Duplicate topic name.")
		wanted = append(wanted, t)
	}
	describer := topicDescriber{settings: settings}
	return func(dst []byte) []byte {
		dst = protocol.AppendCreateTopicsStart(dst, version, len(wanted))
		for i := range wanted {
			dst = wanted[i].appendAnswer(dst, version, &describer)
		}
		return protocol.AppendCreateTopicsEnd(dst, version)
	}, nil
}

// newTopic is a topic on its way from the request to the answer.
type newTopic struct {
	metadata.NewTopic
	nullConfigs []string // names that came without a value
	result      metadata.CreateResult
	hidden      bool // its settings are not for this client
}

// refuseNewTopics refuses what the client may not make: topics of the cluster, or those of
// the name. Whether it is told their settings is another question.
func (a *API) refuseNewTopics(r *Request, wanted []newTopic) {
	all := a.maySee(r, auth.Create, auth.Cluster, auth.ClusterName)
	for i := range wanted {
		t := &wanted[i]
		if t.Name == metadataTopic {
			continue
		}
		if !all && !a.may(r, auth.Create, auth.Topic, t.Name) {
			t.result.Err = protocol.ErrTopicAuthorizationFailed.WithMessage("Authorization failed.")
		}
		t.hidden = !a.maySee(r, auth.DescribeConfigs, auth.Topic, t.Name)
	}
}

// newTopicsOf are the topics that are asked for once, and the names of those that are
// asked for more often.
func newTopicsOf(q *protocol.CreateTopicsRequest, settings *config.Broker) (wanted []newTopic, repeated []string) {
	counts := make(map[string]int, len(q.Topics))
	for i := range q.Topics {
		counts[string(q.Topics[i].Name)]++
	}
	wanted = make([]newTopic, 0, len(counts))
	for i := range q.Topics {
		t := &q.Topics[i]
		switch n := counts[string(t.Name)]; {
		case n > 1:
			name := string(t.Name)
			repeated = append(repeated, name)
			counts[name] = -1 // told once
		case n == 1:
			wanted = append(wanted, newTopicOf(t, settings))
		}
	}
	return wanted, repeated
}

// newTopicOf fills the broker's defaults in.
func newTopicOf(q *protocol.CreatableTopic, settings *config.Broker) newTopic {
	t := newTopic{NewTopic: metadata.NewTopic{
		Name: string(q.Name), Partitions: q.Partitions, ReplicationFactor: q.ReplicationFactor,
	}}
	defaults := newTopicDefaults(t.Name, settings)
	if len(q.Configs) > 0 || len(defaults.Configs) > 0 {
		configs := metadata.Config(defaults.Configs).Map()
		for _, c := range q.Configs {
			switch name := string(c.Name); {
			case config.IsRemoved(name):
			case c.Value == nil:
				t.nullConfigs = append(t.nullConfigs, name)
			default:
				configs[name] = string(c.Value)
			}
		}
		t.Configs = configEntries(configs)
	}
	if len(q.Assignments) > 0 {
		for _, assigned := range q.Assignments {
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
func (a *API) create(r *Request, settings *config.Broker, wanted []newTopic, q *protocol.CreateTopicsRequest) {
	possible := make([]*newTopic, 0, len(wanted))
	topics := make([]metadata.NewTopic, 0, len(wanted))
	for i := range wanted {
		t := &wanted[i]
		if t.result.Err == nil {
			t.result.Err = t.refusal(settings)
		}
		if t.result.Err == nil {
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
		Admit: r.charge.forTopics(r.Header.Version >= 6),
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

func (t *newTopic) appendAnswer(dst []byte, version int16, describer *topicDescriber) []byte {
	one := protocol.CreatableTopicResult{Name: t.Name, Partitions: protocol.None, ReplicationFactor: protocol.None}
	// Settings are an empty array, never null, where there are none: the Java client
	// does not expect null.
	if one.ErrorCode, one.ErrorMessage = problemOf(t.result.Err); one.ErrorCode == 0 {
		one.ID, one.Partitions, one.ReplicationFactor = t.result.ID, t.result.Partitions, t.result.ReplicationFactor
		if t.hidden {
			one.Partitions, one.ReplicationFactor, one.ConfigErrorCode = protocol.None, protocol.None, errTopicDenied.Code
		} else if protocol.DescribesCreatedTopics(version) {
			one.Configs, one.ConfigCount = describer.of(t.Configs)
		}
	}
	return protocol.AppendCreatedTopic(dst, version, &one)
}

// topicDescriber has the settings of new topics in the form of the answer. Topics of
// one request have the same settings nearly always: they are worked out once.
type topicDescriber struct {
	settings *config.Broker

	own   []metadata.ConfigEntry // of the topic that was described last
	bytes []byte                 // nil before
	count int
}

func (d *topicDescriber) of(own []metadata.ConfigEntry) (encoded []byte, count int) {
	if d.bytes != nil && slices.Equal(d.own, own) {
		return d.bytes, d.count
	}
	d.own, d.bytes = own, d.bytes[:0]
	entries := d.settings.DescribeTopic(metadata.Config(own).Map(), nil)
	for _, e := range entries {
		d.bytes = protocol.AppendCreatedConfig(d.bytes, &protocol.CreatedConfig{
			Name: e.Name, Value: e.Value, Source: int8(e.Source), ReadOnly: e.ReadOnly, Sensitive: e.Sensitive,
		})
	}
	d.count = len(entries)
	return d.bytes, d.count
}

// configEntries is the opposite of metadata.Config.Map.
func configEntries(m map[string]string) []metadata.ConfigEntry {
	entries := make([]metadata.ConfigEntry, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		entries = append(entries, metadata.ConfigEntry{Name: name, Value: m[name]})
	}
	return entries
}
