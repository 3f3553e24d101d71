package api

// ConsumerGroupDescribe (key 69), versions 0 to 1.
//
// Shows groups of the consumer protocol with their members: what each reads, owns
// and is to own (KIP-848). A group that is named twice is answered twice,
// and those that the client may not see come first. A group with a topic that the client
// may not see is not shown.
//
//	v1  which protocol each member speaks (KIP-1099)

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/coordinator/group"
)

var consumerGroupDescribe = later(kmsg.ConsumerGroupDescribe, 0, 1, (*API).consumerGroupDescribe).
	needs(need{auth.Describe, auth.Group}, need{auth.Describe, auth.Topic})

func (a *API) consumerGroupDescribe(r *Request, q *kmsg.ConsumerGroupDescribeRequest, reply func(*kmsg.ConsumerGroupDescribeResponse)) {
	p := kmsg.NewPtrConsumerGroupDescribeResponse()
	asker := a.detached(r)
	answer := func(descriptions []group.ConsumerDescription) {
		for i := range descriptions {
			p.Groups = append(p.Groups, a.describeConsumerGroup(asker, q, &descriptions[i]))
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
	allowed, denied := a.groupsFor(r, auth.Describe, repeated(q.Groups))
	for _, id := range denied {
		one := kmsg.NewConsumerGroupDescribeResponseGroup()
		one.Group, one.AuthorizedOperations, one.ErrorCode = id, operationsNotAsked, errGroupDenied.Code
		p.Groups = append(p.Groups, one)
	}
	a.Groups.DescribeConsumer(allowed, answer)
}

// errHiddenTopic is the error of a group that reads what the client may not see.
var errHiddenTopic = errTopicDenied.WithMessage("The group has described topic(s) that the client is not authorized to describe.")

func (a *API) describeConsumerGroup(asker *Request, q *kmsg.ConsumerGroupDescribeRequest, d *group.ConsumerDescription) kmsg.ConsumerGroupDescribeResponseGroup {
	one := kmsg.NewConsumerGroupDescribeResponseGroup()
	one.Group, one.AuthorizedOperations = d.GroupID, operationsNotAsked
	if d.GroupID == "" { // one of the classic protocol may have that name
		one.ErrorCode = codeOf(group.ErrInvalidGroupID)
		return one
	}
	if one.ErrorCode, one.ErrorMessage = problemOf(d.Err); one.ErrorCode != 0 {
		return one
	}
	for i := range d.Members {
		if m := &d.Members[i]; !a.maySeeAll(asker, m.Assigned) || !a.maySeeAll(asker, m.Target) {
			one.ErrorCode, one.ErrorMessage = problemOf(errHiddenTopic)
			return one
		}
	}
	one.State, one.Epoch, one.AssignmentEpoch, one.AssignorName = string(d.State), d.Epoch, d.TargetEpoch, d.Assignor
	if q.IncludeAuthorizedOperations {
		one.AuthorizedOperations = a.operations(asker, auth.Group, d.GroupID)
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

// maySeeAll tells whether the client may describe all of the topics.
func (a *API) maySeeAll(asker *Request, list []group.NamedPartitions) bool {
	for i := range list {
		if !a.may(asker, auth.Describe, auth.Topic, list[i].Topic) {
			return false
		}
	}
	return true
}

func assignmentTopics(list []group.NamedPartitions) []kmsg.AssignmentTopicPartition {
	topics := make([]kmsg.AssignmentTopicPartition, len(list))
	for i, t := range list {
		topics[i].TopicID, topics[i].Topic, topics[i].Partitions = t.TopicID, t.Topic, t.Partitions
	}
	return topics
}
