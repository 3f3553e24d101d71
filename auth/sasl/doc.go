// Package sasl has the broker's side of the SASL mechanisms that Kafka offers: PLAIN
// (RFC 4616), SCRAM-SHA-256 and -512 (RFC 5802, RFC 7677), OAUTHBEARER (RFC 7628) and
// GSSAPI (RFC 4752).
//
// An exchange is a small state machine: bytes in, bytes out, and at its end a login. It
// knows no connection and no clock of its own. Credentials come in by small interfaces.
// A wrong password and an unknown user take the same work and give the same answer.
package sasl
