package main

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// classicMember is a member of a classic group on a connection of its own, as
// cheap as can be: raw requests, no assignor, no client.
type classicMember struct {
	conn       *wire.Conn
	group      string
	id         string
	generation int32
}

// Timeouts of members: those of Kafka's clients.
const (
	memberSessionMillis   = 45_000
	memberRebalanceMillis = 300_000
	memberHeartbeatEvery  = 3 * time.Second
)

// memberProtocol is what every member says; its metadata is a subscription of one
// topic in the consumer protocol's version 0, without user data.
const memberProtocol = "range"

var (
	memberProtocolType = "consumer"
	memberSubscription = []byte{0, 0, 0, 0, 0, 1, 0, 1, 't', 0xff, 0xff, 0xff, 0xff}
)

// assignmentOf is partition p of that topic, in the same protocol.
func assignmentOf(p int) []byte {
	return []byte{0, 0, 0, 0, 0, 1, 0, 1, 't', 0, 0, 0, 1, byte(p >> 24), byte(p >> 16), byte(p >> 8), byte(p), 0xff, 0xff, 0xff, 0xff}
}

func dialMember(b contender, group string) (*classicMember, error) {
	conn, err := wire.Dial(b.Bootstrap())
	if err != nil {
		return nil, err
	}
	conn.Timeout = groupPatience // a join waits for all others
	return &classicMember{conn: conn, group: group, generation: -1}, nil
}

// join asks until it is in a generation, and returns the members if it leads.
func (m *classicMember) join() ([]kmsg.JoinGroupResponseMember, error) {
	protocol := kmsg.NewJoinGroupRequestProtocol()
	protocol.Name, protocol.Metadata = memberProtocol, memberSubscription
	request := kmsg.NewPtrJoinGroupRequest()
	request.Version, request.Group = 5, m.group
	request.SessionTimeoutMillis, request.RebalanceTimeoutMillis = memberSessionMillis, memberRebalanceMillis
	request.ProtocolType, request.Protocols = memberProtocolType, append(request.Protocols, protocol)
	for {
		request.MemberID = m.id
		answer, err := m.conn.Call(request)
		if err != nil {
			return nil, fmt.Errorf("join: %w", err)
		}
		response := answer.(*kmsg.JoinGroupResponse)
		switch failure := kerr.ErrorForCode(response.ErrorCode); failure {
		case nil:
			m.id, m.generation = response.MemberID, response.Generation
			return response.Members, nil
		case kerr.MemberIDRequired:
			m.id = response.MemberID
		case kerr.UnknownMemberID:
			m.id = ""
		case kerr.RebalanceInProgress:
		case kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator:
			time.Sleep(coordinatorPause)
		default:
			return nil, fmt.Errorf("join: %w", failure)
		}
	}
}

// sync hands in an assignment for the members that the leader was told of, or
// fetches the member's own. Without an error the member is assigned a partition.
func (m *classicMember) sync(members []kmsg.JoinGroupResponseMember) error {
	request := kmsg.NewPtrSyncGroupRequest()
	request.Version, request.Group, request.MemberID, request.Generation = 3, m.group, m.id, m.generation
	for i, member := range members {
		one := kmsg.NewSyncGroupRequestGroupAssignment()
		one.MemberID, one.MemberAssignment = member.MemberID, assignmentOf(i)
		request.GroupAssignment = append(request.GroupAssignment, one)
	}
	answer, err := m.conn.Call(request)
	if err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	response := answer.(*kmsg.SyncGroupResponse)
	if failure := kerr.ErrorForCode(response.ErrorCode); failure != nil {
		return failure
	}
	if got := len(response.MemberAssignment); got != len(assignmentOf(0)) {
		return fmt.Errorf("sync: an assignment of %d bytes", got)
	}
	return nil
}

// heartbeatRequest is in the newest version, as clients send it.
func (m *classicMember) heartbeatRequest() *kmsg.HeartbeatRequest {
	request := kmsg.NewPtrHeartbeatRequest()
	request.Version, request.Group, request.MemberID, request.Generation = 4, m.group, m.id, m.generation
	return request
}

// heartbeat is nil while the generation stands.
func (m *classicMember) heartbeat() error {
	answer, err := m.conn.Call(m.heartbeatRequest())
	if err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	return kerr.ErrorForCode(answer.(*kmsg.HeartbeatResponse).ErrorCode)
}

// mustJoinAgain tells whether an answer sends a member back to its join, and
// forgets an id that the group does not know.
func (m *classicMember) mustJoinAgain(err error) bool {
	switch err {
	case kerr.UnknownMemberID:
		m.id = ""
		return true
	case kerr.RebalanceInProgress, kerr.IllegalGeneration:
		return true
	}
	return false
}

// settle joins and syncs until the member has its assignment.
func (m *classicMember) settle() error {
	for {
		members, err := m.join()
		if err != nil {
			return err
		}
		if err = m.sync(members); err == nil {
			return nil
		}
		if !m.mustJoinAgain(err) {
			return err
		}
	}
}

// leaveAll takes members out by one request.
func leaveAll(members []*classicMember) error {
	request := kmsg.NewPtrLeaveGroupRequest()
	request.Version, request.Group = 3, members[0].group
	for _, m := range members {
		one := kmsg.NewLeaveGroupRequestMember()
		one.MemberID = m.id
		request.Members = append(request.Members, one)
	}
	answer, err := members[0].conn.Call(request)
	if err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	return kerr.ErrorForCode(answer.(*kmsg.LeaveGroupResponse).ErrorCode)
}
