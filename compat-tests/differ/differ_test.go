package differ

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/schema"
)

// sameSettings are what both brokers run with where their defaults differ for
// good reasons.
var sameSettings = map[string]string{"group.initial.rebalance.delay.ms": "0"}

// Barnabas answers as Apache Kafka does. A difference fails unless
// differences.md allows it, with a reason.
func TestBarnabasAnswersAsKafka(t *testing.T) {
	allowances, err := ReadAllowances("../differences.md")
	if err != nil {
		t.Fatal(err)
	}
	judge := oracle.Run(t, oracle.Options{Properties: sameSettings})
	broker := barnabas.Run(t, barnabas.Options{Profile: "server", Properties: map[string]string{
		"group.initial.rebalance.delay.ms": "0",
		"barnabas.durability":              "cached", // speed; answers do not depend on it
	}})
	whole := tellAll(t, Stories(), oracle.Newest, judge.Bootstrap(), broker.Bootstrap(), allowances)
	if !whole {
		return // a run of some stories says nothing about the list
	}
	for _, a := range allowances.Unused() {
		t.Errorf("differences.md allows a difference that is not there (story %s, field %s); remove the row", a.Story, a.Field)
	}
}

// What Apache Kafka 4 has dropped and old clients still send is answered as 3.9
// does.
func TestBarnabasAnswersAsOldKafka(t *testing.T) {
	judge := oracle.Run(t, oracle.Options{Version: oracle.Old, Properties: sameSettings})
	broker := barnabas.Run(t, barnabas.Options{Profile: "server", Properties: map[string]string{"barnabas.durability": "cached"}})
	tellAll(t, OldStories(), oracle.Old, judge.Bootstrap(), broker.Bootstrap(), nil)
}

// Two Kafkas do not differ: what the stories compare is what a broker decides,
// not chance.
func TestKafkaAnswersAsItself(t *testing.T) {
	if testing.Short() {
		t.Skip("judges the stories, not the broker")
	}
	a := oracle.Run(t, oracle.Options{Properties: sameSettings})
	b := oracle.Run(t, oracle.Options{Properties: sameSettings})
	tellAll(t, Stories(), oracle.Newest, a.Bootstrap(), b.Bootstrap(), nil)
}

// tellAll tells every story in every version, and reports whether all were told
// (none was left out by -run).
func tellAll(t *testing.T, stories []Story, version, judge, broker string, allowances Allowances) bool {
	t.Helper()
	catalog := catalog(t, version)
	for _, address := range []string{judge, broker} {
		if err := Warm(address, catalog); err != nil {
			t.Fatal(err)
		}
	}
	pair := &Pair{A: judge, B: broker, Catalog: catalog}
	due, told := 0, 0
	for _, story := range stories {
		for _, version := range story.versions(catalog) {
			due++
			t.Run(fmt.Sprintf("%s/v%d", story.Name, version), func(t *testing.T) {
				told++
				for _, d := range pair.Tell(story, version) {
					if !allowances.Allows(d) {
						t.Errorf("%s\n  alone:   go test ./differ -run '%s'", d, t.Name())
					}
				}
			})
		}
	}
	return told == due
}

func catalog(t *testing.T, version string) *schema.Catalog {
	t.Helper()
	oracle.Need(t)
	files, err := oracle.Schemas(version)
	if err != nil {
		t.Fatal(err)
	}
	c, err := schema.Parse(files)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// served are the APIs that must have a story.
var served = []kmsg.Key{
	kmsg.ApiVersions, kmsg.Metadata, kmsg.Produce, kmsg.Fetch, kmsg.ListOffsets, kmsg.FindCoordinator, kmsg.JoinGroup, kmsg.SyncGroup,
	kmsg.Heartbeat, kmsg.LeaveGroup, kmsg.OffsetCommit, kmsg.OffsetFetch, kmsg.OffsetDelete, kmsg.ListGroups, kmsg.DescribeGroups,
	kmsg.DeleteGroups, kmsg.CreateTopics, kmsg.DeleteTopics, kmsg.CreatePartitions, kmsg.DeleteRecords, kmsg.DescribeConfigs,
	kmsg.AlterConfigs, kmsg.IncrementalAlterConfigs, kmsg.ListConfigResources, kmsg.DescribeCluster, kmsg.DescribeTopicPartitions,
	kmsg.OffsetForLeaderEpoch, kmsg.DescribeLogDirs, kmsg.InitProducerID,
	kmsg.DescribeACLs, kmsg.CreateACLs, kmsg.DeleteACLs, kmsg.SASLHandshake, kmsg.SASLAuthenticate,
	kmsg.CreateDelegationToken, kmsg.RenewDelegationToken, kmsg.ExpireDelegationToken, kmsg.DescribeDelegationToken,
	kmsg.DescribeClientQuotas, kmsg.AlterClientQuotas, kmsg.DescribeUserSCRAMCredentials, kmsg.AlterUserSCRAMCredentials,
	kmsg.ElectLeaders, kmsg.AlterPartitionAssignments, kmsg.ListPartitionReassignments, kmsg.AlterReplicaLogDirs,
	kmsg.DescribeQuorum, kmsg.UnregisterBroker, kmsg.AddRaftVoter, kmsg.RemoveRaftVoter,
}

// Every API that the broker serves is told in every version that judge and
// encoder have in common.
func TestEveryVersionHasAStory(t *testing.T) {
	catalog := catalog(t, oracle.Newest)
	told := map[kmsg.Key]map[int16]bool{}
	for _, story := range Stories() {
		if told[story.Key] == nil {
			told[story.Key] = map[int16]bool{}
		}
		for _, v := range story.versions(catalog) {
			told[story.Key][v] = true
		}
	}
	for _, key := range served {
		for _, v := range (Story{Key: key}).versions(catalog) {
			if !told[key][v] {
				t.Errorf("no story tells %s v%d", key.Name(), v)
			}
		}
	}
}
