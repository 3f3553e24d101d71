// Package oauth looks at the tokens of OAUTHBEARER: JSON Web Tokens (RFC 7519) in their
// compact form.
//
//	Unsecured   tokens that nobody signed, for development (RFC 7515, appendix A.5)
//	Signed      tokens that one of the Keys signed (RFC 7515, RFC 7518)
//	Keys        a JSON Web Key Set (RFC 7517), kept and fetched anew
//
// Only what a broker needs is there: signatures are verified with RSA, elliptic curves
// and Ed25519, never made. Keys that both sides would have to keep secret (HS256), keys and
// certificates inside a token, encrypted and nested tokens are not taken.
//
// What a token must say is what Kafka's BrokerJwtValidator and
// OAuthBearerUnsecuredValidatorCallbackHandler ask of it. Nothing that a token says is
// looked at before its signature, but for the names of its key and algorithm; and the
// key decides which algorithms fit it, not the token.
//
// Keys has no goroutine that lives: fetches run on timers of its clock, one at a time,
// without a lock held. A token whose key is unknown waits for such a fetch, for a
// bounded time, and starts one if there was none lately. Close ends both.
package oauth
