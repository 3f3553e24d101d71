// Package testbed is what every broker under test looks like to the tests:
// started on free loopback ports, stopped, killed and restarted, measured.
//
// Broker is the handle; packages oracle (Apache Kafka) and barnabas make one
// each, from a Launch that says how to start the process. A broker that a test
// started ends with the test, by its process id; on Linux it also ends when the
// test process itself dies. Program is an application beside it, such as a JVM.
//
//	          Launch (command, log file, readiness)
//	             |
//	oracle ---> Broker ---> process (one goroutine, reaps it)
//	barnabas ---'
package testbed
