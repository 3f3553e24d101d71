package api

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

// configChange is a change of one resource's settings on its way from the request
// to the answer.
type configChange struct {
	resource configResource
	ops      []config.Op
	replace  bool // the ops are all that is set afterwards
	err      error
	denied   bool // err is that the client may not
}

// changeConfigs makes the changes that nothing speaks against, in one write, and
// notes in the others why not.
func (a *API) changeConfigs(r *Request, changes []configChange, validateOnly bool) {
	counts := countNames(changes, func(c *configChange) configResource { return c.resource })
	node := a.Cluster.Self(r.Call.Conn).NodeID
	for i := range changes {
		c := &changes[i]
		if counts[c.resource] > 1 {
			c.err = protocol.ErrInvalidRequest.WithMessage("Each resource must appear at most once.")
		} else {
			c.err = c.refusal(a, r, node)
		}
	}
	if !slices.ContainsFunc(changes, func(c configChange) bool { return c.err == nil }) {
		return
	}
	_, err := a.change(r, 0, validateOnly, func(image *metadata.Image) ([]metadata.Record, error) {
		settings := a.Config() // of this image: changes of settings follow the metadata at once
		var records []metadata.Record
		for i := range changes {
			if c := &changes[i]; c.err == nil {
				var made []metadata.Record
				made, c.err = c.records(image, settings, a.SettingsFit)
				records = append(records, made...)
			}
		}
		return records, nil
	})
	for i := range changes {
		c := &changes[i]
		if c.err == nil {
			c.err = err
		}
		if c.err == nil && !validateOnly && c.resource.kind == kmsg.ConfigResourceTypeBrokerLogger {
			a.alterLoggers(c.ops)
		}
	}
}

// refusal is what speaks against the resource by its name and by who wants it. A broker's
// name is looked at first, as Kafka's broker does before it asks its controller
// (ConfigAdminManager.preprocess).
func (c *configChange) refusal(a *API, r *Request, node int32) error {
	name := c.resource.name
	if c.resource.kind == kmsg.ConfigResourceTypeBroker && name != "" {
		if err := checkNode(name, node); err != nil {
			return err
		}
	}
	if c.replace && c.resource.kind == kmsg.ConfigResourceTypeBrokerLogger {
		return unknownKind(c.resource.kind)
	}
	if err := a.mayConfigs(r, auth.AlterConfigs, c.resource); err != nil {
		c.denied = true
		return err
	}
	switch c.resource.kind {
	case kmsg.ConfigResourceTypeTopic:
		if name == "" {
			return protocol.ErrInvalidRequest.WithMessage("Default topic resources are not allowed.")
		}
		return nil // judged with the image
	case kmsg.ConfigResourceTypeBroker:
		return nil // judged with the image
	case kmsg.ConfigResourceTypeBrokerLogger:
		if err := checkNode(name, node); err != nil {
			return err
		}
		return a.checkLoggers(c.ops)
	case kmsg.ConfigResourceTypeClientMetrics:
		if name == "" {
			return protocol.ErrInvalidRequest.WithMessage("Subscription name can't be empty")
		}
		return nil
	case kmsg.ConfigResourceTypeGroupConfig:
		if name == "" {
			return protocol.ErrInvalidRequest.WithMessage("Default group resources are not allowed.")
		}
		return nil
	}
	return unknownKind(c.resource.kind)
}

func unknownKind(kind kmsg.ConfigResourceType) error {
	return protocol.ErrInvalidRequest.WithMessage("Unknown resource type %d", kind)
}

// problem is what the answer says; of loggers that the client may not alter no more than
// the code.
func (c *configChange) problem() (int16, *string) {
	code, text := problemOf(c.err)
	if c.denied && c.resource.kind == kmsg.ConfigResourceTypeBrokerLogger {
		text = nil
	}
	return code, text
}

func checkNode(name string, node int32) error {
	id, err := parseNodeID(name, "Node")
	if err == nil && id != node {
		err = protocol.ErrInvalidRequest.WithMessage("Unexpected broker id, expected %d, but received %d", node, id)
	}
	return err
}

// records makes the records of the change, or tells what speaks against it.
func (c *configChange) records(image *metadata.Image, settings *config.Broker, fit func(*config.Broker) error) ([]metadata.Record, error) {
	scope, known := scopeOf(c.resource.kind)
	if !known {
		return nil, nil // loggers are not in the metadata
	}
	if scope == config.ScopeTopic {
		if err := checkTopicResource(image, c.resource.name); err != nil {
			return nil, err
		}
	}
	stored := c.resource.stored()
	var current map[string]string
	if !c.replace {
		current = image.Config(stored).Map()
	}
	next, err := config.Apply(scope, current, c.ops)
	if err != nil {
		return nil, err
	}
	if err := c.validate(settings, next, fit); err != nil {
		return nil, err
	}
	if err := refuseELR(image, c, next); err != nil {
		return nil, err
	}
	if c.replace {
		return metadata.ReplaceConfigs(image, stored, configEntries(next))
	}
	steps := make([]metadata.ConfigChange, len(c.ops))
	for i, op := range c.ops {
		steps[i].Name = op.Name
		if value, set := next[op.Name]; set {
			steps[i].Value = &value
		}
	}
	return metadata.AlterConfigs(image, stored, steps)
}

func (c *configChange) validate(settings *config.Broker, next map[string]string, fit func(*config.Broker) error) error {
	switch c.resource.kind {
	case kmsg.ConfigResourceTypeTopic:
		return settings.ValidateTopic(next)
	case kmsg.ConfigResourceTypeBroker:
		return settings.ValidateBroker(next, c.resource.name != "", fit)
	case kmsg.ConfigResourceTypeGroupConfig:
		return settings.ValidateGroup(next)
	}
	return config.ValidateClientMetrics(next)
}
