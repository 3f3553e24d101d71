// Command bench measures brokers side by side: Barnabas, kfake (on disk, and in
// memory where that is better), Apache Kafka, and null, which answers and stores
// nothing: the ceiling. Each series is a table with brokers of its own; allSeries
// lists them, in the order in which they run:
//
//	side by side  produce and consume by franz-go (1 KiB, 100 B) and by librdkafka; raw
//	              frames: one record, 16 KiB, 128 KiB x 6, 1 MiB, 100 and 1,000
//	              partitions; raw fetch of 1 MiB and 64 KiB per partition; catch-up reads
//	              while producing; starts and stops, empty (profile dev)
//	durable       everything is synced before the answer: Barnabas in profile
//	              server, Kafka with log.flush.interval.messages=1, kfake -sync; also
//	              four times what the WAL of Barnabas holds, and loads together with
//	              a sync of all that they left to be synced later, and beside a plain log,
//	              which writes the same groups by O_DSYNC to a zero-filled file
//	compressed    each codec as it comes, and recompressed for a topic that asks for another
//	end to end    raw frames from producer to consumer, paced at 1,000/s and 10,000/s, and
//	              one after the other; 100 waiting fetchers
//	groups        1,000 members join one group at once, by each group protocol that
//	              the broker serves; commits in 64 groups; the CPU of a heartbeat
//	              beside that of a broker that does nothing (null)
//	transactions  of one record each, by one producer and by 16; an idempotent producer
//	              beside a plain one
//	secured       what goes by TLS 1.3 beside Kafka's, and what an authorizer with 1,000 rules
//	              costs beside none (columns barnabas-rules, kafka-rules)
//	old consumers of Kafka 0.10 read what modern producers wrote, Barnabas and Kafka 3.9:
//	              how fast, in how much memory, and what a modern one beside it notices
//	start beside  10,000 partitions after a stop and after kill -9, and 2 GiB after
//	peers         kill -9: two series; to the first answer, and until every partition
//	              answers that it has all that was acknowledged
//	start         Barnabas alone: empty, after 1 GiB and kill -9, with 10,000
//	              partitions after a stop and after kill -9, 20,000 open files
//	mixed         producers of all sizes, a group, transactions, retention and compaction
//	              for --minutes: whether memory and tails stay flat; a sample each 10 s
//	compaction    50 keys x 20,000 updates, Barnabas and Kafka: what compaction
//	              costs those who produce, and what it leaves
//	retention     13 MB/s where 8 MiB are kept, Barnabas and Kafka: what deletion
//	              costs those who produce, and what it leaves on the disk
//	memory and scale
//	              each on a broker of its own: memory idle, after 1 GiB in and out, of
//	              an idle connection; 10,000 topics; 100,000 partitions with a record
//	              in each, 20,000 open files
//
// Apache Kafka has the settings that profile dev changes, in the series that compare with it:
// intervals of consumer groups, and socket.send.buffer.bytes=-1, which raw fetch shows.
//
// In most series all brokers run at once and idle while another is measured. Each
// round takes every workload through every broker in turn, so that a slow moment
// of the machine falls on all, in an order of its own for each workload and
// round, so that none always follows the same one. A null broker of its own is
// looked at before every measurement, 120 times a round or more: when the median of one
// half of those moved, the machine did, and the round is void; --repeats such rounds may be for each wanted one. They count only where
// no other does, and then every verdict says so. A measurement begins when the machine is
// 85 % idle, or after 3 s, and the table counts those; the record has what the host stole
// of each round. A broker that died or hung is left out of what follows. The time limit
// of a series begins after starts and the warm-up, and ends a round between two workloads.
// Figures are medians over the rounds.
// A figure alone says little, the ratios beside it are what counts. The series start,
// mixed, and memory and scale have no such yardstick: states take turns, a run is one time
// series, or a broker is fresh for each measurement. Below a table stand its goals
// (targets.go, and what a series adds): met, missed, or not measured where a workload
// failed or has fewer than three rounds of as many or more that were asked for; and below
// all tables all goals once more, the targets of targets.go first, and counted. A goal that
// is not met fails nothing. A workload that fails on a broker is noted there, and the
// others go on. Whether there is no stall is judged of 1,000,000 end-to-end rounds, whether
// the mixed load is flat of 30 minutes.
//
// The JSON (package record) has every sample of every round; page writes
// docs/performance.md from it, and benchfmt what benchstat reads. It is written after each
// series, beside what the file has of others: a run may be interrupted, or taken in
// parts. null and peer are the brokers that are built here, rdkafka is the load of
// librdkafka.
//
//	go run ./bench [--rounds 3] [--repeats 2] [--warm 1024] [--limit 40m] [--json FILE] [--dir FOLDER]
//	               [--against kfake,kfake-memory,kafka,null]
//	               [--only 'durable,groups' or 'raw fetch']: series, or parts of workloads' names
//	side by side   [--size 512] [--requests 50000] [--starts 10]
//	durable        [--durable-size 64] [--durable-requests 2000] [--size 512]
//	compressed     [--size 512]
//	end to end     [--rounds-e2e 20000] [--requests 50000]
//	groups, transactions
//	               [--requests 50000]
//	secured        [--size 512] [--requests 50000]
//	old consumers  [--size 512]
//	start beside peers, start
//	               [--starts 10] [--size 512] [--partitions 10000]
//	mixed          [--minutes 2]
//	compaction     [--updates 20000]
//	memory and scale
//	               [--size 512] [--topics 10000] [--node-partitions 100000]
//
// Load comes from three kinds of generators: franz-go and librdkafka, as an application
// would send, and raw frames encoded beforehand, so that the client costs next to
// nothing; they come from idempotent producers, and fetches are in sessions, as clients
// have it. What was produced is read back: every batch by its checksum, at offsets
// without a gap, and where frames are raw by its bytes; of a compacted topic every record,
// and of transactions the value of each. Each group must hold its last commit. The GiB of the
// memory series is counted. The streams behind the mixed load have to end where they were
// acknowledged; what is left of them is read meanwhile, with its checksums, and its probe is
// read back as raw frames are. Nothing is read back from null, which has counted what it got. A
// connection of 'durable, one in flight' and 'durable, 16 x' has one request in flight,
// and so has one of heartbeats. Members of groups are raw connections as well, with the timeouts of
// Kafka's clients: a member that is stable hears of a rebalance by its heartbeat,
// every 3 s, so that joins take that long whenever a broker lets an early
// generation become stable. A workload leaves out brokers that do not advertise
// what it sends.
package main
