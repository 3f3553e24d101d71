package api

// DescribeDelegationToken (key 41), versions 0 to 3.
//
// DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, as CreateDelegationToken.
//
//	v0-v1  tokens by owner
//	v2     flexible
//	v3     who asked for the token (KIP-373)
//
// Left out: tokens.

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

var describeDelegationToken = now(kmsg.DescribeDelegationToken, 0, 3, (*API).describeDelegationToken)

func (a *API) describeDelegationToken(_ *Request, q *kmsg.DescribeDelegationTokenRequest) *kmsg.DescribeDelegationTokenResponse {
	p := q.ResponseKind().(*kmsg.DescribeDelegationTokenResponse)
	p.ErrorCode = protocol.ErrDelegationTokenRequestNotAllowed.Code
	return p
}
