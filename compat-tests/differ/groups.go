package differ

import (
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// member is one consumer of a classic group, on a connection of its own.
type member struct {
	peer     *Peer
	group    string
	instance *string
	// metadata tells members apart in the leader's list.
	metadata []byte
	topics   []string

	id         string
	generation int32

	timeoutMillis int32 // of the session and of a rebalance
}

const sessionTimeoutMillis = 10_000

// Member is a consumer of a group who has not joined yet.
func (s *Session) Member(name, group string, topics ...string) *member {
	return &member{peer: s.Peer(name), group: s.Group(group), metadata: subscription(name, topics...), topics: topics, generation: -1, timeoutMillis: sessionTimeoutMillis}
}

// subscription is consumer protocol metadata, version 0, with the name as user data.
func subscription(userData string, topics ...string) []byte {
	b := binary.BigEndian.AppendUint16(nil, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(len(topics)))
	for _, t := range topics {
		b = binary.BigEndian.AppendUint16(b, uint16(len(t)))
		b = append(b, t...)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(userData)))
	return append(b, userData...)
}

func (m *member) joinRequest(protocols ...string) *kmsg.JoinGroupRequest {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.MemberID, req.InstanceID = m.group, m.id, m.instance
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = m.timeoutMillis, m.timeoutMillis
	req.ProtocolType = "consumer"
	if len(protocols) == 0 {
		protocols = []string{"range"}
	}
	for _, name := range protocols {
		p := kmsg.NewJoinGroupRequestProtocol()
		p.Name, p.Metadata = name, m.metadata
		req.Protocols = append(req.Protocols, p)
	}
	return req
}

// introduce gets a member id where the version asks for one first. The answer
// is recorded.
func (m *member) introduce(label string, protocols ...string) {
	if m.id != "" || m.instance != nil || m.peer.session.versionOf(int16(kmsg.JoinGroup)) < 4 {
		return
	}
	resp := m.peer.Ask(label+": id wanted", m.joinRequest(protocols...)).(*kmsg.JoinGroupResponse)
	m.id = resp.MemberID
}

// join introduces the member and joins, waiting for the answer.
func (m *member) join(label string, protocols ...string) *kmsg.JoinGroupResponse {
	m.introduce(label, protocols...)
	return m.joined(m.peer.Begin(label, m.joinRequest(protocols...)))
}

// joining is join without waiting.
func (m *member) joining(label string, protocols ...string) *pending {
	m.introduce(label, protocols...)
	return m.peer.Begin(label, m.joinRequest(protocols...))
}

// joined takes over what an answer says about the member.
func (m *member) joined(p *pending) *kmsg.JoinGroupResponse {
	resp := p.Finish().(*kmsg.JoinGroupResponse)
	m.generation = resp.Generation
	if resp.MemberID != "" {
		m.id = resp.MemberID
	}
	return resp
}

func (m *member) syncRequest(assignments ...*member) *kmsg.SyncGroupRequest {
	req := kmsg.NewPtrSyncGroupRequest()
	req.Group, req.Generation, req.MemberID, req.InstanceID = m.group, m.generation, m.id, m.instance
	req.ProtocolType, req.Protocol = ptr("consumer"), ptr("range")
	for _, other := range assignments {
		a := kmsg.NewSyncGroupRequestGroupAssignment()
		a.MemberID, a.MemberAssignment = other.id, append([]byte("for "), other.metadata...)
		req.GroupAssignment = append(req.GroupAssignment, a)
	}
	return req
}

func (m *member) sync(label string, assignments ...*member) {
	m.peer.Ask(label, m.syncRequest(assignments...))
}

func (m *member) heartbeatRequest() *kmsg.HeartbeatRequest {
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.Generation, req.MemberID, req.InstanceID = m.group, m.generation, m.id, m.instance
	return req
}

func (m *member) heartbeat(label string) { m.peer.Ask(label, m.heartbeatRequest()) }

// awaitRebalance beats until the group asks this member to join again.
func (m *member) awaitRebalance() {
	const rebalanceInProgress = 27
	m.peer.Until(m.heartbeatRequest(), func(r kmsg.Response) bool { return r.(*kmsg.HeartbeatResponse).ErrorCode == rebalanceInProgress })
}

func (m *member) leaveRequest() *kmsg.LeaveGroupRequest {
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group, req.MemberID = m.group, m.id
	l := kmsg.NewLeaveGroupRequestMember()
	l.MemberID, l.InstanceID = m.id, m.instance
	req.Members = append(req.Members, l)
	return req
}

// stable makes a group of one member that has its assignment.
func (m *member) stable(label string) {
	m.join(label + " joins")
	m.sync(label+" assigns", m)
}

// commitRequest commits one offset of partition 0.
func (m *member) commitRequest(topic string, id [16]byte, offset int64, metadata *string) *kmsg.OffsetCommitRequest {
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Offset, p.Metadata, p.LeaderEpoch = offset, metadata, 0
	t := kmsg.NewOffsetCommitRequestTopic()
	t.Topic, t.TopicID = topic, id
	t.Partitions = append(t.Partitions, p)
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.MemberID, req.Generation, req.InstanceID = m.group, m.id, m.generation, m.instance
	req.RetentionTimeMillis = -1
	req.Topics = append(req.Topics, t)
	return req
}

// offsetsOf asks for committed offsets in both shapes of the request: one group
// below version 8, a list from then on. Nil topics are all.
func offsetsOf(group string, topics ...kmsg.OffsetFetchRequestGroupTopic) *kmsg.OffsetFetchRequest {
	req := kmsg.NewPtrOffsetFetchRequest()
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group, g.Topics = group, topics
	req.Groups = append(req.Groups, g)
	req.Group = group
	for _, t := range topics {
		req.Topics = append(req.Topics, kmsg.OffsetFetchRequestTopic{Topic: t.Topic, Partitions: t.Partitions})
	}
	return req
}

func offsetTopic(name string, id [16]byte, partitions ...int32) kmsg.OffsetFetchRequestGroupTopic {
	t := kmsg.NewOffsetFetchRequestGroupTopic()
	t.Topic, t.TopicID, t.Partitions = name, id, partitions
	return t
}

func describeGroups(groups ...string) *kmsg.DescribeGroupsRequest {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = groups
	return req
}

func deleteGroups(groups ...string) *kmsg.DeleteGroupsRequest {
	req := kmsg.NewPtrDeleteGroupsRequest()
	req.Groups = groups
	return req
}
