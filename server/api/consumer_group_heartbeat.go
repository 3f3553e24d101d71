package api

// ConsumerGroupHeartbeat (key 68), versions 0 to 1.
//
// All that a member of the consumer protocol says to its group: it joins (epoch 0),
// lives, tells what it reads and owns, and leaves (epoch -1, or -2 of a static
// member that means to come back). The answer tells its epoch, when to speak next,
// and what it may own if that is news (KIP-848).
//
//	v1  a subscription by regular expression, which stands for topics that the client may
//	    see; the client makes its own member id (KIP-1082)

import (
	"bytes"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/coordinator/group"
	"github.com/barnabas-mq/barnabas/coordinator/group/assignor"
	"github.com/barnabas-mq/barnabas/protocol"
)

var consumerGroupHeartbeat = later(kmsg.ConsumerGroupHeartbeat, 0, 1, (*API).consumerGroupHeartbeat).
	needs(need{auth.Read, auth.Group}, need{auth.Describe, auth.Topic})

func (a *API) consumerGroupHeartbeat(r *Request, q *kmsg.ConsumerGroupHeartbeatRequest, reply func(*kmsg.ConsumerGroupHeartbeatResponse)) {
	answer := func(out group.ConsumerHeartbeatOutput) { reply(consumerGroupHeartbeatResponse(out)) }
	if err := a.checkConsumerProtocol(r); err != nil {
		answer(group.ConsumerHeartbeatOutput{Err: err})
		return
	}
	if err := a.maySubscribe(r, q.Group, q.SubscribedTopicNames); err != nil {
		p := kmsg.NewPtrConsumerGroupHeartbeatResponse() // without a word, as in Kafka
		p.ErrorCode = codeOf(err)
		reply(p)
		return
	}
	if err := checkConsumerHeartbeat(q); err != nil {
		answer(group.ConsumerHeartbeatOutput{Err: err})
		return
	}
	in := group.ConsumerHeartbeatInput{
		GroupID: q.Group, MemberID: q.MemberID, Epoch: q.MemberEpoch,
		ClientID: r.Header.ClientID, ClientHost: javaHost(r.Call.Conn.RemoteAddr),
		InstanceID: q.InstanceID, Rack: q.RackID, RebalanceTimeoutMillis: q.RebalanceTimeoutMillis,
		Topics: q.SubscribedTopicNames, Pattern: q.SubscribedTopicRegex, Assignor: q.ServerAssignor,
		Sees: a.seesTopics(r),
	}
	if q.Topics != nil {
		owned := ownedAssignment(q.Topics)
		in.Owned = &owned
	}
	a.Groups.ConsumerHeartbeat(in, answer)
}

// maySubscribe tells whether the client may be a member of the group and knows of all the
// topics that it names.
func (a *API) maySubscribe(r *Request, groupID string, topics []string) error {
	if !a.may(r, auth.Read, auth.Group, groupID) {
		return errGroupDenied
	}
	for _, topic := range topics {
		if !a.may(r, auth.Describe, auth.Topic, topic) {
			return errTopicDenied
		}
	}
	return nil
}

// checkConsumerHeartbeat is what depends on the version of the request: in version 0 one
// that joins may have no member id yet.
func checkConsumerHeartbeat(q *kmsg.ConsumerGroupHeartbeatRequest) error {
	const ownMemberID = 1
	needsID := q.Version >= ownMemberID || q.MemberEpoch > group.JoinEpoch || q.MemberEpoch == group.LeaveEpoch
	if needsID && len(bytes.TrimSpace([]byte(q.MemberID))) == 0 {
		return protocol.ErrInvalidRequest.WithMessage("MemberId can't be empty.")
	}
	return nil
}

// checkConsumerProtocol tells whether the consumer protocol is served: it can be
// taken out of group.coordinator.rebalance.protocols, and needs group.version 1,
// which the listener's persona may not have.
func (a *API) checkConsumerProtocol(r *Request) error {
	if !slices.Contains(a.Config().GroupRebalanceProtocols, string(group.Consumer)) || r.Peer.view.level(a.Metadata.Image(), "group.version") < 1 {
		return protocol.ErrUnsupportedVersion
	}
	return nil
}

// ownedAssignment puts in order what a member says that it owns.
func ownedAssignment(topics []kmsg.ConsumerGroupHeartbeatRequestTopic) assignor.Assignment {
	owned := make(assignor.Assignment, 0, len(topics))
	for _, t := range topics {
		if len(t.Partitions) > 0 {
			owned = append(owned, assignor.Partitions{Topic: t.TopicID, Partitions: slices.Clone(t.Partitions)})
		}
	}
	slices.SortFunc(owned, func(a, b assignor.Partitions) int { return bytes.Compare(a.Topic[:], b.Topic[:]) })
	last := -1
	for _, t := range owned { // a topic may be named again
		if last >= 0 && owned[last].Topic == t.Topic {
			owned[last].Partitions = append(owned[last].Partitions, t.Partitions...)
			continue
		}
		last++
		owned[last] = t
	}
	owned = owned[:last+1]
	for i := range owned {
		slices.Sort(owned[i].Partitions)
		owned[i].Partitions = slices.Compact(owned[i].Partitions)
	}
	return owned
}

func consumerGroupHeartbeatResponse(out group.ConsumerHeartbeatOutput) *kmsg.ConsumerGroupHeartbeatResponse {
	p := kmsg.NewPtrConsumerGroupHeartbeatResponse()
	p.ErrorCode, p.ErrorMessage = problemOf(out.Err)
	if out.Err != nil {
		return p
	}
	p.MemberID, p.MemberEpoch = &out.MemberID, out.Epoch
	p.HeartbeatIntervalMillis = int32(out.HeartbeatInterval.Milliseconds())
	if out.Assignment == nil {
		return p
	}
	assignment := kmsg.NewConsumerGroupHeartbeatResponseAssignment()
	for _, t := range *out.Assignment {
		topic := kmsg.NewConsumerGroupHeartbeatResponseAssignmentTopic()
		topic.TopicID, topic.Partitions = t.Topic, t.Partitions
		assignment.Topics = append(assignment.Topics, topic)
	}
	p.Assignment = &assignment
	return p
}
