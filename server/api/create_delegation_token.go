package api

// CreateDelegationToken (key 38), versions 0 to 3.
//
// Tokens are for authenticated connections, and there are none yet:
// DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, as from Kafka on a plaintext listener. The
// answer repeats who would own the token.
//
//	v0-v1  renewers, lifetime
//	v2     flexible
//	v3     an owner who is not the requester (KIP-373)
//
// Left out: tokens. Those in an adopted directory are kept in the metadata, unseen.

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

var createDelegationToken = now(kmsg.CreateDelegationToken, 0, 3, (*API).createDelegationToken)

// The principal of a connection that has not said who it is.
const (
	principalTypeUser  = "User"
	principalAnonymous = "ANONYMOUS"
)

// noTokenTime stands for a time where there is no token.
const noTokenTime = -1

func (a *API) createDelegationToken(_ *Request, q *kmsg.CreateDelegationTokenRequest) *kmsg.CreateDelegationTokenResponse {
	p := q.ResponseKind().(*kmsg.CreateDelegationTokenResponse)
	p.ErrorCode = protocol.ErrDelegationTokenRequestNotAllowed.Code
	p.PrincipalType, p.PrincipalName = principalTypeUser, principalAnonymous
	p.TokenRequesterPrincipalType, p.TokenRequesterPrincipalName = principalTypeUser, principalAnonymous
	if q.OwnerPrincipalName != nil && *q.OwnerPrincipalName != "" {
		p.PrincipalName = *q.OwnerPrincipalName
		if q.OwnerPrincipalType != nil {
			p.PrincipalType = *q.OwnerPrincipalType
		}
	}
	p.IssueTimestamp, p.ExpiryTimestamp, p.MaxTimestamp = noTokenTime, noTokenTime, noTokenTime
	return p
}
