package api

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

// memberCodes are what a member of the classic protocol hears of its group.
func memberCodes(w *world, groupID string) map[string]int16 {
	join := kmsg.NewPtrJoinGroupRequest()
	join.Group, join.SessionTimeoutMillis, join.ProtocolType = groupID, 10_000, "consumer"
	join.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range"}}
	sync := kmsg.NewPtrSyncGroupRequest()
	sync.Group, sync.MemberID = groupID, "nobody"
	beat := kmsg.NewPtrHeartbeatRequest()
	beat.Group, beat.MemberID = groupID, "nobody"
	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.Group, leave.MemberID = groupID, "nobody"
	return map[string]int16{
		"join":  ask[*kmsg.JoinGroupResponse](w, 5, join).ErrorCode,
		"sync":  ask[*kmsg.SyncGroupResponse](w, 3, sync).ErrorCode,
		"beat":  ask[*kmsg.HeartbeatResponse](w, 4, beat).ErrorCode,
		"leave": ask[*kmsg.LeaveGroupResponse](w, 2, leave).ErrorCode,
	}
}

func TestMemberNeedsGroup(t *testing.T) {
	w := newGuardedWorld(t)
	w.topic(OffsetsTopic, 50)
	w.rules("allow alice READ GROUP team-~; allow alice DESCRIBE GROUP other; deny alice READ GROUP team-b; allow alice READ GROUP far from 10.0.0.1")
	w.become("alice")
	for groupID, allowed := range map[string]bool{"team-a": true, "team-b": false, "other": false, "far": false} {
		for what, code := range memberCodes(w, groupID) {
			want := protocol.ErrUnknownMemberID.Code
			if what == "join" {
				want = protocol.ErrMemberIDRequired.Code
			}
			if !allowed {
				want = protocol.ErrGroupAuthorizationFailed.Code
			}
			if code != want {
				t.Errorf("%s in %s: error %d, want %d", what, groupID, code, want)
			}
		}
	}
	sync := kmsg.NewPtrSyncGroupRequest()
	sync.Group, sync.MemberID = "other", "nobody"
	if p := ask[*kmsg.SyncGroupResponse](w, 5, sync); p.ErrorCode != protocol.ErrInconsistentGroupProtocol.Code {
		t.Errorf("a sync without a protocol: error %d", p.ErrorCode)
	}
	w.rules("allow * ALL GROUP *")
	if code := memberCodes(w, "other")["beat"]; code != protocol.ErrUnknownMemberID.Code {
		t.Errorf("a heartbeat that a new rule allows: error %d", code)
	}
	w.become(worldRoot)
	w.rules("deny * ALL GROUP *")
	if code := memberCodes(w, "other")["beat"]; code != protocol.ErrUnknownMemberID.Code {
		t.Errorf("a super user's heartbeat: error %d", code)
	}
}
