// Package dumplog has Apache Kafka's kafka-dump-log read every file that Barnabas
// leaves behind when it is stopped: what it finds must agree with what was
// produced, and it must find nothing amiss.
//
//	.log                    --deep-iteration --print-data-log
//	.index, .timeindex      --index-sanity-check, --verify-index-only
//	.snapshot, .txnindex    as they are
//	__consumer_offsets      --offsets-decoder
//	__transaction_state     --transaction-log-decoder
//	__cluster_metadata      --cluster-metadata-decoder, log and checkpoints
//
// The workload is a table; a row that waits for something to be built says so and
// is a named skip.
//
//	go test ./dumplog -v
package dumplog
