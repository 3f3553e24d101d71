// Command bench measures brokers side by side: Barnabas (profile dev), kfake on
// disk and Apache Kafka.
//
// All brokers run at once and idle while another is measured. Each round takes
// every workload through every broker in turn, so that a slow moment of the
// machine falls on all, and begins with another broker than the one before, so
// that none always follows the same one. Figures are medians over the rounds. A
// figure alone says little, the ratios beside it are what counts.
//
//	go run ./bench [--rounds 3] [--size 512] [--only produce] [--against kfake,kafka] [--limit 12m] [--json FILE]
//
// Load comes from two kinds of generators: franz-go, as an application would
// send, and raw frames encoded beforehand, so that the client costs next to
// nothing. Workloads that produce check afterwards that the broker holds what
// was sent.
package main
