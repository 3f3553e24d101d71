package api

// DescribeConfigs (key 32), versions 0 to 4.
//
// Describes the settings of topics (2), of the broker (4), of its loggers (8), of
// client-metrics subscriptions (16) and of groups (32). Null or an empty list of
// names asks for all; names that nobody knows are left out. A broker without a
// name means what was altered for the whole cluster. Groups and subscriptions that
// nobody has configured have defaults. There is one logger, root.
//
//	v0     whether a value is the default, which Kafka 3 always denies
//	v1     synonyms, on request, and sources
//	v2     as v1
//	v3     types; documentation on request
//	v4     flexible
//
// A resource that is asked for twice with all its settings is answered once; Kafka
// repeats it, which makes megabytes of a few bytes.
//
// As in Kafka an answer without error has an empty message, not null.

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var describeConfigs = now(kmsg.DescribeConfigs, 0, 4, (*API).describeConfigs).needs(
	need{auth.DescribeConfigs, auth.Cluster}, need{auth.DescribeConfigs, auth.Topic}, need{auth.DescribeConfigs, auth.Group})

func (a *API) describeConfigs(r *Request, q *kmsg.DescribeConfigsRequest) *kmsg.DescribeConfigsResponse {
	p := q.ResponseKind().(*kmsg.DescribeConfigsResponse)
	for _, asked := range q.Resources {
		if _, known := scopeOf(asked.ResourceType); !known && asked.ResourceType != kmsg.ConfigResourceTypeBrokerLogger {
			refusal := protocol.ErrInvalidRequest.WithMessage("Unexpected resource type %d for resource %s", asked.ResourceType, cut(asked.ResourceName))
			return refusedAnswer(q, refusal, false).(*kmsg.DescribeConfigsResponse)
		}
	}
	d := configDescriber{
		api: a, image: a.Metadata.Image(), settings: a.Config(), node: a.Cluster.Self(r.Call.Conn).NodeID,
	}
	whole := make(map[configResource]bool) // described with all settings
	for i := range q.Resources {
		asked := &q.Resources[i]
		if r := (configResource{asked.ResourceType, asked.ResourceName}); len(asked.ConfigNames) == 0 {
			if whole[r] {
				continue
			}
			whole[r] = true
		}
		one := kmsg.NewDescribeConfigsResponseResource()
		one.ResourceType, one.ResourceName = asked.ResourceType, asked.ResourceName
		var entries []config.Entry
		err := a.mayConfigs(r, auth.DescribeConfigs, configResource{asked.ResourceType, asked.ResourceName})
		if err == nil {
			entries, err = d.describe(configResource{asked.ResourceType, asked.ResourceName}, asked.ConfigNames)
		}
		one.ErrorCode, one.ErrorMessage = problemOf(err)
		if err == nil || one.ErrorCode == protocol.ErrUnknownTopicOrPartition.Code {
			one.ErrorMessage = new(string) // Kafka says "" in both cases
		}
		for _, e := range entries {
			one.Configs = append(one.Configs, answerEntry(&e, q))
		}
		p.Resources = append(p.Resources, one)
	}
	return p
}

// configDescriber answers all resources of a request from the same state.
type configDescriber struct {
	api      *API
	image    *metadata.Image
	settings *config.Broker
	node     int32 // that the listener stands for
}

func (d *configDescriber) describe(r configResource, names []string) ([]config.Entry, error) {
	overrides := d.image.Config(r.stored()).Map()
	switch r.kind {
	case kmsg.ConfigResourceTypeTopic:
		if err := checkTopicResource(d.image, r.name); err != nil {
			return nil, err
		}
		return d.settings.DescribeTopic(overrides, names), nil
	case kmsg.ConfigResourceTypeBroker:
		return d.describeBroker(r.name, names)
	case kmsg.ConfigResourceTypeBrokerLogger:
		return d.describeLoggers(r.name, names)
	case kmsg.ConfigResourceTypeClientMetrics:
		if r.name == "" {
			return nil, protocol.ErrInvalidRequest.WithMessage("Client metrics subscription name must not be empty")
		}
		return d.settings.DescribeClientMetrics(overrides, names), nil
	case kmsg.ConfigResourceTypeGroupConfig:
		if r.name == "" {
			return nil, protocol.ErrInvalidRequest.WithMessage("Group name must not be empty")
		}
		return d.settings.DescribeGroup(overrides, names), nil
	}
	return nil, protocol.ErrInvalidRequest.WithMessage("Unknown resource type %d", r.kind)
}

func (d *configDescriber) describeBroker(name string, names []string) ([]config.Entry, error) {
	if name == "" {
		return d.settings.DescribeBrokerDefaults(names), nil
	}
	id, err := parseNodeID(name, "Broker")
	if err != nil {
		return nil, err
	}
	if id != d.node {
		return nil, protocol.ErrInvalidRequest.WithMessage("Unexpected broker id, expected %d or empty string, but received %d", d.node, id)
	}
	return d.settings.DescribeBroker(names), nil
}

func (d *configDescriber) describeLoggers(name string, names []string) ([]config.Entry, error) {
	if name == "" {
		return nil, protocol.ErrInvalidRequest.WithMessage("Broker id must not be empty")
	}
	id, err := parseNodeID(name, "Broker")
	if err != nil {
		return nil, err
	}
	if id != d.node {
		return nil, protocol.ErrInvalidRequest.WithMessage("Unexpected broker id, expected %d but received %d", d.node, id)
	}
	if len(names) > 0 && !slices.Contains(names, rootLogger) {
		return nil, nil
	}
	level := d.api.logLevel()
	return []config.Entry{{Name: rootLogger, Value: &level, Source: config.SourceDynamicBrokerLogger}}, nil
}

func answerEntry(e *config.Entry, q *kmsg.DescribeConfigsRequest) kmsg.DescribeConfigsResponseResourceConfig {
	c := kmsg.NewDescribeConfigsResponseResourceConfig()
	c.Name, c.Value, c.ReadOnly, c.IsSensitive = e.Name, e.Value, e.ReadOnly, e.Sensitive
	c.Source, c.ConfigType = kmsg.ConfigSource(e.Source), kmsg.ConfigType(e.Type)
	c.IsDefault = e.Source == config.SourceDefault // v0
	if q.IncludeSynonyms {
		for _, s := range e.Synonyms {
			synonym := kmsg.NewDescribeConfigsResponseResourceConfigConfigSynonym()
			synonym.Name, synonym.Value, synonym.Source = s.Name, s.Value, kmsg.ConfigSource(s.Source)
			c.ConfigSynonyms = append(c.ConfigSynonyms, synonym)
		}
	}
	// Kafka adds an empty documentation to loggers even unasked.
	if q.IncludeDocumentation || e.Source == config.SourceDynamicBrokerLogger {
		c.Documentation = &e.Doc
	}
	return c
}
