// The franz-go client of the matrix: topics by kadm, records by kgo.
package main

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/clients/program"
)

func main() { program.Main(&franz{}) }

type franz struct {
	// sender is the stream step's.
	sender *kgo.Client
	// admin is the admin step's.
	admin *kadm.Client
}

var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

func (*franz) Module() string   { return "github.com/twmb/franz-go" }
func (*franz) Codecs() []string { return slices.Sorted(maps.Keys(codecs)) }

func (*franz) Create(ctx context.Context, o program.Options) error {
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(o.Bootstrap))
	if err != nil {
		return err
	}
	defer admin.Close()
	_, err = admin.CreateTopic(ctx, int32(o.Partitions), 1, nil, o.Topic)
	return err
}

func (*franz) Produce(ctx context.Context, o program.Options, records []program.Record) error {
	options := []kgo.Opt{
		kgo.SeedBrokers(o.Bootstrap), kgo.DefaultProduceTopic(o.Topic), kgo.ProducerBatchCompression(codecs[o.Codec]),
	}
	if o.MaxBytes > 0 {
		options = append(options, kgo.ProducerBatchMaxBytes(int32(o.MaxBytes)))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return err
	}
	defer client.Close()
	batch := make([]*kgo.Record, 0, len(records))
	for _, r := range records {
		batch = append(batch, unsent(r))
	}
	return client.ProduceSync(ctx, batch...).FirstErr()
}

func (*franz) Read(ctx context.Context, o program.Options, out *program.Output) error {
	partitions, from := make(map[string]map[int32]kgo.Offset), kgo.NewOffset().AtStart()
	if o.Since > 0 {
		from = kgo.NewOffset().AfterMilli(o.Since)
	}
	for _, topic := range o.Topics {
		partitions[topic] = map[int32]kgo.Offset{0: from}
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(o.Bootstrap), kgo.ConsumePartitions(partitions))
	if err != nil {
		return err
	}
	defer client.Close()
	for left := o.Count; left > 0; {
		fetches := client.PollRecords(ctx, left)
		if err := fetches.Err(); err != nil {
			return err
		}
		fetches.EachRecord(func(r *kgo.Record) { out.Record(record(r)) })
		left -= fetches.NumRecords()
	}
	return nil
}

func (*franz) Consume(ctx context.Context, o program.Options, out *program.Output) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(o.Bootstrap),
		kgo.ConsumerGroup(o.Group),
		kgo.ConsumeTopics(o.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	var seen []*kgo.Record
	next := make(map[int32]int64)
	for len(seen) < o.Count {
		fetches := client.PollRecords(ctx, o.Count-len(seen))
		if err := fetches.Err(); err != nil {
			return err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			out.Record(record(r))
			seen = append(seen, r)
			next[r.Partition] = r.Offset + 1
		})
	}
	if err := client.CommitRecords(ctx, seen...); err != nil {
		return err
	}
	out.Committed(next)
	return nil
}

func (*franz) Member(ctx context.Context, o program.Options, out *program.Output) error {
	var owned ownership
	options := []kgo.Opt{
		kgo.SeedBrokers(o.Bootstrap),
		kgo.ConsumerGroup(o.Group),
		kgo.ConsumeTopics(o.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.SessionTimeout(o.Session),
		kgo.HeartbeatInterval(o.Session / 10),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, got map[string][]int32) {
			out.Assigned(owned.add(got[o.Topic]))
		}),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
			out.Assigned(owned.remove(lost[o.Topic]))
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
			out.Assigned(owned.remove(lost[o.Topic]))
		}),
	}
	if o.Instance != "" {
		options = append(options, kgo.InstanceID(o.Instance))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return err
	}
	defer client.Close()
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		fetches.EachError(func(_ string, _ int32, err error) { out.Error(err) })
		fetches.EachRecord(func(r *kgo.Record) { out.Record(record(r)) })
	}
}

// Worker holds rebalances up while it works: what it has polled is committed before a partition goes.
func (*franz) Worker(ctx context.Context, o program.Options, out *program.Output) error {
	var owned ownership
	gone := func(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
		out.Assigned(owned.remove(lost[o.Topic]))
	}
	options := []kgo.Opt{
		kgo.SeedBrokers(o.Bootstrap), kgo.ConsumerGroup(o.Group), kgo.ConsumeTopics(o.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.SessionTimeout(o.Session), kgo.HeartbeatInterval(o.Session / 10),
		kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, got map[string][]int32) {
			out.Assigned(owned.add(got[o.Topic]))
		}),
		kgo.OnPartitionsRevoked(gone), kgo.OnPartitionsLost(gone),
	}
	if o.Protocol == "consumer" {
		options = append(options, kgo.ServerSideBalancer(), kgo.Balancers(kgo.StickyBalancer()))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return err
	}
	defer client.CloseAllowingRebalance()
	for {
		fetches := client.PollRecords(ctx, workBatch)
		if ctx.Err() != nil {
			return nil
		}
		fetches.EachError(func(_ string, _ int32, err error) { out.Note(err) })
		work(ctx, client, fetches.Records(), out)
		client.AllowRebalance()
	}
}

// workBatch is how many records a worker takes between two commits.
const workBatch = 100

func work(ctx context.Context, client *kgo.Client, records []*kgo.Record, out *program.Output) {
	if len(records) == 0 {
		return
	}
	next := make(map[int32]int64)
	for _, r := range records {
		out.Record(record(r))
		next[r.Partition] = r.Offset + 1
	}
	if err := client.CommitRecords(ctx, records...); err != nil {
		out.Note(err)
		return
	}
	out.Committed(next)
}

func unsent(r program.Record) *kgo.Record {
	record := &kgo.Record{Key: r.Key, Value: r.Value}
	if r.Timestamp != nil {
		record.Timestamp = time.UnixMilli(*r.Timestamp)
	}
	for _, h := range r.Headers {
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: h.Name, Value: h.Value})
	}
	return record
}

func record(r *kgo.Record) program.Record {
	at := r.Timestamp.UnixMilli()
	record := program.Record{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Timestamp: &at, Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		record.Headers = append(record.Headers, program.Header{Name: h.Key, Value: h.Value})
	}
	return record
}

// ownership sums up the changes that cooperative rebalancing reports.
type ownership struct {
	mu         sync.Mutex
	partitions []int32
}

func (o *ownership) add(got []int32) []int32 {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.partitions = append(o.partitions, got...)
	slices.Sort(o.partitions)
	return slices.Clone(o.partitions)
}

func (o *ownership) remove(lost []int32) []int32 {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.partitions = slices.DeleteFunc(o.partitions, func(p int32) bool { return slices.Contains(lost, p) })
	return slices.Clone(o.partitions)
}
