package inprocess

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/broker"
)

// run starts a broker with the topic "orders" of two partitions.
func run(t *testing.T, opts ...broker.Option) *broker.Broker {
	t.Helper()
	b, err := broker.Start(t.Context(), append([]broker.Option{broker.WithTopic("orders", 2)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Stop(); err != nil {
			t.Errorf("stopping the broker: %v", err)
		}
	})
	return b
}

func fault(t *testing.T, b *broker.Broker, rule broker.Rule) *broker.Fault {
	t.Helper()
	f, err := b.Fault(rule)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// eager clients try again at once.
func eager(opts ...kgo.Opt) []kgo.Opt {
	return append(opts, kgo.RetryBackoffFn(func(int) time.Duration { return time.Millisecond }), kgo.MetadataMinAge(10*time.Millisecond))
}

// send produces one record to a partition.
func send(ctx context.Context, c *kgo.Client, partition int32, value string) error {
	return c.ProduceSync(ctx, &kgo.Record{Topic: "orders", Partition: partition, Value: []byte(value)}).FirstErr()
}

// written is how many records the topic has, counted by offsets.
func written(ctx context.Context, t *testing.T, c *kgo.Client) (n int64) {
	t.Helper()
	ends, err := kadm.NewClient(c).ListEndOffsets(ctx, "orders")
	if err != nil {
		t.Fatal(err)
	}
	ends.Each(func(o kadm.ListedOffset) { n += o.Offset })
	return n
}

// What a producer goes on from by itself: the record is there once, whatever the
// fault, and the fault has happened.
func TestAProducerGetsOverFaults(t *testing.T) {
	for name, rule := range map[string]broker.Rule{
		"an error of the partition":            {APIs: []string{"Produce"}, Topic: "orders", Partitions: []int32{1}, Error: "NOT_LEADER_OR_FOLLOWER", Times: 2},
		"an error of everything":               {APIs: []string{"Produce"}, Error: "NOT_ENOUGH_REPLICAS", Times: 2},
		"a delay":                              {APIs: []string{"Produce"}, Delay: 20 * time.Millisecond, Times: 2},
		"a connection dropped before the work": {APIs: []string{"Produce"}, Drop: broker.DropBefore, Times: 2},
		"a connection dropped after the work":  {APIs: []string{"Produce"}, Drop: broker.DropAfter, Times: 2},
		"no producer id yet":                   {APIs: []string{"InitProducerId"}, Error: "COORDINATOR_LOAD_IN_PROGRESS", Times: 2},
		"no leader yet":                        {APIs: []string{"Metadata"}, Topic: "orders", Error: "LEADER_NOT_AVAILABLE", Times: 2},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, b := within(t), run(t)
			f := fault(t, b, rule)
			c := client(t, b.Bootstrap(), eager(kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
			for _, value := range []string{"a", "b"} {
				if err := send(ctx, c, 1, value); err != nil {
					t.Fatal(err)
				}
			}
			if err := f.Wait(ctx, rule.Times); err != nil {
				t.Errorf("the fault has happened %d times", f.Count())
			}
			if n := written(ctx, t, c); n != 2 {
				t.Errorf("%d records were written, want 2", n)
			}
		})
	}
}

// An error that is no use to try again reaches the application.
func TestAnErrorReachesTheProducer(t *testing.T) {
	ctx, b := within(t), run(t)
	fault(t, b, broker.Rule{APIs: []string{"Produce"}, Topic: "orders", Partitions: []int32{0}, ClientID: "unlucky", Error: "MESSAGE_TOO_LARGE"})
	manual := kgo.RecordPartitioner(kgo.ManualPartitioner())
	unlucky := client(t, b.Bootstrap(), manual, kgo.ClientID("unlucky"))
	if err := send(ctx, unlucky, 0, "a"); !errors.Is(err, kerr.MessageTooLarge) {
		t.Errorf("partition 0: %v", err)
	}
	if err := send(ctx, unlucky, 1, "a"); err != nil {
		t.Errorf("partition 1: %v", err)
	}
	if err := send(ctx, client(t, b.Bootstrap(), manual), 0, "a"); err != nil {
		t.Errorf("another client: %v", err)
	}
}

// A consumer in a group gets over faults of every request that it makes, and misses
// no record.
func TestAConsumerGetsOverFaults(t *testing.T) {
	for name, rule := range map[string]broker.Rule{
		"fetch: not the leader":     {APIs: []string{"Fetch"}, Topic: "orders", Error: "NOT_LEADER_OR_FOLLOWER", Times: 2},
		"fetch: no such session":    {APIs: []string{"Fetch"}, After: 1, Error: "FETCH_SESSION_ID_NOT_FOUND", Times: 1},
		"fetch: dropped":            {APIs: []string{"Fetch"}, Drop: broker.DropAfter, Times: 2},
		"join: loading":             {APIs: []string{"JoinGroup"}, Error: "COORDINATOR_LOAD_IN_PROGRESS", Times: 2},
		"sync: rebalance":           {APIs: []string{"SyncGroup"}, Error: "REBALANCE_IN_PROGRESS", Times: 1},
		"coordinator: none":         {APIs: []string{"FindCoordinator"}, Error: "COORDINATOR_NOT_AVAILABLE", Times: 2},
		"offsets: not here":         {APIs: []string{"OffsetFetch"}, Error: "NOT_COORDINATOR", Times: 1},
		"offsets: not stable":       {APIs: []string{"OffsetFetch"}, Topic: "orders", Error: "UNSTABLE_OFFSET_COMMIT", Times: 1},
		"list offsets: not leader":  {APIs: []string{"ListOffsets"}, Topic: "orders", Partitions: []int32{0}, Error: "NOT_LEADER_OR_FOLLOWER", Times: 1},
		"everything is a bit slow":  {Delay: 2 * time.Millisecond, Every: 2},
		"every fifth answer is cut": {ClientID: "cut", APIs: []string{"Fetch", "JoinGroup", "SyncGroup", "Heartbeat", "OffsetFetch", "Metadata"}, Drop: broker.DropAfter, Every: 5, Times: 3},
	} {
		t.Run(name, func(t *testing.T) {
			const total = 20
			ctx, b := within(t), run(t)
			p := client(t, b.Bootstrap(), kgo.RecordPartitioner(kgo.ManualPartitioner()))
			for i := range total {
				if err := send(ctx, p, int32(i%2), "a"); err != nil {
					t.Fatal(err)
				}
			}
			f := fault(t, b, rule)
			c := client(t, b.Bootstrap(), eager(kgo.ClientID("cut"), kgo.ConsumerGroup("workers"), kgo.ConsumeTopics("orders"),
				kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(), kgo.FetchMaxPartitionBytes(100))...)
			for n := 0; n < total; {
				fetches := c.PollFetches(ctx)
				if ctx.Err() != nil {
					t.Fatalf("%d of %d records came, the fault fired %d times", n, total, f.Count())
				}
				n += fetches.NumRecords() // errors that are tried again are none of ours
			}
			if f.Count() == 0 {
				t.Error("the fault has not happened")
			}
		})
	}
}

// A commit that fails is told to who commits.
func TestAnErrorReachesTheCommitter(t *testing.T) {
	ctx, b := within(t), run(t)
	admin := kadm.NewClient(client(t, b.Bootstrap()))
	offsets := make(kadm.Offsets)
	offsets.AddOffset("orders", 0, 5, -1)
	offsets.AddOffset("orders", 1, 6, -1)
	fault(t, b, broker.Rule{APIs: []string{"OffsetCommit"}, Topic: "orders", Partitions: []int32{1}, Error: "INVALID_COMMIT_OFFSET_SIZE", Times: 1})
	committed, err := admin.CommitOffsets(ctx, "workers", offsets)
	if err != nil {
		t.Fatal(err)
	}
	if p, _ := committed.Lookup("orders", 0); p.Err != nil {
		t.Errorf("partition 0: %v", p.Err)
	}
	if p, _ := committed.Lookup("orders", 1); !errors.Is(p.Err, kerr.InvalidCommitOffsetSize) {
		t.Errorf("partition 1: %v", p.Err)
	}
	fetched, err := admin.FetchOffsets(ctx, "workers")
	if err != nil {
		t.Fatal(err)
	}
	if o, ok := fetched.Lookup("orders", 0); !ok || o.At != 5 {
		t.Errorf("partition 0 is at %d", o.At)
	}
	if o, ok := fetched.Lookup("orders", 1); ok && o.At >= 0 {
		t.Errorf("partition 1 is at %d, and its commit failed", o.At)
	}
}

// Clients that live through resets: a producer goes on, and a consumer that joins
// anew sees what was written since, and nothing of before.
func TestClientsLiveThroughResets(t *testing.T) {
	const resets = 5
	ctx, b := within(t), run(t)
	p := client(t, b.Bootstrap(), eager(kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	for i := range resets {
		value := string(rune('a' + i))
		if err := send(ctx, p, 0, value); err != nil {
			t.Fatalf("life %d: %v", i, err)
		}
		c, err := kgo.NewClient(eager(kgo.SeedBrokers(b.Bootstrap()), kgo.ConsumerGroup("workers"), kgo.ConsumeTopics("orders"),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
		if err != nil {
			t.Fatal(err)
		}
		records := c.PollFetches(ctx).Records()
		if len(records) != 1 || string(records[0].Value) != value || records[0].Offset != 0 {
			t.Errorf("life %d: %d records", i, len(records))
		}
		if err := b.Reset(ctx); err != nil {
			t.Fatal(err)
		}
		c.Close() // of a group that nobody knows any more
		// franz-go holds on to a topic's id: a topic made anew must be purged.
		p.PurgeTopicsFromClient("orders")
	}
}
