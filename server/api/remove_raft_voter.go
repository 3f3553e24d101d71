package api

// RemoveRaftVoter (key 81), version 0.
//
// The one node that votes cannot be taken away: UNSUPPORTED_VERSION, as AddRaftVoter.
//
// Left out: voters.

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
)

var removeRaftVoter = now(kmsg.RemoveRaftVoter, 0, 0, (*API).removeRaftVoter).onCluster(auth.Alter)

func (a *API) removeRaftVoter(_ *Request, q *kmsg.RemoveRaftVoterRequest) *kmsg.RemoveRaftVoterResponse {
	p := q.ResponseKind().(*kmsg.RemoveRaftVoterResponse)
	p.ErrorCode, p.ErrorMessage = problemOf(a.refuseVoter("Remove", "removing", q.ClusterID, q.VoterID, q.VoterDirectoryID))
	return p
}
