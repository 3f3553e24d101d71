// Package exactlyonce kills applications that consume, transform and produce in
// transactions, and the broker below them, and counts what comes out.
//
//	copier    Apache Kafka's TransactionalMessageCopier, two of them, each with a
//	          partition of its own or both in one group, with random aborts: every
//	          input is there once, in order
//	streams   a word count by Kafka Streams (WordCount.java) with exactly_once_v2, a
//	          repartition topic and a state store: the counts of each word are 1, 2,
//	          3, ... to the number of times that it was said, none missing, none twice
//
// Applications are killed (-9) in the middle of their work and started again, under
// the same names; so is the broker. A copier that ends by itself with an error is
// started again as well, as an operator would.
//
//	EXACTLYONCE_RECORDS=100000 EXACTLYONCE_ROUNDS=10 go test ./exactlyonce -v -timeout 60m
package exactlyonce
