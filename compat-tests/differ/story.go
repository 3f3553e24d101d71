package differ

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/schema"
)

// Story is one dialogue with a broker.
type Story struct {
	// Name is a path: API, then what happens ("produce/bad checksum").
	Name string
	// Key is the API under test; requests of this API are sent in the version
	// of the run, all others in the newest.
	Key kmsg.Key
	// Versions limits the versions; the zero Range means all that are advertised.
	Versions schema.Range
	// FlatFetch compares answers to Fetch as partitions in no order. Kafka groups
	// partitions in its answers otherwise than in the request where some have errors.
	FlatFetch bool
	// Harmless says that it changes nothing, and can be told beside others that do not.
	Harmless bool
	// Unordered are lists, by path from the API, whose order means nothing in this story.
	Unordered []string
	// Tell sends the requests. It must not depend on which broker it talks to.
	Tell func(s *Session)
}

// since is an open range of versions.
func since(version int16) schema.Range { return schema.Range{Min: version, Max: 1<<15 - 1} }

// only is a range of one version.
func only(version int16) schema.Range { return schema.Range{Min: version, Max: version} }

// between is a range with both ends included.
func between(low, high int16) schema.Range { return schema.Range{Min: low, Max: high} }

// has tells whether the story is told in a version.
func (st Story) has(version int16) bool {
	return (st.Versions == schema.Range{}) || st.Versions.Has(version)
}

// newest is the highest version of an API that judge and encoder have.
func newest(catalog *schema.Catalog, key int16) int16 {
	version := kmsg.RequestForKey(key).MaxVersion()
	if known := catalog.Request(key); known != nil {
		version = min(version, known.Versions.Max)
	}
	return version
}

// Stories are all stories, in the order in which they are told.
func Stories() []Story {
	groups := [][]Story{
		apiVersionsStories(), metadataStories(), createTopicsStories(), deleteTopicsStories(), createPartitionsStories(), topicLimitStories(),
		produceStories(), produceRecordStories(), idempotentStories(), initProducerIDStories(), describeProducersStories(),
		fetchStories(), fetchSessionStories(), listOffsetsStories(), leaderEpochStories(), deleteRecordsStories(),
		describeConfigsStories(), alterConfigsStories(), configResourceStories(),
		coordinatorStories(), joinStories(), rebalanceStories(), membershipStories(), groupAdminStories(), offsetStories(), offsetDeleteStories(),
		clusterStories(), topicPartitionsStories(), logDirsStories(), oldProduceStories(), oldFetchStories(), consumerDescribeStories(),
		transactionStories(), consumerGroupStories(), shareGroupStories(), shareFetchStories(), shareAcknowledgeStories(), featureStories(),
		aclStories(), tokenStories(), saslStories(), scramStories(), quotaStories(),
		electionStories(), reassignmentStories(), replicaDirStories(), quorumStories(), voterStories(),
	}
	var all []Story
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}
