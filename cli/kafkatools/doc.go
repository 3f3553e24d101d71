// Package kafkatools is Kafka's own command-line tools: kafka-topics, kafka-console-producer
// and the others, with the options, the text and the exit statuses of Apache Kafka 4.3's.
// compat-tests/tools keeps what Kafka's print; only the usage texts are our own.
//
//	Run("kafka-topics.sh", args) --> options --> franz-go --> any broker
//
// A tool is a client like any other: it has no way into the broker. It waits for a broker
// as long as Kafka's tools do (60 s), since start scripts count on that.
//
// Not here: SASL mechanisms other than PLAIN and SCRAM (refused by name), Java
// classes as formatters, readers and deserialisers but for the ones that Kafka has itself.
package kafkatools
