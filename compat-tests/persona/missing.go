package persona

// missingAPIs are the API keys that no persona serves yet.
var missingAPIs = map[int16]string{
	4:  "LeaderAndIsr, between brokers",
	5:  "StopReplica, between brokers",
	6:  "UpdateMetadata, between brokers",
	7:  "ControlledShutdown, between brokers",
	17: "SaslHandshake",
	29: "DescribeAcls",
	30: "CreateAcls",
	31: "DeleteAcls",
	34: "AlterReplicaLogDirs",
	36: "SaslAuthenticate",
	38: "CreateDelegationToken",
	39: "RenewDelegationToken",
	40: "ExpireDelegationToken",
	41: "DescribeDelegationToken",
	43: "ElectLeaders",
	45: "AlterPartitionReassignments",
	46: "ListPartitionReassignments",
	48: "DescribeClientQuotas",
	49: "AlterClientQuotas",
	50: "DescribeUserScramCredentials",
	51: "AlterUserScramCredentials",
	55: "DescribeQuorum",
	56: "AlterPartition, between brokers",
	64: "UnregisterBroker",
	76: "ShareGroupHeartbeat",
	77: "ShareGroupDescribe",
	78: "ShareFetch",
	79: "ShareAcknowledge",
	80: "AddRaftVoter",
	81: "RemoveRaftVoter",
	83: "InitializeShareGroupState, between brokers",
	84: "ReadShareGroupState, between brokers",
	85: "WriteShareGroupState, between brokers",
	86: "DeleteShareGroupState, between brokers",
	87: "ReadShareGroupStateSummary, between brokers",
	88: "StreamsGroupHeartbeat",
	89: "StreamsGroupDescribe",
	90: "DescribeShareGroupOffsets",
	91: "AlterShareGroupOffsets",
	92: "DeleteShareGroupOffsets",
}

// missingBelow are the oldest versions that are served of an API whose older ones are
// not built yet.
var missingBelow = map[int16]int16{
	1:  4, // Fetch
	2:  1, // ListOffsets
	8:  2, // OffsetCommit
	9:  1, // OffsetFetch
	19: 2, // CreateTopics
	20: 1, // DeleteTopics
	23: 2, // OffsetForLeaderEpoch
	27: 1, // WriteTxnMarkers
	32: 1, // DescribeConfigs
	35: 1, // DescribeLogDirs
}

// missingFeatures belong to APIs that are not built yet.
var missingFeatures = map[string]bool{"share.version": true, "streams.version": true}
