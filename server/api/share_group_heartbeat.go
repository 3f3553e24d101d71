package api

// ShareGroupHeartbeat (key 76), version 1.
//
// All that a member of a share group says to it: it joins (epoch 0), lives, tells what
// it subscribes to, and leaves (epoch -1). The answer tells its epoch, when to speak
// next, and what it is to read if that is news (KIP-932).
//
//	v0  early access, gone since Kafka 4.1

import (
	"unicode/utf16"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/coordinator/group"
	"github.com/barnabas-mq/barnabas/protocol"
)

var shareGroupHeartbeat = later(kmsg.ShareGroupHeartbeat, 1, 1, (*API).shareGroupHeartbeat).
	needs(need{auth.Read, auth.Group}, need{auth.Describe, auth.Topic})

// shareMemberIDMax is the longest id of a member in UTF-16 units, a UUID in its usual
// text form (KafkaApis.isMemberIdValid).
const shareMemberIDMax = 36

func (a *API) shareGroupHeartbeat(r *Request, q *kmsg.ShareGroupHeartbeatRequest, reply func(*kmsg.ShareGroupHeartbeatResponse)) {
	refuse := func(err error) { // without a word, as Kafka does where its groups are not asked
		p := kmsg.NewPtrShareGroupHeartbeatResponse()
		p.ErrorCode = codeOf(err)
		reply(p)
	}
	if err := a.checkShareProtocol(r); err != nil {
		refuse(err)
		return
	}
	if !a.may(r, auth.Read, auth.Group, q.GroupID) {
		refuse(errGroupDenied)
		return
	}
	if !isShareMemberID(q.MemberID) {
		refuse(protocol.ErrInvalidRequest)
		return
	}
	if err := a.maySubscribe(r, q.GroupID, q.SubscribedTopicNames); err != nil {
		refuse(err)
		return
	}
	a.Groups.ShareHeartbeat(group.ShareHeartbeatInput{
		GroupID: q.GroupID, MemberID: q.MemberID, Epoch: q.MemberEpoch,
		ClientID: r.Header.ClientID, ClientHost: javaHost(r.Call.Conn.RemoteAddr),
		Rack: q.RackID, Topics: q.SubscribedTopicNames,
	}, func(out group.ShareHeartbeatOutput) { reply(shareGroupHeartbeatResponse(out)) })
}

// isShareMemberID tells whether a member of a share group may have this id.
func isShareMemberID(id string) bool {
	return id != "" && len(id) <= 3*shareMemberIDMax && len(utf16.Encode([]rune(id))) <= shareMemberIDMax
}

// checkShareProtocol tells whether share groups are served: they need share.version
// 1, which may be taken back, and which the listener's persona may not have.
func (a *API) checkShareProtocol(r *Request) error {
	if r.Peer.view.level(a.Metadata.Image(), "share.version") < 1 {
		return protocol.ErrUnsupportedVersion
	}
	return nil
}

func shareGroupHeartbeatResponse(out group.ShareHeartbeatOutput) *kmsg.ShareGroupHeartbeatResponse {
	p := kmsg.NewPtrShareGroupHeartbeatResponse()
	p.ErrorCode, p.ErrorMessage = problemOf(out.Err)
	if out.Err != nil {
		return p
	}
	p.MemberID, p.MemberEpoch = &out.MemberID, out.Epoch
	p.HeartbeatIntervalMillis = int32(out.HeartbeatInterval.Milliseconds())
	if out.Assignment == nil {
		return p
	}
	assignment := kmsg.NewShareGroupHeartbeatResponseAssignment()
	for _, t := range *out.Assignment {
		topic := kmsg.NewShareGroupHeartbeatResponseAssignmentTopicPartition()
		topic.TopicID, topic.Partitions = t.Topic, t.Partitions
		assignment.TopicPartitions = append(assignment.TopicPartitions, topic)
	}
	p.Assignment = &assignment
	return p
}
