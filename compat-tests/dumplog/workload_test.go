package dumplog

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// chapter is a topic of the workload. Segments are of 1 MiB, so that each has
// several.
type chapter struct {
	topic    string
	settings map[string]string
	codec    kgo.CompressionCodec
	// keys is how many keys take turns.
	keys int
	// transactions commits and aborts every other batch of records.
	transactions bool
	// compacted expects fewer records than were sent.
	compacted bool
	// waits names what must be built before this can pass; empty is enabled.
	waits string
}

const (
	recordsEach = 3_000
	valueBytes  = 1_000
)

var chapters = []chapter{
	{topic: "none", codec: kgo.NoCompression(), keys: recordsEach},
	{topic: "gzip", codec: kgo.GzipCompression(), keys: recordsEach},
	{topic: "snappy", codec: kgo.SnappyCompression(), keys: recordsEach},
	{topic: "lz4", codec: kgo.Lz4Compression(), keys: recordsEach},
	{topic: "zstd", codec: kgo.ZstdCompression(), keys: recordsEach},
	{topic: "append-time", codec: kgo.NoCompression(), keys: recordsEach, settings: map[string]string{"message.timestamp.type": "LogAppendTime"}},
	{topic: "compacted", codec: kgo.NoCompression(), keys: 50, compacted: true, waits: "compaction",
		settings: map[string]string{"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01", "file.delete.delay.ms": "100"}},
	{topic: "transactions", codec: kgo.NoCompression(), keys: recordsEach, transactions: true, waits: "transactions"},
}

// brokerSettings let the compactor begin at once.
var brokerSettings = map[string]string{"log.cleaner.backoff.ms": "50", "log.flush.offset.checkpoint.interval.ms": "100",
	"offsets.topic.num.partitions": "4"}

func (c chapter) create(ctx context.Context, admin *kadm.Client) error {
	segment := "1048576"
	settings := map[string]*string{"segment.bytes": &segment}
	for key, value := range c.settings {
		settings[key] = &value
	}
	_, err := admin.CreateTopic(ctx, 2, 1, settings, c.topic)
	return err
}

// produce sends the records of the chapter by an idempotent producer.
func (c chapter) produce(ctx context.Context, bootstrap string) error {
	options := []kgo.Opt{kgo.SeedBrokers(bootstrap), kgo.DefaultProduceTopic(c.topic), kgo.ProducerBatchCompression(c.codec),
		kgo.ProducerBatchMaxBytes(64 << 10), kgo.RecordPartitioner(kgo.RoundRobinPartitioner())}
	if c.transactions {
		options = append(options, kgo.TransactionalID("dumped"))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return err
	}
	defer client.Close()
	if !c.transactions {
		return client.ProduceSync(ctx, c.records(0, recordsEach)...).FirstErr()
	}
	const each = 100
	for first := 0; first < recordsEach; first += each {
		if err := client.BeginTransaction(); err != nil {
			return err
		}
		if err := client.ProduceSync(ctx, c.records(first, each)...).FirstErr(); err != nil {
			return err
		}
		if err := client.EndTransaction(ctx, kgo.TransactionEndTry(first/each%2 == 0)); err != nil {
			return err
		}
	}
	return nil
}

// records are printable, so that a record is a line of the dump, and compress
// by about a quarter.
func (c chapter) records(first, n int) []*kgo.Record {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-"
	random := rand.New(rand.NewPCG(uint64(first), 0))
	records := make([]*kgo.Record, n)
	for i := range records {
		value := make([]byte, valueBytes)
		for k := range value {
			value[k] = letters[random.IntN(len(letters))]
		}
		records[i] = &kgo.Record{Key: fmt.Appendf(nil, "key-%d", (first+i)%c.keys), Value: value,
			Headers: []kgo.RecordHeader{{Key: "index", Value: fmt.Append(nil, first+i)}}}
	}
	return records
}

// held reads how many records a consumer finds, aborted ones included.
func held(ctx context.Context, bootstrap, topic string) (int, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.KeepControlRecords())
	if err != nil {
		return 0, err
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil {
		return 0, err
	}
	left, n := map[int32]int64{}, 0
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition] = o.Offset
		}
	})
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return n, err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				n++
			}
			if r.Offset >= left[r.Partition]-1 {
				delete(left, r.Partition)
			}
		})
	}
	return n, nil
}

// awaitCompacted waits until a consumer finds fewer records than were sent, and
// twice the same number in a row.
func awaitCompacted(t *testing.T, ctx context.Context, bootstrap, topic string) int {
	t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for before := recordsEach; ; {
		n, err := held(ctx, bootstrap, topic)
		if err != nil {
			t.Fatal(err)
		}
		if n < recordsEach && n == before {
			return n
		}
		before = n
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: still %d of %d records", topic, n, recordsEach)
		}
	}
}
