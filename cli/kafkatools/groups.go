package kafkatools

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var (
	groupActions = []string{"list", "describe", "delete", "reset-offsets", "delete-offsets", "validate-regex"}
	// resetScenarios in the order in which Kafka's HashSet lists them.
	resetScenarios = []string{"from-file", "to-datetime", "by-duration", "to-latest", "to-current", "to-earliest", "to-offset", "shift-by"}
)

func groupsParser() *parser {
	return newParser(
		text("bootstrap-server", "server to connect to", "Required, but for --validate-regex: addresses of brokers."),
		text("group", "consumer group", "The group; repeat it for more.").many(),
		text("topic", "topic", "A topic, or TOPIC:0,1,2 for some partitions; repeat it for more.").many(),
		flag("all-topics", "All topics that the group has offsets of."),
		flag("list", "List groups."),
		flag("describe", "Print the offsets, the members or the state of groups."),
		flag("all-groups", "All groups."),
		flag("delete", "Delete groups."),
		long("timeout", "timeout (ms)", "How long to wait.").or("5000"),
		text("command-config", "command config property file", "File with settings of the client."),
		flag("reset-offsets", "Set the offsets of groups without members."),
		flag("delete-offsets", "Delete offsets of a group."),
		flag("dry-run", "Only print what --reset-offsets would do."),
		flag("execute", "Do what --reset-offsets says."),
		flag("export", "Print what --reset-offsets does as CSV."),
		long("to-offset", "offset", "Reset to this offset."),
		text("from-file", "path to CSV file", "Reset to the offsets of a file."),
		text("to-datetime", "datetime", "Reset to a time, YYYY-MM-DDThh:mm:ss.sss."),
		text("by-duration", "duration", "Reset to a time before now, PnDTnHnMnS."),
		flag("to-earliest", "Reset to the oldest record."),
		flag("to-latest", "Reset to the end."),
		flag("to-current", "Reset to where the group is."),
		long("shift-by", "number-of-offsets", "Reset by so many records, forward or back."),
		flag("members", "Describe the members.").with("describe"),
		flag("verbose", "Describe more.").with("describe"),
		flag("offsets", "Describe the offsets.").with("describe"),
		text("state", "state", "Describe or list states, or list groups in certain states.").optional().with("describe", "list"),
		text("type", "type", "List types, or groups of certain types.").optional().with("list"),
		text("validate-regex", "regex", "Check a pattern of topics."),
	)
}

// consumerGroups is kafka-consumer-groups (ConsumerGroupCommand).
func consumerGroups(t *tool, args []string) error {
	t.about = "This tool helps to list all consumer groups, describe a consumer group, delete consumer group info, or reset consumer group offsets."
	p := groupsParser()
	got, err := p.parse(args)
	if err != nil {
		return uncaught(err)
	}
	if err := t.checkGroups(p, args, got); err != nil {
		return err
	}
	if got.has("validate-regex") {
		return t.validateRegex(first(got.values("validate-regex")))
	}
	g := &groupTool{t, got, nil}
	if g.client, err = t.adminOf(got, first(got.values("bootstrap-server"))); err != nil {
		g.fail("Executing consumer group command failed due to " + err.Error())
		return nil
	}
	defer g.client.Close()
	run := map[string]func() error{"list": g.list, "describe": g.describe, "delete": g.delete, "reset-offsets": g.reset, "delete-offsets": g.deleteOffsets}
	for action, do := range run {
		if !got.has(action) {
			continue
		}
		_, _, err := got.number("timeout")
		if err == nil {
			err = do()
		}
		var wrong *argumentError
		switch {
		case errors.As(err, &wrong):
			return t.usage(p, wrong.text)
		case errors.As(err, new(*ended)):
			return err
		case err != nil:
			g.fail("Executing consumer group command failed due to " + groupFailure(err))
		}
	}
	return nil
}

// groupFailure is the message of the exception that ends a command.
func groupFailure(err error) string {
	if isTimeout(err) {
		return thrown(err)
	}
	return err.Error()
}

// argumentError is a Java IllegalArgumentException.
type argumentError struct{ text string }

func (e *argumentError) Error() string { return e.text }

func argumentErrorf(format string, args ...any) error {
	return &argumentError{fmt.Sprintf(format, args...)}
}

// groupTool is one run of kafka-consumer-groups.
type groupTool struct {
	*tool
	got    *parsed
	client *kgo.Client
}

func (g *groupTool) fail(message string) { g.say("\nError: %s", message) }

func bracketed(names ...string) string { return "[" + strings.Join(names, "], [") + "]" }

func (t *tool) checkGroups(p *parser, args []string, got *parsed) error {
	if err := t.helpOrVersion(p, args, got); err != nil {
		return err
	}
	if !got.has("validate-regex") {
		if err := t.required(got, "bootstrap-server"); err != nil {
			return err
		}
	}
	scope := got.has("group") || got.has("all-groups")
	if got.has("describe") {
		if !scope {
			return t.usage(p, "Option [describe] takes one of these options: [group], [all-groups]")
		}
		if got.count("members", "offsets", "state") > 1 {
			return t.usage(p, "Option [describe] takes at most one of these options: [members], [offsets], [state]")
		}
		if len(got.values("state")) > 0 {
			return t.usage(p, "Option [describe] does not take a value for [state]")
		}
	}
	if got.has("delete") {
		if !scope {
			return t.usage(p, "Option [delete] takes one of these options: [group], [all-groups]")
		}
		if got.has("topic") {
			return t.usage(p, "The consumer does not support topic-specific offset deletion from a consumer group.")
		}
	}
	if got.has("delete-offsets") && (!got.has("group") || !got.has("topic")) {
		return t.usage(p, "Option [delete-offsets] takes the following options: [topic], [group]")
	}
	if got.has("reset-offsets") {
		if err := t.checkReset(p, got, scope); err != nil {
			return err
		}
	}
	for _, rule := range [][]string{
		{"group", "all-groups"}, {"group", "list"}, {"topic", "list", "describe"},
	} {
		if err := t.forbids(got, rule[0], rule[1:]...); err != nil {
			return err
		}
	}
	if got.count(groupActions...) != 1 {
		return t.usage(p, "Command must include exactly one action: --"+strings.Join(groupActions, ", --"))
	}
	return nil
}

func (t *tool) checkReset(p *parser, got *parsed, scope bool) error {
	if got.has("dry-run") && got.has("execute") {
		return t.usage(p, "Option [reset-offsets] only accepts one of [execute] and [dry-run]")
	}
	if !got.has("dry-run") && !got.has("execute") {
		t.complain("WARN: No action will be performed as the --execute option is missing. In version 5.0, this command will require " +
			"either --dry-run or --execute to be specified. You should add the --dry-run option explicitly if you are scripting this " +
			"command and want to keep the current default behavior without prompting.")
	}
	if !scope {
		return t.usage(p, "Option [reset-offsets] takes one of these options: [group], [all-groups]")
	}
	for _, name := range []string{"to-offset", "to-datetime", "by-duration", "to-earliest", "to-latest", "to-current", "shift-by", "from-file"} {
		if err := t.forbids(got, name, resetScenarios...); err != nil {
			return err
		}
	}
	return nil
}

// validateRegex checks a pattern as brokers do, which know RE2.
func (t *tool) validateRegex(pattern string) error {
	if _, err := regexp.Compile(pattern); err != nil {
		reason := err.Error()
		if wrong := (*syntax.Error)(nil); errors.As(err, &wrong) {
			reason = wrong.Code.String()
		}
		t.say("The regular expression `%s` is invalid: %s.", pattern, reason)
		return nil
	}
	t.say("The regular expression `%s` is valid.", pattern)
	return nil
}

// listed are the groups of consumers that the brokers know; filters may be empty.
func (g *groupTool) listed(states, types []string) ([]kmsg.ListGroupsResponseGroup, error) {
	request := kmsg.NewListGroupsRequest()
	request.StatesFilter, request.TypesFilter = states, types
	answer, err := request.RequestWith(g.ctx, g.client)
	if err != nil {
		if isTimeout(unreachable(err, "listGroups")) {
			return nil, says("java.util.concurrent.ExecutionException: org.apache.kafka.common.KafkaException: Failed to find brokers to send ListGroups")
		}
		return nil, err
	}
	if err := refused(answer.ErrorCode, nil); err != nil {
		return nil, err
	}
	var groups []kmsg.ListGroupsResponseGroup
	for _, group := range answer.Groups {
		isConsumers := group.ProtocolType == "" || group.ProtocolType == "consumer"
		kind := strings.ToLower(group.GroupType)
		if isConsumers && (kind == "" || kind == "classic" || kind == "consumer") {
			groups = append(groups, group)
		}
	}
	slices.SortFunc(groups, func(a, b kmsg.ListGroupsResponseGroup) int { return strings.Compare(a.Group, b.Group) })
	return mapOrder(groups, 0, func(l kmsg.ListGroupsResponseGroup) int32 { return hashOf(l.Group) }), nil
}

var (
	// groupStates in the order in which Kafka lists them.
	groupStates = []string{"Reconciling", "Assigning", "Dead", "Stable", "CompletingRebalance", "PreparingRebalance", "Empty"}
	groupTypes  = []string{"Classic", "Consumer"}
)

// chosen reads a list of words, each one of known.
func chosen(list, what, plural string, known []string) ([]string, error) {
	var words []string
	if list == "" {
		return nil, nil
	}
	for word := range strings.SplitSeq(list, ",") {
		at := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, strings.TrimSpace(word)) })
		if at < 0 {
			return nil, argumentErrorf("Invalid %s list '%s'. Valid %s are: %s", what, list, plural, strings.Join(known, ", "))
		}
		words = append(words, known[at])
	}
	return words, nil
}

func (g *groupTool) list() error {
	states, err := chosen(first(g.got.values("state")), "state", "states", groupStates)
	if err != nil {
		return err
	}
	types, err := chosen(first(g.got.values("type")), "types", "types", groupTypes)
	if err != nil {
		return err
	}
	groups, err := g.listed(states, types)
	if err != nil {
		return err
	}
	withType, withState := g.got.has("type"), g.got.has("state")
	if !withType && !withState {
		for _, group := range groups {
			g.say("%s", group.Group)
		}
		return nil
	}
	width := 15
	for _, group := range groups {
		width = max(width, len(group.Group))
	}
	row := func(name, kind, state string) {
		line := fmt.Sprintf("%-*s", width+10, name)
		if withType {
			line += fmt.Sprintf(" %-20s", kind)
		}
		if withState {
			line += fmt.Sprintf(" %-20s", state)
		}
		g.say("%s", line)
	}
	row("GROUP", "TYPE", "STATE")
	for _, group := range groups {
		kind := group.GroupType
		if kind != "" {
			kind = strings.ToUpper(kind[:1]) + strings.ToLower(kind[1:])
		}
		row(group.Group, kind, group.GroupState)
	}
	return nil
}

// groups are those that a command is about.
func (g *groupTool) groups() ([]string, error) {
	if !g.got.has("all-groups") {
		return g.got.values("group"), nil
	}
	listed, err := g.listed(nil, nil)
	var names []string
	for _, group := range listed {
		names = append(names, group.Group)
	}
	return names, err
}

func (g *groupTool) delete() error {
	names, err := g.groups()
	if err != nil {
		return err
	}
	request := kmsg.NewDeleteGroupsRequest()
	request.Groups = names
	failed := map[string]error{}
	answer, err := request.RequestWith(g.ctx, g.client)
	if err != nil {
		answer = &kmsg.DeleteGroupsResponse{}
		for _, name := range names {
			failed[name] = unreachable(err, "deleteConsumerGroups(api=FIND_COORDINATOR)")
		}
	}
	for _, group := range answer.Groups {
		if err := refused(group.ErrorCode, nil); err != nil {
			failed[group.Group] = err
		}
	}
	var deleted []string
	names = mapOrder(names, 0, hashOf)
	for _, name := range names {
		if failed[name] == nil {
			deleted = append(deleted, "'"+name+"'")
		}
	}
	if len(failed) == 0 {
		g.say("Deletion of requested consumer groups (%s) was successful.", strings.Join(deleted, ", "))
		return nil
	}
	g.fail("Deletion of some consumer groups failed:")
	for _, name := range names {
		if err := failed[name]; err != nil {
			g.say("* Group '%s' could not be deleted due to: %s", name, thrown(err))
		}
	}
	if len(deleted) > 0 {
		g.say("\nThese consumer groups were deleted successfully: %s", strings.Join(deleted, ", "))
	}
	return nil
}

// deleteOffsets forgets what a group committed for some partitions.
func (g *groupTool) deleteOffsets() error {
	group, err := g.got.value("group")
	if err != nil {
		return err
	}
	counts, err := g.partitionCounts(g.client)
	if err != nil {
		return unreachable(err, "describeTopics")
	}
	outcome := map[partition]error{}
	request := kmsg.NewOffsetDeleteRequest()
	request.Group = group
	for _, word := range g.got.values("topic") {
		named, err := partitionsOf(word)
		if err != nil {
			return err
		}
		if named == nil {
			if counts[word] == 0 {
				outcome[partition{Topic: word, Number: -1}] = refused(kerr.UnknownTopicOrPartition.Code, nil)
			}
			for i := range counts[word] {
				named = append(named, partition{Topic: word, Number: int32(i)})
			}
		}
		for _, p := range named {
			outcome[p] = nil
			topic := kmsg.NewOffsetDeleteRequestTopic()
			topic.Topic = p.Topic
			one := kmsg.NewOffsetDeleteRequestTopicPartition()
			one.Partition = p.Number
			topic.Partitions = append(topic.Partitions, one)
			request.Topics = append(request.Topics, topic)
		}
	}
	var whole error
	if len(request.Topics) > 0 {
		if whole, err = g.sendOffsetDelete(&request, outcome); err != nil {
			return err
		}
	}
	g.printDeletedOffsets(group, whole, outcome)
	return nil
}

// sendOffsetDelete returns the error of the whole, which is that of a partition if there is no other.
func (g *groupTool) sendOffsetDelete(request *kmsg.OffsetDeleteRequest, outcome map[partition]error) (whole, err error) {
	request.Topics = mergedTopics(request.Topics)
	answer, err := request.RequestWith(g.ctx, g.client)
	if err != nil {
		return nil, unreachable(err, "offsetDelete")
	}
	if whole = refused(answer.ErrorCode, nil); whole != nil {
		for p := range outcome {
			outcome[p] = whole
		}
		return whole, nil
	}
	for _, topic := range answer.Topics {
		for _, p := range topic.Partitions {
			if err := refused(p.ErrorCode, nil); err != nil {
				outcome[partition{Topic: topic.Topic, Number: p.Partition}] = err
				whole = err
			}
		}
	}
	return whole, nil
}

func mergedTopics(topics []kmsg.OffsetDeleteRequestTopic) []kmsg.OffsetDeleteRequestTopic {
	var merged []kmsg.OffsetDeleteRequestTopic
	for _, topic := range topics {
		at := slices.IndexFunc(merged, func(m kmsg.OffsetDeleteRequestTopic) bool { return m.Topic == topic.Topic })
		if at < 0 {
			merged = append(merged, topic)
			continue
		}
		merged[at].Partitions = append(merged[at].Partitions, topic.Partitions...)
	}
	return merged
}

func (g *groupTool) printDeletedOffsets(group string, whole error, outcome map[partition]error) {
	switch {
	case whole == nil:
		g.say("Request succeeded for deleting offsets from group %s.", group)
	case isCode(whole, kerr.InvalidGroupID), isCode(whole, kerr.GroupIDNotFound), isCode(whole, kerr.GroupAuthorizationFailed), isCode(whole, kerr.NonEmptyGroup):
		g.fail(whole.Error())
	case isCode(whole, kerr.GroupSubscribedToTopic), isCode(whole, kerr.TopicAuthorizationFailed), isCode(whole, kerr.UnknownTopicOrPartition):
		g.fail("Encountered some partition-level error, see the follow-up details.")
	default:
		g.fail("Encountered some unknown error: " + whole.Error())
	}
	width := 15
	var all []partition
	for p := range outcome {
		width = max(width, len(p.Topic))
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b partition) int {
		return strings.Compare(fmt.Sprint(a.Topic, a.Number), fmt.Sprint(b.Topic, b.Number))
	})
	g.print("\n%-*s %-10s %-15s", width, "TOPIC", "PARTITION", "STATUS")
	for _, p := range all {
		number, status := "-", "Successful"
		if p.Number >= 0 {
			number = fmt.Sprint(p.Number)
		}
		if err := outcome[p]; err != nil {
			status = "Error: " + thrown(err)
		}
		g.print("\n%-*s %-10s %-15s", width, p.Topic, number, status)
	}
	g.say("")
}
