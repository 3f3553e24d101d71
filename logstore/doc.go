// Package logstore is the contract of an ordered, durable log of record batches
// and of the state derived from it: producers, aborted ranges, leader epochs.
//
// Engines implement Store and Log: logstore/disk keeps Kafka-format segments on
// a file system. Nothing here knows of files or segments, and no caller may
// assume that an append is immediate: base offset, duplicate verdict, append
// time and errors come from the Pending alone.
//
//	Append ──> Ordered ─────────────> Committed ──> Watcher.Advanced
//	           offset and verdict     the promise of the durability mode
//	           are final              holds; High has moved
//
// The rules that every engine shares are pure code in this package:
// ProducerTable judges and remembers producer sequences, Epochs keeps where each
// leader epoch begins. Both are owned by one log and guarded by its lock.
//
// Not here: who leads, who waits (package partition), what a client may send
// (package protocol), transactions' coordinator.
package logstore
