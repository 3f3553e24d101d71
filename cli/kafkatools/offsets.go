package kafkatools

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/barnabas-mq/barnabas/cli/consumergroup"
)

// getOffsets is kafka-get-offsets (GetOffsetShell).
func getOffsets(t *tool, args []string) error {
	const about = "An interactive shell for getting topic-partition offsets."
	t.about = about
	p := newParser(
		text("bootstrap-server", "HOST1:PORT1,...,HOST3:PORT3", "Required: addresses of brokers."),
		text("broker-list", "HOST1:PORT1,...,HOST3:PORT3", "What --bootstrap-server was called before Kafka 4."),
		text("topic-partitions", "topic1:1,topic2:0-3,topic3,topic4:5-,topic5:-3", "Patterns of topics, each with partitions."),
		text("topic", "topic", "A pattern of topics."),
		text("partitions", "partition ids", "Numbers of partitions."),
		text("time", "<timestamp> / -1 or latest / -2 or earliest / -3 or max-timestamp / -4 or earliest-local / -5 or latest-tiered / -6 or earliest-pending-upload",
			"Whose offset: the first record not older, or a word.").or("latest"),
		text("command-config", "config file", "File with settings of the client."),
		flag("exclude-internal-topics", "Leave the internal topics out."),
	)
	if len(args) == 0 {
		return t.usage(p, about)
	}
	got, err := p.parse(args)
	if err != nil {
		return says("Error occurred: %v", err)
	}
	if err := t.helpOrVersion(p, args, got); err != nil {
		return err
	}
	if !got.has("broker-list") {
		if err := t.required(got, "bootstrap-server"); err != nil {
			return err
		}
	}
	bootstrap := first(slices.Concat(got.values("bootstrap-server"), got.values("broker-list")))
	if message := checkServers(bootstrap); message != "" {
		return t.usage(p, message)
	}
	if err := t.printOffsetsOf(bootstrap, got); err != nil {
		return says("Error occurred: %s", thrown(err))
	}
	return nil
}

func (t *tool) printOffsetsOf(bootstrap string, got *parsed) error {
	if got.has("topic-partitions") && (got.has("topic") || got.has("partitions")) {
		return says("--topic-partitions cannot be used with --topic or --partitions")
	}
	timestamp, err := offsetTime(first(got.values("time")))
	if err != nil {
		return err
	}
	wanted, err := partitionFilter(got)
	if err != nil {
		return err
	}
	settings, err := readProperties(first(got.values("command-config")))
	if err != nil {
		return err
	}
	client, err := t.connect(bootstrap, settings)
	if err != nil {
		return err
	}
	defer client.Close()
	answer, err := t.metadata(client)
	if err != nil {
		return unreachable(err, "listTopics")
	}
	var partitions []partition
	for _, topic := range answer.Topics {
		if topic.Topic == nil || topic.IsInternal && got.has("exclude-internal-topics") {
			continue
		}
		for _, p := range topic.Partitions {
			if one := (partition{Topic: *topic.Topic, Number: p.Partition}); wanted(one) {
				partitions = append(partitions, one)
			}
		}
	}
	if len(partitions) == 0 {
		return says("Could not match any topic-partitions with the specified filters")
	}
	found := map[string]string{}
	listed, err := consumergroup.List(t.ctx, client, timestamp, partitions)
	if err != nil {
		return unreachable(err, "listOffsets")
	}
	for _, p := range slices.SortedFunc(keys(listed), consumergroup.Compare) {
		at := listed[p]
		name := fmt.Sprintf("%s-%d", p.Topic, p.Number)
		if code := (*kerr.Error)(nil); errors.As(at.Err, &code) {
			t.complain("Skip getting offsets for topic-partition " + name + " due to error: " + thrown(refused(code.Code, nil)))
		} else if at.Offset >= 0 {
			found[name] = fmt.Sprintf("%s:%d:%d", p.Topic, p.Number, at.Offset)
		}
	}
	for _, name := range slices.Sorted(keys(found)) {
		t.say("%s", found[name])
	}
	return nil
}

func keys[K comparable, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// offsetWords are what ListOffsets calls by negative timestamps.
var offsetWords = map[string]int64{
	"latest": -1, "earliest": -2, "max-timestamp": -3, "earliest-local": -4, "latest-tiered": -5, "earliest-pending-upload": -6,
}

func offsetTime(word string) (int64, error) {
	if n, known := offsetWords[word]; known {
		return n, nil
	}
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		return 0, says("Malformed time argument %s. Please use -1 or latest / -2 or earliest / -3 or max-timestamp / -4 or earliest-local / "+
			"-5 or latest-tiered / -6 or earliest-pending-upload, or a specified long format timestamp", word)
	}
	return n, nil
}

// rulePattern is TOPIC, TOPIC:1, TOPIC:1-3, TOPIC:1- or TOPIC:-3; the upper end is not part of it.
func rulePattern() *regexp.Regexp {
	return regexp.MustCompile(`^([^:,]*)(?::(?:([0-9]*)|(?:([0-9]*)-([0-9]*))))?$`)
}

// partitionFilter is Kafka's TopicPartitionFilter.
func partitionFilter(got *parsed) (func(partition) bool, error) {
	if !got.has("topic-partitions") {
		matches, err := includeList(first(got.values("topic")))
		if err != nil {
			return nil, err
		}
		list := first(got.values("partitions"))
		var numbers []int32
		for word := range strings.SplitSeq(list, ",") {
			n, err := strconv.ParseInt(word, 10, 32)
			if err != nil && list != "" {
				return nil, says("--partitions expects a comma separated list of numeric partition ids, but received: %s", list)
			}
			numbers = append(numbers, int32(n))
		}
		return func(p partition) bool {
			return matches(p.Topic) && (list == "" || slices.Contains(numbers, p.Number))
		}, nil
	}
	var rules []func(partition) bool
	for word := range strings.SplitSeq(first(got.values("topic-partitions")), ",") {
		parts := rulePattern().FindStringSubmatch(word)
		if parts == nil {
			return nil, says("org.apache.kafka.tools.TerseException: Invalid rule specification: %s", word)
		}
		matches, err := includeList(parts[1])
		if err != nil {
			return nil, err
		}
		number := func(text string, without int32) int32 {
			n, err := strconv.ParseInt(text, 10, 32)
			if err != nil {
				return without
			}
			return int32(n)
		}
		low, high := number(parts[3], 0), number(parts[4], math.MaxInt32)
		if parts[2] != "" {
			low = number(parts[2], 0)
			high = low + 1
		}
		rules = append(rules, func(p partition) bool { return matches(p.Topic) && p.Number >= low && p.Number < high })
	}
	return func(p partition) bool {
		return slices.ContainsFunc(rules, func(matches func(partition) bool) bool { return matches(p) })
	}, nil
}
