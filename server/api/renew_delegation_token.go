package api

// RenewDelegationToken (key 39), versions 0 to 2.
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

var renewDelegationToken = now(kmsg.RenewDelegationToken, 0, 2, (*API).renewDelegationToken)

func (a *API) renewDelegationToken(_ *Request, q *kmsg.RenewDelegationTokenRequest) *kmsg.RenewDelegationTokenResponse {
	p := q.ResponseKind().(*kmsg.RenewDelegationTokenResponse)
	p.ErrorCode, p.ExpiryTimestamp = protocol.ErrDelegationTokenRequestNotAllowed.Code, noTokenTime
	return p
}
