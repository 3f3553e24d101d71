package access

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

func (d *draw) describeCluster() kmsg.Request {
	req := kmsg.NewPtrDescribeClusterRequest()
	req.IncludeClusterAuthorizedOperations, req.EndpointType = d.flag(), 1
	return req
}

func (d *draw) describeLogDirs() kmsg.Request {
	req := kmsg.NewPtrDescribeLogDirsRequest()
	if d.flag() {
		for _, name := range d.some() {
			req.Topics = append(req.Topics, kmsg.DescribeLogDirsRequestTopic{Topic: name, Partitions: []int32{0}})
		}
	}
	return req
}

func (d *draw) alterReplicaLogDirs() kmsg.Request {
	one := kmsg.NewAlterReplicaLogDirsRequestDir()
	one.Dir = "/no/such/folder"
	for _, name := range d.some() {
		one.Topics = append(one.Topics, kmsg.AlterReplicaLogDirsRequestDirTopic{Topic: name, Partitions: []int32{0}})
	}
	req := kmsg.NewPtrAlterReplicaLogDirsRequest()
	req.Dirs = append(req.Dirs, one)
	return req
}

// electLeaders wants what is so already.
func (d *draw) electLeaders() kmsg.Request {
	req := kmsg.NewPtrElectLeadersRequest()
	req.TimeoutMillis = 10_000
	for _, name := range d.some() {
		req.Topics = append(req.Topics, kmsg.ElectLeadersRequestTopic{Topic: name, Partitions: []int32{0}})
	}
	return req
}

// alterReassignments ends those that are not going on.
func (d *draw) alterReassignments() kmsg.Request {
	req := kmsg.NewPtrAlterPartitionAssignmentsRequest()
	req.TimeoutMillis = 10_000
	for _, name := range d.some() {
		t := kmsg.NewAlterPartitionAssignmentsRequestTopic()
		t.Topic, t.Partitions = name, append(t.Partitions, kmsg.NewAlterPartitionAssignmentsRequestTopicPartition())
		req.Topics = append(req.Topics, t)
	}
	return req
}

func (d *draw) listReassignments() kmsg.Request {
	req := kmsg.NewPtrListPartitionReassignmentsRequest()
	req.TimeoutMillis = 10_000
	if d.flag() {
		for _, name := range d.some() {
			req.Topics = append(req.Topics, kmsg.ListPartitionReassignmentsRequestTopic{Topic: name, Partitions: []int32{0}})
		}
	}
	return req
}

func (d *draw) listConfigResources() kmsg.Request {
	req := kmsg.NewPtrListConfigResourcesRequest()
	if d.version >= 1 {
		req.ResourceTypes = oneOf(d.Rand, [][]int8{nil, {int8(topicConfigs)}, {int8(groupConfigs), int8(clientMetrics)}, {int8(brokerConfigs)}})
	}
	return req
}

func (d *draw) describeQuorum() kmsg.Request {
	req := kmsg.NewPtrDescribeQuorumRequest()
	t := kmsg.NewDescribeQuorumRequestTopic()
	t.Topic, t.Partitions = "__cluster_metadata", append(t.Partitions, kmsg.NewDescribeQuorumRequestTopicPartition())
	req.Topics = append(req.Topics, t)
	return req
}

// updateFeatures wants what is so already.
func (d *draw) updateFeatures() kmsg.Request {
	f := kmsg.NewUpdateFeaturesRequestFeatureUpdate()
	f.Feature, f.MaxVersionLevel, f.UpgradeType = "transaction.version", 2, 1
	req := kmsg.NewPtrUpdateFeaturesRequest()
	req.FeatureUpdates, req.TimeoutMillis = append(req.FeatureUpdates, f), 10_000
	return req
}

func (d *draw) unregisterBroker() kmsg.Request {
	req := kmsg.NewPtrUnregisterBrokerRequest()
	req.BrokerID = 99
	return req
}

// addVoter is about another cluster.
func (d *draw) addVoter() kmsg.Request {
	req := kmsg.NewPtrAddRaftVoterRequest()
	req.ClusterID, req.VoterID, req.VoterDirectoryID, req.TimeoutMillis = ptr("other"), 2, d.id("red-9"), 10_000
	l := kmsg.NewAddRaftVoterRequestListener()
	l.Name, l.Host, l.Port = "CONTROLLER", "127.0.0.1", 1
	req.Listeners = append(req.Listeners, l)
	return req
}

func (d *draw) removeVoter() kmsg.Request {
	req := kmsg.NewPtrRemoveRaftVoterRequest()
	req.ClusterID, req.VoterID, req.VoterDirectoryID = ptr("other"), 2, d.id("red-9")
	return req
}
