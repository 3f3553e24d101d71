package main

import (
	"maps"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// devSettings are what profile dev of Barnabas sets and Apache Kafka knows as well: where
// the two are compared, a figure is not that of a default.
// kfake is given the interval of heartbeats (peer), and has none of the others.
var devSettings = map[string]string{
	"group.initial.rebalance.delay.ms":         "0",
	"group.consumer.assignment.interval.ms":    "0",
	"group.consumer.heartbeat.interval.ms":     "1000",
	"group.consumer.min.heartbeat.interval.ms": "1000",
	"socket.send.buffer.bytes":                 "-1",
}

// startDevKafka starts Apache Kafka to be compared with Barnabas in profile dev.
func startDevKafka(properties map[string]string) (*testbed.Broker, error) {
	return startKafka(asDev(properties))
}

// asDev are properties on top of those of profile dev.
func asDev(properties map[string]string) map[string]string {
	all := maps.Clone(devSettings)
	maps.Copy(all, properties)
	return all
}
