package cli

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/barnabas-mq/barnabas/cli/consumergroup"
)

// parseTarget reads --to.
func parseTarget(word string, now time.Time) (consumergroup.Target, error) {
	switch word {
	case "":
		return consumergroup.Target{}, usagef("--to says where to go: start, end, an offset, +N, -N, a time or a duration")
	case "start", "earliest":
		return consumergroup.Target{Kind: consumergroup.Start}, nil
	case "end", "latest":
		return consumergroup.Target{Kind: consumergroup.End}, nil
	}
	if n, err := strconv.ParseInt(word, 10, 64); err == nil {
		if word[0] == '+' || word[0] == '-' {
			return consumergroup.Target{Kind: consumergroup.Shift, Number: n}, nil
		}
		return consumergroup.Target{Kind: consumergroup.Exact, Number: n}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02"} {
		if at, err := time.Parse(layout, word); err == nil {
			return consumergroup.Target{Kind: consumergroup.Time, At: at}, nil
		}
	}
	if back, err := time.ParseDuration(word); err == nil {
		return consumergroup.Target{Kind: consumergroup.Time, At: now.Add(-back)}, nil
	}
	return consumergroup.Target{}, usagef("--to=%s is neither start, end, an offset, +N, -N, a time nor a duration", word)
}

func resetOffsets(c *call) error {
	if err := c.need(1, 1, "the name of a group"); err != nil {
		return err
	}
	to, err := parseTarget(c.to, c.now())
	if err != nil {
		return err
	}
	admin, err := c.admin()
	if err != nil {
		return err
	}
	name := c.args[0]
	groups, err := consumergroup.Describe(c.ctx, c.client, name)
	if err != nil {
		return err
	}
	if len(groups[0].Members) > 0 {
		return explained(kerr.NonEmptyGroup, "", name)
	}
	committed, err := consumergroup.Committed(c.ctx, c.client, name)
	if err != nil {
		return explained(err, "", name)
	}
	wanted, err := c.wanted(admin, committed)
	if err != nil {
		return err
	}
	if len(wanted) == 0 {
		return fmt.Errorf("group %q has no offsets; --topic says of which topic to set some", name)
	}
	steps, err := to.Plan(c.ctx, c.client, committed, wanted)
	if err != nil {
		return explained(err, "", name)
	}
	plan := Reset{Name: name, Offsets: []ResetOffset{}}
	for _, step := range steps {
		plan.Offsets = append(plan.Offsets, ResetOffset{step.Topic, step.Number, step.From, step.To})
	}
	if c.execute {
		if err := consumergroup.Commit(c.ctx, c.client, name, steps); err != nil {
			return explained(err, "", name)
		}
		plan.Executed = true
	}
	err = c.show(plan, func(w io.Writer) {
		row(w, "TOPIC", "PARTITION", "FROM", "TO")
		for _, o := range plan.Offsets {
			row(w, o.Topic, o.Partition, orDash(o.From), o.To)
		}
	})
	if err == nil && !c.execute {
		fmt.Fprintln(c.errOut, "This is only a plan: --execute does it.")
	}
	return err
}

// wanted are the partitions that --topic names, or those that the group has offsets of, sorted.
func (c *call) wanted(admin *kadm.Client, committed map[consumergroup.Partition]kadm.Offset) ([]consumergroup.Partition, error) {
	var all []consumergroup.Partition
	if len(c.topics) == 0 {
		for p := range committed {
			all = append(all, p)
		}
	}
	for _, word := range c.topics {
		topic, list, some := strings.Cut(word, ":")
		details, err := c.details(admin, true, topic)
		if err != nil {
			return nil, err
		}
		if !some {
			for number := range details[0].Partitions {
				all = append(all, consumergroup.Partition{Topic: topic, Number: number})
			}
			continue
		}
		for text := range strings.SplitSeq(list, ",") {
			number, err := strconv.ParseInt(text, 10, 32)
			if err != nil {
				return nil, usagef("--topic=%s: %q is no number of a partition", word, text)
			}
			if _, has := details[0].Partitions[int32(number)]; !has {
				return nil, fmt.Errorf("topic %q has no partition %d", topic, number)
			}
			all = append(all, consumergroup.Partition{Topic: topic, Number: int32(number)})
		}
	}
	slices.SortFunc(all, consumergroup.Compare)
	return slices.Compact(all), nil
}
