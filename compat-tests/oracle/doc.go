// Package oracle runs a real Apache Kafka: the judge of what Kafka does.
//
// The jars come from the Java package registry by name and version, resolved by
// Maven into the user's cache folder. A Broker is one combined broker and
// controller (KRaft) on loopback with a data folder of its own. The command-line
// tools run against any broker. The jars also carry the schema of every
// request, response and record type; Schemas reads them.
package oracle
