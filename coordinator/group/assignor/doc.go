// Package assignor decides which member of a consumer group reads which
// partition: the assignors "uniform" and "range" that the server runs for the
// consumer protocol (KIP-848), as Apache Kafka 4.3 does.
//
//	             same subscriptions: quotas      (even.go)
//	uniform ──<
//	             different ones: level by level  (uneven.go, ladder.go)
//	range   ──   one consecutive range per topic (range.go)
//
// and "simple" for share groups (KIP-932), where members may own a partition
// together (simple.go); what follows is about the two others.
//
// An assignor is a pure function of the group: no clock, no randomness, no map
// iteration, no goroutine. Equal groups get equal targets on every broker and in
// every replay. It never writes to the group that it is given.
//
// Promises of both, whatever the last target says:
//   - every partition of a subscribed topic has exactly one owner;
//   - nobody owns a partition of a topic that it does not subscribe to.
//
// uniform also balances and is sticky, in this order: among equal subscriptions
// nobody has two partitions more than another, and only those partitions move
// that the quotas force to; among different subscriptions nobody owns a partition
// that a subscriber with two fewer could take (long chains of members need several
// assignments for that, see balanceRounds). range is sticky only in that its
// order is: static members by instance id, then the others by member id.
//
// A target is an Assignment, a sorted set with the usual operations; the group
// uses them to tell what a member must give up and what it may take.
//
// What it does not do: racks. Kafka hands the members' racks to its assignors but
// neither UniformAssignor nor RangeAssignor looks at them (4.3.1), so a Member has
// none. Client-side assignors of the classic protocol are the clients' business.
package assignor
