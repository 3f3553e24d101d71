// Package coordinator runs state machines over journals: consumer groups now,
// transactions and share groups in the same way.
//
// A coordinator is cut into shards, one per partition of its journal topic. A
// shard is one goroutine (named in Runtime.start, started at the first call and
// ended by Runtime.Close) that owns one Machine and does this in turns, for every
// call and timer that has come meanwhile:
//
//	check ownership > decide > apply > park the replies > next ...
//	                             └────> one append to the journal for all of them
//	                                                     │
//	          journal: "committed up to offset o" ───────┴─> send the replies
//
// A caller that would only wait (Runtime.DoHere) takes a turn itself when the
// shard is idle: one call, on its own goroutine. Whoever has the turn owns the
// machine; loading is always the goroutine's.
//
// What it promises:
//
//   - Durable state changes in Machine.Apply alone, which replay uses as well, so
//     that a restart arrives where the live machine stood. What is never written
//     (who waits for whom, sessions) is volatile and dies with the shard.
//   - The next decision sees a record at once, but nobody outside hears of it,
//     reads included, before it is committed.
//   - A failed append leaves the outcome unknown. The shard then answers all who
//     wait with an error that clients retry, forgets its machine and replays. So
//     it does when the records did not get the offsets that they were applied with.
//   - A marker, or records of a transaction, that the journal refuses because of their
//     producer leave everything as it was; the caller is told.
//   - Machine code never blocks and never starts a goroutine; replies are
//     callbacks that mark and signal.
//   - One timer of the clock per shard, set to the machine's earliest wake-up.
//   - Queues are bounded; a call that finds its queue full is refused at once.
//
// The package does not know what the records mean, nor what a topic is: Journal
// is the seam, and LogJournal implements it over a partition's log.
package coordinator
