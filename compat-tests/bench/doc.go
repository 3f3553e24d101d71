// Command bench measures brokers side by side: Barnabas, kfake (on disk, and in
// memory where that is better), Apache Kafka, and null, which answers and stores
// nothing: the ceiling. Each series is a table with brokers of its own; allSeries
// lists them:
//
//	side by side  produce and consume by franz-go and by librdkafka, raw frames,
//	              starts, memory (profile dev)
//	durable       everything is synced before the answer: Barnabas in profile
//	              server, Kafka with log.flush.interval.messages=1, kfake -sync
//	groups        1,000 members join one group at once, by each group protocol that
//	              the broker serves; commits in 64 groups; the CPU of a heartbeat
//	              beside that of a broker that does nothing (null)
//	transactions  of one record each, by one producer and by 16; an idempotent producer
//	              beside a plain one
//	old consumers of Kafka 0.10 read what modern producers wrote, Barnabas and Kafka 3.9:
//	              how fast, in how much memory, and what a modern one beside it notices
//	start beside  10,000 partitions after a stop and after kill -9, and 2 GiB after
//	peers         kill -9
//	start         Barnabas alone: empty, after 1 GiB and kill -9, with 10,000
//	              partitions after a stop and after kill -9, 20,000 open files
//	compaction    50 keys x 20,000 updates, Barnabas and Kafka: what compaction
//	              costs those who produce, and what it leaves
//	retention     13 MB/s where 8 MiB are kept, Barnabas and Kafka: what deletion
//	              costs those who produce, and what it leaves on the disk
//	memory and scale
//	              each on a broker of its own: memory idle, after 1 GiB in and out, of
//	              an idle connection; 10,000 topics; 100,000 partitions with a record
//	              in each, 20,000 open files
//
// All brokers of a series run at once and idle while another is measured. Each
// round takes every workload through every broker in turn, so that a slow moment
// of the machine falls on all, and begins with another broker than the one
// before, so that none always follows the same one. A null broker of its own is
// measured before and after each round: when that moved, the machine did, and the
// round is void and repeated, --repeats times. Figures are medians over the rounds.
// A figure alone says little, the ratios beside it are what counts. Below a table
// stand its goals (targets.go), met or missed; a missed one fails nothing. A workload
// that fails on a broker is noted there, and the others go on.
//
// The JSON (package record) has every sample of every round; page writes
// docs/performance.md from it, and benchfmt what benchstat reads. null and peer are
// the brokers that are built here, rdkafka is the load of librdkafka.
//
//	go run ./bench [--rounds 3] [--only produce,raw] [--against kfake,kafka,null] [--limit 12m] [--json FILE]
//	go run ./bench --only durable [--durable-size 64] [--durable-requests 2000]
//	go run ./bench --only groups [--requests 50000]
//	go run ./bench --only transactions [--requests 50000]
//	go run ./bench --only 'old consumers' [--against kafka]
//	go run ./bench --only start [--starts 10] [--size 512] [--partitions 10000]
//	go run ./bench --only compaction [--updates 20000] [--against kafka]
//	go run ./bench --only retention
//	go run ./bench --only memory,scale [--topics 10000] [--node-partitions 100000]
//
// Load comes from two kinds of generators: franz-go, as an application would
// send, and raw frames encoded beforehand, so that the client costs next to
// nothing. Workloads that produce check afterwards that the broker holds what
// was sent; the durable ones read every batch back, with its checksum, and the
// compaction one every record, and each group must hold its last commit. A
// connection of the durable workloads has one request in flight, and so has one of
// heartbeats. Members of groups are raw connections as well, with the timeouts of
// Kafka's clients: a member that is stable hears of a rebalance by its heartbeat,
// every 3 s, so that joins take that long whenever a broker lets an early
// generation become stable. A workload leaves out brokers that do not advertise
// what it sends. Nothing is read back from null, which has counted what it got.
package main
