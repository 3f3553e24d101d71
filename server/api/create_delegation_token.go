package api

// CreateDelegationToken (key 38), versions 0 to 3.
//
// Makes a token with which others log in as its owner (KIP-48). It is for clients that have
// shown who they are, and not by a token: else DELEGATION_TOKEN_REQUEST_NOT_ALLOWED. Without
// delegation.token.secret.key it is DELEGATION_TOKEN_AUTH_DISABLED. The answer repeats who
// would own the token in any case; times are -1 where Kafka's broker refuses, and 0 where its
// controller does. A token for somebody else needs an access rule. POLICY_VIOLATION is for
// principals of more than 4 KiB and for more than 10,000 tokens, 1,000 of one requester; Kafka has no such limits.
//
//	v0-v1  for the client itself
//	v2     flexible
//	v3     for another principal (KIP-373)

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var createDelegationToken = now(kmsg.CreateDelegationToken, 0, 3, (*API).createDelegationToken).needs(need{auth.CreateTokens, auth.UserResource})

func (a *API) createDelegationToken(r *Request, q *kmsg.CreateDelegationTokenRequest) *kmsg.CreateDelegationTokenResponse {
	p := q.ResponseKind().(*kmsg.CreateDelegationTokenResponse)
	owner, requester := tokenOwner(r, q), r.Peer.who
	p.PrincipalType, p.PrincipalName = owner.Type, owner.Name
	p.TokenRequesterPrincipalType, p.TokenRequesterPrincipalName = requester.Type, requester.Name
	if err := a.checkTokenRequest(r, q, owner); err != nil {
		p.ErrorCode = err.Code
		p.IssueTimestamp, p.ExpiryTimestamp, p.MaxTimestamp = noTokenTime, noTokenTime, noTokenTime
		return p
	}
	if a.Tokens == nil {
		p.ErrorCode = protocol.ErrDelegationTokenAuthDisabled.Code
		return p
	}
	wish := metadata.NewToken{ID: protocol.NewUUID().String(), Owner: owner.String(), Requester: requester.String(), LifetimeMillis: q.MaxLifetimeMillis}
	for _, renewer := range q.Renewers {
		wish.Renewers = append(wish.Renewers, auth.User(renewer.PrincipalName).String())
	}
	var token *metadata.Token
	_, err := a.change(r, 0, false, func(image *metadata.Image) (records []metadata.Record, err error) {
		records, token, err = metadata.CreateToken(image, wish, a.Tokens.Terms, a.timestamp())
		return records, err
	})
	if err != nil {
		p.ErrorCode = codeOf(err)
		return p
	}
	p.TokenID, p.HMAC = token.ID, a.Tokens.Secret.HMAC(token.ID)
	p.IssueTimestamp, p.ExpiryTimestamp, p.MaxTimestamp = int64(token.Issued), int64(token.Expires), int64(token.Max)
	return p
}

// tokenOwner is who the token is for: the client, unless it names somebody.
func tokenOwner(r *Request, q *kmsg.CreateDelegationTokenRequest) auth.Principal {
	if q.OwnerPrincipalName == nil || *q.OwnerPrincipalName == "" {
		return r.Peer.who
	}
	owner := auth.User(*q.OwnerPrincipalName)
	if q.OwnerPrincipalType != nil {
		owner.Type = *q.OwnerPrincipalType
	}
	return owner
}

// checkTokenRequest says what Kafka's broker refuses before its controller hears of it.
func (a *API) checkTokenRequest(r *Request, q *kmsg.CreateDelegationTokenRequest, owner auth.Principal) *protocol.Error {
	switch {
	case !r.Peer.mayUseTokens():
		return protocol.ErrDelegationTokenRequestNotAllowed
	case owner != r.Peer.who && !a.may(r, auth.CreateTokens, auth.UserResource, owner.String()):
		return protocol.ErrDelegationTokenAuthorizationFailed
	}
	for _, renewer := range q.Renewers {
		if renewer.PrincipalType != auth.UserType {
			return protocol.ErrInvalidPrincipalType
		}
	}
	return nil
}
