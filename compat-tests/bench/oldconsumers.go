package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// oldFetchVersion is that of consumers of Kafka 0.10.1 and 0.10.2: format 1.
const oldFetchVersion = 3

const (
	oldRow       = "fetch by 0.10"
	oldMemoryRow = "memory for it"
	besideRow    = "modern fetch beside 0.10 / alone, time"
)

// errRefused is what Apache Kafka says of zstd to those who do not know it.
var errRefused = errors.New("the broker does not convert the codec")

// Apache Kafka 4 does not convert any more.
var oldStarters = map[string]starter{
	"kafka": func() (contender, error) {
		return oracle.Start(oracle.Options{Version: oracle.Old, HeapMiB: 1024, Server: true, Properties: deletingSoon(nil)})
	},
}

var oldWorkloads = []workload{
	{name: "old consumers: without compression", run: oldConsumers("none", kgo.NoCompression())},
	{name: "old consumers: lz4", run: oldConsumers("lz4", kgo.Lz4Compression())},
	{name: "old consumers: zstd", run: oldConsumers("zstd", kgo.ZstdCompression())},
}

var oldGoals = []goal{
	{row: oldMemoryRow + ", zstd", unit: "MiB", column: "barnabas", atMost: 64},
	{row: oldRow + ", lz4", unit: "MB/s", column: "kafka", ratio: true, atLeast: 1},
}

// oldConsumers fills a topic with compressed batches and reads it by a version of
// Fetch from before batches, and by a modern one alone and beside it.
func oldConsumers(name string, codec kgo.CompressionCodec) func(b contender, o options) ([]phase, error) {
	return func(b contender, o options) (phases []phase, err error) {
		count := int64(o.sizeMiB) << 20 / recordBytes
		err = withTopic(b, 1, func(ctx context.Context, topic string) error {
			if err := produceCompressed(ctx, b, topic, count, codec); err != nil {
				return err
			}
			before, err := b.Usage()
			if err != nil {
				return err
			}
			read, err := timed(b, o, oldRow+", "+name, func() (int64, int64, error) {
				return count * recordBytes, 0, readOld(b.Bootstrap(), topic, count)
			})
			if errors.Is(err, errRefused) {
				return nil
			}
			if err != nil {
				return err
			}
			after, err := b.Usage()
			if err != nil {
				return err
			}
			held := sample{oldMemoryRow + ", " + name, "MiB", lower, float64(after.PeakRSS-before.RSS) / (1 << 20)}
			beside, err := modernBeside(b, topic, count)
			phases = []phase{read, {more: []sample{held, {besideRow + ", " + name, "x", lower, beside}}}}
			return err
		})
		return phases, err
	}
}

// produceCompressed sends records that shrink to about half.
func produceCompressed(ctx context.Context, b contender, topic string, count int64, codec kgo.CompressionCodec) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Bootstrap()), kgo.DefaultProduceTopic(topic), kgo.ProducerBatchCompression(codec),
		kgo.MaxBufferedRecords(bufferedBytes/recordBytes), kgo.ProducerBatchMaxBytes(1_000_000))
	if err != nil {
		return err
	}
	defer client.Close()
	var once sync.Once
	var failed error
	random := rand.NewChaCha8([32]byte{})
	for range count {
		value := make([]byte, recordBytes)
		_, _ = random.Read(value[:recordBytes/2]) // it never fails
		client.Produce(ctx, &kgo.Record{Value: value}, func(_ *kgo.Record, err error) {
			if err != nil {
				once.Do(func() { failed = err })
			}
		})
	}
	return errors.Join(client.Flush(ctx), failed)
}

// readOld reads partition 0 to its end in an old version.
func readOld(address, topic string, end int64) error {
	conn, err := wire.Dial(address)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // only read from
	for next := int64(0); next < end; {
		req := fetchRequest(topic, []int64{next}, end)
		req.Version = oldFetchVersion
		resp, err := conn.Call(req)
		if err != nil {
			return err
		}
		p := resp.(*kmsg.FetchResponse).Topics[0].Partitions[0]
		switch before := next; {
		case p.ErrorCode == 76: // UNSUPPORTED_COMPRESSION_TYPE
			return errRefused
		case p.ErrorCode != 0:
			return fmt.Errorf("error %d at offset %d", p.ErrorCode, next)
		default:
			if next = afterMessages(p.RecordBatches, next); next == before {
				return fmt.Errorf("no progress at offset %d of %d", next, end)
			}
		}
	}
	return nil
}

// afterMessages is the offset behind the last whole entry of a message set: a
// wrapper has that of its last message.
func afterMessages(set []byte, next int64) int64 {
	const entryHeader = 12
	for len(set) >= entryHeader {
		size := int(binary.BigEndian.Uint32(set[8:])) + entryHeader
		if size > len(set) {
			break
		}
		next = int64(binary.BigEndian.Uint64(set)) + 1
		set = set[size:]
	}
	return next
}

// modernBeside is how much longer a modern consumer takes while an old one reads.
func modernBeside(b contender, topic string, count int64) (float64, error) {
	modern := func() (time.Duration, error) {
		began := time.Now()
		_, err := fetchAll(b.Bootstrap(), topic, 1, count, bulkFetch)
		return time.Since(began), err
	}
	alone, err := modern()
	if err != nil {
		return 0, err
	}
	old := make(chan error, 1)
	go func() { old <- readOld(b.Bootstrap(), topic, count) }()
	beside, err := modern()
	return beside.Seconds() / alone.Seconds(), errors.Join(err, <-old)
}
