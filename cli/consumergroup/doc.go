// Package consumergroup knows what groups of consumers are, how far they have read,
// and where they may go instead: what `barnabas groups` and kafka-consumer-groups
// have in common, and what a reader of whole topics needs as well.
//
//	names --> Describe --> []Group --> Progress --> []Read (committed, end, lag, member)
//	partitions, Target --> Plan --> []Step (from, asked for, to) --> Commit
//
// It asks a broker, and neither prints nor words errors: what a broker refuses comes
// as it was answered (kerr codes), so that each command line can say it in its own way.
// Each function sends one request for all that it is asked about, however many
// groups or partitions those are; the client spreads it over the brokers.
package consumergroup
