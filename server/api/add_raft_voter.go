package api

// AddRaftVoter (key 80), versions 0 and 1.
//
// One node votes, and no other can join it: UNSUPPORTED_VERSION, which is also the
// answer of a Kafka whose voters are fixed (kraft.version 0). The checks before it
// are those of Kafka's KafkaRaftClient, that of the listeners apart.
//
//	v0     who votes, and where it listens (KIP-853)
//	v1     may be answered before it is committed
//
// Left out: voters.

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/protocol"
)

var addRaftVoter = now(kmsg.AddRaftVoter, 0, 1, (*API).addRaftVoter).onCluster(auth.Alter)

func (a *API) addRaftVoter(_ *Request, q *kmsg.AddRaftVoterRequest) *kmsg.AddRaftVoterResponse {
	p := q.ResponseKind().(*kmsg.AddRaftVoterResponse)
	p.ErrorCode, p.ErrorMessage = problemOf(a.refuseVoter("Add", "adding", q.ClusterID, q.VoterID, q.VoterDirectoryID))
	return p
}

// refuseVoter says why the voters stay as they are.
func (a *API) refuseVoter(verb, doing string, clusterID *string, voter int32, directory protocol.UUID) error {
	if ours := a.Metadata.Image().ClusterID(); clusterID != nil && *clusterID != ours {
		return protocol.ErrInconsistentClusterID.WithMessage("The given id \"%.64s\" doesn't match the cluster id \"%s\"", *clusterID, ours)
	}
	if voter < 0 || directory.IsZero() {
		return protocol.ErrInvalidRequest.WithMessage("%s voter request didn't include a valid voter", verb)
	}
	if a.Metadata.Image().KRaftVersion() == 0 {
		return protocol.ErrUnsupportedVersion.WithMessage("Cluster doesn't support %s voter because the kraft.version feature is 0", doing)
	}
	return protocol.ErrUnsupportedVersion.WithMessage("Barnabas is one node and does not support %s voters.", doing)
}
