// Package world is where an application is killed: a broker, a client of the
// test's own, and a way to read what is committed in the end.
//
// The broker is Barnabas, or the one that BARNABAS_COMPAT_TARGET names: a test of
// applications is judged by running it against Apache Kafka.
//
//	exactlyonce  streams  connect  syslog      applications, each with its own checks
//	       \        |        |      /
//	                world                      broker, client, restarts, readers
//	       /          |          \
//	       target        testbed               how a broker and a JVM are started
package world
