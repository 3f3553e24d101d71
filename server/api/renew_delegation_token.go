package api

// RenewDelegationToken (key 39), versions 0 to 2.
//
// Lets a token live on, for the period from now or as long as the broker allows, never beyond
// its last day. It is for its owner and its renewers; the token is told by its HMAC. What is
// refused before that is as with CreateDelegationToken.
//
//	v0-v1  the token's HMAC, the period
//	v2     flexible

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var renewDelegationToken = now(kmsg.RenewDelegationToken, 0, 2, (*API).renewDelegationToken)

func (a *API) renewDelegationToken(r *Request, q *kmsg.RenewDelegationTokenRequest) *kmsg.RenewDelegationTokenResponse {
	p := q.ResponseKind().(*kmsg.RenewDelegationTokenResponse)
	p.ErrorCode, p.ExpiryTimestamp = a.changeToken(r, q.HMAC, q.RenewTimeMillis, func(image *metadata.Image, c metadata.TokenChange, now protocol.Timestamp) ([]metadata.Record, protocol.Timestamp, error) {
		return metadata.RenewToken(image, c, a.Tokens.Terms, now)
	})
	return p
}
