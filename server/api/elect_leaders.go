package api

// ElectLeaders (key 43), versions 0 to 2.
//
// One node leads whatever it can lead, from its start on: every partition has the
// leader that it should have, which is ELECTION_NOT_NEEDED. Null asks for all
// partitions; then those that need nothing are left out, and topics stay without
// partitions, as in Kafka (ReplicationControlManager).
//
//	v0     preferred leaders (KIP-183)
//	v1     unclean elections, top-level error code (KIP-460)
//	v2     flexible

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var electLeaders = bounded(kmsg.ElectLeaders, 0, 2, func(q *kmsg.ElectLeadersRequest) int {
	return sum(q.Topics, func(t *kmsg.ElectLeadersRequestTopic) int { return len(t.Partitions) })
}, (*API).electLeaders).onCluster(auth.Alter)

// Kinds of elections.
const (
	electPreferred = 0
	electUnclean   = 1
)

func (a *API) electLeaders(_ *Request, q *kmsg.ElectLeadersRequest) *kmsg.ElectLeadersResponse {
	p := q.ResponseKind().(*kmsg.ElectLeadersResponse)
	p.Topics = []kmsg.ElectLeadersResponseTopic{}
	image := a.Metadata.Image()
	all := q.Topics == nil
	var problem error
	if q.ElectionType != electPreferred && q.ElectionType != electUnclean {
		problem = protocol.ErrInvalidRequest.WithMessage("Unknown election type %d", q.ElectionType)
		p.ErrorCode = codeOf(problem)
	}
	if all && problem == nil {
		for t := range image.Topics() {
			topic := kmsg.NewElectLeadersRequestTopic()
			topic.Topic = t.Name
			for i := range t.Partitions {
				topic.Partitions = append(topic.Partitions, t.Partitions[i].Index)
			}
			q.Topics = append(q.Topics, topic)
		}
	}
	for _, t := range q.Topics {
		topic := kmsg.NewElectLeadersResponseTopic()
		topic.Topic = t.Topic
		for _, index := range t.Partitions {
			one := kmsg.NewElectLeadersResponseTopicPartition()
			one.Partition = index
			if one.ErrorCode, one.ErrorMessage = problemOf(problem); problem == nil {
				one.ErrorCode, one.ErrorMessage = problemOf(electLeader(image, t.Topic, index, q.ElectionType))
			}
			if !all || one.ErrorCode != protocol.ErrElectionNotNeeded.Code {
				topic.Partitions = append(topic.Partitions, one)
			}
		}
		p.Topics = append(p.Topics, topic)
	}
	return p
}

// electLeader tells why there is no election: it is not needed, or nobody else
// could win.
func electLeader(image *metadata.Image, topic string, index int32, kind int8) error {
	t := image.Topic(topic)
	if t == nil {
		return protocol.ErrUnknownTopicOrPartition.WithMessage("No such topic as %s", cut(topic))
	}
	p := t.Partition(index)
	switch {
	case p == nil:
		return protocol.ErrUnknownTopicOrPartition.WithMessage("No such partition as %s-%d", topic, index)
	case kind == electPreferred && p.Leader == p.Replicas[0], kind == electUnclean && p.Leader != metadata.NoLeader:
		return protocol.ErrElectionNotNeeded.WithMessage("Leader election not needed for topic partition.")
	case kind == electPreferred:
		return protocol.ErrPreferredLeaderNotAvailable
	}
	return protocol.ErrEligibleLeadersNotAvailable
}
