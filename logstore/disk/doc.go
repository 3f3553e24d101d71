// Package disk keeps logs in Kafka's segment files.
package disk
