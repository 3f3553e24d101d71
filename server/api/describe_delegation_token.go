package api

// DescribeDelegationToken (key 41), versions 0 to 3.
//
// Lists tokens with their HMACs: those that concern the client (it owns them, has asked for
// them or can renew them), and others that access rules let it see; without an authorizer, as
// in Kafka, all. Principals that are asked for choose among those; an empty list is none. What
// is refused is as with CreateDelegationToken.
//
//	v0-v1  tokens by owner
//	v2     flexible
//	v3     who asked for the token (KIP-373)

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var describeDelegationToken = now(kmsg.DescribeDelegationToken, 0, 3, (*API).describeDelegationToken).
	needs(need{auth.Describe, auth.DelegationToken}, need{auth.DescribeTokens, auth.UserResource})

func (a *API) describeDelegationToken(r *Request, q *kmsg.DescribeDelegationTokenRequest) *kmsg.DescribeDelegationTokenResponse {
	p := q.ResponseKind().(*kmsg.DescribeDelegationTokenResponse)
	switch {
	case !r.Peer.mayUseTokens():
		p.ErrorCode = protocol.ErrDelegationTokenRequestNotAllowed.Code
		return p
	case a.Tokens == nil:
		p.ErrorCode = protocol.ErrDelegationTokenAuthDisabled.Code
		return p
	case q.Owners != nil && len(q.Owners) == 0:
		return p
	}
	owners := make(map[string]bool, len(q.Owners))
	for _, o := range q.Owners {
		owners[auth.Principal{Type: o.PrincipalType, Name: o.PrincipalName}.String()] = true
	}
	asked := func(token *metadata.Token) bool {
		return q.Owners == nil || owners[token.Owner] || owners[token.Requester] ||
			slices.ContainsFunc(token.Renewers, func(renewer string) bool { return owners[renewer] })
	}
	for token := range a.Metadata.Image().Tokens() {
		if asked(token) && a.maySeeToken(r, token) {
			p.TokenDetails = append(p.TokenDetails, a.describedToken(token))
		}
	}
	return p
}

func (a *API) maySeeToken(r *Request, token *metadata.Token) bool {
	return token.Concerns(r.Peer.who.String()) || a.maySee(r, auth.Describe, auth.DelegationToken, token.ID) ||
		a.maySee(r, auth.DescribeTokens, auth.UserResource, token.Owner)
}

func (a *API) describedToken(token *metadata.Token) kmsg.DescribeDelegationTokenResponseTokenDetail {
	one := kmsg.NewDescribeDelegationTokenResponseTokenDetail()
	owner, requester := auth.ParsePrincipal(token.Owner), auth.ParsePrincipal(token.Requester)
	one.PrincipalType, one.PrincipalName = owner.Type, owner.Name
	one.TokenRequesterPrincipalType, one.TokenRequesterPrincipalName = requester.Type, requester.Name
	one.IssueTimestamp, one.ExpiryTimestamp, one.MaxTimestamp = int64(token.Issued), int64(token.Expires), int64(token.Max)
	one.TokenID, one.HMAC = token.ID, a.Tokens.Secret.HMAC(token.ID)
	for _, text := range token.Renewers {
		renewer := kmsg.NewDescribeDelegationTokenResponseTokenDetailRenewer()
		who := auth.ParsePrincipal(text)
		renewer.PrincipalType, renewer.PrincipalName = who.Type, who.Name
		one.Renewers = append(one.Renewers, renewer)
	}
	return one
}
