package persona

// missingAPIs are the API keys that no persona serves yet.
var missingAPIs = map[int16]string{
	4:  "LeaderAndIsr, between brokers",
	5:  "StopReplica, between brokers",
	6:  "UpdateMetadata, between brokers",
	7:  "ControlledShutdown, between brokers",
	56: "AlterPartition, between brokers",
	83: "InitializeShareGroupState, between brokers",
	84: "ReadShareGroupState, between brokers",
	85: "WriteShareGroupState, between brokers",
	86: "DeleteShareGroupState, between brokers",
	87: "ReadShareGroupStateSummary, between brokers",
	88: "StreamsGroupHeartbeat",
	89: "StreamsGroupDescribe",
}

// missingFeatures belong to APIs that are not built yet.
var missingFeatures = map[string]bool{"streams.version": true}
