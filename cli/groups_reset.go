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
)

// target is where a group goes; of the fields one is set.
type target struct {
	start, end, shift bool
	number            int64
	at                time.Time
}

// parseTarget reads --to.
func parseTarget(word string, now time.Time) (target, error) {
	switch word {
	case "":
		return target{}, usagef("--to says where to go: start, end, an offset, +N, -N, a time or a duration")
	case "start", "earliest":
		return target{start: true}, nil
	case "end", "latest":
		return target{end: true}, nil
	}
	if n, err := strconv.ParseInt(word, 10, 64); err == nil {
		return target{number: n, shift: word[0] == '+' || word[0] == '-'}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02"} {
		if at, err := time.Parse(layout, word); err == nil {
			return target{at: at}, nil
		}
	}
	if back, err := time.ParseDuration(word); err == nil {
		return target{at: now.Add(-back)}, nil
	}
	return target{}, usagef("--to=%s is neither start, end, an offset, +N, -N, a time nor a duration", word)
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
	group, err := c.describeOne(name)
	if err == nil && len(group.Members) > 0 {
		return explained(kerr.NonEmptyGroup, "", name)
	}
	committed, err := admin.FetchOffsets(c.ctx, name)
	if err != nil {
		return err
	}
	wanted, err := c.wanted(admin, committed)
	if err != nil {
		return err
	}
	if len(wanted) == 0 {
		return fmt.Errorf("group %q has no offsets; --topic says of which topic to set some", name)
	}
	plan := Reset{Name: name, Offsets: []ResetOffset{}}
	if plan.Offsets, err = c.plan(admin, to, committed, wanted); err != nil {
		return err
	}
	if c.execute {
		offsets := kadm.Offsets{}
		for _, o := range plan.Offsets {
			offsets.Add(kadm.Offset{Topic: o.Topic, Partition: o.Partition, At: o.To, LeaderEpoch: -1})
		}
		if err := admin.CommitAllOffsets(c.ctx, name, offsets); err != nil {
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
func (c *call) wanted(admin *kadm.Client, committed kadm.OffsetResponses) ([]kadm.Partition, error) {
	var all []kadm.Partition
	if len(c.topics) == 0 {
		committed.Each(func(o kadm.OffsetResponse) {
			if o.Err == nil && o.At >= 0 {
				all = append(all, kadm.Partition{Topic: o.Topic, Partition: o.Partition})
			}
		})
	}
	for _, word := range c.topics {
		topic, list, some := strings.Cut(word, ":")
		details, err := c.details(admin, true, topic)
		if err != nil {
			return nil, err
		}
		for _, p := range details[0].Partitions.Sorted() {
			if !some || slices.Contains(strings.Split(list, ","), strconv.Itoa(int(p.Partition))) {
				all = append(all, kadm.Partition{Topic: topic, Partition: p.Partition})
			}
		}
	}
	slices.SortFunc(all, func(a, b kadm.Partition) int {
		if a.Topic != b.Topic {
			return strings.Compare(a.Topic, b.Topic)
		}
		return int(a.Partition - b.Partition)
	})
	return slices.Compact(all), nil
}

// plan computes the new offsets, none of which is where there can be no record.
func (c *call) plan(admin *kadm.Client, to target, committed kadm.OffsetResponses, wanted []kadm.Partition) ([]ResetOffset, error) {
	topics := map[string]bool{}
	for _, p := range wanted {
		topics[p.Topic] = true
	}
	names := sortedKeys(topics)
	starts, err := admin.ListStartOffsets(c.ctx, names...)
	if err != nil {
		return nil, err
	}
	ends, err := admin.ListEndOffsets(c.ctx, names...)
	if err != nil {
		return nil, err
	}
	found := ends
	if !to.at.IsZero() {
		if found, err = admin.ListOffsetsAfterMilli(c.ctx, to.at.UnixMilli(), names...); err != nil {
			return nil, err
		}
	}
	plan := []ResetOffset{}
	for _, p := range wanted {
		start, _ := starts.Lookup(p.Topic, p.Partition)
		end, ok := ends.Lookup(p.Topic, p.Partition)
		if !ok || end.Err != nil {
			return nil, explained(kerr.UnknownTopicOrPartition, "", p.Topic)
		}
		one := ResetOffset{Topic: p.Topic, Partition: p.Partition, To: to.number}
		if at, ok := committed.Lookup(p.Topic, p.Partition); ok && at.At >= 0 {
			one.From = &at.At
		}
		switch {
		case to.start:
			one.To = start.Offset
		case to.end:
			one.To = end.Offset
		case !to.at.IsZero():
			at, _ := found.Lookup(p.Topic, p.Partition)
			one.To = at.Offset
		case to.shift && one.From == nil:
			return nil, fmt.Errorf("the group has no offset in %s-%d from which to go %+d", p.Topic, p.Partition, to.number)
		case to.shift:
			one.To = *one.From + to.number
		}
		one.To = min(max(one.To, start.Offset), end.Offset)
		plan = append(plan, one)
	}
	return plan, nil
}
