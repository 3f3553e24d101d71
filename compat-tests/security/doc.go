// Package security holds Barnabas against Apache Kafka where clients have to show who
// they are: real clients, with keys and certificates as Java's keytool makes them.
package security
