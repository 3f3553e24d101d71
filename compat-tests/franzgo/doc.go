// Package franzgo runs franz-go's own tests, the whole suite of its package kgo, against
// a broker.
//
// They come with the module, by name and version from the module registry, and
// take the broker from the environment (KGO_SEEDS, KGO_TEST_RF,
// KGO_TEST_RECORDS). The longest pass records on through a chain of groups, of
// transactions and of share groups, while members join and leave in the middle of their work,
// with every balancer, static members, and both group protocols. A test that skips
// itself fails here, for it would hide that the broker does not say that it has
// what the test needs; the few that may are named with the reason. What passes is
// judged by Apache Kafka: BARNABAS_COMPAT_TARGET=kafka must be green as well.
//
//	FRANZGO_RUN=TestTxnEtl FRANZGO_RECORDS=500000 go test ./franzgo -timeout 40m
package franzgo
