package api

// DescribeCluster (key 60), versions 0 to 2.
//
// Tells which brokers there are and which one is the controller, with the
// addresses of the listener that was asked. As a broker of Kafka does, it names a
// broker that is alive as the controller: that is where clients send changes.
//
//	v0     brokers, cluster id, authorized operations on request
//	v1     endpoint type: this is an endpoint of brokers; asking it for controllers
//	       is MISMATCHED_ENDPOINT_TYPE, and any other type UNSUPPORTED_ENDPOINT_TYPE
//	v2     may include fenced brokers (KIP-1073); there are none to show
//
// Left out: endpoints of controllers (KIP-919); no listener of that kind is open.

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/protocol"
)

var describeCluster = now(kmsg.DescribeCluster, 0, 2, (*API).describeCluster).needs(need{auth.Describe, auth.Cluster})

// Endpoint types of KIP-919.
const (
	endpointBrokers     = 1
	endpointControllers = 2
)

func (a *API) describeCluster(r *Request, q *kmsg.DescribeClusterRequest) *kmsg.DescribeClusterResponse {
	p := q.ResponseKind().(*kmsg.DescribeClusterResponse)
	if err := checkEndpointType(q.EndpointType); err != nil {
		p.ErrorCode, p.ErrorMessage = problemOf(err)
		return p
	}
	conn := r.Call.Conn
	p.ClusterID = a.Metadata.Image().ClusterID()
	p.ControllerID = a.Cluster.Self(conn).NodeID
	for _, e := range a.Cluster.Brokers(conn) {
		b := kmsg.NewDescribeClusterResponseBroker()
		b.NodeID, b.Host, b.Port, b.Rack = e.NodeID, e.Host, e.Port, e.Rack
		p.Brokers = append(p.Brokers, b)
	}
	if q.IncludeClusterAuthorizedOperations {
		p.ClusterAuthorizedOperations = a.clusterOperations(r)
	}
	return p
}

func checkEndpointType(asked int8) error {
	switch asked {
	case endpointBrokers:
		return nil
	case endpointControllers:
		return protocol.ErrMismatchedEndpointType.WithMessage("This is an endpoint of a broker, and a controller is asked for.")
	}
	return protocol.ErrUnsupportedEndpointType.WithMessage("Unsupported endpoint type %d", asked)
}
