// Package share is the partition half of share groups (KIP-932): who has which
// record of a partition in hand, and what of it outlives a restart.
//
// There are two pieces, both pure. The Machine keeps, over __share_group_state in
// Kafka's bytes, what is durable of every share partition: its start offset and the
// records above it whose delivery is done or has been tried. Package coordinator
// runs it, and Coordinator is how others call it:
//
//	heartbeat (group half) ──> Initialize, Summary, Delete ──┐
//	first fetch ─────────────> Read ─────────────────────────┼─> Machine ─> journal
//	acknowledgement, release, expired lock ─> Write ─────────┘
//
// A share partition's start offset is Uninitialized until its first fetch resolves
// it; its state epoch fences writes of those who read an earlier life of it.
//
// InFlight is the other piece: the records that are in members' hands, with their
// locks, delivery counts and limits. It forgets everything but what was written.
//
//	ShareFetch ───────> Acquire
//	ShareAcknowledge ─> Acknowledge ─> Change ─> Write ─> Settle
//	time ─────────────> ExpireLocks          session ends ─> Release
//
//	machine.go   decisions: initialize, read, write, summary, delete (ShareCoordinatorShard)
//	combine.go   how batches of states are laid over each other
//	record.go    the journal's records
//	prune.go     which records nobody needs any more
//	inflight.go, acquire.go, acknowledge.go   records in members' hands (SharePartition)
package share
