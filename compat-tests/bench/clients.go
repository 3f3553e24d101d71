package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// bufferedBytes is what the producer may hold, as in franz-go's own benchmark.
// With its default of 10,000 records a fast broker is sent many small batches,
// and the figure says more about the client than about the broker.
const bufferedBytes = 250 << 20

// produceRecords sends records as an application would that wants throughput:
// idempotent, acks=all, no compression.
func produceRecords(ctx context.Context, b contender, topic string, count int64, valueBytes int) error {
	client, err := newClient(b, kgo.DefaultProduceTopic(topic),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.MaxBufferedRecords(bufferedBytes/valueBytes), kgo.ProducerBatchMaxBytes(1_000_000))
	if err != nil {
		return err
	}
	defer client.Close()
	value := filler(valueBytes)
	var once sync.Once
	var failed error
	promise := func(_ *kgo.Record, err error) {
		if err != nil {
			once.Do(func() { failed = err })
		}
	}
	for range count {
		client.Produce(ctx, &kgo.Record{Value: value}, promise)
	}
	if err := client.Flush(ctx); err != nil {
		return err
	}
	return failed
}

// consumeRecords reads all partitions from the start until count records came.
func consumeRecords(ctx context.Context, b contender, topic string, count int64) error {
	client, err := newClient(b, kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err
	}
	defer client.Close()
	for got := int64(0); got < count; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("after %d of %d records: %w", got, count, err)
		}
		got += int64(fetches.NumRecords())
	}
	return nil
}

// filler is a value that does not compress to nothing.
func filler(n int) []byte {
	out := make([]byte, n)
	state := uint32(1)
	for i := range out {
		state = state*1664525 + 1013904223
		out[i] = byte(state >> 24)
	}
	return out
}
