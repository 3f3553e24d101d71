package group

import (
	"errors"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator/group/assignor"
)

// What consumers of the classic protocol put into the opaque fields of JoinGroup
// and SyncGroup: ConsumerProtocolSubscription and ConsumerProtocolAssignment,
// which name topics. Later versions only add fields at the end.

var errNegativeVersion = errors.New("the version is negative")

func parseSubscription(metadata []byte) (kmsg.ConsumerMemberMetadata, error) {
	s := kmsg.NewConsumerMemberMetadata()
	err := s.ReadFrom(metadata)
	if err == nil && s.Version < 0 {
		err = errNegativeVersion
	}
	return s, err
}

// ownedByName reads what a classic member says that it owns. Topics that are gone
// are left out: nobody can own them.
func ownedByName(s *kmsg.ConsumerMemberMetadata, topics Topics) assignor.Assignment {
	var all []ownedEntry
	for _, t := range s.OwnedPartitions {
		if topic, ok := topics.Topic(t.Topic); ok {
			for _, p := range t.Partitions {
				all = append(all, ownedEntry{id: partitionID{topic.ID, p}})
			}
		}
	}
	return ownedFrom(all).assignment()
}

// parseAssignment reads what a member was assigned by a leader. userData is what
// only a custom assignor understands.
func parseAssignment(assignment []byte, topics Topics) (owned assignor.Assignment, userData []byte, err error) {
	if len(assignment) == 0 {
		return nil, nil, nil
	}
	a := kmsg.NewConsumerMemberAssignment()
	if err := a.ReadFrom(assignment); err != nil {
		return nil, nil, err
	}
	if a.Version < 0 {
		return nil, nil, errNegativeVersion
	}
	var all []ownedEntry
	for _, t := range a.Topics {
		if topic, ok := topics.Topic(t.Topic); ok {
			for _, p := range t.Partitions {
				all = append(all, ownedEntry{id: partitionID{topic.ID, p}})
			}
		}
	}
	return ownedFrom(all).assignment(), a.UserData, nil
}

// encodeAssignment writes an assignment in the version of the member's subscription.
func encodeAssignment(a assignor.Assignment, subscription []byte, topics Topics) []byte {
	out := kmsg.NewConsumerMemberAssignment()
	if s, err := parseSubscription(subscription); err == nil {
		out.Version = s.Version
	}
	for _, t := range named(a, topics) {
		topic := kmsg.NewConsumerMemberAssignmentTopic()
		topic.Topic, topic.Partitions = t.Topic, t.Partitions
		out.Topics = append(out.Topics, topic)
	}
	return out.AppendTo(nil)
}

// named gives the topics their names, and leaves those out that are gone.
func named(a assignor.Assignment, topics Topics) []NamedPartitions {
	var out []NamedPartitions
	for _, t := range a {
		if topic, ok := topics.TopicByID(t.Topic); ok {
			out = append(out, NamedPartitions{Topic: topic.Name, TopicID: t.Topic, Partitions: t.Partitions})
		}
	}
	slices.SortFunc(out, func(a, b NamedPartitions) int {
		return compareTopicPartitions(topicPartition{topic: a.Topic}, topicPartition{topic: b.Topic})
	})
	return out
}
