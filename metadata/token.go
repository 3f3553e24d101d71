package metadata

import (
	"iter"
	"slices"

	"github.com/barnabas-mq/barnabas/protocol"
)

// Token is a delegation token (KIP-48): with it somebody logs in as its owner, for a while.
// Its password is derived from its id and is not in the metadata. It is never changed.
type Token struct {
	ID string
	// Principals are Type:Name.
	Owner     string
	Requester string // who asked for it, for the owner (KIP-373)
	Renewers  []string
	Issued    protocol.Timestamp
	Max       protocol.Timestamp // nobody renews it beyond
	Expires   protocol.Timestamp // unless it is renewed
}

// MayBeRenewedBy tells whether a principal can renew the token, or end it.
func (t *Token) MayBeRenewedBy(who string) bool {
	return t.Owner == who || slices.Contains(t.Renewers, who)
}

// Concerns tells whether a principal owns the token, has asked for it or can renew it.
func (t *Token) Concerns(who string) bool { return t.Requester == who || t.MayBeRenewedBy(who) }

// IsExpired tells whether the time of the token is over.
func (t *Token) IsExpired(now protocol.Timestamp) bool { return t.Max < now || t.Expires < now }

// Token is the delegation token with the id, or nil.
func (img *Image) Token(id string) *Token {
	t, _ := img.tokens.get(id)
	return t
}

// Tokens yields the delegation tokens by id.
func (img *Image) Tokens() iter.Seq[*Token] {
	return func(yield func(*Token) bool) {
		for _, t := range img.tokens.from("") {
			if !yield(t) {
				return
			}
		}
	}
}

func (d *draft) setToken(r *DelegationTokenRecord) {
	t := &Token{
		ID: r.TokenID, Owner: r.Owner, Requester: r.Requester, Renewers: slices.Clone(r.Renewers),
		Issued: protocol.Timestamp(r.IssueTimestamp), Max: protocol.Timestamp(r.MaxTimestamp), Expires: protocol.Timestamp(r.ExpirationTimestamp),
	}
	d.img.tokens = d.img.tokens.set(d.owner, t.ID, t)
}

// record is the token with another end.
func (t *Token) record(expires protocol.Timestamp) *DelegationTokenRecord {
	return &DelegationTokenRecord{
		Owner: t.Owner, Requester: t.Requester, Renewers: t.Renewers,
		IssueTimestamp: int64(t.Issued), MaxTimestamp: int64(t.Max), ExpirationTimestamp: int64(expires), TokenID: t.ID,
	}
}

func (img *Image) tokenRecords(yield recordYield) bool {
	for t := range img.Tokens() {
		if !yield(t.record(t.Expires), nil) {
			return false
		}
	}
	return true
}
