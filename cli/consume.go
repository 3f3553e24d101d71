package cli

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func consume(c *call) error {
	if err := c.need(1, -1, "the name of a topic"); err != nil {
		return err
	}
	format, err := kgo.NewRecordFormatter(c.format)
	if err != nil {
		return usagef("--format=%s: %v", c.format, err)
	}
	from, err := c.from()
	if err != nil {
		return err
	}
	if c.group != "" && (c.partition >= 0 || c.offset != "") {
		return usagef("--group decides itself which partitions it reads and where it begins; leave --partition and --offset out")
	}
	options, left, err := c.assignment(from)
	if err != nil {
		return err
	}
	if len(left) == 0 && !c.follow {
		return nil
	}
	if err := c.connect(options...); err != nil {
		return err
	}
	if c.group != "" {
		defer c.leave()
	}
	return c.print(format, left)
}

// from is where to begin.
func (c *call) from() (kgo.Offset, error) {
	start, end := kgo.NewOffset().AtStart(), kgo.NewOffset().AtEnd()
	switch word := c.offset; {
	case word != "" && c.fromBeginning:
		return start, usagef("--from-beginning and --offset contradict each other")
	case c.fromBeginning || word == "start" || word == "earliest":
		return start, nil
	case word == "end" || word == "latest":
		return end, nil
	case word == "" && c.follow:
		return end, nil
	case word == "":
		return start, nil
	case word[0] == '@':
		at, err := parseTarget(word[1:], c.now())
		if err != nil || at.at.IsZero() {
			return start, usagef("--offset=%s: after @ comes a time or a duration", word)
		}
		return kgo.NewOffset().AfterMilli(at.at.UnixMilli()), nil
	default:
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return start, usagef("--offset=%s: start, end, a number, -N or @TIME", word)
		}
		if n < 0 {
			return end.Relative(n), nil
		}
		return kgo.NewOffset().At(n), nil
	}
}

// ends are the partitions that are not read to their ends yet, and where those are.
type ends map[kadm.Partition]int64

// assignment is what to read. Without --follow it ends where the topics end now.
func (c *call) assignment(from kgo.Offset) ([]kgo.Opt, ends, error) {
	admin, err := c.admin()
	if err != nil {
		return nil, nil, err
	}
	defer func() { c.client.Close(); c.client = nil }()
	topics, err := c.details(admin, true, c.args...)
	if err != nil {
		return nil, nil, err
	}
	last, err := admin.ListEndOffsets(c.ctx, c.args...)
	if err != nil {
		return nil, nil, err
	}
	first, err := admin.ListStartOffsets(c.ctx, c.args...)
	if err != nil {
		return nil, nil, err
	}
	left, read := ends{}, map[string]map[int32]kgo.Offset{}
	for _, topic := range topics {
		read[topic.Topic] = map[int32]kgo.Offset{}
		for _, p := range topic.Partitions {
			if c.partition >= 0 && p.Partition != c.partition {
				continue
			}
			read[topic.Topic][p.Partition] = from
			end, hasEnd := last.Lookup(topic.Topic, p.Partition)
			start, _ := first.Lookup(topic.Topic, p.Partition)
			if hasEnd && end.Offset > start.Offset {
				left[kadm.Partition{Topic: topic.Topic, Partition: p.Partition}] = end.Offset
			}
		}
		if len(read[topic.Topic]) == 0 {
			return nil, nil, fmt.Errorf("topic %q has no partition %d", topic.Topic, c.partition)
		}
	}
	if c.group != "" {
		return []kgo.Opt{kgo.ConsumerGroup(c.group), kgo.ConsumeTopics(c.args...), kgo.AutoCommitMarks(), kgo.ConsumeResetOffset(from),
			kgo.Balancers(kgo.RangeBalancer(), kgo.CooperativeStickyBalancer())}, left, nil
	}
	return []kgo.Opt{kgo.ConsumePartitions(read), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())}, left, nil
}

func (c *call) leave() {
	// An error leaves nothing to be done: the broker forgets the member by itself.
	_ = c.client.CommitMarkedOffsets(c.ctx)
	_ = c.client.LeaveGroupContext(c.ctx)
}

// idle is how long nothing may come before a read without --follow ends: what is left are
// records that readers do not see (transactions that were aborted, gaps of compaction), or that
// the group has read before.
const idle = 2 * time.Second

func (c *call) poll(most int) (fetches kgo.Fetches, late bool) {
	wait, cancel := c.ctx, context.CancelFunc(func() {})
	if !c.follow {
		wait, cancel = context.WithTimeout(c.ctx, idle)
	}
	defer cancel()
	fetches = c.client.PollRecords(wait, most)
	return fetches, wait.Err() != nil
}

func (c *call) print(format *kgo.RecordFormatter, left ends) error {
	out := bufio.NewWriter(c.out)
	var line []byte
	for count := int64(0); c.count < 0 || count < c.count; {
		most := 1000
		if c.count >= 0 {
			most = int(min(int64(most), c.count-count))
		}
		fetches, late := c.poll(most)
		records := fetches.Records()
		for _, r := range records {
			count++
			if c.json {
				text, err := json.Marshal(recordOf(r))
				if err != nil {
					return err
				}
				line = append(append(line[:0], text...), '\n')
			} else {
				line = format.AppendRecord(line[:0], r)
			}
			if _, err := out.Write(line); err != nil {
				return err
			}
			at := kadm.Partition{Topic: r.Topic, Partition: r.Partition}
			if end, isLeft := left[at]; isLeft && r.Offset+1 >= end {
				delete(left, at)
			}
			if c.group != "" {
				c.client.MarkCommitRecords(r)
			}
		}
		if err := out.Flush(); err != nil {
			return err
		}
		if c.ctx.Err() != nil || !c.follow && (len(left) == 0 || late && len(records) == 0) {
			return nil
		}
	}
	return nil
}

func recordOf(r *kgo.Record) Record {
	one := Record{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), Headers: []Header{}}
	one.Base64 = !utf8.Valid(r.Key) || !utf8.Valid(r.Value)
	for _, h := range r.Headers {
		one.Base64 = one.Base64 || !utf8.Valid(h.Value)
	}
	text := func(b []byte) *string {
		if b == nil {
			return nil
		}
		s := string(b)
		if one.Base64 {
			s = base64.StdEncoding.EncodeToString(b)
		}
		return &s
	}
	one.Key, one.Value = text(r.Key), text(r.Value)
	for _, h := range r.Headers {
		one.Headers = append(one.Headers, Header{strings.ToValidUTF8(h.Key, "\uFFFD"), text(h.Value)})
	}
	return one
}
