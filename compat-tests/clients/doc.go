// Package clients runs real Kafka clients against a broker: one small program
// per client, one command line and one result format for all, so that a
// scenario is written once and every client is an example of its library.
//
// # The programs
//
// Each sub-folder with a client program takes a step and flags:
//
//	about                                    version of the library, codecs
//	create  --partitions N                   makes the topic
//	produce --codec CODEC --max-bytes N      sends the records on standard input; with max-bytes
//	                                         the client's own limits allow a request of that size
//	write   --topics T,... --codecs C,...    sends the records to each topic with its codec
//	read    --topics T,... --count N         reads N records from the beginning of topics with
//	        --since MS                       one partition, without a group where it can; with since
//	                                         from the first record that is not older (ListOffsets)
//	consume --group G --count N              reads exactly N records in the group,
//	                                         commits behind them, leaves
//	member  --group G --session-ms MS        stays in the group until the end of
//	        --instance ID                    standard input, then leaves; with instance as a
//	                                         static member (KIP-345), which does not leave
//	stream                                   sends each record as it comes on standard input,
//	                                         through restarts of the broker
//	admin                                    does what standard input says, a command a line
//	worker  --group G --session-ms MS        a member that commits behind what it has
//	        --protocol classic|consumer      read; only of clients that workers names
//	transact                                 does in transactions what standard input
//	                                         says; only of clients that transactors names
//	connect                                  makes the connections of standard input, a command
//	                                         a line; only of clients that connectors names
//
// A row's Can says which of max-bytes, since, instance and stream a client has, its Admin which commands.
//
// all but about and connect with --bootstrap HOST:PORT and --topic NAME. Standard output is
// JSON lines, each with an "event": about (version, codecs), created, produced
// (count), acked (index of the line on standard input, partition, offset), record (topic, partition, offset, timestamp, key, value, headers; topic
// and timestamp where the client tells them), committed (offsets:
// partition to next offset), assigned (partitions: all that the member owns
// now), left, error (message). A command of transact is a JSON object a line, "as"
// one of the program's producers. Each is answered with done, or with refused (message,
// fenced: another producer has taken over); drain has records and done (offsets: where
// it stopped).
//
//	{"do": "init", "as": P, "id": TRANSACTIONAL, "timeout-ms": N}       begins the producer
//	{"do": "begin", "as": P}; commit and abort alike
//	{"do": "send", "as": P, "topic": T, "partition": N, "values": [TEXT, ...]}   all acknowledged
//	{"do": "offsets", "as": P, "topic": T, "group": G, "offsets": {PARTITION: NEXT, ...}}
//	{"do": "transform", "as": P, "topic": T, "to": T, "group": G, "count": N, "abort-every": K}
//	                    moves N records in transactions with the offsets of the group; every
//	                    Kth transaction is aborted and done again
//	{"do": "drain", "topic": T, "isolation": LEVEL}                     reads all, without a group
//
// A command of admin is a JSON object too, answered with done (and what the command says
// below) or with refused (message):
//
//	{"do": "create", "topic": T, "count": PARTITIONS}
//	{"do": "topics"}                                        names
//	{"do": "describe", "topic": T}                          count: partitions
//	{"do": "partitions", "topic": T, "count": N}            N in all from now on
//	{"do": "alter", "topic": T, "name": K, "value": V}      a setting of the topic
//	{"do": "config", "topic": T, "name": K}                 text: its value
//	{"do": "delete-records", "topic": T, "partition": P, "before": OFFSET}
//	{"do": "groups"}                                        names
//	{"do": "offsets", "group": G, "topic": T}               offsets: partition to next offset
//	{"do": "delete-group", "group": G}
//	{"do": "delete", "topic": T}
//
// A command of connect says how to get in, and is answered with the records and done, or with refused (message):
//
//	{"do": "exchange", "bootstrap": HOST:PORT, "protocol": SECURITY-PROTOCOL, "ca": FILE, "certificate": FILE, "key": FILE,
//	 "mechanism": M, "user": U, "password": W, "token": T, "patience-ms": N, "topic": T, "values": [TEXT, ...]}
//	                    sends the values to a topic with one partition, and reads as many records from its
//	                    beginning. Files are in PEM form; what a way in has not is left out. A client that
//	                    tries again where it is refused does so for as long as patience says
//
// A record on standard input has key, value and
// headers alike: bytes are in base64 or null, headers are [name, value] pairs. It has a
// timestamp, in milliseconds, where the client shall not choose one.
// CLIENT_SETTINGS in the environment are the settings of the client's row.
// The exit status is 0 when the step was done. The folders program, python,
// node and rust hold what the programs of one language share.
//
// # The tests
//
//	versions.go     which clients, which versions, what each cannot express
//	old.go          the clients of old, back to Kafka 0.8.2, and new ones that take the broker for old
//	install.go      from the public registries, by name, into the user's cache folder
//	step.go         runs a program to its end;  member.go keeps one running
//	records.go      what is sent, and what must come back
//	transactor.go   commands for a program that does in transactions what it is told
//	work.go         what a group of workers has read and committed, and what is wrong with that
//	running.go      a program that is told what to do, a command a line
//	secured.go      a broker that asks who comes, and the ways in and out of it
//	*_test.go       the scenarios: everyone (each reads what all wrote), roundtrip, group, large, seek, static, restart, admin, negotiation,
//	                tools, rebalance, migration, transaction, persona, security
//
// They run against barnabas; BARNABAS_COMPAT_TARGET=kafka runs them against
// Apache Kafka, which must be green too: the scenarios are about Kafka, not
// about us. Kafka 4 has dropped what the old clients speak: they are judged by
// BARNABAS_COMPAT_TARGET=kafka-3.9.2. A missing toolchain skips a client by name, and fails in CI.
package clients
