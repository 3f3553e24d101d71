package offsetsreader

import (
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/schema"
)

// admin writes what the broker tells in the words of log.lines.
type admin struct{ client *kgo.Client }

// lines asks about every group that the broker lists.
func (a admin) lines(ctx context.Context) ([]string, error) {
	listed, err := a.list(ctx)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, group := range listed {
		offsets, err := a.offsets(ctx, group.Group)
		if err != nil {
			return nil, fmt.Errorf("offsets of %s: %w", group.Group, err)
		}
		describe := a.classic
		if group.GroupType == "consumer" {
			describe = a.consumer
		}
		members, err := describe(ctx, group.Group)
		if err != nil {
			return nil, fmt.Errorf("describe %s: %w", group.Group, err)
		}
		lines = slices.Concat(lines, offsets, members)
	}
	slices.Sort(lines)
	return lines, nil
}

// list is what the broker lists; kadm keeps the types of groups to itself.
func (a admin) list(ctx context.Context) ([]kmsg.ListGroupsResponseGroup, error) {
	resp, err := kmsg.NewPtrListGroupsRequest().RequestWith(ctx, a.client)
	if err != nil {
		return nil, err
	}
	return resp.Groups, kerr.ErrorForCode(resp.ErrorCode)
}

func (a admin) offsets(ctx context.Context, group string) ([]string, error) {
	fetched, err := kadm.NewClient(a.client).FetchOffsets(ctx, group)
	if err == nil {
		err = fetched.Error()
	}
	var lines []string
	fetched.Each(func(o kadm.OffsetResponse) {
		lines = append(lines, fmt.Sprintf("%s offset of %s %d: %d epoch %d %q", group, o.Topic, o.Partition, o.At, o.LeaderEpoch, o.Metadata))
	})
	return lines, err
}

func (a admin) classic(ctx context.Context, group string) ([]string, error) {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{group}
	resp, err := req.RequestWith(ctx, a.client)
	if err != nil {
		return nil, err
	}
	g := resp.Groups[0]
	if err := kerr.ErrorForCode(g.ErrorCode); err != nil || g.ProtocolType == "" {
		return nil, err // no protocol type: only offsets, which an admin client committed
	}
	lines := []string{fmt.Sprintf("%s classic, type %s, protocol %s", group, g.ProtocolType, g.Protocol)}
	for _, m := range g.Members {
		line := fmt.Sprintf("%s member %s: instance %s, client %s at %s,", group, m.MemberID, value(m.InstanceID), m.ClientID, m.ClientHost)
		if len(m.MemberAssignment) > 0 {
			var assignment kmsg.ConsumerMemberAssignment
			if err := assignment.ReadFrom(m.MemberAssignment); err != nil {
				return nil, err
			}
			var parts []string
			for _, t := range assignment.Topics {
				parts = append(parts, fmt.Sprintf(" %s %v", t.Topic, t.Partitions))
			}
			slices.Sort(parts)
			line += fmt.Sprint(parts)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

func (a admin) consumer(ctx context.Context, group string) ([]string, error) {
	req := kmsg.NewPtrConsumerGroupDescribeRequest()
	req.Groups = []string{group}
	resp, err := req.RequestWith(ctx, a.client)
	if err != nil {
		return nil, err
	}
	g := resp.Groups[0]
	if err := kerr.ErrorForCode(g.ErrorCode); err != nil {
		return nil, err
	}
	lines := []string{fmt.Sprintf("%s epoch %d", group, g.Epoch), fmt.Sprintf("%s target epoch %d", group, g.AssignmentEpoch)}
	for _, m := range g.Members {
		name := fmt.Sprintf("%s member %s", group, m.MemberID)
		slices.Sort(m.SubscribedTopics)
		lines = append(lines,
			fmt.Sprintf("%s: %s instance %s, client %s at %s, topics %v, pattern %q", name, memberType(m.MemberType == 1), value(m.InstanceID),
				m.ClientID, m.ClientHost, m.SubscribedTopics, value(m.SubscribedTopicRegex)),
			name+" target"+partitions(m.TargetAssignment),
			fmt.Sprintf("%s has epoch %d,%s", name, m.MemberEpoch, partitions(m.Assignment)))
	}
	return lines, nil
}

func partitions(a kmsg.Assignment) string {
	var parts []string
	for _, t := range a.TopicPartitions {
		parts = append(parts, fmt.Sprintf(" %v %v", schema.UUID(t.TopicID), t.Partitions))
	}
	slices.Sort(parts)
	return fmt.Sprint(parts)
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
