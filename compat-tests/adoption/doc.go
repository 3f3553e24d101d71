// Package adoption moves data directories between Apache Kafka and Barnabas and
// compares what clients and tools see before and after: on one directory, with one
// server.properties, both brokers take turns.
//
// A Snapshot is everything that a broker says of its data, one line per fact, the
// record batches byte for byte. After every move the lines must be the same; then
// the broker is used, so that the next move carries its own work as well.
package adoption
