package api

// ExpireDelegationToken (key 40), versions 0 to 2.
//
// DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, as CreateDelegationToken.
//
//	v0-v1  the token's HMAC, the period
//	v2     flexible
//
// Left out: tokens.

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

var expireDelegationToken = now(kmsg.ExpireDelegationToken, 0, 2, (*API).expireDelegationToken)

func (a *API) expireDelegationToken(_ *Request, q *kmsg.ExpireDelegationTokenRequest) *kmsg.ExpireDelegationTokenResponse {
	p := q.ResponseKind().(*kmsg.ExpireDelegationTokenResponse)
	p.ErrorCode, p.ExpiryTimestamp = protocol.ErrDelegationTokenRequestNotAllowed.Code, noTokenTime
	return p
}
