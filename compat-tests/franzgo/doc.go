// Package franzgo runs franz-go's own tests of consumer groups, share groups and transactions
// against a broker.
//
// They come with the module, by name and version from the module registry, and
// take the broker from the environment (KGO_SEEDS, KGO_TEST_RF,
// KGO_TEST_RECORDS). A chain of groups passes records on while members join and
// leave in the middle of their work, with every balancer, static members, and
// both group protocols; a test that skips itself here would hide that the broker
// does not say that it has what the test needs, so it fails. In the chain of
// transactions each link commits its records together with its group's offsets.
//
//	FRANZGO_RECORDS=500000 go test ./franzgo -run Transaction -timeout 40m
package franzgo
