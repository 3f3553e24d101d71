package api

// SaslHandshake (key 17), versions 0 and 1.
//
// No listener asks for SASL yet, and on one that does not the answer is
// ILLEGAL_SASL_STATE with no mechanisms, as from Kafka (KafkaApis). The key is
// advertised nevertheless, because clients look at what a broker could do.
//
//	v0     opaque tokens would follow on the connection
//	v1     SaslAuthenticate would follow (KIP-152)
//
// Left out: listeners with SASL.

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
