package dumplog

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
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
	recordsEach = 6_000
	valueBytes  = 1_000
)

var chapters = []chapter{
	{topic: "none", codec: kgo.NoCompression(), keys: recordsEach},
	{topic: "gzip", codec: kgo.GzipCompression(), keys: recordsEach},
	{topic: "snappy", codec: kgo.SnappyCompression(), keys: recordsEach},
	{topic: "lz4", codec: kgo.Lz4Compression(), keys: recordsEach},
	{topic: "zstd", codec: kgo.ZstdCompression(), keys: recordsEach},
	{topic: "append-time", codec: kgo.NoCompression(), keys: recordsEach, settings: map[string]string{"message.timestamp.type": "LogAppendTime"}},
	{topic: "compacted", codec: kgo.NoCompression(), keys: 50, compacted: true,
		settings: map[string]string{"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01", "file.delete.delay.ms": "100"}},
	{topic: "transactions", codec: kgo.NoCompression(), keys: recordsEach, transactions: true, waits: "transactions"},
}

// brokerSettings let the compactor begin at once, and make the metadata have
// snapshots.
var brokerSettings = map[string]string{"log.cleaner.backoff.ms": "50", "log.flush.offset.checkpoint.interval.ms": "100",
	"offsets.topic.num.partitions": "4", "metadata.log.max.record.bytes.between.snapshots": "1000"}

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

// records are printable, so that a record is a line of the dump, and every codec
// makes them smaller: franz-go sends a batch that does not shrink as it is.
func (c chapter) records(first, n int) []*kgo.Record {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-"
	random := rand.New(rand.NewPCG(uint64(first), 0))
	records := make([]*kgo.Record, n)
	for i := range records {
		value := make([]byte, valueBytes)
		for k := range value {
			value[k] = '.'
			if k < valueBytes*2/3 {
				value[k] = letters[random.IntN(len(letters))]
			}
		}
		records[i] = &kgo.Record{Key: fmt.Appendf(nil, "key-%d", (first+i)%c.keys), Value: value,
			Headers: []kgo.RecordHeader{{Key: "index", Value: fmt.Append(nil, first+i)}}}
	}
	return records
}

// read gives each record of a topic to see, aborted ones included.
func read(ctx context.Context, bootstrap, topic string, see func(r *kgo.Record)) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.KeepControlRecords())
	if err != nil {
		return err
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil {
		return err
	}
	left := map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition] = o.Offset
		}
	})
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				see(r)
			}
			if r.Offset >= left[r.Partition]-1 {
				delete(left, r.Partition)
			}
		})
	}
	return nil
}

// awaitCompacted waits until no key is twice before the active segment; from
// then on the compactor finds nothing to remove. It returns how many records
// there are.
func awaitCompacted(t *testing.T, ctx context.Context, broker *testbed.Broker, topic string) int {
	t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		active := activeSegments(t, broker.DataDir(), topic)
		n, doubled, seen := 0, 0, map[string]bool{}
		err := read(ctx, broker.Bootstrap(), topic, func(r *kgo.Record) {
			n++
			key := fmt.Sprintf("%d %s", r.Partition, r.Key)
			if r.Offset < active[r.Partition] && seen[key] {
				doubled++
			}
			seen[key] = true
		})
		if err != nil {
			t.Fatal(err)
		}
		if n < recordsEach && doubled == 0 {
			return n
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: still %d of %d records, %d of them superseded", topic, n, recordsEach, doubled)
		}
	}
}

// activeSegments are the base offsets of the last segment of each partition.
func activeSegments(t *testing.T, dir, topic string) map[int32]int64 {
	t.Helper()
	bases := map[int32]int64{}
	for _, path := range find(t, dir, folderOf(topic), ".log") { // sorted, and so by offset
		partition, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(filepath.Dir(path)), topic+"-"))
		if err != nil {
			continue // a folder on its way out
		}
		base, err := strconv.ParseInt(strings.TrimSuffix(filepath.Base(path), ".log"), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		bases[int32(partition)] = base
	}
	return bases
}
