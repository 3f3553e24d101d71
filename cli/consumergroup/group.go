package consumergroup

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Partition of a topic.
type Partition struct {
	Topic  string
	Number int32
}

// Compare orders partitions by topic, then by number.
func Compare(a, b Partition) int {
	return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Number, b.Number))
}

// Member of a group. Epoch and Upgraded are nil in a classic group; Target is empty there.
type Member struct {
	ID, Instance, Host, Client string
	Assigned, Target           []Partition
	Epoch                      *int32
	Upgraded                   *bool
}

// Group is a group as its coordinator tells of it. The epochs are nil in a classic group.
type Group struct {
	Name, State, Assignor, ProtocolType string
	Epoch, TargetEpoch                  *int32
	Members                             []Member
	// Code and Message are why nothing is known of it; 0 when all is.
	Code    int16
	Message *string
}

// Describe asks for groups of the consumer protocol (KIP-848), and for the others as classic ones.
// The groups come in the order of their names in the call.
func Describe(ctx context.Context, client *kgo.Client, names ...string) ([]Group, error) {
	found := map[string]Group{}
	request := kmsg.NewConsumerGroupDescribeRequest()
	request.Groups = names
	// A broker from before the protocol refuses the request as a whole: its groups are classic.
	if answer, err := request.RequestWith(ctx, client); err == nil {
		for _, group := range answer.Groups {
			if group.ErrorCode == 0 {
				found[group.Group] = consumerGroup(group)
			}
		}
	}
	classic := kmsg.NewDescribeGroupsRequest()
	for _, name := range names {
		if _, has := found[name]; !has {
			classic.Groups = append(classic.Groups, name)
		}
	}
	if len(classic.Groups) > 0 {
		answer, err := classic.RequestWith(ctx, client)
		if err != nil {
			return nil, err
		}
		for _, group := range answer.Groups {
			found[group.Group] = classicGroup(group)
		}
	}
	groups := make([]Group, len(names))
	for i, name := range names {
		group, has := found[name]
		if !has {
			group = Group{Name: name, Code: kerr.GroupIDNotFound.Code}
		}
		groups[i] = group
	}
	return groups, nil
}

func consumerGroup(group kmsg.ConsumerGroupDescribeResponseGroup) Group {
	g := Group{
		Name: group.Group, State: group.State, Assignor: group.AssignorName, ProtocolType: "consumer",
		Epoch: &group.Epoch, TargetEpoch: &group.AssignmentEpoch,
	}
	for _, m := range group.Members {
		member := Member{ID: m.MemberID, Instance: orEmpty(m.InstanceID), Host: m.ClientHost, Client: m.ClientID, Epoch: &m.MemberEpoch}
		for _, topic := range m.Assignment.TopicPartitions {
			member.Assigned = appendAll(member.Assigned, topic.Topic, topic.Partitions)
		}
		for _, topic := range m.TargetAssignment.TopicPartitions {
			member.Target = appendAll(member.Target, topic.Topic, topic.Partitions)
		}
		if m.MemberType >= 0 { // from version 1 of the answer on
			upgraded := m.MemberType == 1
			member.Upgraded = &upgraded
		}
		g.Members = append(g.Members, member)
	}
	return g
}

func classicGroup(group kmsg.DescribeGroupsResponseGroup) Group {
	g := Group{
		Name: group.Group, State: group.State, Assignor: group.Protocol, ProtocolType: group.ProtocolType,
		Code: group.ErrorCode, Message: group.ErrorMessage,
	}
	for _, m := range group.Members {
		member := Member{ID: m.MemberID, Instance: orEmpty(m.InstanceID), Host: m.ClientHost, Client: m.ClientID}
		var assignment kmsg.ConsumerMemberAssignment
		// What members of another protocol were given is theirs to read.
		if len(m.MemberAssignment) > 0 && assignment.ReadFrom(m.MemberAssignment) == nil {
			for _, topic := range assignment.Topics {
				member.Assigned = appendAll(member.Assigned, topic.Topic, topic.Partitions)
			}
		}
		g.Members = append(g.Members, member)
	}
	return g
}

func appendAll(partitions []Partition, topic string, numbers []int32) []Partition {
	for _, number := range numbers {
		partitions = append(partitions, Partition{topic, number})
	}
	return partitions
}

func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// IsInactive tells that the group has no members, so that its offsets may be set.
func (g Group) IsInactive() bool { return g.State == "Empty" || g.State == "Dead" }

// byAssignment are the members that have partitions, those with the most first.
func (g Group) byAssignment() []Member {
	members := slices.DeleteFunc(slices.Clone(g.Members), func(m Member) bool { return len(m.Assigned) == 0 })
	slices.SortStableFunc(members, func(a, b Member) int { return len(b.Assigned) - len(a.Assigned) })
	return members
}
