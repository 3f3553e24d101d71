// Package streams runs two small Kafka Streams applications (Applications.java)
// while they and the broker are killed, and computes in Go what they must say.
//
//	stateless  map, filter and branch, at_least_once, one instance of two threads that is
//	           killed and started again: of each key, every number that is due, in order,
//	           none that is not; after a kill an instance may repeat from its last commit
//	windowed   tumbling windows of ten seconds with five of grace, exactly_once_v2, two
//	           instances of which one is killed and loses its folder, so that the other, and
//	           later the new one, fill their stores from changelogs; records out of order, and
//	           late ones. Each window's count comes out once, when the window closes
//
// The word count with a repartition topic is in package exactlyonce.
//
//	STREAMS_ROUNDS=10 go test ./streams -v -timeout 60m
package streams
