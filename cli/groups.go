package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func groupVerbs() []verb {
	return []verb{
		{noun: "groups", name: "list", about: "list the groups", run: listGroups, prints: []Group{}},
		{noun: "groups", name: "describe", args: "NAME...", about: "members, offsets and lag", run: describeGroups, prints: []GroupDetail{}},
		{noun: "groups", name: "lag", args: "[NAME...]", about: "how far each group is behind", run: groupLags, prints: []GroupLag{}},
		{
			noun: "groups", name: "reset-offsets", args: "NAME", about: "plan other offsets for a group without members, or set them", run: resetOffsets, prints: Reset{},
			flags: func(f *pflag.FlagSet, o *options) {
				f.StringArrayVarP(&o.topics, "topic", "t", nil, "`TOPIC` or TOPIC:0,1; may be repeated; without it all that the group has offsets of")
				f.StringVar(&o.to, "to", "", "`WHERE` to go: start, end, an offset, +N or -N from where it is, a time (2026-01-31T12:00:00Z), or a duration before now (90m)")
				f.BoolVar(&o.execute, "execute", false, "do it; without, it is only shown")
			},
		},
		{noun: "groups", name: "delete", args: "NAME...", about: "delete groups with their offsets", run: deleteGroups, prints: []Outcome{}},
	}
}

func (c *call) groups() ([]Group, error) {
	request := kmsg.NewListGroupsRequest()
	answer, err := request.RequestWith(c.ctx, c.client)
	if err != nil {
		return nil, err
	}
	if err := kerr.ErrorForCode(answer.ErrorCode); err != nil {
		return nil, explained(err, "", "groups")
	}
	groups := []Group{}
	for _, g := range answer.Groups {
		groups = append(groups, Group{g.Group, strings.ToLower(g.GroupType), g.ProtocolType, g.GroupState})
	}
	slices.SortFunc(groups, func(a, b Group) int { return strings.Compare(a.Name, b.Name) })
	return groups, nil
}

func listGroups(c *call) error {
	if err := c.need(0, 0, ""); err != nil {
		return err
	}
	if err := c.connect(); err != nil {
		return err
	}
	groups, err := c.groups()
	if err != nil {
		return err
	}
	return c.show(groups, func(w io.Writer) {
		row(w, "NAME", "TYPE", "STATE")
		for _, g := range groups {
			row(w, g.Name, g.Type, g.State)
		}
	})
}

// group is a group as its coordinator knows it, without offsets.
func (c *call) describeOne(name string) (GroupDetail, error) {
	detail := GroupDetail{Name: name, Members: []GroupMember{}, Offsets: []GroupOffset{}}
	request := kmsg.NewConsumerGroupDescribeRequest()
	request.Groups = []string{name}
	answer, err := request.RequestWith(c.ctx, c.client)
	if err == nil && len(answer.Groups) == 1 && answer.Groups[0].ErrorCode == 0 {
		group := answer.Groups[0]
		detail.State, detail.Assignor = group.State, group.AssignorName
		for _, m := range group.Members {
			member := GroupMember{m.MemberID, message(m.InstanceID), m.ClientID, m.ClientHost, []string{}}
			for _, topic := range m.Assignment.TopicPartitions {
				for _, p := range topic.Partitions {
					member.Partitions = append(member.Partitions, fmt.Sprintf("%s-%d", topic.Topic, p))
				}
			}
			detail.Members = append(detail.Members, member)
		}
		return detail, nil
	}
	described, err := kadm.NewClient(c.client).DescribeGroups(c.ctx, name)
	if err != nil {
		return detail, err
	}
	group := described[name]
	if group.Err != nil {
		return detail, explained(group.Err, group.ErrMessage, name)
	}
	if group.State == "Dead" {
		return detail, explained(kerr.GroupIDNotFound, "", name)
	}
	detail.State, detail.Assignor = group.State, group.Protocol
	for _, m := range group.Members {
		member := GroupMember{m.MemberID, message(m.InstanceID), m.ClientID, m.ClientHost, []string{}}
		if assigned, ok := m.Assigned.AsConsumer(); ok {
			for _, topic := range assigned.Topics {
				for _, p := range topic.Partitions {
					member.Partitions = append(member.Partitions, fmt.Sprintf("%s-%d", topic.Topic, p))
				}
			}
		}
		detail.Members = append(detail.Members, member)
	}
	return detail, nil
}

// fillOffsets adds how far the group is.
func (c *call) fillOffsets(detail *GroupDetail) error {
	admin := kadm.NewClient(c.client)
	committed, err := admin.FetchOffsets(c.ctx, detail.Name)
	if err != nil {
		return err
	}
	owners := map[string]string{}
	for _, m := range detail.Members {
		for _, p := range m.Partitions {
			owners[p] = m.ID
		}
	}
	topics := map[string]bool{}
	add := func(topic string, partition int32, at *int64) {
		topics[topic] = true
		name := fmt.Sprintf("%s-%d", topic, partition)
		detail.Offsets = append(detail.Offsets, GroupOffset{Topic: topic, Partition: partition, Committed: at, End: -1, Member: owners[name]})
		delete(owners, name)
	}
	committed.Each(func(o kadm.OffsetResponse) {
		if o.Err == nil && o.At >= 0 {
			add(o.Topic, o.Partition, &o.At)
		}
	})
	for _, name := range sortedKeys(owners) { // assigned, and nothing committed
		at := strings.LastIndexByte(name, '-')
		var partition int32
		if _, err := fmt.Sscan(name[at+1:], &partition); err == nil {
			add(name[:at], partition, nil)
		}
	}
	if len(topics) == 0 {
		return nil
	}
	ends, err := admin.ListEndOffsets(c.ctx, sortedKeys(topics)...)
	if err != nil {
		return err
	}
	for i := range detail.Offsets {
		o := &detail.Offsets[i]
		end, ok := ends.Lookup(o.Topic, o.Partition)
		if !ok || end.Err != nil {
			continue
		}
		o.End = end.Offset
		if o.Committed != nil {
			lag := end.Offset - *o.Committed
			o.Lag = &lag
			detail.Lag += lag
		}
	}
	slices.SortFunc(detail.Offsets, func(a, b GroupOffset) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return nil
}

// detailed are the groups with their offsets; all when none is named.
func (c *call) detailed(names []string) ([]GroupDetail, error) {
	if err := c.connect(); err != nil {
		return nil, err
	}
	if len(names) == 0 {
		groups, err := c.groups()
		if err != nil {
			return nil, err
		}
		for _, g := range groups {
			if g.Type != "share" && (g.Protocol == "" || g.Protocol == "consumer") {
				names = append(names, g.Name)
			}
		}
	}
	details := []GroupDetail{}
	for _, name := range names {
		detail, err := c.describeOne(name)
		if err == nil {
			err = c.fillOffsets(&detail)
		}
		if err != nil {
			return nil, err
		}
		details = append(details, detail)
	}
	return details, nil
}

func describeGroups(c *call) error {
	if err := c.need(1, -1, "the name of a group"); err != nil {
		return err
	}
	details, err := c.detailed(c.args)
	if err != nil {
		return err
	}
	return c.show(details, func(w io.Writer) {
		for i, group := range details {
			if i > 0 {
				row(w)
			}
			row(w, fmt.Sprintf("Group %s: %s, %d members, lag %d", group.Name, group.State, len(group.Members), group.Lag))
			if len(group.Members) > 0 {
				row(w, "  MEMBER", "CLIENT", "HOST", "PARTITIONS")
				for _, m := range group.Members {
					row(w, "  "+m.ID, m.ClientID, m.Host, strings.Join(m.Partitions, " "))
				}
			}
			if len(group.Offsets) > 0 {
				row(w, "  TOPIC", "PARTITION", "COMMITTED", "END", "LAG")
				for _, o := range group.Offsets {
					row(w, "  "+o.Topic, o.Partition, orDash(o.Committed), o.End, orDash(o.Lag))
				}
			}
		}
	})
}

func orDash(n *int64) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}

func groupLags(c *call) error {
	details, err := c.detailed(c.args)
	if err != nil {
		return err
	}
	lags := []GroupLag{}
	for _, d := range details {
		lags = append(lags, GroupLag{d.Name, d.State, d.Lag})
	}
	return c.show(lags, func(w io.Writer) {
		row(w, "NAME", "STATE", "LAG")
		for _, l := range lags {
			row(w, l.Name, l.State, l.Lag)
		}
	})
}

func deleteGroups(c *call) error {
	if err := c.need(1, -1, "the name of a group"); err != nil {
		return err
	}
	admin, err := c.admin()
	if err != nil {
		return err
	}
	answers, err := admin.DeleteGroups(c.ctx, c.args...)
	if err != nil && len(answers) == 0 {
		return err
	}
	all := []Outcome{}
	for _, name := range c.args {
		all = append(all, outcome(name, "deleted", explained(answers[name].Err, "", name)))
	}
	return c.outcomes(all)
}
