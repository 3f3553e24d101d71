package api

// SyncGroup (key 14), versions 0 to 5.
//
// The leader of a generation hands in the assignment; every member gets its own
// part of it, as soon as the leader's is stored.
//
//	v3  static members (KIP-345)
//	v5  protocol type and name, which must be given and fit the group's (KIP-559)

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/coordinator/group"
)

var syncGroup = later(kmsg.SyncGroup, 0, 5, (*API).syncGroup).needs(need{auth.Read, auth.Group})

func (a *API) syncGroup(r *Request, q *kmsg.SyncGroupRequest, reply func(*kmsg.SyncGroupResponse)) {
	if q.Version >= 5 && (q.ProtocolType == nil || q.Protocol == nil) {
		reply(syncGroupResponse(group.SyncOutput{Err: group.ErrInconsistentProtocol}))
		return
	}
	if !a.may(r, auth.Read, auth.Group, q.Group) {
		reply(syncGroupResponse(group.SyncOutput{Err: errGroupDenied}))
		return
	}
	in := group.SyncInput{
		GroupID: q.Group, MemberID: q.MemberID, InstanceID: q.InstanceID, Generation: q.Generation,
		ProtocolType: q.ProtocolType, Protocol: q.Protocol,
		Assignments: make([]group.Assignment, len(q.GroupAssignment)),
	}
	for i, one := range q.GroupAssignment {
		in.Assignments[i] = group.Assignment{MemberID: one.MemberID, Bytes: one.MemberAssignment}
	}
	a.Groups.Sync(in, func(out group.SyncOutput) { reply(syncGroupResponse(out)) })
}

func syncGroupResponse(out group.SyncOutput) *kmsg.SyncGroupResponse {
	p := kmsg.NewPtrSyncGroupResponse()
	p.ErrorCode = codeOf(out.Err)
	p.ProtocolType, p.Protocol, p.MemberAssignment = out.ProtocolType, out.Protocol, out.Assignment
	return p
}
