// Package disk keeps logs in Kafka's segment files: the engine behind
// logstore.Store and logstore.Log.
//
// docs/formats.md shows every file: its bytes, who writes it and when it is synced.
//
// # The life of an append
//
//	Append:  judge the producer, roll if due, one write at the tracked position,
//	         publish size, end                                   (log.mu held)
//	cached:  High follows at once: Committed
//	sync:    Ordered; the batch is copied into the next group    (and committer.mu)
//	         committer: one write of the write-ahead log for all logs with news, or a
//	         sync of the segments of those with batches that are not in it; raises
//	         High, calls OnCommitted in log order, then the Watcher (no lock held)
//	         a roll syncs the segment that it ends, so that a power cut can tear
//	         the last one only                                   (log.mu held)
//	later:   syncer: segments, names, index files; full files of the write-ahead log
//	         are used again once the segments of all their logs are synced
//
// docs/adr/0005 has the rules of the write-ahead log, testdata/trace-*.txt every write
// and sync of a log's life in order.
//
// Readers take no lock of the log: they see an immutable list of segments and
// atomic marks. A chunk holds its segment's file open, so retention only unlinks.
//
// # Compaction
//
// The rules are logstore's (KeyScan, Retention). The cleaner takes the dirtiest log
// that is due, learns the keys of its dirty part, and rewrites its sealed segments
// from the first one on, in groups that fit into one segment:
//
//	read old ──> X.log.cleaned, indexes, synced            (no lock held)
//	swapIn:  look whether the old ones are all still there  (reshaping held)
//	         .cleaned -> .swap, publish the new list        (and mu, for the list)
//	         old -> .deleted, .swap -> final names
//
// Only segments below the recovery point that is on disk, and below the last stable
// offset, are rewritten, so that nothing that is scanned or replayed after a crash
// was compacted. Where a log was ever compacted its row in cleaner-offset-checkpoint
// says so, and missing offsets are no damage whatever its policy is now. Readers that
// hold a chunk go on reading the old file.
//
// # Promises
//
//   - What was committed survives the death of the process; in Sync mode, and with
//     everything below High, also a power cut. An append that failed left nothing.
//   - A full disk or a lack of file handles refuses appends and passes. On a full
//     disk clients are refused first: a ballast keeps room for everybody else. A write
//     that cannot be taken back, or two failures in a row, take that partition
//     offline. A failed sync ends the store: it is never asked for again.
//   - Opening a log touches no disk; its folder appears with its first append. A
//     log is recovered at its first use: its entries of the write-ahead log, if a crash
//     has left one, are written back first. After a clean stop nothing is scanned
//     but the few batches behind the last index entry; otherwise the segments that
//     reach beyond the recovery point.
//   - A torn tail is copied aside and cut off. Damage to what was durable takes the
//     partition offline with the place named, and changes nothing.
//   - Records that are missing without compaction or a deletion are damage too: at
//     the log's begin they are found as it is opened, elsewhere as they are asked for.
//   - Indexes, epochs and producer state are made of the batches, and made again
//     when they are missing or do not fit. A missing .txnindex means that nothing
//     was aborted, so it is made again only with the segment's other indexes. Nothing
//     is deleted because an index says so.
//   - A clock that jumps deletes nothing (clockGuard).
//
// # Who owns what
//
// A Store runs from Open to Close the syncer, a goroutine, and in Sync mode the
// committer, two of them; one timer while deleted files wait; and the cleaner: a timer
// while a compacted log has sealed segments that were not compacted yet, a goroutine
// during a round. A log's state is
// guarded by its mutex; what syncs or removes files is serialised by log.flushing,
// and what takes sealed segments away by log.reshaping, which comes first. File
// handles belong to a pool and are opened at need; those in use are never closed.
//
// # What is left out
//
// Who leads and who waits (package partition); a scrubber of closed segments. File
// system and clock come in by parameter; nothing here imports os.
package disk
