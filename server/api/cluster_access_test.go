package api

import (
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
)

// What is asked of the cluster and of groups beside a request's own subject: followers,
// operations that are told with an answer, settings of other resources than topics. Each is
// denied without its rule, and not denied with it.
func TestWhatIsAskedOfTheClusterAndOfGroups(t *testing.T) {
	w := newGuardedWorld(t)
	w.topic("t", 1)
	w.become("alice")
	const broker, group = kmsg.ConfigResourceTypeBroker, kmsg.ConfigResourceTypeGroupConfig
	describe := func(kind kmsg.ConfigResourceType, name string) int16 {
		q := kmsg.NewPtrDescribeConfigsRequest()
		q.Resources = []kmsg.DescribeConfigsRequestResource{{ResourceType: kind, ResourceName: name}}
		return ask[*kmsg.DescribeConfigsResponse](w, 4, q).Resources[0].ErrorCode
	}
	alter := func(kind kmsg.ConfigResourceType, name string) int16 {
		q := kmsg.NewPtrAlterConfigsRequest()
		q.ValidateOnly, q.Resources = true, []kmsg.AlterConfigsRequestResource{{ResourceType: kind, ResourceName: name}}
		return ask[*kmsg.AlterConfigsResponse](w, 2, q).Resources[0].ErrorCode
	}
	const cluster = "CLUSTER kafka-cluster"
	for _, c := range []struct {
		name, rule string
		ask        func() (denied bool)
	}{
		{"a follower's fetch", "CLUSTER_ACTION " + cluster, func() bool {
			q := fetchOf("t", 0, 0)
			q.ReplicaID = 2
			return ask[*kmsg.FetchResponse](w, 12, q).Topics[0].Partitions[0].ErrorCode == errTopicDenied.Code
		}},
		{"operations with the metadata", "DESCRIBE " + cluster, func() bool {
			q := kmsg.NewPtrMetadataRequest()
			q.IncludeClusterAuthorizedOperations, q.Topics = true, []kmsg.MetadataRequestTopic{}
			return ask[*kmsg.MetadataResponse](w, 10, q).AuthorizedOperations == 0
		}},
		{"operations with the cluster", "DESCRIBE " + cluster, func() bool {
			q := kmsg.NewPtrDescribeClusterRequest()
			q.IncludeClusterAuthorizedOperations = true
			return ask[*kmsg.DescribeClusterResponse](w, 1, q).ClusterAuthorizedOperations == 0
		}},
		{"a broker's settings", "DESCRIBE_CONFIGS " + cluster, func() bool { return describe(broker, "1") == errClusterDenied.Code }},
		{"a group's settings", "DESCRIBE_CONFIGS GROUP g", func() bool { return describe(group, "g") == errGroupDenied.Code }},
		{"other settings of a broker", "ALTER_CONFIGS " + cluster, func() bool { return alter(broker, "1") == errClusterDenied.Code }},
		{"other settings of a group", "ALTER_CONFIGS GROUP g", func() bool { return alter(group, "g") == errGroupDenied.Code }},
		{"another setting of a broker", "ALTER_CONFIGS " + cluster, func() bool {
			q := kmsg.NewPtrIncrementalAlterConfigsRequest()
			q.ValidateOnly, q.Resources = true, []kmsg.IncrementalAlterConfigsRequestResource{{ResourceType: broker, ResourceName: "1"}}
			return ask[*kmsg.IncrementalAlterConfigsResponse](w, 1, q).Resources[0].ErrorCode == errClusterDenied.Code
		}},
	} {
		if w.rules(""); !c.ask() {
			t.Errorf("%s: not denied without a rule", c.name)
		}
		if w.rules("allow alice " + c.rule); c.ask() {
			t.Errorf("%s: denied with %s", c.name, c.rule)
		}
	}
}

// The guard of the table of needs hears of a need that nobody asks about.
func TestANeedThatIsNotAskedIsHeardOf(t *testing.T) {
	e := entry{name: "Some", access: []need{{auth.Read, auth.Topic}, {auth.Write, auth.Topic}}}
	heard := map[apiNeed]bool{{"Some", need{auth.Read, auth.Topic}}: true}
	left := notAsked([]entry{e}, func(n apiNeed) bool { return heard[n] })
	if !slices.Equal(left, []apiNeed{{"Some", need{auth.Write, auth.Topic}}}) {
		t.Errorf("%v", left)
	}
}
