package api

import (
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

// configResource is what a request about settings names.
type configResource struct {
	kind kmsg.ConfigResourceType
	name string
}

// stored is where the metadata keeps the settings of the resource.
func (c configResource) stored() metadata.Resource {
	return metadata.Resource{Type: metadata.ResourceType(c.kind), Name: c.name}
}

// mayConfigs tells why a client may not see or alter settings, nil if it may. Kinds that
// have none are refused elsewhere.
func (a *API) mayConfigs(r *Request, o auth.Operation, c configResource) error {
	switch c.kind {
	case kmsg.ConfigResourceTypeTopic:
		if !a.may(r, o, auth.Topic, c.name) {
			return errTopicDenied
		}
	case kmsg.ConfigResourceTypeGroupConfig:
		if !a.may(r, o, auth.Group, c.name) {
			return errGroupDenied
		}
	case kmsg.ConfigResourceTypeBroker, kmsg.ConfigResourceTypeBrokerLogger, kmsg.ConfigResourceTypeClientMetrics:
		if !a.mayCluster(r, o) {
			return errClusterDenied
		}
	}
	return nil
}

// checkTopicResource refuses a topic that cannot exist or does not.
func checkTopicResource(image *metadata.Image, name string) error {
	if err := metadata.ValidateTopicName(name); err != nil {
		return err
	}
	if image.Topic(name) == nil {
		return protocol.ErrUnknownTopicOrPartition.WithMessage("The topic '%s' does not exist.", name)
	}
	return nil
}

// parseNodeID reads a broker's id from a resource name.
func parseNodeID(name, what string) (int32, error) {
	id, err := strconv.ParseInt(name, 10, 32)
	if err != nil {
		return 0, protocol.ErrInvalidRequest.WithMessage("%s id must be an integer, but it is: %.64s", what, name)
	}
	return int32(id), nil
}

// refuseELR keeps min.insync.replicas where Kafka needs it while eligible leader
// replicas are on (KIP-966): set for the cluster, and not for a single broker.
func refuseELR(image *metadata.Image, c *configChange, next map[string]string) error {
	const name, feature = "min.insync.replicas", "eligible.leader.replicas.version"
	r := c.resource
	if r.kind != kmsg.ConfigResourceTypeBroker || image.FeatureLevel(feature) == 0 {
		return nil
	}
	_, set := next[name]
	_, had := image.Config(r.stored()).Get(name)
	named := slices.ContainsFunc(c.ops, func(op config.Op) bool { return op.Name == name })
	switch {
	case r.name == "" && had && !set:
		return protocol.ErrInvalidConfig.WithMessage("Cluster-level min.insync.replicas cannot be removed while ELR is enabled.")
	case r.name != "" && named:
		return protocol.ErrInvalidConfig.WithMessage("Broker-level min.insync.replicas cannot be altered while ELR is enabled.")
	}
	return nil
}

// scopeOf is the table that the settings of a kind of resource stand in; ok is
// false for a kind that has no settings in the metadata.
func scopeOf(kind kmsg.ConfigResourceType) (scope config.Scope, ok bool) {
	switch kind {
	case kmsg.ConfigResourceTypeTopic:
		return config.ScopeTopic, true
	case kmsg.ConfigResourceTypeBroker:
		return config.ScopeBroker, true
	case kmsg.ConfigResourceTypeClientMetrics:
		return config.ScopeClientMetrics, true
	case kmsg.ConfigResourceTypeGroupConfig:
		return config.ScopeGroup, true
	}
	return 0, false
}
