package cli

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/cli/consumergroup"
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
	r, err := c.reading(from)
	if err != nil {
		return err
	}
	if len(r.ends) == 0 && !c.follow {
		return nil
	}
	if err := c.connect(r.options...); err != nil {
		return err
	}
	err = c.print(format, r)
	if c.group != "" {
		err = errors.Join(err, c.leave())
	}
	return err
}

// from is where to begin.
func (c *call) from() (consumergroup.Target, error) {
	start, end := consumergroup.Target{Kind: consumergroup.Start}, consumergroup.Target{Kind: consumergroup.End}
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
		if err != nil || at.Kind != consumergroup.Time {
			return start, usagef("--offset=%s: after @ comes a time or a duration", word)
		}
		return at, nil
	default:
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return start, usagef("--offset=%s: start, end, a number, -N or @TIME", word)
		}
		if n < 0 {
			return consumergroup.Target{Kind: consumergroup.BeforeEnd, Number: -n}, nil
		}
		return consumergroup.Target{Kind: consumergroup.Exact, Number: n}, nil
	}
}

// reading is what to read, and how far.
type reading struct {
	options []kgo.Opt
	// ends are the partitions that are not read to their ends yet, and where those were at the start.
	ends map[consumergroup.Partition]int64

	mu struct {
		sync.Mutex
		// own are the partitions that the group gave to this member; nil before it has joined.
		own map[consumergroup.Partition]bool
	}
}

// reading asks where the topics begin and end now: without --follow it ends there.
func (c *call) reading(from consumergroup.Target) (*reading, error) {
	admin, err := c.admin()
	if err != nil {
		return nil, err
	}
	defer func() { c.client.Close(); c.client = nil }()
	topics, err := c.details(admin, true, c.args...)
	if err != nil {
		return nil, err
	}
	var partitions []consumergroup.Partition
	for _, topic := range topics {
		before := len(partitions)
		for _, p := range topic.Partitions.Sorted() {
			if c.partition < 0 || p.Partition == c.partition {
				partitions = append(partitions, consumergroup.Partition{Topic: topic.Topic, Number: p.Partition})
			}
		}
		if len(partitions) == before {
			return nil, fmt.Errorf("topic %q has no partition %d", topic.Topic, c.partition)
		}
	}
	steps, err := from.Plan(c.ctx, c.client, nil, partitions)
	if err != nil {
		return nil, err
	}
	var committed map[consumergroup.Partition]kadm.Offset
	if c.group != "" {
		if committed, err = consumergroup.Committed(c.ctx, c.client, c.group); err != nil {
			return nil, explained(err, "", c.group)
		}
	}
	r := &reading{ends: map[consumergroup.Partition]int64{}}
	begins := map[string]map[int32]kgo.Offset{}
	for _, step := range steps {
		begin := step.To
		if at, has := committed[step.Partition]; has {
			begin = at.At
		}
		if begin < step.Bound.End {
			r.ends[step.Partition] = step.Bound.End
		} else if !c.follow {
			continue
		}
		if begins[step.Topic] == nil {
			begins[step.Topic] = map[int32]kgo.Offset{}
		}
		begins[step.Topic][step.Number] = kgo.NewOffset().At(begin)
	}
	r.options = []kgo.Opt{kgo.ConsumePartitions(begins), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())}
	if c.group != "" {
		r.options = c.groupOptions(from, r)
	}
	if !c.follow {
		r.options = append(r.options, kgo.KeepControlRecords()) // the last offset of a partition may be one
	}
	return r, nil
}

// groupOptions are those of a member: the group decides what it reads.
func (c *call) groupOptions(from consumergroup.Target, r *reading) []kgo.Opt {
	start := kgo.NewOffset().AtStart()
	if from.Kind == consumergroup.End {
		start = kgo.NewOffset().AtEnd()
	}
	change := func(partitions map[string][]int32, isOwn bool) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.mu.own == nil {
			r.mu.own = map[consumergroup.Partition]bool{}
		}
		for topic, numbers := range partitions {
			for _, number := range numbers {
				r.mu.own[consumergroup.Partition{Topic: topic, Number: number}] = isOwn
			}
		}
	}
	return []kgo.Opt{
		kgo.ConsumerGroup(c.group), kgo.ConsumeTopics(c.args...), kgo.AutoCommitMarks(), kgo.ConsumeResetOffset(start),
		kgo.Balancers(kgo.RangeBalancer(), kgo.CooperativeStickyBalancer()),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, got map[string][]int32) { change(got, true) }),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, lost map[string][]int32) { change(lost, false) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, lost map[string][]int32) { change(lost, false) }),
	}
}

// left are the partitions that are still to be read; joined is false while the group has not decided.
func (c *call) left(r *reading) (left []string, joined bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p := range r.ends {
		if c.group == "" || r.mu.own[p] {
			left = append(left, fmt.Sprintf("%s-%d", p.Topic, p.Number))
		}
	}
	slices.Sort(left)
	return left, c.group == "" || r.mu.own != nil
}

// leave commits what was printed, also after a signal.
func (c *call) leave() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), c.timeout)
	defer cancel()
	err := c.client.CommitMarkedOffsets(ctx)
	// An error leaves nothing to be done: the broker forgets the member by itself.
	_ = c.client.LeaveGroupContext(ctx)
	return explained(err, "", c.group)
}

// pollEvery is how often a read without --follow looks whether it is at its end.
const pollEvery = 500 * time.Millisecond

func (c *call) poll(most int) (kgo.Fetches, error) {
	wait, cancel := c.ctx, context.CancelFunc(func() {})
	if !c.follow {
		wait, cancel = context.WithTimeout(c.ctx, pollEvery)
	}
	defer cancel()
	fetches := c.client.PollRecords(wait, most)
	var failed error
	fetches.EachError(func(topic string, _ int32, err error) {
		if failed == nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
			failed = explained(err, "", topic)
		}
	})
	return fetches, failed
}

func (c *call) print(format *kgo.RecordFormatter, r *reading) error {
	out := bufio.NewWriter(c.out)
	var line []byte
	last := c.now()
	for count := int64(0); c.count < 0 || count < c.count; {
		most := 1000
		if c.count >= 0 {
			most = int(min(int64(most), c.count-count))
		}
		fetches, err := c.poll(most)
		records := fetches.Records()
		read := records[:0]
		for _, record := range records {
			isMine, isPrinted := c.sift(r, record)
			if isMine {
				read = append(read, record)
			}
			if !isPrinted {
				continue
			}
			count++
			if line, err = c.appendRecord(line[:0], format, record); err != nil {
				return err
			}
			if _, err := out.Write(line); err != nil {
				return err
			}
		}
		if err := errors.Join(out.Flush(), err); err != nil {
			return err
		}
		if c.group != "" {
			c.client.MarkCommitRecords(read...) // they are printed
		}
		left, joined := c.left(r)
		if len(read) > 0 || !joined {
			last = c.now()
		}
		switch late := c.now().Sub(last) > c.timeout; {
		case c.ctx.Err() != nil, !c.follow && joined && len(left) == 0:
			return nil
		case !c.follow && late:
			return fmt.Errorf("nothing came for %v; not read to the end: %s", c.timeout, strings.Join(left, ", "))
		}
	}
	return nil
}

func (c *call) appendRecord(line []byte, format *kgo.RecordFormatter, record *kgo.Record) ([]byte, error) {
	if !c.json {
		return format.AppendRecord(line, record), nil
	}
	text, err := json.Marshal(recordOf(record))
	return append(append(line, text...), '\n'), err
}

// sift tells whether a record is one to read, and not one that came after the read began, and
// whether it is printed, as markers of transactions are not. It notes how far the partition is read.
func (c *call) sift(r *reading, record *kgo.Record) (isMine, isPrinted bool) {
	if c.follow {
		return true, true
	}
	at := consumergroup.Partition{Topic: record.Topic, Number: record.Partition}
	end, isLeft := r.ends[at]
	if isLeft && record.Offset+1 >= end {
		delete(r.ends, at)
	}
	isMine = isLeft && record.Offset < end
	return isMine, isMine && !record.Attrs.IsControl()
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
