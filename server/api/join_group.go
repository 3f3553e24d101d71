package api

// JoinGroup (key 11), versions 0 to 9.
//
// Joins a group of the classic protocol, or says that the member is back for the
// next generation. The answer comes when that begins. The leader is told all
// members; the others are told nobody.
//
//	v0  no rebalance timeout: the session timeout counts for both
//	v4  a new dynamic member is given an id and must come back with it (KIP-394)
//	v5  static members (KIP-345)
//	v7  protocol type; the protocol's name may be null
//	v8  a reason, for the log
//	v9  a static leader that returns may skip the assignment (KIP-814)

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/coordinator/group"
)

var joinGroup = later(kmsg.JoinGroup, 0, 9, (*API).joinGroup).needs(need{auth.Read, auth.Group})

func (a *API) joinGroup(r *Request, q *kmsg.JoinGroupRequest, reply func(*kmsg.JoinGroupResponse)) {
	if !a.may(r, auth.Read, auth.Group, q.Group) {
		reply(joinGroupResponse(group.JoinOutput{Err: errGroupDenied}))
		return
	}
	in := group.JoinInput{
		GroupID:                q.Group,
		MemberID:               q.MemberID,
		InstanceID:             q.InstanceID,
		ClientID:               r.Header.ClientID,
		ClientHost:             javaHost(r.Call.Conn.RemoteAddr),
		SessionTimeoutMillis:   q.SessionTimeoutMillis,
		RebalanceTimeoutMillis: q.RebalanceTimeoutMillis,
		ProtocolType:           q.ProtocolType,
		Protocols:              make([]group.Protocol, len(q.Protocols)),
		MemberIDRequired:       q.Version >= 4,
		CanSkipAssignment:      q.Version >= 9,
		StartsSlowly:           r.Peer.software == softwareThatStartsSlowly,
	}
	if q.Version == 0 {
		in.RebalanceTimeoutMillis = in.SessionTimeoutMillis
	}
	for i, p := range q.Protocols {
		in.Protocols[i] = group.Protocol{Name: p.Name, Metadata: p.Metadata}
	}
	a.Groups.Join(in, func(out group.JoinOutput) { reply(joinGroupResponse(out)) })
}

// softwareThatStartsSlowly: kafka-python 3 asks for the metadata of its topics 100 ms
// after it has joined. When it leads before it knows them it assigns nothing, and
// when they come at the wrong moment it does not notice (seen with 3.0.12: a few of
// a hundred starts on a busy machine). Kafka's initial delay hides that.
const softwareThatStartsSlowly = "kafka-python"

func joinGroupResponse(out group.JoinOutput) *kmsg.JoinGroupResponse {
	p := kmsg.NewPtrJoinGroupResponse()
	p.ErrorCode, p.MemberID = codeOf(out.Err), out.MemberID
	p.Members = []kmsg.JoinGroupResponseMember{}
	if out.Err != nil {
		p.Generation = -1
		return p
	}
	p.Generation, p.LeaderID, p.SkipAssignment = out.Generation, out.Leader, out.SkipAssignment
	p.ProtocolType, p.Protocol = out.ProtocolType, out.Protocol
	for _, m := range out.Members {
		one := kmsg.NewJoinGroupResponseMember()
		one.MemberID, one.InstanceID, one.ProtocolMetadata = m.MemberID, m.InstanceID, m.Metadata
		p.Members = append(p.Members, one)
	}
	return p
}
