package api

// Heartbeat (key 12), versions 0 to 4.
//
// Keeps a member's session alive; REBALANCE_IN_PROGRESS asks it to join again.
//
//	v3  static members (KIP-345)

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group"
)

var heartbeat = later(kmsg.Heartbeat, 0, 4, (*API).heartbeat).needs(need{auth.Read, auth.Group})

func (a *API) heartbeat(r *Request, q *kmsg.HeartbeatRequest, reply func(*kmsg.HeartbeatResponse)) {
	if !a.may(r, auth.Read, auth.Group, q.Group) {
		p := kmsg.NewPtrHeartbeatResponse()
		p.ErrorCode = errGroupDenied.Code
		reply(p)
		return
	}
	in := group.HeartbeatInput{GroupID: q.Group, MemberID: q.MemberID, InstanceID: q.InstanceID, Generation: q.Generation}
	a.Groups.Heartbeat(in, func(err error) {
		p := kmsg.NewPtrHeartbeatResponse()
		// While the group is loaded its sessions do not run, so that there is no reason
		// to make the member look for its coordinator (as in Kafka's GroupCoordinatorService).
		if !errors.Is(err, coordinator.ErrLoading) {
			p.ErrorCode = codeOf(err)
		}
		reply(p)
	})
}
