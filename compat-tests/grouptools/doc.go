// Package grouptools tells one history of groups, of transactions and of the cluster
// (quotas, SCRAM users, elections, reassignments, the quorum) with Kafka's own
// command-line tools to two brokers, and compares every word that the tools print.
//
// The tools run inside one JVM per broker (Driver.java), some tens of
// milliseconds each where a process of its own takes a second. The same JVM
// keeps the members of the groups: Java consumers, classic or by the consumer
// protocol, by topic name or by pattern.
//
//	chapters.go --> history --> Driver.java --> Apache Kafka --> text --.
//	                      '---> Driver.java --> Barnabas -----> text --+-> compared
//
// Transactions are those of producers that the test has itself (producers.go): raw
// requests can leave one hanging, which no client does.
//
// What differs by right is taken out before (text.go): member ids, addresses,
// the order of lines where the tool prints what a hash map gives; producer ids
// become the names of the producers.
//
// A chapter has topics and groups of its own, so that each can be run alone.
package grouptools
