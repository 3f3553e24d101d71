// Package soak has one broker serve mixed clients for as long as one likes, while it is
// killed, stopped, paused, and runs out of disk, and compares what the clients were told
// with what is there.
//
// Time goes by in rounds of a minute, each with topics of its own, so that a run of a
// night needs no more memory and disk than one of a minute:
//
//	plain         idempotent producers, a live reader                --> crash.Ledger
//	groups        a classic and a consumer group whose members       --> crash.Ledger for the records,
//	              join, leave and vanish, over steady records            watch for the members
//	transactions  transactional producers, readers of the committed  --> txnhistory.History
//	trouble       from a seed: kill -9, kill -9 while it starts,
//	              SIGTERM, SIGSTOP, a full disk
//
// After each trouble producers and readers must get on; at the end of a round everything
// is read from the start, and the ledger is printed:
//
//	sent, acked, read   records
//	lost                acknowledged, or seen, or committed, and not there; of groups: never read
//	doubled             one record at two offsets
//	reordered           not in the order of sending, or offsets that did not rise for a reader
//	aborted             a reader of the committed got what was not committed
//	back                a committed offset went back, or was not what a member had stored
//	other               everything else: a partition with two owners, an offset that changed ...
//
// A run fails if any of the last six is not 0. Its seed is printed, and repeats the moments
// of trouble (not the load to the byte):
//
//	go test ./soak -run '^TestSoak$' -v -timeout 0 -minutes 10 -seed 42
//
// BARNABAS_COMPAT_TARGET names another broker, as for package target. Apache Kafka is stopped in order where Barnabas is
// killed (SOAK_KILL_KAFKA=1 kills it as well: 4.3.1 was seen to show aborted records then), and
// its disk does not fill up, which ends it. The disk fills up where a small volume can be
// mounted: on Linux, as root.
package soak
