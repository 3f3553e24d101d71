package metadata

import (
	"math"
	"time"

	"github.com/barnabas-mq/barnabas/protocol"
)

// What the metadata keep of tokens is bounded, which it is not in Kafka: anybody who can log
// in can ask for one, and to renew one is to look for it among all. tokenBytesMax is of the
// principals of one token, and ownTokensMax of the tokens that one asked for.
const (
	tokensMax     = 10_000
	ownTokensMax  = 1000
	tokenBytesMax = 4096
)

// expiredTokensMax is how many expired tokens one change takes away: what a request may
// change at most (QuorumController.MAX_RECORDS_PER_USER_OP).
const expiredTokensMax = 10_000

// metadataVersionTokens is the first metadata.version with delegation tokens (3.6-IV2).
const metadataVersionTokens = 14

// TokenTerms are how long delegation tokens live.
type TokenTerms struct {
	MaxLifetime time.Duration // delegation.token.max.lifetime.ms
	Renewal     time.Duration // delegation.token.expiry.time.ms
}

// NewToken asks for a delegation token.
type NewToken struct {
	ID string
	// Principals are Type:Name.
	Owner     string
	Requester string
	Renewers  []string
	// LifetimeMillis shortens the life of the token, where it is more than 0.
	LifetimeMillis int64
}

// CreateToken makes the record of a new delegation token (DelegationTokenControlManager).
func CreateToken(img *Image, n NewToken, terms TokenTerms, now protocol.Timestamp) ([]Record, *Token, error) {
	bytes := len(n.Owner) + len(n.Requester)
	for _, r := range n.Renewers {
		bytes += len(r)
	}
	switch {
	case img.MetadataVersion() < metadataVersionTokens:
		return nil, nil, ErrUnsupported
	case bytes > tokenBytesMax:
		return nil, nil, refuse(ErrPolicyViolation, "The principals of the token take more than %d bytes", tokenBytesMax)
	case img.tokens.size >= tokensMax:
		return nil, nil, refuse(ErrPolicyViolation, "There are %d delegation tokens already", tokensMax)
	case tokensOf(img, n.Requester) >= ownTokensMax:
		return nil, nil, refuse(ErrPolicyViolation, "There are %d delegation tokens that %.249s has asked for already", ownTokensMax, n.Requester)
	}
	lifetime := terms.MaxLifetime.Milliseconds()
	if n.LifetimeMillis > 0 {
		lifetime = min(lifetime, n.LifetimeMillis)
	}
	t := &Token{ID: n.ID, Owner: n.Owner, Requester: n.Requester, Renewers: n.Renewers, Issued: now, Max: later(now, lifetime)}
	t.Expires = min(t.Max, later(now, terms.Renewal.Milliseconds()))
	return []Record{t.record(t.Expires)}, t, nil
}

// tokensOf counts the tokens that somebody has asked for.
func tokensOf(img *Image, requester string) (n int) {
	for t := range img.Tokens() {
		if t.Requester == requester {
			n++
		}
	}
	return n
}

// TokenChange asks for another end of a delegation token.
type TokenChange struct {
	ID           string // "" for a token that nobody knows
	Who          string // Type:Name
	PeriodMillis int64  // from now on
}

// RenewToken makes the record of a token that ends later, or earlier, and gives when. A
// period of 0 or less is as long as one can be.
func RenewToken(img *Image, c TokenChange, terms TokenTerms, now protocol.Timestamp) ([]Record, protocol.Timestamp, error) {
	t, err := findToken(img, c.ID)
	switch {
	case err != nil:
		return nil, 0, err
	case t.IsExpired(now):
		return nil, 0, ErrTokenExpired
	case !t.MayBeRenewedBy(c.Who):
		return nil, 0, ErrNotTokensOwner
	}
	period := terms.Renewal.Milliseconds()
	if c.PeriodMillis > 0 {
		period = min(period, c.PeriodMillis)
	}
	expires := min(t.Max, later(now, period))
	return []Record{t.record(expires)}, expires, nil
}

// ExpireToken makes the record of a token that ends after the period, and gives when. With a
// negative period it is taken away at once.
func ExpireToken(img *Image, c TokenChange, now protocol.Timestamp) ([]Record, protocol.Timestamp, error) {
	t, err := findToken(img, c.ID)
	switch {
	case err != nil:
		return nil, 0, err
	case !t.MayBeRenewedBy(c.Who):
		return nil, 0, ErrNotTokensOwner
	case c.PeriodMillis < 0:
		return []Record{&RemoveDelegationTokenRecord{t.ID}}, now, nil
	case t.IsExpired(now):
		return nil, 0, ErrTokenExpired
	}
	expires := min(t.Max, later(now, c.PeriodMillis))
	return []Record{t.record(expires)}, expires, nil
}

func findToken(img *Image, id string) (*Token, error) {
	if img.MetadataVersion() < metadataVersionTokens {
		return nil, ErrUnsupported
	}
	if t := img.Token(id); t != nil {
		return t, nil
	}
	return nil, ErrTokenNotFound
}

// RemoveExpiredTokens makes the records that take expired tokens away, and lists those.
func RemoveExpiredTokens(img *Image, now protocol.Timestamp) (records []Record, expired []*Token) {
	for t := range img.Tokens() {
		if t.IsExpired(now) && len(expired) < expiredTokensMax {
			records = append(records, &RemoveDelegationTokenRecord{t.ID})
			expired = append(expired, t)
		}
	}
	return records, expired
}

// later is the time after a period, or the last that there is.
func later(now protocol.Timestamp, millis int64) protocol.Timestamp {
	if int64(now) > math.MaxInt64-millis {
		return math.MaxInt64
	}
	return now + protocol.Timestamp(millis)
}
