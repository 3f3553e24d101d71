package kafkatools

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// groupMember is a member of a group; epoch and upgraded are nil in a classic group.
type groupMember struct {
	id, instance, host, client string
	assigned, target           []partition
	epoch                      *int32
	upgraded                   *bool
}

// described is a group as its coordinator tells of it.
type described struct {
	name, state, assignor string
	epoch, targetEpoch    *int32
	members               []groupMember
}

func (d described) isInactive() bool { return d.state == "Empty" || d.state == "Dead" }

// describeGroup asks for a group of the consumer protocol, and then for a classic one.
func (g *groupTool) describeGroup(name string) (described, error) {
	request := kmsg.NewConsumerGroupDescribeRequest()
	request.Groups = []string{name}
	if answer, err := request.RequestWith(g.ctx, g.client); err == nil && len(answer.Groups) == 1 && answer.Groups[0].ErrorCode == 0 {
		return consumerGroup(answer.Groups[0]), nil
	}
	classic := kmsg.NewDescribeGroupsRequest()
	classic.Groups = []string{name}
	answer, err := classic.RequestWith(g.ctx, g.client)
	if err != nil {
		return described{}, unreachable(err, "describeConsumerGroups")
	}
	if len(answer.Groups) == 0 {
		return described{}, refused(kerr.GroupIDNotFound.Code, nil)
	}
	group := answer.Groups[0]
	if err := refused(group.ErrorCode, group.ErrorMessage); err != nil {
		return described{}, err
	}
	return classicGroup(group)
}

func consumerGroup(group kmsg.ConsumerGroupDescribeResponseGroup) described {
	d := described{name: group.Group, state: group.State, assignor: group.AssignorName, epoch: &group.Epoch, targetEpoch: &group.AssignmentEpoch}
	for _, m := range group.Members {
		member := groupMember{id: m.MemberID, instance: textOr(m.InstanceID, ""), host: m.ClientHost, client: m.ClientID, epoch: &m.MemberEpoch}
		for _, topic := range m.Assignment.TopicPartitions {
			for _, p := range topic.Partitions {
				member.assigned = append(member.assigned, partition{topic.Topic, p})
			}
		}
		for _, topic := range m.TargetAssignment.TopicPartitions {
			for _, p := range topic.Partitions {
				member.target = append(member.target, partition{topic.Topic, p})
			}
		}
		if m.MemberType >= 0 {
			upgraded := m.MemberType == 1
			member.upgraded = &upgraded
		}
		d.members = append(d.members, member)
	}
	return d
}

func classicGroup(group kmsg.DescribeGroupsResponseGroup) (described, error) {
	d := described{name: group.Group, state: group.State, assignor: group.Protocol}
	if group.ProtocolType != "" && group.ProtocolType != "consumer" {
		return d, argumentErrorf("GroupId %s is not a consumer group (%s).", group.Group, group.ProtocolType)
	}
	for _, m := range group.Members {
		member := groupMember{id: m.MemberID, instance: textOr(m.InstanceID, ""), host: m.ClientHost, client: m.ClientID}
		var assignment kmsg.ConsumerMemberAssignment
		if len(m.MemberAssignment) > 0 && assignment.ReadFrom(m.MemberAssignment) == nil {
			for _, topic := range assignment.Topics {
				for _, p := range topic.Partitions {
					member.assigned = append(member.assigned, partition{topic.Topic, p})
				}
			}
		}
		d.members = append(d.members, member)
	}
	return d, nil
}

func (g *groupTool) describe() error {
	names, err := g.groups()
	if err != nil {
		return err
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	var groups []described
	for _, name := range names {
		group, err := g.describeGroup(name)
		if err != nil {
			return fmt.Errorf("%s", thrown(err))
		}
		groups = append(groups, group)
	}
	for _, group := range groups {
		switch {
		case g.got.has("members"):
			g.printMembers(group)
		case g.got.has("state"):
			err = g.printState(group)
		default:
			err = g.printOffsets(group)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tellState says what is to be known of the group's state; it tells whether there is more to print.
func (g *groupTool) tellState(group described, rows int) bool {
	switch group.state {
	case "Dead":
		g.fail("Consumer group '" + group.name + "' does not exist.")
	case "Empty":
		g.complain("\nConsumer group '" + group.name + "' has no active members.")
	case "PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling":
		g.complain("\nWarning: Consumer group '" + group.name + "' is rebalancing.")
	}
	return group.state != "Dead" && rows > 0
}

// offsetRow is a line of --offsets; "-" stands for what there is not.
type offsetRow struct {
	topic, partition, leaderEpoch, offset, end, lag, consumer, host, client string
}

func (g *groupTool) printOffsets(group described) error {
	rows, err := g.offsetRows(group)
	if err != nil {
		return err
	}
	if !g.tellState(group, len(rows)) {
		return nil
	}
	widths := [4]int{15, 15, 15, 15}
	for _, r := range rows {
		for i, word := range []string{group.name, r.topic, r.consumer, r.host} {
			widths[i] = max(widths[i], len(word))
		}
	}
	verbose := g.got.has("verbose")
	line := func(name string, r offsetRow) {
		g.print("\n%-*s %-*s %-10s ", widths[0], name, widths[1], r.topic, r.partition)
		if verbose {
			g.print("%-15s ", r.leaderEpoch)
		}
		g.print("%-15s %-15s %-15s %-*s %-*s %s", r.offset, r.end, r.lag, widths[2], r.consumer, widths[3], r.host, r.client)
	}
	line("GROUP", offsetRow{"TOPIC", "PARTITION", "LEADER-EPOCH", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG", "CONSUMER-ID", "HOST", "CLIENT-ID"})
	for _, r := range rows {
		line(group.name, r)
	}
	g.say("")
	return nil
}

// offsetRows are the partitions of the members, those with the most first, then what nobody has.
func (g *groupTool) offsetRows(group described) ([]offsetRow, error) {
	committed, err := g.committed(group.name)
	if err != nil {
		return nil, err
	}
	members := slices.DeleteFunc(slices.Clone(group.members), func(m groupMember) bool { return len(m.assigned) == 0 })
	slices.SortStableFunc(members, func(a, b groupMember) int { return len(b.assigned) - len(a.assigned) })
	var rows []offsetRow
	taken := map[partition]bool{}
	for _, m := range members {
		for _, p := range m.assigned {
			taken[p] = true
		}
		more, err := g.partitionRows(m.assigned, committed, m.id, m.host, m.client)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	var free []partition
	for p := range committed {
		if !taken[p] {
			free = append(free, p)
		}
	}
	more, err := g.partitionRows(free, committed, "-", "-", "-")
	return append(rows, more...), err
}

func comparePartitions(a, b partition) int {
	return cmp.Or(strings.Compare(a.topic, b.topic), cmp.Compare(a.number, b.number))
}

func (g *groupTool) partitionRows(partitions []partition, committed map[partition]kadm.Offset, consumer, host, client string) ([]offsetRow, error) {
	partitions = slices.Clone(partitions)
	slices.SortFunc(partitions, comparePartitions)
	ends, err := g.offsetsBy(partitions, g.admin().ListEndOffsets)
	if err != nil {
		return nil, err
	}
	var rows []offsetRow
	for _, p := range partitions {
		row := offsetRow{p.topic, strconv.Itoa(int(p.number)), "-", "-", "-", "-", consumer, host, client}
		end, hasEnd := ends[p]
		if hasEnd {
			row.end = strconv.FormatInt(end, 10)
		}
		if at, has := committed[p]; has {
			row.offset = strconv.FormatInt(at.At, 10)
			if at.LeaderEpoch >= 0 {
				row.leaderEpoch = strconv.Itoa(int(at.LeaderEpoch))
			}
			if hasEnd {
				row.lag = strconv.FormatInt(end-at.At, 10)
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (g *groupTool) admin() *kadm.Client { return kadm.NewClient(g.client) }

// committed are the offsets that a group has committed.
func (g *groupTool) committed(name string) (map[partition]kadm.Offset, error) {
	answer, err := g.admin().FetchOffsets(g.ctx, name)
	if err != nil {
		return nil, unreachable(err, "listConsumerGroupOffsets")
	}
	offsets := map[partition]kadm.Offset{}
	answer.Each(func(o kadm.OffsetResponse) {
		if o.Err == nil && o.At >= 0 {
			offsets[partition{o.Topic, o.Partition}] = o.Offset
		}
	})
	return offsets, nil
}

func (g *groupTool) printMembers(group described) {
	widths := [7]int{15, 15, 17, 15, 15, 20, 20} // group, member, instance, host, client, assignments
	withInstance, hasClassic, hasUpgraded := false, false, false
	g.tellState(group, len(group.members))
	for _, m := range group.members {
		for i, word := range []string{group.name, m.id, m.instance, m.host, m.client, assignment(m.assigned), assignment(m.target)} {
			widths[i] = max(widths[i], len(word))
		}
		withInstance = withInstance || m.instance != ""
		hasClassic = hasClassic || m.upgraded != nil && !*m.upgraded
		hasUpgraded = hasUpgraded || m.upgraded != nil && *m.upgraded
	}
	row := func(name, id, instance, host, client, count, epoch, now, targetEpoch, target, upgraded string) {
		g.print("%-*s %-*s ", widths[0], name, widths[1], id)
		if withInstance {
			g.print("%-*s ", widths[2], instance)
		}
		g.print("%-*s %-*s %-15s ", widths[3], host, widths[4], client, count)
		if g.got.has("verbose") {
			g.print("%-15s %-*s %-15s %-*s ", epoch, widths[5], now, targetEpoch, widths[6], target)
			if hasClassic && hasUpgraded {
				g.print("%s", upgraded)
			}
		}
		g.say("")
	}
	g.print("\n")
	row("GROUP", "CONSUMER-ID", "GROUP-INSTANCE-ID", "HOST", "CLIENT-ID", "#PARTITIONS",
		"CURRENT-EPOCH", "CURRENT-ASSIGNMENT", "TARGET-EPOCH", "TARGET-ASSIGNMENT", "UPGRADED")
	for _, m := range group.members {
		upgraded := "-"
		if m.upgraded != nil {
			upgraded = strconv.FormatBool(*m.upgraded)
		}
		row(group.name, m.id, m.instance, m.host, m.client, strconv.Itoa(len(m.assigned)),
			epochText(m.epoch), assignment(m.assigned), epochText(group.targetEpoch), assignment(m.target), upgraded)
	}
}

func epochText(epoch *int32) string {
	if epoch == nil {
		return "-"
	}
	return strconv.Itoa(int(*epoch))
}

// assignment is TOPIC:0,1;TOPIC:2, sorted, or "-" for none.
func assignment(partitions []partition) string {
	if len(partitions) == 0 {
		return "-"
	}
	byTopic := map[string][]int32{}
	for _, p := range partitions {
		byTopic[p.topic] = append(byTopic[p.topic], p.number)
	}
	var words []string
	for topic, numbers := range byTopic {
		slices.Sort(numbers)
		words = append(words, topic+":"+joined(numbers))
	}
	slices.Sort(words)
	return strings.Join(words, ";")
}

func (g *groupTool) printState(group described) error {
	if !g.tellState(group, 1) {
		return nil
	}
	request := kmsg.NewFindCoordinatorRequest()
	request.CoordinatorKey, request.CoordinatorKeys = group.name, []string{group.name}
	answer, err := request.RequestWith(g.ctx, g.client)
	if err != nil {
		return unreachable(err, "findCoordinator")
	}
	node, host, port := answer.NodeID, answer.Host, answer.Port
	if len(answer.Coordinators) > 0 {
		c := answer.Coordinators[0]
		node, host, port = c.NodeID, c.Host, c.Port
	}
	coordinator := fmt.Sprintf("%s:%d  (%d)", host, port, node)
	widths := [2]int{max(15, len(group.name)), max(25, len(coordinator))}
	row := func(name, coordinator, strategy, state, epoch, target, members string) {
		g.print("\n%-*s %-*s %-20s %-20s ", widths[0], name, widths[1], coordinator, cmp.Or(strategy, "-"), state)
		if g.got.has("verbose") {
			g.print("%-15s %-25s ", epoch, target)
		}
		g.print("%s", members)
	}
	row("GROUP", "COORDINATOR (ID)", "ASSIGNMENT-STRATEGY", "STATE", "GROUP-EPOCH", "TARGET-ASSIGNMENT-EPOCH", "#MEMBERS")
	row(group.name, coordinator, group.assignor, group.state, epochText(group.epoch), epochText(group.targetEpoch), strconv.Itoa(len(group.members)))
	g.say("")
	return nil
}
