package api

// IncrementalAlterConfigs (key 44), versions 0 and 1 (KIP-339).
//
// Sets and deletes single settings of topics, brokers (those that may change
// while a broker runs; without a name, of all brokers), client-metrics
// subscriptions and groups, and adds to and takes from lists. Each resource is
// judged by itself, with all its settings as they will be; the changes of all that
// are accepted are one write.
//
//	v0     as described
//	v1     flexible
//
// The one logger, root, may be given another level until the broker stops.
//
// An operation that does not exist is UNKNOWN_SERVER_ERROR, as in Kafka 4.3.1. Adding
// to the list controller.listener.names or process.roles, which has no default, is so
// there and INVALID_REQUEST here.

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/config"
)

var incrementalAlterConfigs = now(kmsg.IncrementalAlterConfigs, 0, 1, (*API).incrementalAlterConfigs).needs(
	need{auth.AlterConfigs, auth.Cluster}, need{auth.AlterConfigs, auth.Topic}, need{auth.AlterConfigs, auth.Group})

func (a *API) incrementalAlterConfigs(r *Request, q *kmsg.IncrementalAlterConfigsRequest) *kmsg.IncrementalAlterConfigsResponse {
	p := q.ResponseKind().(*kmsg.IncrementalAlterConfigsResponse)
	changes := make([]configChange, len(q.Resources))
	for i, asked := range q.Resources {
		c := &changes[i]
		c.resource = configResource{asked.ResourceType, asked.ResourceName}
		for _, e := range asked.Configs {
			c.ops = append(c.ops, config.Op{Kind: config.OpKind(e.Op), Name: e.Name, Value: e.Value})
		}
	}
	a.changeConfigs(r, changes, q.ValidateOnly)
	for i := range changes {
		one := kmsg.NewIncrementalAlterConfigsResponseResource()
		one.ResourceType, one.ResourceName = q.Resources[i].ResourceType, q.Resources[i].ResourceName
		one.ErrorCode, one.ErrorMessage = changes[i].problem()
		p.Resources = append(p.Resources, one)
	}
	return p
}
