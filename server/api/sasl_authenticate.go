package api

// SaslAuthenticate (key 36), versions 0 to 2.
//
// The gate of a listener with SASL serves it (login.go). Elsewhere, and behind the gate,
// the answer is ILLEGAL_SASL_STATE, as from Kafka (KafkaApis).
//
//	v0     bytes of the mechanism
//	v1     lifetime of the session (KIP-368)
//	v2     flexible

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

var saslAuthenticate = now(kmsg.SASLAuthenticate, 0, 2, (*API).saslAuthenticate)

func (a *API) saslAuthenticate(_ *Request, q *kmsg.SASLAuthenticateRequest) *kmsg.SASLAuthenticateResponse {
	p := q.ResponseKind().(*kmsg.SASLAuthenticateResponse)
	p.ErrorCode, p.ErrorMessage = problemOf(protocol.ErrIllegalSASLState.WithMessage("SaslAuthenticate request received after successful authentication"))
	return p
}
