package auth

import (
	"crypto/hmac"
	"crypto/sha512"
)

// TokenSecret is what the passwords of delegation tokens are made of: who knows it can log in
// with every token (delegation.token.secret.key).
type TokenSecret string

// String implements fmt.Stringer, so that the secret is in no line of a log.
func (TokenSecret) String() string { return "[hidden]" }

// GoString implements fmt.GoStringer.
func (s TokenSecret) GoString() string { return s.String() }

// HMAC is what a delegation token is used with. Its base64 is the password of a login
// (DelegationTokenManager).
func (s TokenSecret) HMAC(id string) []byte {
	h := hmac.New(sha512.New, []byte(s))
	h.Write([]byte(id)) // a hash does not fail
	return h.Sum(nil)
}

// Find gives the one of ids that an HMAC belongs to, "" for none.
func (s TokenSecret) Find(sum []byte, ids func(yield func(string) bool)) string {
	h := hmac.New(sha512.New, []byte(s))
	own := make([]byte, 0, sha512.Size)
	for id := range ids {
		h.Reset()
		h.Write([]byte(id)) // a hash does not fail
		if own = h.Sum(own[:0]); hmac.Equal(own, sum) {
			return id
		}
	}
	return ""
}
