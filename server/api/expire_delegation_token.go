package api

// ExpireDelegationToken (key 40), versions 0 to 2.
//
// Lets a token end after the period from now, and at once if that is negative. Who may do it,
// and what is refused, is as with RenewDelegationToken. Connections that came in by the token
// go on until its former end.
//
//	v0-v1  the token's HMAC, the period
//	v2     flexible

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/metadata"
)

var expireDelegationToken = now(kmsg.ExpireDelegationToken, 0, 2, (*API).expireDelegationToken)

func (a *API) expireDelegationToken(r *Request, q *kmsg.ExpireDelegationTokenRequest) *kmsg.ExpireDelegationTokenResponse {
	p := q.ResponseKind().(*kmsg.ExpireDelegationTokenResponse)
	p.ErrorCode, p.ExpiryTimestamp = a.changeToken(r, q.HMAC, q.ExpiryPeriodMillis, metadata.ExpireToken)
	return p
}
