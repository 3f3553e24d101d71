// Package persona holds barnabas.persona to the Kafkas that it names: each is
// started, and what it advertises, and what it does with a request outside, is
// compared with Barnabas under that persona. What is not built in Barnabas stands by
// name in missing.go; every other difference fails, and so does a name that is no
// difference any more.
//
// Kafka 4.4, which is no persona, says what the newest version of ApiVersions does.
package persona
