// Package txn is the transaction coordinator: who has a transactional id, which
// partitions its transaction has, and how it ended (KIP-98, KIP-360, KIP-890).
//
// The Machine is a pure state machine over the records of __transaction_state, in
// Kafka's bytes; package coordinator runs it. A transaction goes
//
//	Empty ─> Ongoing ─> PrepareCommit ─> CompleteCommit ─> Ongoing ...
//	                └─> PrepareAbort  ─> CompleteAbort
//
// and is decided by the Prepare record: what comes after, the markers in every
// partition and the Complete record, is repeated until it is done, also after a
// crash. Coordinator gives the machine what it asks for: markers and producer ids.
//
//	init.go    InitProducerId: epochs, fencing
//	add.go     partitions join; verification
//	end.go     decisions, timeouts, markers, completion
//	admin.go   what tools see
//	record.go  the journal's records
package txn
