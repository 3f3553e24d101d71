package cli

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/cli/consumergroup"
	"github.com/barnabas-mq/barnabas/protocol"
)

func topicVerbs() []verb {
	settings := func(f *pflag.FlagSet, o *options) {
		f.StringArrayVar(&o.set, "set", nil, "a setting, `KEY=VALUE`; may be repeated")
	}
	return []verb{
		{
			noun: "topics", name: "list", about: "list the topics", run: listTopics, prints: []Topic{},
			flags: func(f *pflag.FlagSet, o *options) {
				f.BoolVar(&o.internal, "internal", false, "list the broker's own topics as well")
			},
		},
		{noun: "topics", name: "describe", args: "[NAME...]", about: "partitions, offsets and settings", run: describeTopics, prints: []TopicDetail{}},
		{
			noun: "topics", name: "create", args: "NAME...", about: "make topics", run: createTopics, prints: []Outcome{},
			flags: func(f *pflag.FlagSet, o *options) {
				f.Int32VarP(&o.partitions, "partitions", "p", -1, "how many partitions; -1 leaves it to the broker")
				f.Int16VarP(&o.replicas, "replicas", "r", -1, "how many replicas; -1 leaves it to the broker")
				f.BoolVar(&o.ifNotExists, "if-not-exists", false, "a topic that exists is no error")
				settings(f, o)
			},
		},
		{
			noun: "topics", name: "alter", args: "NAME...", about: "add partitions, change settings", run: alterTopics, prints: []Outcome{},
			flags: func(f *pflag.FlagSet, o *options) {
				f.Int32VarP(&o.partitions, "partitions", "p", -1, "how many partitions it is to have; they can only become more")
				settings(f, o)
				f.StringArrayVar(&o.unset, "unset", nil, "a setting that goes back to its default, `KEY`; may be repeated")
			},
		},
		{
			noun: "topics", name: "delete", args: "NAME...", about: "delete topics with their records", run: deleteTopics, prints: []Outcome{},
			flags: func(f *pflag.FlagSet, o *options) {
				f.BoolVar(&o.ifExists, "if-exists", false, "a topic that does not exist is no error")
			},
		},
	}
}

// details are the topics by name; all when none is named.
func (c *call) details(admin *kadm.Client, withInternal bool, names ...string) ([]kadm.TopicDetail, error) {
	found, err := admin.ListTopicsWithInternal(c.ctx, names...)
	if err != nil {
		return nil, err
	}
	var details []kadm.TopicDetail
	for _, topic := range found.Sorted() {
		if topic.Err != nil {
			return nil, explained(topic.Err, "", topic.Topic)
		}
		if withInternal || !topic.IsInternal {
			details = append(details, topic)
		}
	}
	return details, nil
}

func listTopics(c *call) error {
	if err := c.need(0, 0, ""); err != nil {
		return err
	}
	admin, err := c.admin()
	if err != nil {
		return err
	}
	found, err := c.details(admin, c.internal)
	if err != nil {
		return err
	}
	list := []Topic{}
	for _, topic := range found {
		list = append(list, Topic{topic.Topic, protocol.UUID(topic.ID).String(), topic.IsInternal, len(topic.Partitions), topic.Partitions.NumReplicas()})
	}
	return c.show(list, func(w io.Writer) {
		row(w, "NAME", "PARTITIONS", "REPLICAS")
		for _, topic := range list {
			row(w, topic.Name, topic.Partitions, topic.Replicas)
		}
	})
}

func describeTopics(c *call) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	found, err := c.details(admin, len(c.args) > 0, c.args...)
	if err != nil {
		return err
	}
	list, err := c.topicDetails(found)
	if err != nil {
		return err
	}
	return c.show(list, func(w io.Writer) {
		for i, topic := range list {
			if i > 0 {
				row(w)
			}
			row(w, "Topic "+topic.Name)
			for _, key := range sortedKeys(topic.Configs) {
				row(w, "  "+key+" = "+topic.Configs[key])
			}
			row(w, "  PARTITION", "LEADER", "REPLICAS", "IN SYNC", "START", "END", "RECORDS")
			for _, p := range topic.Partitions {
				row(w, fmt.Sprintf("  %d", p.Partition), p.Leader, numbers(p.Replicas), numbers(p.ISR), p.Start, p.End, p.End-p.Start)
			}
		}
	})
}

// topicDetails asks once for all topics, however many there are.
func (c *call) topicDetails(topics []kadm.TopicDetail) ([]TopicDetail, error) {
	list := []TopicDetail{}
	var partitions []consumergroup.Partition
	var names []string
	for _, topic := range topics {
		names = append(names, topic.Topic)
		for number := range topic.Partitions {
			partitions = append(partitions, consumergroup.Partition{Topic: topic.Topic, Number: number})
		}
	}
	bounds, err := consumergroup.Bounds(c.ctx, c.client, partitions)
	if err != nil {
		return nil, err
	}
	settings, err := c.settings(kmsg.ConfigResourceTypeTopic, names...)
	if err != nil {
		return nil, err
	}
	for _, topic := range topics {
		detail := TopicDetail{Name: topic.Topic, ID: protocol.UUID(topic.ID).String(), Internal: topic.IsInternal, Configs: map[string]string{}, Partitions: []Partition{}}
		for _, p := range topic.Partitions.Sorted() {
			one := Partition{Partition: p.Partition, Leader: p.Leader, Replicas: orNone(p.Replicas), ISR: orNone(p.ISR), Start: -1, End: -1}
			if bound, known := bounds[consumergroup.Partition{Topic: topic.Topic, Number: p.Partition}]; known {
				one.Start, one.End = bound.Start, bound.End
			}
			detail.Partitions = append(detail.Partitions, one)
		}
		for _, s := range settings[topic.Topic] {
			if s.Source != "DEFAULT_CONFIG" && s.Value != nil {
				detail.Configs[s.Name] = *s.Value
			}
		}
		list = append(list, detail)
	}
	return list, nil
}

// uuid writes an id as Kafka does.

// orNone makes no list an empty one: JSON has null for the other.
func orNone[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func numbers(ids []int32) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = strconv.Itoa(int(id))
	}
	return strings.Join(words, ",")
}

func sortedKeys[V any](m map[string]V) []string {
	var all []string
	for key := range m {
		all = append(all, key)
	}
	slices.Sort(all)
	return all
}

// pairs reads KEY=VALUE words.
func pairs(words []string) (map[string]*string, error) {
	all := map[string]*string{}
	for _, word := range words {
		key, value, isPair := strings.Cut(word, "=")
		if !isPair || key == "" {
			return nil, usagef("%q is not KEY=VALUE", word)
		}
		all[key] = &value
	}
	return all, nil
}

func createTopics(c *call) error {
	if err := c.need(1, -1, "the name of a topic"); err != nil {
		return err
	}
	settings, err := pairs(c.set)
	if err != nil {
		return err
	}
	admin, err := c.admin()
	if err != nil {
		return err
	}
	answers, err := admin.CreateTopics(c.ctx, c.partitions, c.replicas, settings, c.args...)
	if err != nil {
		return err
	}
	all := []Outcome{}
	for _, name := range c.args {
		answer := answers[name]
		if answer.Err == kerr.TopicAlreadyExists && c.ifNotExists {
			all = append(all, outcome(name, "exists", nil))
			continue
		}
		all = append(all, outcome(name, "created", explained(answer.Err, answer.ErrMessage, name)))
	}
	return c.outcomes(all)
}

func alterTopics(c *call) error {
	if err := c.need(1, -1, "the name of a topic"); err != nil {
		return err
	}
	changes, err := c.changes(c.set, c.unset)
	if err != nil {
		return err
	}
	if len(changes) == 0 && c.partitions < 0 {
		return usagef("nothing to alter: --partitions, --set or --unset")
	}
	admin, err := c.admin()
	if err != nil {
		return err
	}
	all := []Outcome{}
	for _, name := range c.args {
		err := error(nil)
		if c.partitions >= 0 {
			answers, e := admin.UpdatePartitions(c.ctx, int(c.partitions), name)
			if e != nil {
				return e
			}
			err = explained(answers[name].Err, answers[name].ErrMessage, name)
		}
		if err == nil && len(changes) > 0 {
			err = c.alterConfigs(kmsg.ConfigResourceTypeTopic, name, changes)
		}
		all = append(all, outcome(name, "altered", err))
	}
	return c.outcomes(all)
}

func deleteTopics(c *call) error {
	if err := c.need(1, -1, "the name of a topic"); err != nil {
		return err
	}
	admin, err := c.admin()
	if err != nil {
		return err
	}
	answers, err := admin.DeleteTopics(c.ctx, c.args...)
	if err != nil {
		return err
	}
	all := []Outcome{}
	for _, name := range c.args {
		answer := answers[name]
		if answer.Err == kerr.UnknownTopicOrPartition && c.ifExists {
			all = append(all, outcome(name, "missing", nil))
			continue
		}
		all = append(all, outcome(name, "deleted", explained(answer.Err, answer.ErrMessage, name)))
	}
	return c.outcomes(all)
}
