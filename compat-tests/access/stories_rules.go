package access

import (
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/differ"
)

// ruleStories are about which rules count. Most look at the operations that a user may do
// with each topic, which Metadata tells.
func ruleStories() []differ.Story {
	return []differ.Story{
		{Name: "rules/which counts", Key: -1, Tell: tellWhichCounts},
		{Name: "rules/super users", Key: -1, Tell: func(s *differ.Session) {
			impose(s, []rule{deny(admin, all, topicKind, anyName), deny(anyName, all, clusterKind, clusterName), deny(anyName, all, topicKind, anyName)})
			for _, user := range []string{admin, alice} {
				s.Peer(user).Ask(user, operationsIn("red-1", "red-9"))
			}
		}},
		{Name: "rules/who and from where", Key: -1, Tell: func(s *differ.Session) {
			impose(s, []rule{
				allow(anyName, describe, topicKind, "red-1"), allow(alice, read, topicKind, "red-1"), deny(bob, describe, topicKind, "red-1"),
				from("10.1.2.3", allow(alice, all, topicKind, "red-2")), from("127.0.0.1", allow(alice, write, topicKind, "red-2")),
				from("127.0.0.1", deny(alice, alter, topicKind, "blue-1")), allow(alice, all, topicKind, "blue-1"),
				from("10.1.2.3", deny(alice, all, topicKind, "blue-2")), allow(alice, all, topicKind, "blue-2"),
			})
			for _, user := range []string{alice, bob, carol} {
				s.Peer(user).Ask(user, operationsIn("red-1", "red-2", "blue-1", "blue-2", "red-9"))
			}
		}},
		{Name: "rules/of a kind", Key: -1, Tell: func(s *differ.Session) {
			impose(s, []rule{allow(alice, all, groupKind, anyName), allow(alice, all, transactionKind, "red-1"), onCluster(alice, all)})
			s.Peer(alice).Ask("topics", operationsIn("red-1"))
			s.Peer(alice).Ask("cluster", operationsIn())
			s.Peer(alice).Try("transactions", describeTransactionsOf("red-1", "red-2"), "TransactionStartTimeMs")
		}},
	}
}

// operationsIn asks what one may do with topics and the cluster. Below version 11 Metadata
// tells of both.
func operationsIn(topics ...string) *kmsg.MetadataRequest {
	req := metadataOf(topics...)
	req.IncludeTopicAuthorizedOperations, req.IncludeClusterAuthorizedOperations = true, true
	return req
}

// tellWhichCounts is about one user and topics whose names begin alike.
func tellWhichCounts(s *differ.Session) {
	ask := operationsIn("red-1", "red-2", "blue-1", "red-9")
	for i, rules := range [][]rule{
		{},
		{allow(alice, read, topicKind, "red-1")},
		{allow(alice, read, topicKind, "red-1"), deny(alice, read, topicKind, "red-1")},
		{allow(alice, read, topicKind, "red-1"), deny(alice, describe, topicKind, "red-1")},
		{allow(alice, all, topicKind, "red-1"), deny(alice, read, topicKind, "red-1")},
		{allow(alice, read, topicKind, "red-1"), deny(alice, all, topicKind, "red-1")},
		{allow(alice, read, topicKind, "red-1"), ofPrefix(deny(alice, read, topicKind, "r"))},
		{allow(alice, read, topicKind, "red-1"), deny(alice, read, topicKind, anyName)},
		{allow(alice, all, topicKind, anyName), ofPrefix(deny(alice, write, topicKind, "red-")), deny(alice, read, topicKind, "red-1")},
		{ofPrefix(allow(alice, write, topicKind, "red-1")), ofPrefix(allow(alice, read, topicKind, "red-")), ofPrefix(allow(alice, alter, topicKind, "red-10"))},
		{ofPrefix(allow(alice, all, topicKind, "red-")), ofPrefix(deny(alice, remove, topicKind, "red-1")), ofPrefix(deny(alice, alter, topicKind, "red-2x"))},
		{ofPrefix(allow(alice, read, topicKind, anyName))}, // of names that begin with an asterisk
		{allow(alice, describe, topicKind, "red-1"), deny(anyName, write, topicKind, "red-1"), allow(anyName, all, topicKind, "red-1")},
		{allow(alice, alterConfigs, topicKind, "red-1"), allow(alice, describeConfigs, topicKind, "red-2"), allow(alice, remove, topicKind, "blue-1")},
		{allow(alice, alterConfigs, topicKind, "red-1"), deny(alice, describeConfigs, topicKind, "red-1"), allow(alice, describe, topicKind, "red-1")},
		{allow(alice, create, topicKind, "red-1"), allow(alice, clusterAction, topicKind, "red-2"), allow(alice, alter, topicKind, "blue-1")},
		{onCluster(alice, all), allow(alice, describe, topicKind, "red-1"), deny(alice, alter, clusterKind, clusterName)},
	} {
		under(s, fmt.Sprintf("rules %d", i), ask, rules...)
	}
}

// operationStories have each operation allowed alone, and then denied alone, on what each
// kind is about, and send what rules of this kind are asked for.
func operationStories() []differ.Story {
	var told []differ.Story
	for _, of := range []struct {
		name  string
		kind  kmsg.ACLResourceType
		on    string
		rest  []rule // what else the requests need
		about []kmsg.Key
	}{
		{"topics", topicKind, anyName,
			[]rule{allow(alice, all, groupKind, anyName), allow(alice, all, transactionKind, anyName)},
			[]kmsg.Key{
				kmsg.Produce, kmsg.Fetch, kmsg.ListOffsets, kmsg.Metadata, kmsg.CreateTopics, kmsg.DeleteTopics, kmsg.DeleteRecords, kmsg.CreatePartitions,
				kmsg.OffsetForLeaderEpoch, kmsg.DescribeTopicPartitions, kmsg.DescribeProducers, kmsg.DescribeConfigs, kmsg.IncrementalAlterConfigs, kmsg.AlterConfigs,
				kmsg.OffsetCommit, kmsg.OffsetFetch, kmsg.OffsetDelete, kmsg.ConsumerGroupHeartbeat, kmsg.ConsumerGroupDescribe, kmsg.ShareGroupHeartbeat, kmsg.ShareGroupDescribe,
				kmsg.ShareFetch, kmsg.DescribeShareGroupOffsets, kmsg.DeleteShareGroupOffsets, kmsg.InitProducerID, kmsg.TxnOffsetCommit, kmsg.DescribeTransactions,
			}},
		{"groups", groupKind, anyName,
			[]rule{allow(alice, all, topicKind, anyName), allow(alice, all, transactionKind, anyName)},
			[]kmsg.Key{
				kmsg.OffsetCommit, kmsg.OffsetFetch, kmsg.OffsetDelete, kmsg.FindCoordinator, kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat, kmsg.LeaveGroup,
				kmsg.DescribeGroups, kmsg.ListGroups, kmsg.DeleteGroups, kmsg.ConsumerGroupHeartbeat, kmsg.ConsumerGroupDescribe, kmsg.ShareGroupHeartbeat,
				kmsg.ShareGroupDescribe, kmsg.ShareFetch, kmsg.ShareAcknowledge, kmsg.DescribeShareGroupOffsets, kmsg.AlterShareGroupOffsets, kmsg.DeleteShareGroupOffsets,
				kmsg.AddOffsetsToTxn, kmsg.TxnOffsetCommit, kmsg.DescribeConfigs, kmsg.IncrementalAlterConfigs,
			}},
		{"transactions", transactionKind, anyName,
			[]rule{allow(alice, all, topicKind, anyName), allow(alice, all, groupKind, anyName)},
			[]kmsg.Key{kmsg.InitProducerID, kmsg.AddOffsetsToTxn, kmsg.EndTxn, kmsg.TxnOffsetCommit, kmsg.DescribeTransactions, kmsg.ListTransactions, kmsg.FindCoordinator}},
		{"cluster", clusterKind, clusterName, nil,
			[]kmsg.Key{
				kmsg.Metadata, kmsg.DescribeCluster, kmsg.CreateTopics, kmsg.DeleteTopics, kmsg.ListGroups, kmsg.InitProducerID, kmsg.AddPartitionsToTxn, kmsg.WriteTxnMarkers,
				kmsg.OffsetForLeaderEpoch, kmsg.FindCoordinator, kmsg.DescribeConfigs, kmsg.IncrementalAlterConfigs, kmsg.AlterConfigs, kmsg.DescribeACLs, kmsg.CreateACLs, kmsg.DeleteACLs,
				kmsg.DescribeClientQuotas, kmsg.AlterClientQuotas, kmsg.DescribeUserSCRAMCredentials, kmsg.AlterUserSCRAMCredentials, kmsg.DescribeLogDirs, kmsg.AlterReplicaLogDirs,
				kmsg.ElectLeaders, kmsg.AlterPartitionAssignments, kmsg.ListPartitionReassignments, kmsg.ListConfigResources, kmsg.DescribeQuorum, kmsg.UpdateFeatures,
				kmsg.UnregisterBroker, kmsg.AddRaftVoter, kmsg.RemoveRaftVoter, kmsg.DescribeTopicPartitions, kmsg.ListTransactions, kmsg.CreateDelegationToken,
			}},
	} {
		told = append(told, differ.Story{Name: "operations/" + of.name, Key: -1, FlatFetch: true, Unordered: unordered, Tell: func(s *differ.Session) {
			r := enter(s)
			r.nameIDs()
			for i, operation := range everyOperation {
				r.eachOf(operation.String()+" alone", uint64(i), of.about, slices.Concat(of.rest, []rule{allow(alice, operation, of.kind, of.on)}))
				if i%3 == 0 { // of implied ones there are few, and those that imply them have turns of their own
					r.eachOf("all but "+operation.String(), uint64(i), of.about, slices.Concat(of.rest, []rule{allow(alice, all, of.kind, of.on), deny(alice, operation, of.kind, of.on)}))
				}
			}
		}})
	}
	return told
}

// eachOf sends a request of each API under some rules, drawn from a seed, in the newest
// version.
func (r *room) eachOf(label string, seed uint64, keys []kmsg.Key, rules []rule) {
	r.rules = rules
	impose(r.Session, rules)
	for i, q := range requests {
		for _, key := range keys {
			if q.key != key {
				continue
			}
			a := attempt{seed: seed, number: i, user: alice, api: i, version: r.Newest(int16(key))}
			a.sendAs(label, r)
		}
	}
}
