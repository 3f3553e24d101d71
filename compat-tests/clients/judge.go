package clients

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// judge looks at the broker beside the client under test.
type judge struct {
	tb        testing.TB
	bootstrap string
	admin     *kadm.Client
}

func newJudge(tb testing.TB, bootstrap string) *judge {
	tb.Helper()
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(bootstrap))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(admin.Close)
	return &judge{tb: tb, bootstrap: bootstrap, admin: admin}
}

func (j *judge) context() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), stepTimeout)
	j.tb.Cleanup(cancel)
	return ctx
}

// create makes topics and returns when their partitions have a leader.
func (j *judge) create(partitions int, topics ...string) {
	j.tb.Helper()
	created, err := j.admin.CreateTopics(j.context(), int32(partitions), 1, nil, topics...)
	if err == nil {
		err = created.Error()
	}
	if err != nil {
		j.tb.Fatalf("create topics: %v", err)
	}
	tick := time.NewTicker(describeInterval)
	defer tick.Stop()
	for ctx := j.context(); ; {
		offsets, err := j.admin.ListEndOffsets(ctx, topics...)
		if err == nil {
			err = offsets.Error()
		}
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			j.tb.Fatalf("created topics: %v", err)
		}
	}
}

// partitions is how many partitions the topic has.
func (j *judge) partitions(topic string) int {
	j.tb.Helper()
	details, err := j.admin.ListTopics(j.context(), topic)
	if err == nil {
		err = details.Error()
	}
	if err != nil {
		j.tb.Fatalf("list topic %s: %v", topic, err)
	}
	return len(details[topic].Partitions)
}

// committed are the offsets that the group has committed.
func (j *judge) committed(group, topic string) map[int32]int64 {
	j.tb.Helper()
	responses, err := j.admin.FetchOffsets(j.context(), group)
	if err == nil {
		err = responses.Error()
	}
	if err != nil {
		j.tb.Fatalf("fetch offsets of %s: %v", group, err)
	}
	offsets := make(map[int32]int64)
	for partition, response := range responses[topic] {
		offsets[partition] = response.At
	}
	return offsets
}

// ends are the offsets behind the last records of a topic.
func (j *judge) ends(topic string) map[int32]int64 {
	j.tb.Helper()
	listed, err := j.admin.ListEndOffsets(j.context(), topic)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		j.tb.Fatalf("list the ends of %s: %v", topic, err)
	}
	ends := make(map[int32]int64)
	for partition, listed := range listed[topic] {
		ends[partition] = listed.Offset
	}
	return ends
}

// group describes a group: its state and the number of its members.
func (j *judge) group(name string) (state string, members int) {
	j.tb.Helper()
	groups, err := j.admin.DescribeGroups(j.context(), name)
	if err == nil {
		err = groups.Error()
	}
	if err != nil {
		j.tb.Fatalf("describe group %s: %v", name, err)
	}
	return groups[name].State, len(groups[name].Members)
}

// describeInterval is how often a group is described while its state is awaited.
const describeInterval = 100 * time.Millisecond

// awaitGroup waits until the group has the state and the number of members.
func (j *judge) awaitGroup(limit time.Duration, name, state string, members int) {
	j.tb.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(describeInterval)
	defer tick.Stop()
	for {
		gotState, gotMembers := j.group(name)
		if gotState == state && gotMembers == members {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			j.tb.Fatalf("group %s is %s with %d members after %v, want %s with %d", name, gotState, gotMembers, limit, state, members)
		}
	}
}

// produce sends records to partition 0, all of them in one batch.
func (j *judge) produce(codec kgo.CompressionCodec, records []*kgo.Record) {
	j.tb.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(j.bootstrap), kgo.ProducerBatchCompression(codec), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(100*time.Millisecond))
	if err != nil {
		j.tb.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(j.context(), records...).FirstErr(); err != nil {
		j.tb.Fatal(err)
	}
}

// alter changes a setting of a topic.
func (j *judge) alter(topic, name, value string) {
	j.tb.Helper()
	altered, err := j.admin.AlterTopicConfigs(j.context(), []kadm.AlterConfig{{Name: name, Value: &value}}, topic)
	if err == nil {
		err = altered[0].Err
	}
	if err != nil {
		j.tb.Fatalf("alter %s of %s: %v", name, topic, err)
	}
}

// setting is the value of a topic's setting.
func (j *judge) setting(topic, name string) string {
	j.tb.Helper()
	described, err := j.admin.DescribeTopicConfigs(j.context(), topic)
	if err == nil {
		err = described[0].Err
	}
	if err != nil {
		j.tb.Fatalf("describe the settings of %s: %v", topic, err)
	}
	for _, config := range described[0].Configs {
		if config.Key == name {
			return config.MaybeValue()
		}
	}
	return ""
}

// commit keeps an offset for a group without members.
func (j *judge) commit(group, topic string, partition int32, next int64) {
	j.tb.Helper()
	var offsets kadm.Offsets
	offsets.AddOffset(topic, partition, next, -1)
	if err := j.admin.CommitAllOffsets(j.context(), group, offsets); err != nil {
		j.tb.Fatal(err)
	}
}

// starts are the first offsets of a topic's partitions.
func (j *judge) starts(topic string) map[int32]int64 {
	j.tb.Helper()
	listed, err := j.admin.ListStartOffsets(j.context(), topic)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		j.tb.Fatalf("list the starts of %s: %v", topic, err)
	}
	starts := map[int32]int64{}
	listed.Each(func(o kadm.ListedOffset) { starts[o.Partition] = o.Offset })
	return starts
}

// gone waits until a topic is not there: a deletion is answered before all have heard of it.
func (j *judge) gone(topic string) {
	j.tb.Helper()
	tick := time.NewTicker(describeInterval)
	defer tick.Stop()
	for ctx := j.context(); ; {
		topics, err := j.admin.ListTopics(ctx)
		if err != nil {
			j.tb.Fatal(err)
		}
		if !topics.Has(topic) {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			j.tb.Fatalf("topic %s is still there", topic)
		}
	}
}

// drain reads a topic up to its end as the isolation level has it: the values by partition, and that end.
func (j *judge) drain(topic, isolation string) (values map[int32][]string, ends map[int32]int64) {
	j.tb.Helper()
	level, list := kgo.ReadUncommitted(), j.admin.ListEndOffsets
	if isolation == committed {
		level, list = kgo.ReadCommitted(), j.admin.ListCommittedOffsets
	}
	listed, err := list(j.context(), topic)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		j.tb.Fatalf("list the ends of %s: %v", topic, err)
	}
	// Markers are kept, for a log may end with one.
	client, err := kgo.NewClient(kgo.SeedBrokers(j.bootstrap), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(level), kgo.KeepControlRecords(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		j.tb.Fatal(err)
	}
	defer client.Close()
	values, ends, left := map[int32][]string{}, map[int32]int64{}, map[int32]bool{}
	listed.Each(func(o kadm.ListedOffset) {
		ends[o.Partition] = o.Offset
		if o.Offset > 0 {
			left[o.Partition] = true
		}
	})
	for ctx := j.context(); len(left) > 0; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			j.tb.Fatalf("drain %s: %v", topic, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() && r.Offset < ends[r.Partition] {
				values[r.Partition] = append(values[r.Partition], string(r.Value))
			}
			if r.Offset >= ends[r.Partition]-1 {
				delete(left, r.Partition)
			}
		})
	}
	return values, ends
}
