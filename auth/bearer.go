package auth

import (
	"cmp"
	"errors"
	"time"
)

// Bearer is who a token speaks of (KIP-255).
type Bearer struct {
	Name string
	// Expires is when the token ends.
	Expires time.Time
}

// BearerRefused is a token that is not taken. Its bearer is told Status and Scope, in the
// words of RFC 6750, section 3.1; Reason is for the broker's log and quotes at most
// names out of the token, never the token.
type BearerRefused struct {
	Status string // BearerInvalid or BearerInsufficient
	Scope  string // what is required, where that is what was missing
	Reason string
}

// What is wrong with a token.
const (
	BearerInvalid      = "invalid_token"
	BearerInsufficient = "insufficient_scope"
)

// ErrBearerUndecided is for a token of which nothing can be said yet, since no keys have
// been had from the issuer since the start. Its bearer may come again: to be told that the
// token is not valid would end the work of a client, and be untrue.
var ErrBearerUndecided = errors.New("the keys that sign tokens are not known yet")

func (r *BearerRefused) Error() string { return cmp.Or(r.Reason, r.Status) }
