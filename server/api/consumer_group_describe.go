package api

// ConsumerGroupDescribe (key 69), versions 0 to 1.
//
// Shows groups of the consumer protocol with their members: what each reads, owns
// and is to own (KIP-848). A group that is named twice is answered twice.
//
//	v1  which protocol each member speaks (KIP-1099)

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator/group"
	"github.com/barnabas-mq/barnabas/protocol"
)

var consumerGroupDescribe = later(kmsg.ConsumerGroupDescribe, 0, 1, (*API).consumerGroupDescribe)

func (a *API) consumerGroupDescribe(r *Request, q *kmsg.ConsumerGroupDescribeRequest, reply func(*kmsg.ConsumerGroupDescribeResponse)) {
	answer := func(descriptions []group.ConsumerDescription) {
		p := kmsg.NewPtrConsumerGroupDescribeResponse()
		p.Groups = make([]kmsg.ConsumerGroupDescribeResponseGroup, len(descriptions))
		for i := range descriptions {
			p.Groups[i] = describeConsumerGroup(q, &descriptions[i])
		}
		reply(p)
	}
	if err := a.checkConsumerProtocol(r); err != nil {
		ids := repeated(q.Groups)
		descriptions := make([]group.ConsumerDescription, len(ids))
		for i, id := range ids {
			descriptions[i] = group.ConsumerDescription{GroupID: id, Err: err}
		}
		answer(descriptions)
		return
	}
	a.Groups.DescribeConsumer(repeated(q.Groups), answer)
}

func describeConsumerGroup(q *kmsg.ConsumerGroupDescribeRequest, d *group.ConsumerDescription) kmsg.ConsumerGroupDescribeResponseGroup {
	one := kmsg.NewConsumerGroupDescribeResponseGroup()
	one.Group, one.AuthorizedOperations = d.GroupID, operationsNotAsked
	if d.GroupID == "" { // one of the classic protocol may have that name
		one.ErrorCode = codeOf(group.ErrInvalidGroupID)
		return one
	}
	if one.ErrorCode, one.ErrorMessage = problemOf(d.Err); one.ErrorCode != 0 {
		if d.GroupID == "" { // GroupCoordinatorService looks at the name first
			one.ErrorCode, one.ErrorMessage = protocol.ErrInvalidGroupID.Code, nil
		}
		return one
	}
	one.State, one.Epoch, one.AssignmentEpoch, one.AssignorName = string(d.State), d.Epoch, d.TargetEpoch, d.Assignor
	if q.IncludeAuthorizedOperations {
		one.AuthorizedOperations = operationsOfGroup
	}
	one.Members = make([]kmsg.ConsumerGroupDescribeResponseGroupMember, len(d.Members))
	for i := range d.Members {
		from, to := &d.Members[i], &one.Members[i]
		to.Default()
		to.MemberID, to.InstanceID, to.RackID, to.MemberEpoch = from.MemberID, from.InstanceID, from.Rack, from.Epoch
		to.ClientID, to.ClientHost = from.ClientID, from.ClientHost
		to.SubscribedTopics, to.SubscribedTopicRegex = from.Topics, &from.Pattern
		to.Assignment.TopicPartitions = assignmentTopics(from.Assigned)
		to.TargetAssignment.TopicPartitions = assignmentTopics(from.Target)
		to.MemberType = 1
		if from.SpeaksClassic {
			to.MemberType = 0
		}
	}
	return one
}

func assignmentTopics(list []group.NamedPartitions) []kmsg.AssignmentTopicPartition {
	topics := make([]kmsg.AssignmentTopicPartition, len(list))
	for i, t := range list {
		topics[i].TopicID, topics[i].Topic, topics[i].Partitions = t.TopicID, t.Topic, t.Partitions
	}
	return topics
}
