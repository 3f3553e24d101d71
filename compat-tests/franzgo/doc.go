// Package franzgo runs franz-go's own tests of consumer groups against a broker.
//
// They come with the module, by name and version from the module registry, and
// take the broker from the environment (KGO_SEEDS, KGO_TEST_RF,
// KGO_TEST_RECORDS). A chain of groups passes records on while members join and
// leave in the middle of their work, with every balancer, static members, and
// both group protocols; a test that skips itself here would hide that the broker
// does not say that it has what the test needs, so it fails.
package franzgo
