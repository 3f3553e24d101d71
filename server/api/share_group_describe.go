package api

// ShareGroupDescribe (key 77), version 1.
//
// Shows share groups with their members: what each subscribes to and reads (KIP-932).
// A group that is named twice is answered twice, and those that the client may not see come
// first. A group with a topic that the client may not see is not shown.
//
//	v0  early access, gone since Kafka 4.1

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/coordinator/group"
)

var shareGroupDescribe = later(kmsg.ShareGroupDescribe, 1, 1, (*API).shareGroupDescribe).
	needs(need{auth.Describe, auth.Group}, need{auth.Describe, auth.Topic})

func (a *API) shareGroupDescribe(r *Request, q *kmsg.ShareGroupDescribeRequest, reply func(*kmsg.ShareGroupDescribeResponse)) {
	ids := repeated(q.GroupIDs)
	p := kmsg.NewPtrShareGroupDescribeResponse()
	add := func(id string, err error) *kmsg.ShareGroupDescribeResponseGroup {
		one := kmsg.NewShareGroupDescribeResponseGroup()
		one.GroupID, one.ErrorCode = id, codeOf(err)
		p.Groups = append(p.Groups, one)
		return &p.Groups[len(p.Groups)-1]
	}
	if err := a.checkShareProtocol(r); err != nil {
		for _, id := range ids {
			add(id, err)
		}
		reply(p)
		return
	}
	allowed, denied := a.groupsFor(r, auth.Describe, ids)
	for _, id := range denied {
		add(id, errGroupDenied)
	}
	asker := a.detached(r)
	a.Groups.DescribeShare(allowed, func(descriptions []group.ShareDescription) {
		for i := range descriptions {
			a.describeShareGroup(asker, q, &descriptions[i], add(allowed[i], nil))
		}
		reply(p)
	})
}

func (a *API) describeShareGroup(asker *Request, q *kmsg.ShareGroupDescribeRequest, d *group.ShareDescription, to *kmsg.ShareGroupDescribeResponseGroup) {
	if d.GroupID == "" { // one of the classic protocol may have that name
		to.ErrorCode = codeOf(group.ErrInvalidGroupID)
		return
	}
	if to.ErrorCode, to.ErrorMessage = problemOf(d.Err); to.ErrorCode != 0 {
		return
	}
	for i := range d.Members {
		if !a.maySeeAll(asker, d.Members[i].Assigned) {
			to.ErrorCode, to.ErrorMessage = problemOf(errHiddenTopic)
			return
		}
	}
	to.GroupState, to.GroupEpoch, to.AssignmentEpoch, to.Assignor = string(d.State), d.Epoch, d.TargetEpoch, d.Assignor
	if q.IncludeAuthorizedOperations {
		to.AuthorizedOperations = a.operations(asker, auth.Group, d.GroupID)
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
