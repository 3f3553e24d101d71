package kafkatools

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/cli/consumergroup"
)

// describeGroups asks for groups whatever their protocols are; the error is that of the first of which nothing is known.
func (g *groupTool) describeGroups(names ...string) ([]consumergroup.Group, error) {
	groups, err := consumergroup.Describe(g.ctx, g.client, names...)
	if err != nil {
		return nil, unreachable(err, "describeConsumerGroups(api=FIND_COORDINATOR)")
	}
	for _, group := range groups {
		if err := refused(group.Code, group.Message); err != nil {
			return groups, err
		}
		if group.ProtocolType != "" && group.ProtocolType != "consumer" {
			return groups, argumentErrorf("GroupId %s is not a consumer group (%s).", group.Name, group.ProtocolType)
		}
	}
	return groups, nil
}

func (g *groupTool) describe() error {
	names, err := g.groups()
	if err != nil {
		return err
	}
	groups, err := g.describeGroups(slices.Compact(slices.Sorted(slices.Values(names)))...)
	if err != nil {
		return fmt.Errorf("%s", thrown(err))
	}
	var progress [][]consumergroup.Read
	if !g.got.has("members") && !g.got.has("state") {
		if progress, err = consumergroup.Progress(g.ctx, g.client, groups...); err != nil {
			return unreachable(err, "listConsumerGroupOffsets")
		}
	}
	for i, group := range groups {
		switch {
		case g.got.has("members"):
			g.printMembers(group)
		case g.got.has("state"):
			err = g.printState(group)
		default:
			g.printOffsets(group, progress[i])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tellState says what is to be known of the group's state; it tells whether there is more to print.
func (g *groupTool) tellState(group consumergroup.Group, rows int) bool {
	switch group.State {
	case "Dead":
		g.fail("Consumer group '" + group.Name + "' does not exist.")
	case "Empty":
		g.complain("\nConsumer group '" + group.Name + "' has no active members.")
	case "PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling":
		g.complain("\nWarning: Consumer group '" + group.Name + "' is rebalancing.")
	}
	return group.State != "Dead" && rows > 0
}

// offsetRow is a line of --offsets; "-" stands for what there is not.
type offsetRow struct {
	topic, partition, leaderEpoch, offset, end, lag, consumer, host, client string
}

func (g *groupTool) printOffsets(group consumergroup.Group, progress []consumergroup.Read) {
	rows := offsetRows(progress)
	if !g.tellState(group, len(rows)) {
		return
	}
	widths := [4]int{15, 15, 15, 15}
	for _, r := range rows {
		for i, word := range []string{group.Name, r.topic, r.consumer, r.host} {
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
		line(group.Name, r)
	}
	g.say("")
}

func offsetRows(progress []consumergroup.Read) []offsetRow {
	var rows []offsetRow
	for _, read := range progress {
		row := offsetRow{read.Topic, strconv.Itoa(int(read.Number)), "-", "-", "-", "-", "-", "-", "-"}
		if m := read.Member; m != nil {
			row.consumer, row.host, row.client = m.ID, m.Host, m.Client
		}
		if read.End != nil {
			row.end = strconv.FormatInt(*read.End, 10)
		}
		if at := read.Committed; at != nil {
			row.offset = strconv.FormatInt(at.At, 10)
			if at.LeaderEpoch >= 0 {
				row.leaderEpoch = strconv.Itoa(int(at.LeaderEpoch))
			}
		}
		if lag, known := read.Lag(); known {
			row.lag = strconv.FormatInt(lag, 10)
		}
		rows = append(rows, row)
	}
	return rows
}

// committed are the offsets that a group has committed.
func (g *groupTool) committed(name string) (map[partition]kadm.Offset, error) {
	offsets, err := consumergroup.Committed(g.ctx, g.client, name)
	return offsets, unreachable(err, "listConsumerGroupOffsets")
}

func (g *groupTool) printMembers(group consumergroup.Group) {
	widths := [7]int{15, 15, 17, 15, 15, 20, 20} // group, member, instance, host, client, assignments
	withInstance, hasClassic, hasUpgraded := false, false, false
	g.tellState(group, len(group.Members))
	for _, m := range group.Members {
		for i, word := range []string{group.Name, m.ID, m.Instance, m.Host, m.Client, assignment(m.Assigned), assignment(m.Target)} {
			widths[i] = max(widths[i], len(word))
		}
		withInstance = withInstance || m.Instance != ""
		hasClassic = hasClassic || m.Upgraded != nil && !*m.Upgraded
		hasUpgraded = hasUpgraded || m.Upgraded != nil && *m.Upgraded
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
	for _, m := range group.Members {
		upgraded := "-"
		if m.Upgraded != nil {
			upgraded = strconv.FormatBool(*m.Upgraded)
		}
		row(group.Name, m.ID, m.Instance, m.Host, m.Client, strconv.Itoa(len(m.Assigned)),
			epochText(m.Epoch), assignment(m.Assigned), epochText(group.TargetEpoch), assignment(m.Target), upgraded)
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
		byTopic[p.Topic] = append(byTopic[p.Topic], p.Number)
	}
	var words []string
	for topic, numbers := range byTopic {
		slices.Sort(numbers)
		words = append(words, topic+":"+joined(numbers))
	}
	slices.Sort(words)
	return strings.Join(words, ";")
}

func (g *groupTool) printState(group consumergroup.Group) error {
	if !g.tellState(group, 1) {
		return nil
	}
	request := kmsg.NewFindCoordinatorRequest()
	request.CoordinatorKey, request.CoordinatorKeys = group.Name, []string{group.Name}
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
	widths := [2]int{max(15, len(group.Name)), max(25, len(coordinator))}
	row := func(name, coordinator, strategy, state, epoch, target, members string) {
		g.print("\n%-*s %-*s %-20s %-20s ", widths[0], name, widths[1], coordinator, cmp.Or(strategy, "-"), state)
		if g.got.has("verbose") {
			g.print("%-15s %-25s ", epoch, target)
		}
		g.print("%s", members)
	}
	row("GROUP", "COORDINATOR (ID)", "ASSIGNMENT-STRATEGY", "STATE", "GROUP-EPOCH", "TARGET-ASSIGNMENT-EPOCH", "#MEMBERS")
	row(group.Name, coordinator, group.Assignor, group.State, epochText(group.Epoch), epochText(group.TargetEpoch), strconv.Itoa(len(group.Members)))
	g.say("")
	return nil
}
