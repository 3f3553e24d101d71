package api

// ListConfigResources (key 74), versions 0 and 1 (KIP-714, KIP-1142).
//
// Names what can have settings: every topic, the brokers and their loggers, and
// the groups and client-metrics subscriptions that have some.
//
//	v0     client-metrics subscriptions only
//	v1     the kinds that are asked for, all for an empty list; a kind that does not
//	       exist is UNSUPPORTED_VERSION

import (
	"iter"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var listConfigResources = now(kmsg.ListConfigResources, 0, 1, (*API).listConfigResources).onCluster(auth.DescribeConfigs)

// resourceKinds are the kinds that can be listed, in the order of the answer.
var resourceKinds = []kmsg.ConfigResourceType{
	kmsg.ConfigResourceTypeGroupConfig, kmsg.ConfigResourceTypeClientMetrics, kmsg.ConfigResourceTypeBrokerLogger,
	kmsg.ConfigResourceTypeBroker, kmsg.ConfigResourceTypeTopic,
}

func (a *API) listConfigResources(r *Request, q *kmsg.ListConfigResourcesRequest) *kmsg.ListConfigResourcesResponse {
	p := q.ResponseKind().(*kmsg.ListConfigResourcesResponse)
	asked := q.ResourceTypes
	if q.Version == 0 {
		asked = []int8{int8(kmsg.ConfigResourceTypeClientMetrics)}
	}
	for _, kind := range asked {
		if !slices.Contains(resourceKinds, kmsg.ConfigResourceType(kind)) {
			p.ErrorCode = protocol.ErrUnsupportedVersion.Code
			return p
		}
	}
	image := a.Metadata.Image()
	for _, kind := range resourceKinds {
		if len(asked) > 0 && !slices.Contains(asked, int8(kind)) {
			continue
		}
		for name := range a.resourceNames(r, image, kind) {
			one := kmsg.NewListConfigResourcesResponseConfigResource()
			one.Name, one.Type = name, int8(kind)
			p.ConfigResources = append(p.ConfigResources, one)
		}
	}
	return p
}

// resourceNames yields the resources of a kind.
func (a *API) resourceNames(r *Request, image *metadata.Image, kind kmsg.ConfigResourceType) iter.Seq[string] {
	return func(yield func(string) bool) {
		switch kind {
		case kmsg.ConfigResourceTypeTopic:
			for t := range image.Topics() {
				if !yield(t.Name) {
					return
				}
			}
		case kmsg.ConfigResourceTypeBroker, kmsg.ConfigResourceTypeBrokerLogger:
			for _, e := range a.Cluster.Brokers(r.Call.Conn) {
				if !yield(strconv.Itoa(int(e.NodeID))) {
					return
				}
			}
		default:
			for name := range image.ConfigsOf(metadata.ResourceType(kind)) {
				if !yield(name) {
					return
				}
			}
		}
	}
}
