package api

// AlterPartitionReassignments (key 45), versions 0 and 1.
//
// Moves replicas to other brokers. There is one broker: an assignment to it is
// what there is already, and a success; one to anybody else is
// INVALID_REPLICA_ASSIGNMENT, and there is no reassignment to cancel
// (NO_REASSIGNMENT_IN_PROGRESS).
//
//	v0     replicas by partition, null to cancel (KIP-455)
//	v1     the replication factor may have to stay (KIP-860)

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var alterPartitionReassignments = bounded(kmsg.AlterPartitionAssignments, 0, 1, func(q *kmsg.AlterPartitionAssignmentsRequest) int {
	return sum(q.Topics, func(t *kmsg.AlterPartitionAssignmentsRequestTopic) int { return len(t.Partitions) })
}, (*API).alterPartitionReassignments).onCluster(auth.Alter)

func (a *API) alterPartitionReassignments(_ *Request, q *kmsg.AlterPartitionAssignmentsRequest) *kmsg.AlterPartitionAssignmentsResponse {
	p := q.ResponseKind().(*kmsg.AlterPartitionAssignmentsResponse)
	p.AllowReplicationFactorChange = q.AllowReplicationFactorChange
	if len(q.Topics) == 0 {
		p.ErrorMessage = noText()
	}
	image := a.Metadata.Image()
	for _, t := range q.Topics {
		topic := kmsg.NewAlterPartitionAssignmentsResponseTopic()
		topic.Topic = t.Topic
		for _, wanted := range t.Partitions {
			one := kmsg.NewAlterPartitionAssignmentsResponseTopicPartition()
			one.Partition = wanted.Partition
			one.ErrorCode, one.ErrorMessage = problemOf(reassign(image, t.Topic, wanted.Partition, wanted.Replicas))
			if one.ErrorCode == protocol.ErrNoReassignmentInProgress.Code {
				one.ErrorMessage = nil // as Kafka, which says no more than the code
			}
			topic.Partitions = append(topic.Partitions, one)
		}
		p.Topics = append(p.Topics, topic)
	}
	return p
}

// reassign tells what speaks against an assignment; nil means that it is in force.
func reassign(image *metadata.Image, topic string, index int32, replicas []int32) error {
	t := image.Topic(topic)
	if t == nil {
		return protocol.ErrUnknownTopicOrPartition.WithMessage("Unable to find a topic named %s.", cut(topic))
	}
	p := t.Partition(index)
	switch {
	case p == nil:
		return protocol.ErrUnknownTopicOrPartition.WithMessage("Unable to find partition %s:%d.", topic, index)
	case replicas == nil:
		return protocol.ErrNoReassignmentInProgress
	}
	if err := metadata.CheckReplicas(image, replicas); err != nil {
		return err
	}
	if !slices.Equal(replicas, p.Replicas) {
		// One broker leaves no other valid choice, unless the metadata are of a larger cluster.
		return protocol.ErrInvalidReplicaAssignment.WithMessage("The replicas of %s-%d cannot be moved by one node.", topic, index)
	}
	return nil
}
