// Package metadata says what exists: topics, partitions, configs, brokers,
// features, producer-id blocks, and everything else that KRaft records hold.
//
// It promises four things.
//
//   - The bytes are Kafka's: every change is a KRaft metadata record in the log of
//     __cluster_metadata-0, every snapshot a .checkpoint file, so that Kafka's tools
//     read the folder and a single Kafka node can own it before and after us.
//   - Readers never wait and never see half a change: a request takes one Image,
//     which is immutable, and keeps it.
//   - A change is visible only after the journal has it. Replay runs the same apply
//     as the live path, so that a restart sees what clients were told.
//   - Nothing is forgotten: records that no room serves yet are kept byte for byte and
//     written into every snapshot. What cannot be understood is an UnsupportedError
//     and what is damaged a CorruptError; neither ever becomes an empty start.
//
// How a change travels:
//
//	caller --Propose(func)--> owner goroutine --records--> Journal.Append
//	                            |  func(Image) decides: the commands (CreateTopics, ...)
//	                            |  draft.apply makes the next Image
//	                            v
//	                    watchers (in order) --> Image published --> caller
//
// One goroutine owns the future: it runs the functions of concurrent proposals one
// after the other, each on the image that its predecessor leaves, and journals
// their records in one batch. Commands are pure functions of an Image.
//
// Images share structure: topics, configs, quotas, users and kept records live in persistent
// trees ordered by key, so that a change among 100,000 topics copies a few nodes.
//
// What it does not do: it knows no protocol codes (package server/api maps its
// errors), no log files (Journal is adapted by package broker), and no quorum:
// exactly one node votes, and a folder with more is refused.
package metadata
