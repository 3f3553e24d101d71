package access

import (
	"math/rand/v2"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// draw is what a request is drawn from. What it draws must not depend on the broker; ids
// of topics are looked up.
type draw struct {
	*rand.Rand
	*room
	version int16 // that the request will have
}

// request is how an API is asked.
type request struct {
	key  kmsg.Key
	draw func(d *draw) kmsg.Request
	// after puts back what was changed; nil where nothing is, or both brokers change alike.
	after func(r *room, resp kmsg.Response)
	// racing are fields that depend on more than the request.
	racing []string
}

// requests are of all APIs that rules are about.
var requests = []request{
	{key: kmsg.Produce, draw: (*draw).produce},
	{key: kmsg.Fetch, draw: (*draw).fetch},
	{key: kmsg.ListOffsets, draw: (*draw).listOffsets},
	{key: kmsg.Metadata, draw: (*draw).metadata},
	{key: kmsg.CreateTopics, draw: (*draw).createTopics},
	{key: kmsg.DeleteTopics, draw: (*draw).deleteTopics, after: (*room).afterDeleteTopics},
	{key: kmsg.DeleteRecords, draw: (*draw).deleteRecords},
	{key: kmsg.CreatePartitions, draw: (*draw).createPartitions},
	{key: kmsg.OffsetForLeaderEpoch, draw: (*draw).offsetForLeaderEpoch},
	{key: kmsg.DescribeTopicPartitions, draw: (*draw).describeTopicPartitions},
	{key: kmsg.DescribeProducers, draw: (*draw).describeProducers, racing: []string{"LastTimestamp"}},
	{key: kmsg.DescribeConfigs, draw: (*draw).describeConfigs},
	{key: kmsg.AlterConfigs, draw: (*draw).alterConfigs},
	{key: kmsg.IncrementalAlterConfigs, draw: (*draw).incrementalAlterConfigs},

	{key: kmsg.OffsetCommit, draw: (*draw).offsetCommit, after: (*room).afterCommit},
	{key: kmsg.OffsetFetch, draw: (*draw).offsetFetch},
	{key: kmsg.OffsetDelete, draw: (*draw).offsetDelete, after: (*room).afterDeleteGroups},
	{key: kmsg.FindCoordinator, draw: (*draw).findCoordinator},
	{key: kmsg.JoinGroup, draw: (*draw).joinGroup},
	{key: kmsg.SyncGroup, draw: (*draw).syncGroup},
	{key: kmsg.Heartbeat, draw: (*draw).heartbeat},
	{key: kmsg.LeaveGroup, draw: (*draw).leaveGroup},
	{key: kmsg.DescribeGroups, draw: (*draw).describeGroups},
	{key: kmsg.ListGroups, draw: (*draw).listGroups},
	{key: kmsg.DeleteGroups, draw: (*draw).deleteGroups, after: (*room).afterDeleteGroups},
	{key: kmsg.ConsumerGroupHeartbeat, draw: (*draw).consumerGroupHeartbeat},
	{key: kmsg.ConsumerGroupDescribe, draw: (*draw).consumerGroupDescribe, racing: epochs},
	{key: kmsg.ShareGroupHeartbeat, draw: (*draw).shareGroupHeartbeat},
	{key: kmsg.ShareGroupDescribe, draw: (*draw).shareGroupDescribe, racing: epochs},
	{key: kmsg.ShareFetch, draw: (*draw).shareFetch},
	{key: kmsg.ShareAcknowledge, draw: (*draw).shareAcknowledge},
	{key: kmsg.DescribeShareGroupOffsets, draw: (*draw).describeShareGroupOffsets},
	{key: kmsg.AlterShareGroupOffsets, draw: (*draw).alterShareGroupOffsets},
	{key: kmsg.DeleteShareGroupOffsets, draw: (*draw).deleteShareGroupOffsets},

	{key: kmsg.InitProducerID, draw: (*draw).initProducerID},
	{key: kmsg.AddPartitionsToTxn, draw: (*draw).addPartitionsToTxn},
	{key: kmsg.AddOffsetsToTxn, draw: (*draw).addOffsetsToTxn},
	{key: kmsg.EndTxn, draw: (*draw).endTxn},
	{key: kmsg.TxnOffsetCommit, draw: (*draw).txnOffsetCommit, after: (*room).afterCommit},
	{key: kmsg.WriteTxnMarkers, draw: (*draw).writeTxnMarkers},
	{key: kmsg.DescribeTransactions, draw: (*draw).describeTransactions, racing: []string{"TransactionStartTimeMs"}},
	{key: kmsg.ListTransactions, draw: (*draw).listTransactions},

	{key: kmsg.DescribeACLs, draw: (*draw).describeACLs},
	{key: kmsg.CreateACLs, draw: (*draw).createACLs, after: (*room).afterACLs},
	{key: kmsg.DeleteACLs, draw: (*draw).deleteACLs, after: (*room).afterACLs},
	{key: kmsg.CreateDelegationToken, draw: (*draw).createToken},
	{key: kmsg.RenewDelegationToken, draw: (*draw).renewToken},
	{key: kmsg.ExpireDelegationToken, draw: (*draw).expireToken},
	{key: kmsg.DescribeDelegationToken, draw: (*draw).describeTokens},
	{key: kmsg.DescribeClientQuotas, draw: (*draw).describeQuotas},
	{key: kmsg.AlterClientQuotas, draw: (*draw).alterQuotas},
	{key: kmsg.DescribeUserSCRAMCredentials, draw: (*draw).describeScram},
	{key: kmsg.AlterUserSCRAMCredentials, draw: (*draw).alterScram},

	{key: kmsg.DescribeCluster, draw: (*draw).describeCluster},
	{key: kmsg.DescribeLogDirs, draw: (*draw).describeLogDirs},
	{key: kmsg.AlterReplicaLogDirs, draw: (*draw).alterReplicaLogDirs},
	{key: kmsg.ElectLeaders, draw: (*draw).electLeaders},
	{key: kmsg.AlterPartitionAssignments, draw: (*draw).alterReassignments},
	{key: kmsg.ListPartitionReassignments, draw: (*draw).listReassignments},
	{key: kmsg.ListConfigResources, draw: (*draw).listConfigResources},
	{key: kmsg.DescribeQuorum, draw: (*draw).describeQuorum, racing: []string{"Nodes"}}, // of listeners for controllers none is open
	{key: kmsg.UpdateFeatures, draw: (*draw).updateFeatures},
	{key: kmsg.UnregisterBroker, draw: (*draw).unregisterBroker},
	{key: kmsg.AddRaftVoter, draw: (*draw).addVoter},
	{key: kmsg.RemoveRaftVoter, draw: (*draw).removeVoter},
}

// epochs are those of groups, which count how often metadata was looked at.
var epochs = []string{"GroupEpoch", "AssignmentEpoch", "MemberEpoch"}

// unasked are APIs that are served and that no rule is about.
var unasked = map[kmsg.Key]string{
	kmsg.ApiVersions:               "everyone may ask what is served",
	kmsg.SASLHandshake:             "asked before it is known who asks",
	kmsg.SASLAuthenticate:          "asked before it is known who asks",
	kmsg.GetTelemetrySubscriptions: "everyone may ask what is wanted",
	kmsg.PushTelemetry:             "everyone may send what is wanted",
}

// one draws a name, of something or of nothing.
func (d *draw) one() string { return oneOf(d.Rand, names) }

// some draws names, each once.
func (d *draw) some() []string { return d.from(names) }

// from draws some of these, each once.
func (d *draw) from(these []string) []string {
	drawn := make([]string, 0, len(these))
	for _, i := range d.Perm(len(these))[:1+d.IntN(min(len(these), 5))] {
		drawn = append(drawn, these[i])
	}
	return drawn
}

// flag is true as often as not.
func (d *draw) flag() bool { return d.IntN(2) == 0 }

// rarely is true once in n.
func (d *draw) rarely(n int) bool { return d.IntN(n) == 0 }
