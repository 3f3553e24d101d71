// Package inprocess runs a real Go client against a broker in the same process,
// over a memory disk: the part of the client tests that needs Go alone.
package inprocess

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/broker"
	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/internal/vfs"
)

// start serves a broker on a free port until the test ends or stop is called.
func start(t *testing.T, files vfs.FS) (bootstrap string, stop func()) {
	t.Helper()
	settings, err := config.Load(config.Input{Listen: []string{"127.0.0.1:0"}, Data: "data", Profile: "dev"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := broker.Open(broker.Options{Settings: settings, FS: files, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := b.Close(ctx); err != nil {
			t.Errorf("stopping the broker: %v", err)
		}
	}
	t.Cleanup(stop)
	return b.Bootstrap(), stop
}

func client(t *testing.T, bootstrap string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(bootstrap)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

// Records of every codec come back byte for byte, in a group that commits half,
// loses its broker, and goes on where it had committed.
func TestAGroupResumesAfterARestart(t *testing.T) {
	for name, codec := range codecs {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			files := vfs.NewMem()
			bootstrap, stop := start(t, files)
			const topic, total, half = "orders", 1000, 400
			produce(ctx, t, bootstrap, topic, total, codec)
			first := consume(ctx, t, bootstrap, topic, half)
			stop()
			bootstrap, _ = start(t, files)
			rest := consume(ctx, t, bootstrap, topic, total-half)
			seen := make(map[string]bool)
			for _, key := range append(first, rest...) {
				if seen[key] {
					t.Fatalf("%s was read twice", key)
				}
				seen[key] = true
			}
			if len(seen) != total {
				t.Fatalf("%d records were read, want %d", len(seen), total)
			}
		})
	}
}

func produce(ctx context.Context, t *testing.T, bootstrap, topic string, total int, codec kgo.CompressionCodec) {
	t.Helper()
	c := client(t, bootstrap, kgo.ProducerBatchCompression(codec))
	if _, err := kadm.NewClient(c).CreateTopic(ctx, 3, 1, nil, topic); err != nil {
		t.Fatal(err)
	}
	for i := range total {
		c.Produce(ctx, record(topic, i), func(_ *kgo.Record, err error) {
			if err != nil {
				t.Errorf("producing record %d: %v", i, err)
			}
		})
	}
	if err := c.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

func record(topic string, i int) *kgo.Record {
	return &kgo.Record{
		Topic: topic, Key: fmt.Appendf(nil, "key-%d", i), Value: fmt.Appendf(nil, "value-%d-%0200d", i, i*i),
		Headers: []kgo.RecordHeader{{Key: "n", Value: fmt.Appendf(nil, "%d", i)}, {Key: "empty"}},
	}
}

// consume reads exactly n records in the group, commits them and leaves.
func consume(ctx context.Context, t *testing.T, bootstrap, topic string, n int) []string {
	t.Helper()
	c := client(t, bootstrap, kgo.ConsumerGroup("workers"), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())
	var keys []string
	var read []*kgo.Record
	for len(read) < n {
		fetches := c.PollRecords(ctx, n-len(read))
		if err := fetches.Err0(); err != nil {
			t.Fatalf("after %d records: %v", len(read), err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			var i int
			if _, err := fmt.Sscanf(string(r.Key), "key-%d", &i); err != nil {
				t.Fatalf("a record has the key %q", r.Key)
			}
			want := record(topic, i)
			if string(r.Value) != string(want.Value) || len(r.Headers) != 2 || string(r.Headers[0].Value) != fmt.Sprint(i) || r.Headers[1].Value != nil {
				t.Fatalf("record %d came back as %q %v", i, r.Value, r.Headers)
			}
			keys, read = append(keys, string(r.Key)), append(read, r)
		})
	}
	if err := c.CommitRecords(ctx, read...); err != nil {
		t.Fatal(err)
	}
	c.Close()
	return keys
}

func TestTopicsAreManagedByTheAdminClient(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	bootstrap, _ := start(t, vfs.NewMem())
	admin := kadm.NewClient(client(t, bootstrap))
	if _, err := admin.CreateTopic(ctx, 2, 1, map[string]*string{"retention.ms": kadm.StringPtr("1000")}, "t"); err != nil {
		t.Fatal(err)
	}
	if r, err := admin.CreatePartitions(ctx, 1, "t"); err != nil || r.Error() != nil {
		t.Fatal(err, r.Error())
	}
	topics, err := admin.ListTopics(ctx, "t")
	if err != nil || len(topics["t"].Partitions) != 3 {
		t.Fatalf("the topic has %d partitions, %v", len(topics["t"].Partitions), err)
	}
	configs, err := admin.DescribeTopicConfigs(ctx, "t")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range configs[0].Configs {
		if c.Key == "retention.ms" && c.MaybeValue() != "1000" {
			t.Fatalf("retention.ms is %q", c.MaybeValue())
		}
	}
	if _, err := admin.DeleteTopic(ctx, "t"); err != nil {
		t.Fatal(err)
	}
}
