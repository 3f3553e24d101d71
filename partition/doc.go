// Package partition is what leads a partition: its leader epoch, its marks, and
// the waking of those who wait for records. The records themselves are the
// business of a logstore.Log.
//
//	Produce ──> Partition.Append ──> Log.Append ──> wake (after the commit, no lock held)
//	Fetch   ──> Partition.Read   ──> Log.Read
//	        └─> Waiter.Watch, when there is too little to answer with
//
// Promises:
//   - Set.Get takes no lock and allocates nothing for a partition that is in use. One
//     that was created in this run is made at its first use, and never after its
//     removal.
//   - No batch is appended under a leader epoch that metadata does not know: the
//     first append to a partition that existed before this start, and the first
//     after a truncation, raise the epoch through EpochRaiser and wait for it.
//   - No wake-up is lost: a Waiter looks at the end once more after it has been
//     entered in the partition's list, and a commit moves the end before it looks
//     at that list.
//
// Who owns what: a Set owns its partitions; a Partition owns its list of waiters
// under its own small lock, which is never held while the log is called for an
// append; a Waiter belongs to one goroutine at a time, apart from being fired.
//
// Not here: acknowledgement levels, quotas and protocol codes (package
// server/api), retention and recovery (package logstore/disk).
package partition
