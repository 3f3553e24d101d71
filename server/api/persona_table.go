package api

import "github.com/barnabas-mq/barnabas/protocol"

// What the personas' Kafkas advertise to clients, in the answers to ApiVersions of a
// broker with default settings: Apache Kafka 2.8.2 with ZooKeeper, 3.9.2 and 4.3.1
// with KRaft. compat-tests/persona starts the three and compares. Rows stay although
// nothing here serves them yet; they take effect with their handlers.

var personas = [...]persona{
	{name: "kafka-2.8"}, // features came with KRaft
	{name: "kafka-3.9", features: []protocol.SupportedFeature{
		{Name: "kraft.version", Min: 0, Max: 1},
		{Name: "metadata.version", Min: 1, Max: 21}, // 3.0-IV1 to 3.9-IV0
	}},
	{name: "kafka-4.3", features: []protocol.SupportedFeature{
		{Name: "eligible.leader.replicas.version", Min: 0, Max: 1},
		{Name: "group.version", Min: 0, Max: 1},
		{Name: "kraft.version", Min: 0, Max: 1},
		{Name: "metadata.version", Min: 7, Max: 30}, // 3.3-IV3 to 4.3-IV0
		{Name: "share.version", Min: 0, Max: 1},
		{Name: "streams.version", Min: 0, Max: 1},
		{Name: "transaction.version", Min: 0, Max: 2},
	}, refused: map[int16]int16{
		0: 3, // Produce: older librdkafka does not compress for a broker without version 0 (KAFKA-18659)
	}},
}

// absent is the span of an API that is not advertised.
var absent = span{0, -1}

// personaAPIs holds the versions of each API key, in the order of personas.
var personaAPIs = [...]struct {
	key      int16
	versions [len(personas)]span
}{
	{0, [...]span{{0, 9}, {0, 11}, {0, 13}}},  // Produce
	{1, [...]span{{0, 12}, {0, 17}, {4, 18}}}, // Fetch
	{2, [...]span{{0, 6}, {0, 9}, {1, 11}}},   // ListOffsets
	{3, [...]span{{0, 11}, {0, 12}, {0, 13}}}, // Metadata
	{4, [...]span{{0, 5}, absent, absent}},    // LeaderAndIsr
	{5, [...]span{{0, 3}, absent, absent}},    // StopReplica
	{6, [...]span{{0, 7}, absent, absent}},    // UpdateMetadata
	{7, [...]span{{0, 3}, absent, absent}},    // ControlledShutdown
	{8, [...]span{{0, 8}, {0, 9}, {2, 10}}},   // OffsetCommit
	{9, [...]span{{0, 7}, {0, 9}, {1, 10}}},   // OffsetFetch
	{10, [...]span{{0, 3}, {0, 6}, {0, 6}}},   // FindCoordinator
	{11, [...]span{{0, 7}, {0, 9}, {0, 9}}},   // JoinGroup
	{12, [...]span{{0, 4}, {0, 4}, {0, 4}}},   // Heartbeat
	{13, [...]span{{0, 4}, {0, 5}, {0, 5}}},   // LeaveGroup
	{14, [...]span{{0, 5}, {0, 5}, {0, 5}}},   // SyncGroup
	{15, [...]span{{0, 5}, {0, 5}, {0, 6}}},   // DescribeGroups
	{16, [...]span{{0, 4}, {0, 5}, {0, 5}}},   // ListGroups
	{17, [...]span{{0, 1}, {0, 1}, {0, 1}}},   // SaslHandshake
	{18, [...]span{{0, 3}, {0, 4}, {0, 4}}},   // ApiVersions
	{19, [...]span{{0, 7}, {0, 7}, {2, 7}}},   // CreateTopics
	{20, [...]span{{0, 6}, {0, 6}, {1, 6}}},   // DeleteTopics
	{21, [...]span{{0, 2}, {0, 2}, {0, 2}}},   // DeleteRecords
	{22, [...]span{{0, 4}, {0, 5}, {0, 5}}},   // InitProducerId
	{23, [...]span{{0, 4}, {0, 4}, {2, 4}}},   // OffsetForLeaderEpoch
	{24, [...]span{{0, 3}, {0, 5}, {0, 5}}},   // AddPartitionsToTxn
	{25, [...]span{{0, 3}, {0, 4}, {0, 4}}},   // AddOffsetsToTxn
	{26, [...]span{{0, 3}, {0, 4}, {0, 5}}},   // EndTxn
	{27, [...]span{{0, 1}, {0, 1}, {1, 2}}},   // WriteTxnMarkers
	{28, [...]span{{0, 3}, {0, 4}, {0, 5}}},   // TxnOffsetCommit
	{29, [...]span{{0, 2}, {0, 3}, {1, 3}}},   // DescribeAcls
	{30, [...]span{{0, 2}, {0, 3}, {1, 3}}},   // CreateAcls
	{31, [...]span{{0, 2}, {0, 3}, {1, 3}}},   // DeleteAcls
	{32, [...]span{{0, 4}, {0, 4}, {1, 4}}},   // DescribeConfigs
	{33, [...]span{{0, 2}, {0, 2}, {0, 2}}},   // AlterConfigs
	{34, [...]span{{0, 2}, {0, 2}, {1, 2}}},   // AlterReplicaLogDirs
	{35, [...]span{{0, 2}, {0, 4}, {1, 5}}},   // DescribeLogDirs
	{36, [...]span{{0, 2}, {0, 2}, {0, 2}}},   // SaslAuthenticate
	{37, [...]span{{0, 3}, {0, 3}, {0, 3}}},   // CreatePartitions
	{38, [...]span{{0, 2}, {0, 3}, {1, 3}}},   // CreateDelegationToken
	{39, [...]span{{0, 2}, {0, 2}, {1, 2}}},   // RenewDelegationToken
	{40, [...]span{{0, 2}, {0, 2}, {1, 2}}},   // ExpireDelegationToken
	{41, [...]span{{0, 2}, {0, 3}, {1, 3}}},   // DescribeDelegationToken
	{42, [...]span{{0, 2}, {0, 2}, {0, 2}}},   // DeleteGroups
	{43, [...]span{{0, 2}, {0, 2}, {0, 2}}},   // ElectLeaders
	{44, [...]span{{0, 1}, {0, 1}, {0, 1}}},   // IncrementalAlterConfigs
	{45, [...]span{{0, 0}, {0, 0}, {0, 1}}},   // AlterPartitionReassignments
	{46, [...]span{{0, 0}, {0, 0}, {0, 0}}},   // ListPartitionReassignments
	{47, [...]span{{0, 0}, {0, 0}, {0, 0}}},   // OffsetDelete
	{48, [...]span{{0, 1}, {0, 1}, {0, 1}}},   // DescribeClientQuotas
	{49, [...]span{{0, 1}, {0, 1}, {0, 1}}},   // AlterClientQuotas
	{50, [...]span{{0, 0}, {0, 0}, {0, 0}}},   // DescribeUserScramCredentials
	{51, [...]span{{0, 0}, {0, 0}, {0, 0}}},   // AlterUserScramCredentials
	{55, [...]span{absent, {0, 2}, {0, 2}}},   // DescribeQuorum
	{56, [...]span{{0, 0}, absent, absent}},   // AlterPartition
	{57, [...]span{{0, 0}, {0, 1}, {0, 2}}},   // UpdateFeatures
	{60, [...]span{{0, 0}, {0, 1}, {0, 2}}},   // DescribeCluster
	{61, [...]span{{0, 0}, {0, 0}, {0, 0}}},   // DescribeProducers
	{64, [...]span{absent, {0, 0}, {0, 0}}},   // UnregisterBroker
	{65, [...]span{absent, {0, 0}, {0, 0}}},   // DescribeTransactions
	{66, [...]span{absent, {0, 1}, {0, 2}}},   // ListTransactions
	{68, [...]span{absent, {0, 0}, {0, 1}}},   // ConsumerGroupHeartbeat
	{69, [...]span{absent, {0, 0}, {0, 1}}},   // ConsumerGroupDescribe
	{74, [...]span{absent, {0, 0}, {0, 1}}},   // ListConfigResources
	{75, [...]span{absent, {0, 0}, {0, 0}}},   // DescribeTopicPartitions
	{76, [...]span{absent, absent, {1, 1}}},   // ShareGroupHeartbeat
	{77, [...]span{absent, absent, {1, 1}}},   // ShareGroupDescribe
	{78, [...]span{absent, absent, {1, 2}}},   // ShareFetch
	{79, [...]span{absent, absent, {1, 2}}},   // ShareAcknowledge
	{80, [...]span{absent, {0, 0}, {0, 1}}},   // AddRaftVoter
	{81, [...]span{absent, {0, 0}, {0, 0}}},   // RemoveRaftVoter
	{83, [...]span{absent, absent, {0, 0}}},   // InitializeShareGroupState
	{84, [...]span{absent, absent, {0, 0}}},   // ReadShareGroupState
	{85, [...]span{absent, absent, {0, 1}}},   // WriteShareGroupState
	{86, [...]span{absent, absent, {0, 0}}},   // DeleteShareGroupState
	{87, [...]span{absent, absent, {0, 1}}},   // ReadShareGroupStateSummary
	{88, [...]span{absent, absent, {0, 0}}},   // StreamsGroupHeartbeat
	{89, [...]span{absent, absent, {0, 0}}},   // StreamsGroupDescribe
	{90, [...]span{absent, absent, {0, 1}}},   // DescribeShareGroupOffsets
	{91, [...]span{absent, absent, {0, 0}}},   // AlterShareGroupOffsets
	{92, [...]span{absent, absent, {0, 0}}},   // DeleteShareGroupOffsets
}
