package api

// DescribeQuorum (key 55), versions 0 to 2.
//
// Tells who votes on the metadata and how far each voter is: this node alone,
// which leads and has all that there is.
//
//	v0     leader, epoch, high watermark, voters, observers (KIP-595)
//	v1     when voters fetched last (KIP-836)
//	v2     error messages, directory ids, the nodes (KIP-853)
//
// Left out: endpoints of controllers; no listener of that kind is open, so that
// nodes have none.

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/protocol"
)

var describeQuorum = bounded(kmsg.DescribeQuorum, 0, 2, func(q *kmsg.DescribeQuorumRequest) int {
	return sum(q.Topics, func(t *kmsg.DescribeQuorumRequestTopic) int { return len(t.Partitions) })
}, (*API).describeQuorum).onCluster(auth.Describe)

func (a *API) describeQuorum(r *Request, q *kmsg.DescribeQuorumRequest) *kmsg.DescribeQuorumResponse {
	p := q.ResponseKind().(*kmsg.DescribeQuorumResponse)
	p.ErrorMessage = noText()
	known := len(q.Topics) == 1 && q.Topics[0].Topic == metadataTopic &&
		len(q.Topics[0].Partitions) == 1 && q.Topics[0].Partitions[0].Partition == 0
	for _, t := range q.Topics {
		topic := kmsg.NewDescribeQuorumResponseTopic()
		topic.Topic = t.Topic
		for _, asked := range t.Partitions {
			one := kmsg.NewDescribeQuorumResponseTopicPartition()
			if known {
				one = a.quorum(r)
			} else {
				one.ErrorCode, one.ErrorMessage = problemOf(protocol.ErrUnknownTopicOrPartition)
			}
			one.Partition = asked.Partition
			topic.Partitions = append(topic.Partitions, one)
		}
		p.Topics = append(p.Topics, topic)
	}
	if known {
		node := kmsg.NewDescribeQuorumResponseNode()
		node.NodeID = a.Cluster.Self(r.Call.Conn).NodeID
		p.Nodes = append(p.Nodes, node)
	}
	return p
}

// quorum is the one partition of the metadata.
func (a *API) quorum(r *Request) kmsg.DescribeQuorumResponseTopicPartition {
	image, self := a.Metadata.Image(), a.Cluster.Self(r.Call.Conn).NodeID
	one := kmsg.NewDescribeQuorumResponseTopicPartition()
	one.LeaderID, one.LeaderEpoch, one.HighWatermark = self, int32(image.Epoch()), int64(image.EndOffset())
	voter := kmsg.NewDescribeQuorumResponseTopicPartitionReplicaState()
	voter.ReplicaID, voter.LogEndOffset = self, int64(image.EndOffset())
	voter.LastFetchTimestamp = a.Clock.Now().UnixMilli()
	voter.LastCaughtUpTimestamp = voter.LastFetchTimestamp
	if b := image.Broker(self); image.KRaftVersion() > 0 && b != nil && len(b.LogDirs) > 0 {
		voter.ReplicaDirectoryID = b.LogDirs[0] // voters have ids of directories since kraft.version 1
	}
	one.CurrentVoters = append(one.CurrentVoters, voter)
	return one
}
