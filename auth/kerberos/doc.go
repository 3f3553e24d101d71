// Package kerberos is the acceptor's side of Kerberos 5 under GSS-API: what a service does
// with the tokens of its clients.
//
//	Acceptor     a service with its keys
//	Context      one client's security context: an AP-REQ is accepted, messages are wrapped
//	Replays      the requests that were seen, none of which counts twice
//	Keytab       the file with the service's keys, in MIT's format
//	ShortNames   Kafka's rules that make a user's name of a principal
//
// Bytes go in and come out; the clock, randomness and the keys are handed in. What a peer
// sends is never trusted for a length, and nothing of a ticket is believed before a key of
// the service has opened it.
//
// The encryption types are those of AES (RFC 3962, RFC 8009). Those that RFC 6649 and
// RFC 8429 have ended, DES, 3DES and RC4, are refused by name. Not there: the initiator,
// delegated credentials (they are read over), channel bindings, user-to-user tickets, and
// messages that are encrypted: a login has none.
package kerberos
