package api

// LeaveGroup (key 13), versions 0 to 5.
//
// Takes members out of a group: a consumer that closes, or an administrator's
// choice, who names static members by instance id alone.
//
//	v0  one member, whose error is the response's
//	v3  several members, each with its own error (KIP-345)
//	v5  a reason for each, for the log

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/coordinator/group"
)

var leaveGroup = later(kmsg.LeaveGroup, 0, 5, (*API).leaveGroup).needs(need{auth.Read, auth.Group})

// leaveGroupBatch is the first version that names several members.
const leaveGroupBatch = 3

func (a *API) leaveGroup(r *Request, q *kmsg.LeaveGroupRequest, reply func(*kmsg.LeaveGroupResponse)) {
	if !a.may(r, auth.Read, auth.Group, q.Group) {
		p := kmsg.NewPtrLeaveGroupResponse()
		p.ErrorCode = errGroupDenied.Code
		reply(p)
		return
	}
	in := group.LeaveInput{GroupID: q.Group, Members: []group.LeaveMember{{MemberID: q.MemberID}}}
	if q.Version >= leaveGroupBatch {
		in.Members = make([]group.LeaveMember, len(q.Members))
		for i, m := range q.Members {
			in.Members[i] = group.LeaveMember{MemberID: m.MemberID, InstanceID: m.InstanceID}
		}
	}
	a.Groups.Leave(in, func(out group.LeaveOutput) {
		p := kmsg.NewPtrLeaveGroupResponse()
		p.ErrorCode = codeOf(out.Err)
		p.Members = []kmsg.LeaveGroupResponseMember{}
		for _, m := range out.Members {
			one := kmsg.NewLeaveGroupResponseMember()
			one.MemberID, one.InstanceID, one.ErrorCode = m.MemberID, m.InstanceID, codeOf(m.Err)
			p.Members = append(p.Members, one)
			if q.Version < leaveGroupBatch {
				p.ErrorCode = one.ErrorCode
			}
		}
		reply(p)
	})
}
