package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/cli/consumergroup"
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

// detailOf joins what is known of a group.
func detailOf(group consumergroup.Group, progress []consumergroup.Read) GroupDetail {
	detail := GroupDetail{Name: group.Name, State: group.State, Assignor: group.Assignor, Members: []GroupMember{}, Offsets: []GroupOffset{}}
	for _, m := range group.Members {
		member := GroupMember{m.ID, m.Instance, m.Client, m.Host, []string{}}
		for _, p := range m.Assigned {
			member.Partitions = append(member.Partitions, fmt.Sprintf("%s-%d", p.Topic, p.Number))
		}
		detail.Members = append(detail.Members, member)
	}
	slices.SortFunc(progress, func(a, b consumergroup.Read) int { return consumergroup.Compare(a.Partition, b.Partition) })
	for _, read := range progress {
		one := GroupOffset{Topic: read.Topic, Partition: read.Number, End: -1}
		if read.Committed != nil {
			one.Committed = &read.Committed.At
		}
		if read.End != nil {
			one.End = *read.End
		}
		if read.Member != nil {
			one.Member = read.Member.ID
		}
		if lag, known := read.Lag(); known {
			one.Lag = &lag
			detail.Lag += lag
		}
		detail.Offsets = append(detail.Offsets, one)
	}
	return detail
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
	groups, err := consumergroup.Describe(c.ctx, c.client, names...)
	if err != nil {
		return nil, err
	}
	for _, group := range groups {
		err := kerr.ErrorForCode(group.Code)
		if err == nil && group.State == "Dead" { // how brokers from before Kafka 4 tell of none
			err = kerr.GroupIDNotFound
		}
		if err != nil {
			return nil, explained(err, message(group.Message), group.Name)
		}
	}
	progress, err := consumergroup.Progress(c.ctx, c.client, groups...)
	if err != nil {
		return nil, err
	}
	details := []GroupDetail{}
	for i, group := range groups {
		details = append(details, detailOf(group, progress[i]))
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
