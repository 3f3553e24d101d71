package api

// UnregisterBroker (key 64), version 0.
//
// Takes no registration out of the metadata: one that is there is INVALID_REQUEST,
// because the only node of the cluster serves by it. A broker that is not
// registered is BROKER_ID_NOT_REGISTERED.

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/protocol"
)

var unregisterBroker = now(kmsg.UnregisterBroker, 0, 0, (*API).unregisterBroker).onCluster(auth.Alter)

func (a *API) unregisterBroker(r *Request, q *kmsg.UnregisterBrokerRequest) *kmsg.UnregisterBrokerResponse {
	p := q.ResponseKind().(*kmsg.UnregisterBrokerResponse)
	if a.Metadata.Image().Broker(q.BrokerID) == nil {
		p.ErrorCode, p.ErrorMessage = problemOf(protocol.ErrBrokerIDNotRegistered.WithMessage("Broker ID %d is not currently registered", q.BrokerID))
		return p
	}
	p.ErrorCode, p.ErrorMessage = problemOf(protocol.ErrInvalidRequest.WithMessage("The registration of broker %d cannot be taken away while this node serves.", q.BrokerID))
	return p
}
