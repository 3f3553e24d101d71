// Package txnhistory records what transactional producers and readers of the
// committed saw of a broker that is killed again and again, and names every
// promise that the history shows broken.
//
// Producers append to random partitions, some records each transaction, commit
// most and abort some; within a transaction they read what others committed. An
// outcome that a client was never told is unknown: such a transaction may be there
// or not, but whole.
//
//	workers --> Begin, Send, Acked, Ending, Ended, Seen --.
//	live reader ----------------------------------> Seen --+--> History --> Check
//	at the end, both isolation levels ------------> Final --'
//
//	aborted    a reader of the committed got what was aborted
//	early      a reader of the committed got it before its commit was asked for
//	lost       committed, but not there at the end
//	torn       some records of a transaction are there, others not
//	doubled    one value at two offsets
//	moved      acknowledged at one offset, found at another
//	changed    an offset that held two values
//	reordered  values of a producer in a partition not in the order of sending
//	backwards  offsets that did not rise for a reader
//	vanished   seen by a reader of the committed, not there at the end
//	foreign    a value that nobody sent
//	cycle      transactions that read each other's writes in a circle (G1c of reads alone)
//
// What Kafka allows is no finding: transactions of two producers may interleave in a
// partition, and become visible in one partition before another, as in
// Jepsen's workload for Kafka.
//
//	TXN_SEED=42 TXN_KILLS=100 go test ./txnhistory -run 'TestKillInTransactions/barnabas_server' -v
//
// Kafka 3.9.2, which judges the test, is stopped in order; TXN_KILL_KAFKA=1 kills it, and
// TXN_KAFKA=4.3.1 has that version instead, which breaks transactions in about one run of four,
// stopped or killed (KAFKA-20734; the method is the same in 4.4.0). Of a partition without a
// leader, as in a shutdown or while a start is under way, its
// KRaftMetadataCache.getPartitionLeaderEndpoint tells what it tells of a deleted one.
// TransactionMarkerChannelManager then writes no marker there, and the Complete record all the
// same. The records stay open until the producer's next transaction ends them its own way: what
// was aborted is committed, or the other way round, in some partitions or in all.
package txnhistory
