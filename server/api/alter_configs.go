package api

// AlterConfigs (key 33), versions 0 to 2.
//
// Replaces all settings of a resource by those of the request: what it does not
// name goes back to its default. Newer clients use IncrementalAlterConfigs, with
// the same rules. Loggers cannot be altered this way.
//
//	v0-v1  as described
//	v2     flexible
//
// Kafka 4.3.1 never answers a request that names a resource twice; here both are
// INVALID_REQUEST, as with IncrementalAlterConfigs.

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/config"
)

var alterConfigs = now(kmsg.AlterConfigs, 0, 2, (*API).alterConfigs).needs(
	need{auth.AlterConfigs, auth.Cluster}, need{auth.AlterConfigs, auth.Topic}, need{auth.AlterConfigs, auth.Group})

func (a *API) alterConfigs(r *Request, q *kmsg.AlterConfigsRequest) *kmsg.AlterConfigsResponse {
	p := q.ResponseKind().(*kmsg.AlterConfigsResponse)
	changes := make([]configChange, len(q.Resources))
	for i, asked := range q.Resources {
		c := &changes[i]
		c.resource, c.replace = configResource{asked.ResourceType, asked.ResourceName}, true
		for _, e := range asked.Configs {
			c.ops = append(c.ops, config.Op{Kind: config.OpSet, Name: e.Name, Value: e.Value})
		}
	}
	a.changeConfigs(r, changes, q.ValidateOnly)
	for i := range changes {
		one := kmsg.NewAlterConfigsResponseResource()
		one.ResourceType, one.ResourceName = q.Resources[i].ResourceType, q.Resources[i].ResourceName
		one.ErrorCode, one.ErrorMessage = changes[i].problem()
		p.Resources = append(p.Resources, one)
	}
	return p
}
