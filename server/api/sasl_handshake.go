package api

// SaslHandshake (key 17), versions 0 and 1.
//
// The gate of a listener with SASL serves it (login.go). Elsewhere, and behind the gate,
// the answer is ILLEGAL_SASL_STATE with no mechanisms, as from Kafka (KafkaApis). The
// key is advertised everywhere, because clients look at what a broker could do.
//
//	v0     opaque tokens follow on the connection
//	v1     SaslAuthenticate follows (KIP-152)

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

var saslHandshake = now(kmsg.SASLHandshake, 0, 1, (*API).saslHandshake)

func (a *API) saslHandshake(_ *Request, q *kmsg.SASLHandshakeRequest) *kmsg.SASLHandshakeResponse {
	p := q.ResponseKind().(*kmsg.SASLHandshakeResponse)
	p.ErrorCode = protocol.ErrIllegalSASLState.Code
	return p
}
