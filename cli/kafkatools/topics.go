package kafkatools

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const elsewhere = " (To alter topic configurations, the kafka-configs tool can be used.)"

var topicActions = []string{"alter", "create", "describe", "list", "delete"}

func topicsParser() *parser {
	return newParser(
		text("bootstrap-server", "server to connect to", "Required: address of a broker."),
		text("command-config", "command config property file", "File with settings of the client."),
		flag("list", "Print the names of the topics."),
		flag("create", "Make a topic."),
		flag("delete", "Delete topics."),
		flag("alter", "Give topics more partitions."),
		flag("describe", "Print partitions, replicas and settings of topics."),
		text("topic", "topic", "Name of a topic or, but for --create, a regular expression."),
		text("topic-id", "topic-id", "Id of the topic to describe."),
		text("config", "name=value", "A setting of the new topic.").many(),
		text("delete-config", "name", "Without effect."),
		integer("partitions", "# of partitions", "How many partitions; else the broker decides."),
		integer("replication-factor", "replication factor", "How many replicas; else the broker decides."),
		text("replica-assignment", "ID:ID,ID:ID,...", "Brokers of each partition."),
		flag("under-replicated-partitions", "Describe partitions alone that lack replicas."),
		flag("unavailable-partitions", "Describe partitions alone that have no leader."),
		flag("under-min-isr-partitions", "Describe partitions alone with fewer replicas in sync than they need."),
		flag("at-min-isr-partitions", "Describe partitions alone with no more replicas in sync than they need."),
		flag("topics-with-overrides", "Describe topics alone that have settings of their own."),
		flag("if-exists", "A topic that does not exist is no error."),
		flag("if-not-exists", "A topic that exists is no error."),
		flag("exclude-internal", "Leave the internal topics out."),
		integer("partition-size-limit-per-response", "maximum number of partitions per response", "Without effect."),
	)
}

// topics is kafka-topics (TopicCommand).
func topics(t *tool, args []string) error {
	t.about = "This tool helps to create, delete, describe, or change a topic."
	p := topicsParser()
	got, err := p.parse(args)
	if err != nil {
		return err
	}
	if err := t.checkTopics(p, args, got); err != nil {
		return err
	}
	settings, err := readProperties(first(got.values("command-config")))
	if err != nil {
		return err
	}
	bootstrap, err := got.value("bootstrap-server")
	if err != nil {
		return err
	}
	client, err := t.connectAdmin(bootstrap, settings)
	if err != nil {
		return err
	}
	defer client.Close()
	run := map[string]func(*parsed, *kgo.Client) error{
		"create": t.createTopic, "alter": t.alterTopics, "list": t.listTopics, "describe": t.describeTopics, "delete": t.deleteTopics,
	}
	for action, do := range run {
		if !got.has(action) {
			continue
		}
		if err := do(got, client); err != nil {
			t.say("Error while executing topic command : %v", err)
			return &ended{1}
		}
	}
	return nil
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

func (t *tool) checkTopics(p *parser, args []string, got *parsed) error {
	if len(args) == 0 {
		return t.usage(p, "Create, delete, describe, or change a topic.")
	}
	if err := t.helpOrVersion(p, args, got); err != nil {
		return err
	}
	if got.count(topicActions...) != 1 {
		return t.usage(p, "Command must include exactly one action: --list, --describe, --create, --alter or --delete")
	}
	if got.has("delete-config") {
		t.complain("delete-config option is no longer supported and deprecated since version 4.0. The config will be fully removed in future releases.")
	}
	if !got.has("bootstrap-server") {
		return says("--bootstrap-server must be specified")
	}
	if got.has("describe") && got.has("if-exists") && !got.has("topic") && !got.has("topic-id") {
		return t.usage(p, "--topic or --topic-id is required to describe a topic")
	}
	if !got.has("list") && !got.has("describe") {
		if err := t.required(got, "topic"); err != nil {
			return err
		}
	}
	if got.has("alter") {
		if got.has("config") {
			return t.usage(p, `Option combination "[[config], [bootstrap-server]]" can't be used with option "[alter]"`+elsewhere)
		}
		if err := t.required(got, "partitions"); err != nil {
			return err
		}
	}
	return t.checkTopicCombinations(got)
}

// checkTopicCombinations refuses options that do not go with the action, or with each other.
func (t *tool) checkTopicCombinations(got *parsed) error {
	but := func(allowed ...string) (others []string) {
		for _, action := range topicActions {
			if !slices.Contains(allowed, action) {
				others = append(others, action)
			}
		}
		return others
	}
	reports := []string{"under-replicated-partitions", "under-min-isr-partitions", "at-min-isr-partitions", "unavailable-partitions"}
	type rule struct {
		name   string
		others []string
	}
	rules := []rule{
		{"config", but("alter", "create")}, {"partitions", but("alter", "create")}, {"replication-factor", but("create")},
		{"replica-assignment", but("alter", "create")},
	}
	if got.has("create") {
		rules = append(rules, rule{"replica-assignment", []string{"partitions", "replication-factor"}})
	}
	for _, report := range reports {
		rules = append(rules, rule{report, append(but("describe"), "topics-with-overrides")})
	}
	rules = append(rules, rule{"topics-with-overrides", append(but("describe"), reports...)},
		rule{"if-exists", but("alter", "delete", "describe")}, rule{"if-not-exists", but("create")}, rule{"exclude-internal", but("list", "describe")})
	for _, r := range rules {
		if err := t.forbids(got, r.name, r.others...); err != nil {
			return err
		}
	}
	return nil
}

func (t *tool) createTopic(got *parsed, client *kgo.Client) error {
	topic, err := newTopic(got)
	if err != nil {
		return err
	}
	if strings.ContainsAny(topic.Topic, "._") {
		t.say("WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide. " +
			"To avoid issues it is best to use either, but not both.")
	}
	if n, ok, _ := got.number("replication-factor"); ok && (n < 1 || n > 32767) {
		return says("The replication factor must be between 1 and 32767 inclusive")
	}
	if n, ok, _ := got.number("partitions"); ok && n < 1 {
		return says("The partitions must be greater than 0")
	}
	request := kmsg.NewCreateTopicsRequest()
	request.TimeoutMillis = int32(patience.Milliseconds())
	request.Topics = append(request.Topics, topic)
	answer, err := request.RequestWith(t.ctx, client)
	if err != nil {
		return unreachable(err, "createTopics")
	}
	for _, answered := range answer.Topics {
		err := refused(answered.ErrorCode, answered.ErrorMessage)
		if isCode(err, kerr.TopicAlreadyExists) && got.has("if-not-exists") {
			return nil
		}
		if err != nil {
			return err
		}
	}
	t.say("Created topic %s.", topic.Topic)
	return nil
}

func newTopic(got *parsed) (kmsg.CreateTopicsRequestTopic, error) {
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.NumPartitions, topic.ReplicationFactor = -1, -1
	var err error
	if topic.Topic, err = got.value("topic"); err != nil {
		return topic, err
	}
	partitions, ok, err := got.number("partitions")
	if err != nil {
		return topic, err
	}
	if ok {
		topic.NumPartitions = int32(partitions)
	}
	replicas, ok, err := got.number("replication-factor")
	if err != nil {
		return topic, err
	}
	if ok {
		topic.ReplicationFactor = int16(replicas)
	}
	assignment, err := replicaAssignment(first(got.values("replica-assignment")))
	if err != nil {
		return topic, err
	}
	for i, brokers := range assignment {
		replicas := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
		replicas.Partition, replicas.Replicas = int32(i), brokers
		topic.ReplicaAssignment = append(topic.ReplicaAssignment, replicas)
	}
	for _, pair := range got.values("config") {
		name, value, isPair := strings.Cut(pair, "=")
		if !isPair || strings.Contains(value, "=") || strings.TrimSpace(value) == "" {
			return topic, says(`requirement failed: Invalid topic config: all configs to be added must be in the format "key=val".`)
		}
		config := kmsg.NewCreateTopicsRequestTopicConfig()
		value = strings.TrimSpace(value)
		config.Name, config.Value = strings.TrimSpace(name), &value
		topic.Configs = append(topic.Configs, config)
	}
	return topic, nil
}

// replicaAssignment reads ID:ID,ID:ID,..., one list for each partition.
func replicaAssignment(list string) ([][]int32, error) {
	if list == "" {
		return nil, nil
	}
	var all [][]int32
	for i, part := range strings.Split(list, ",") {
		var brokers []int32
		for word := range strings.SplitSeq(part, ":") {
			id, err := strconv.ParseInt(strings.TrimSpace(word), 10, 32)
			if err != nil {
				return nil, says("For input string: %q", strings.TrimSpace(word))
			}
			if slices.Contains(brokers, int32(id)) {
				return nil, says("Partition replica lists may not contain duplicate entries: %d", id)
			}
			brokers = append(brokers, int32(id))
		}
		all = append(all, brokers)
		if len(brokers) != len(all[0]) {
			return nil, says("Partition %d has different replication factor: %s", i, javaList(brokers))
		}
	}
	return all, nil
}

func javaList[T any](items []T) string {
	var words []string
	for _, item := range items {
		words = append(words, fmt.Sprint(item))
	}
	return "[" + strings.Join(words, ", ") + "]"
}

// topicNames lists the topics that a pattern matches as a whole (IncludeList), sorted.
func (t *tool) topicNames(client *kgo.Client, pattern string, withInternal bool) ([]string, error) {
	matches, err := includeList(pattern)
	if err != nil {
		return nil, err
	}
	answer, err := t.metadata(client)
	if err != nil {
		return nil, unreachable(err, "listTopics")
	}
	var names []string
	for _, topic := range answer.Topics {
		if topic.Topic != nil && matches(*topic.Topic) && (withInternal || !topic.IsInternal) {
			names = append(names, *topic.Topic)
		}
	}
	slices.Sort(names)
	return names, nil
}

// metadata asks for all topics.
func (t *tool) metadata(client *kgo.Client) (*kmsg.MetadataResponse, error) {
	request := kmsg.NewMetadataRequest()
	request.Topics = nil
	return request.RequestWith(t.ctx, client)
}

// includeList is Kafka's TopicFilter.IncludeList: commas separate patterns, quotes and spaces around are dropped.
func includeList(pattern string) (func(string) bool, error) {
	pattern = strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(pattern), ",", "|"), " ", "")
	pattern = strings.TrimRight(strings.TrimLeft(pattern, `"'`), `"'`)
	if pattern == "" {
		return func(string) bool { return true }, nil
	}
	compiled, err := regexp.Compile("^(?:" + pattern + ")$")
	if err != nil {
		return nil, says("%s is an invalid regex.", pattern)
	}
	return compiled.MatchString, nil
}

func (t *tool) listTopics(got *parsed, client *kgo.Client) error {
	pattern, err := got.value("topic")
	if err != nil {
		return err
	}
	names, err := t.topicNames(client, pattern, !got.has("exclude-internal"))
	if err != nil {
		return err
	}
	t.say("%s", strings.Join(names, "\n"))
	return nil
}

// existing are the topics that a command is about; none is an error unless --if-exists is given.
func (t *tool) existing(got *parsed, client *kgo.Client) ([]string, error) {
	pattern, err := got.value("topic")
	if err != nil {
		return nil, err
	}
	names, err := t.topicNames(client, pattern, !got.has("exclude-internal"))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 && pattern != "" && !got.has("if-exists") {
		return nil, says("Topic '%s' does not exist as expected", pattern)
	}
	return names, nil
}

func (t *tool) alterTopics(got *parsed, client *kgo.Client) error {
	count, _, err := got.number("partitions")
	if err != nil {
		return err
	}
	assignment, err := replicaAssignment(first(got.values("replica-assignment")))
	if err != nil {
		return err
	}
	names, err := t.existing(got, client)
	if err != nil || len(names) == 0 {
		return err
	}
	have, err := t.partitionCounts(client)
	if err != nil {
		return unreachable(err, "describeTopics")
	}
	request := kmsg.NewCreatePartitionsRequest()
	request.TimeoutMillis = int32(patience.Milliseconds())
	for _, name := range names {
		topic := kmsg.NewCreatePartitionsRequestTopic()
		topic.Topic, topic.Count = name, int32(count)
		for i := have[name]; i < len(assignment); i++ {
			replicas := kmsg.NewCreatePartitionsRequestTopicAssignment()
			replicas.Replicas = assignment[i]
			topic.Assignment = append(topic.Assignment, replicas)
		}
		request.Topics = append(request.Topics, topic)
	}
	answer, err := request.RequestWith(t.ctx, client)
	if err != nil {
		return unreachable(err, "createPartitions")
	}
	for _, topic := range answer.Topics {
		if err := refused(topic.ErrorCode, topic.ErrorMessage); err != nil {
			return err
		}
	}
	return nil
}

func (t *tool) partitionCounts(client *kgo.Client) (map[string]int, error) {
	answer, err := t.metadata(client)
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, topic := range answer.Topics {
		if topic.Topic != nil {
			counts[*topic.Topic] = len(topic.Partitions)
		}
	}
	return counts, nil
}

func (t *tool) deleteTopics(got *parsed, client *kgo.Client) error {
	names, err := t.existing(got, client)
	if err != nil || len(names) == 0 {
		return err
	}
	request := kmsg.NewDeleteTopicsRequest()
	request.TimeoutMillis = int32(patience.Milliseconds())
	for _, name := range names {
		topic := kmsg.NewDeleteTopicsRequestTopic()
		topic.Topic = kmsg.StringPtr(name)
		request.Topics, request.TopicNames = append(request.Topics, topic), append(request.TopicNames, name)
	}
	answer, err := request.RequestWith(t.ctx, client)
	if err != nil {
		return unreachable(err, "deleteTopics")
	}
	for _, topic := range answer.Topics {
		if err := refused(topic.ErrorCode, topic.ErrorMessage); err != nil {
			return err
		}
	}
	return nil
}
