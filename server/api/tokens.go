package api

import (
	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Tokens are how a broker with delegation.token.secret.key hands out delegation tokens.
type Tokens struct {
	Secret auth.TokenSecret
	Terms  metadata.TokenTerms
}

// noTokenTime stands for a time where there is no token (DelegationTokenManager.ErrorTimestamp).
const noTokenTime = -1

// mayUseTokens tells whether the client may ask about tokens at all: not where nobody knows
// who it is, and not if it came in by a token itself (KafkaApis.allowTokenRequests).
func (p *Peer) mayUseTokens() bool {
	return !p.who.ByToken && (p.gate != nil || p.who != auth.Anonymous)
}

func (a *API) timestamp() protocol.Timestamp { return protocol.Timestamp(a.Clock.Now().UnixMilli()) }

// tokenDecision is metadata.RenewToken or metadata.ExpireToken.
type tokenDecision func(*metadata.Image, metadata.TokenChange, protocol.Timestamp) ([]metadata.Record, protocol.Timestamp, error)

// changeToken lets decide change the token that an HMAC belongs to, and answers when it ends
// then.
func (a *API) changeToken(r *Request, sum []byte, periodMillis int64, decide tokenDecision) (code int16, expires int64) {
	switch {
	case !r.Peer.mayUseTokens():
		return protocol.ErrDelegationTokenRequestNotAllowed.Code, noTokenTime
	case a.Tokens == nil:
		return protocol.ErrDelegationTokenAuthDisabled.Code, 0
	}
	change := metadata.TokenChange{ID: a.Tokens.find(a.Metadata.Image(), sum), Who: r.Peer.who.String(), PeriodMillis: periodMillis}
	var end protocol.Timestamp
	_, err := a.change(r, 0, false, func(image *metadata.Image) (records []metadata.Record, err error) {
		records, end, err = decide(image, change, a.timestamp())
		return records, err
	})
	if err != nil {
		return codeOf(err), 0
	}
	return 0, int64(end)
}

// find gives the id of the token that an HMAC belongs to, "" for none. It looks at one after
// the other, as HMACs are kept nowhere: a thousand take a millisecond.
func (t *Tokens) find(image *metadata.Image, sum []byte) string {
	return t.Secret.Find(sum, func(yield func(string) bool) {
		for token := range image.Tokens() {
			if !yield(token.ID) {
				return
			}
		}
	})
}
