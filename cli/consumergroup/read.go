package consumergroup

import (
	"context"
	"errors"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Timestamps of ListOffsets with a meaning of their own.
const (
	Latest   int64 = -1
	Earliest int64 = -2
)

// Listed is an answer of ListOffsets; Offset is -1 where no record is that young.
type Listed struct {
	Offset int64
	Err    error
}

// List asks for the offset of the first record of each partition that is not older than the
// timestamp, in milliseconds since 1970, or for one of those with a meaning.
func List(ctx context.Context, client *kgo.Client, timestamp int64, partitions []Partition) (map[Partition]Listed, error) {
	listed := map[Partition]Listed{}
	if len(partitions) == 0 {
		return listed, nil
	}
	byTopic := map[string][]kmsg.ListOffsetsRequestTopicPartition{}
	for _, p := range partitions {
		one := kmsg.NewListOffsetsRequestTopicPartition()
		one.Partition, one.Timestamp = p.Number, timestamp
		byTopic[p.Topic] = append(byTopic[p.Topic], one)
	}
	request := kmsg.NewListOffsetsRequest()
	request.ReplicaID = -1
	for name, wanted := range byTopic {
		topic := kmsg.NewListOffsetsRequestTopic()
		topic.Topic, topic.Partitions = name, wanted
		request.Topics = append(request.Topics, topic)
	}
	for _, shard := range client.RequestSharded(ctx, &request) {
		// A partition without a leader is no reason to know nothing of the others.
		if errors.As(shard.Err, new(*kerr.Error)) {
			failAll(listed, shard.Req, shard.Err)
			continue
		}
		if shard.Err != nil {
			return nil, shard.Err
		}
		for _, topic := range shard.Resp.(*kmsg.ListOffsetsResponse).Topics {
			for _, p := range topic.Partitions {
				listed[Partition{topic.Topic, p.Partition}] = Listed{p.Offset, kerr.ErrorForCode(p.ErrorCode)}
			}
		}
	}
	return listed, nil
}

// failAll notes why nothing is known of the partitions of a part of the request.
func failAll(listed map[Partition]Listed, part kmsg.Request, err error) {
	for _, topic := range part.(*kmsg.ListOffsetsRequest).Topics {
		for _, p := range topic.Partitions {
			listed[Partition{topic.Topic, p.Partition}] = Listed{-1, err}
		}
	}
}

// Bound is where the records of a partition begin, and the offset of the next one.
type Bound struct{ Start, End int64 }

// Bounds leaves out the partitions that the brokers know nothing of.
func Bounds(ctx context.Context, client *kgo.Client, partitions []Partition) (map[Partition]Bound, error) {
	starts, err := List(ctx, client, Earliest, partitions)
	if err != nil {
		return nil, err
	}
	ends, err := List(ctx, client, Latest, partitions)
	if err != nil {
		return nil, err
	}
	bounds := map[Partition]Bound{}
	for p, end := range ends {
		if start, has := starts[p]; has && start.Err == nil && end.Err == nil {
			bounds[p] = Bound{start.Offset, end.Offset}
		}
	}
	return bounds, nil
}

// Committed are the offsets that a group has committed.
func Committed(ctx context.Context, client *kgo.Client, group string) (map[Partition]kadm.Offset, error) {
	all, err := committed(ctx, client, group)
	return all[group], err
}

func committed(ctx context.Context, client *kgo.Client, groups ...string) (map[string]map[Partition]kadm.Offset, error) {
	all := map[string]map[Partition]kadm.Offset{}
	if len(groups) == 0 {
		return all, nil
	}
	for name, answer := range kadm.NewClient(client).FetchManyOffsets(ctx, groups...) {
		if answer.Err != nil {
			return nil, answer.Err
		}
		offsets := map[Partition]kadm.Offset{}
		answer.Fetched.Each(func(o kadm.OffsetResponse) {
			if o.Err == nil && o.At >= 0 {
				offsets[Partition{o.Topic, o.Partition}] = o.Offset
			}
		})
		all[name] = offsets
	}
	return all, nil
}

// Read is how far a group is in a partition. Committed is nil where it has committed nothing,
// End where no broker knows the partition, Member where no member has it assigned.
type Read struct {
	Partition
	Committed *kadm.Offset
	End       *int64
	Member    *Member
}

// Lag is the number of records that were not read yet; ok is false where it cannot be told.
func (r Read) Lag() (lag int64, ok bool) {
	if r.Committed == nil || r.End == nil {
		return 0, false
	}
	return *r.End - r.Committed.At, true
}

// Progress tells for each group how far it is: first in the partitions of its members, those
// with the most first, then in those that nobody has; by topic and number within each.
func Progress(ctx context.Context, client *kgo.Client, groups ...Group) ([][]Read, error) {
	names := make([]string, len(groups))
	for i, group := range groups {
		names[i] = group.Name
	}
	offsets, err := committed(ctx, client, names...)
	if err != nil {
		return nil, err
	}
	all := make([][]Read, len(groups))
	wanted := map[Partition]bool{}
	for i, group := range groups {
		all[i] = group.reads(offsets[group.Name])
		for _, read := range all[i] {
			wanted[read.Partition] = true
		}
	}
	var partitions []Partition
	for p := range wanted {
		partitions = append(partitions, p)
	}
	ends, err := List(ctx, client, Latest, partitions)
	if err != nil {
		return nil, err
	}
	for _, reads := range all {
		for i := range reads {
			if end, has := ends[reads[i].Partition]; has && end.Err == nil {
				reads[i].End = &end.Offset
			}
		}
	}
	return all, nil
}

func (g Group) reads(offsets map[Partition]kadm.Offset) []Read {
	var reads []Read
	taken := map[Partition]bool{}
	add := func(partitions []Partition, member *Member) {
		for _, p := range slices.SortedFunc(slices.Values(partitions), Compare) {
			taken[p] = true
			read := Read{Partition: p, Member: member}
			if at, has := offsets[p]; has {
				read.Committed = &at
			}
			reads = append(reads, read)
		}
	}
	for _, m := range g.byAssignment() {
		add(m.Assigned, &m)
	}
	var free []Partition
	for p := range offsets {
		if !taken[p] {
			free = append(free, p)
		}
	}
	add(free, nil)
	return reads
}
