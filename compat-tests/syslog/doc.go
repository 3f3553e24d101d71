// Package syslog has Debian's syslog daemons write to the broker while it is killed:
// rsyslog with omkafka and syslog-ng with kafka-c, both of which send through
// librdkafka.
//
// Every daemon is a private one: its program is unpacked from Debian's packages into
// the cache (the two exclude each other when they are installed, and the system's own
// daemon is none of a test's business), and its configuration, socket and state are
// in a temporary folder.
//
//	lines --> unix socket --> daemon --> topic --> each line is there
//
// A producer that is not idempotent may repeat lines and change their order; one that
// is writes each once, in order.
//
// senders_test.go does so with what sends to Kafka beside its work: collectd and ProFTPD.
package syslog
