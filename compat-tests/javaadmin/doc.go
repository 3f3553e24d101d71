// Package javaadmin calls every method of Java's Admin client, with good and with
// bad arguments, against two brokers, and compares line by line what comes back: the
// whole result, or the class of the exception and its message.
//
// The program is Calls.java (with TopicCalls, ClusterCalls and GroupCalls). It goes
// through the interface by reflection at its end and names each method that it has
// not called: there must be none, so that a newer client brings its new methods here.
//
//	Calls --> Apache Kafka --> lines --.
//	Calls --> Barnabas ------> lines --+-> compared; meant differences are in a table
//
// Addresses, ids that are drawn and times are taken out where they are printed.
// A row of the table that matches nothing is a failure.
package javaadmin
