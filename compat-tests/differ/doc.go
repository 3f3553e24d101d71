// Package differ sends the same requests to two brokers and compares the
// answers field by field, null against empty included.
//
// A Story is a dialogue: a function that sends requests in a Session, told once
// per version of its API that the broker under test advertises, and once per broker.
// The other broker is a release of Apache Kafka that serves the version (judges.go). Each session keeps a transcript;
// the two transcripts are normalised (ids, times, hosts: see normalize.go) and
// compared. Answers are decoded by Kafka's own schemas (package schema), so that
// the judge forgives nothing that a client's decoder would.
//
//	Story x version --> Session on A --> transcript --> normalise --.
//	                '-> Session on B --> transcript --> normalise --+-> Compare -> []Diff
//	                                                                      |
//	                                     differences.md (allowed, with reasons)
//
// Beside the stories that somebody has thought of there are random sequences (random.go)
// of every advertised API in versions drawn at random, each told to the judge of these
// versions, counted (random_ledger.go) and cut down to what matters when they differ; and
// random messages that go through the broker's codec.
//
// A difference that is not listed fails, and so does a list entry that matches
// nothing. Stories are tables where they can be; none depends on another.
package differ
