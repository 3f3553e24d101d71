package api

// ShareGroupDescribe (key 77), version 1.
//
// Shows share groups with their members: what each subscribes to and reads (KIP-932).
// A group that is named twice is answered twice.
//
//	v0  early access, gone since Kafka 4.1

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator/group"
)

var shareGroupDescribe = later(kmsg.ShareGroupDescribe, 1, 1, (*API).shareGroupDescribe)

func (a *API) shareGroupDescribe(r *Request, q *kmsg.ShareGroupDescribeRequest, reply func(*kmsg.ShareGroupDescribeResponse)) {
	ids := repeated(q.GroupIDs)
	p := kmsg.NewPtrShareGroupDescribeResponse()
	p.Groups = make([]kmsg.ShareGroupDescribeResponseGroup, len(ids))
	for i, id := range ids {
		p.Groups[i].Default()
		p.Groups[i].GroupID = id
	}
	if err := a.checkShareProtocol(r); err != nil {
		for i := range p.Groups {
			p.Groups[i].ErrorCode = codeOf(err)
		}
		reply(p)
		return
	}
	a.Groups.DescribeShare(ids, func(descriptions []group.ShareDescription) {
		for i := range descriptions {
			describeShareGroup(q, &descriptions[i], &p.Groups[i])
		}
		reply(p)
	})
}

func describeShareGroup(q *kmsg.ShareGroupDescribeRequest, d *group.ShareDescription, to *kmsg.ShareGroupDescribeResponseGroup) {
	if d.GroupID == "" { // one of the classic protocol may have that name
		to.ErrorCode = codeOf(group.ErrInvalidGroupID)
		return
	}
	if to.ErrorCode, to.ErrorMessage = problemOf(d.Err); to.ErrorCode != 0 {
		return
	}
	to.GroupState, to.GroupEpoch, to.AssignmentEpoch, to.Assignor = string(d.State), d.Epoch, d.TargetEpoch, d.Assignor
	if q.IncludeAuthorizedOperations {
		to.AuthorizedOperations = operationsOfGroup
	}
	to.Members = make([]kmsg.ShareGroupDescribeResponseGroupMember, len(d.Members))
	for i := range d.Members {
		from, to := &d.Members[i], &to.Members[i]
		to.Default()
		to.MemberID, to.RackID, to.MemberEpoch = from.MemberID, from.Rack, from.Epoch
		to.ClientID, to.ClientHost, to.SubscribedTopicNames = from.ClientID, from.ClientHost, from.Topics
		for _, t := range from.Assigned {
			one := kmsg.NewShareGroupDescribeResponseGroupMemberAssignmentTopicPartition()
			one.TopicID, one.Topic, one.Partitions = t.TopicID, t.Topic, t.Partitions
			to.Assignment.TopicPartitions = append(to.Assignment.TopicPartitions, one)
		}
	}
}
