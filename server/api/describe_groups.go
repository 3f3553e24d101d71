package api

// DescribeGroups (key 15), versions 0 to 6.
//
// Shows groups of the classic protocol with their members. A group that does not
// exist is in the state Dead; one that is named twice is answered twice, and those come
// first that the client may not see, as in Kafka.
//
//	v3  authorized operations on request (KIP-430)
//	v4  group instance ids (KIP-345)
//	v6  GROUP_ID_NOT_FOUND with a message for a group that does not exist; before,
//	    that is no error

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/coordinator/group"
)

var describeGroups = later(kmsg.DescribeGroups, 0, 6, (*API).describeGroups).needs(need{auth.Describe, auth.Group})

// describeGroupsNotFound is the first version that says so.
const describeGroupsNotFound = 6

func (a *API) describeGroups(r *Request, q *kmsg.DescribeGroupsRequest, reply func(*kmsg.DescribeGroupsResponse)) {
	p := kmsg.NewPtrDescribeGroupsResponse()
	allowed, denied := a.groupsFor(r, auth.Describe, repeated(q.Groups))
	p.Groups = make([]kmsg.DescribeGroupsResponseGroup, len(denied), len(denied)+len(allowed))
	for i, id := range denied {
		p.Groups[i] = kmsg.NewDescribeGroupsResponseGroup()
		p.Groups[i].Group, p.Groups[i].ErrorCode = id, errGroupDenied.Code
	}
	asker := a.detached(r)
	a.Groups.Describe(allowed, func(descriptions []group.Description) {
		for i := range descriptions {
			p.Groups = append(p.Groups, a.describeGroup(asker, q, &descriptions[i]))
		}
		reply(p)
	})
}

func (a *API) describeGroup(asker *Request, q *kmsg.DescribeGroupsRequest, d *group.Description) kmsg.DescribeGroupsResponseGroup {
	one := kmsg.NewDescribeGroupsResponseGroup()
	one.Group, one.State = d.GroupID, string(d.State)
	one.ProtocolType, one.Protocol = d.ProtocolType, d.Protocol
	one.ErrorCode = codeOf(d.Err)
	if errors.Is(d.Err, group.ErrGroupNotFound) {
		if q.Version < describeGroupsNotFound {
			one.ErrorCode = 0
		} else {
			_, one.ErrorMessage = problemOf(d.Err)
		}
	}
	one.AuthorizedOperations = operationsNotAsked
	if q.IncludeAuthorizedOperations && one.ErrorCode == 0 {
		one.AuthorizedOperations = a.operations(asker, auth.Group, d.GroupID)
	}
	one.Members = make([]kmsg.DescribeGroupsResponseGroupMember, len(d.Members))
	for i, m := range d.Members {
		to := &one.Members[i]
		to.Default()
		to.MemberID, to.InstanceID = m.MemberID, m.InstanceID
		to.ClientID, to.ClientHost = m.ClientID, m.ClientHost
		to.ProtocolMetadata, to.MemberAssignment = m.Metadata, m.Assignment
	}
	return one
}
