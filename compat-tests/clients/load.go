package clients

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// load produces at a steady rate to all partitions of a topic by turns until it is stopped.
type load struct {
	tb     testing.TB
	client *kgo.Client
	cancel context.CancelFunc
	done   chan struct{}

	mu sync.Mutex
	// ends are behind the last record acknowledged, by partition.
	ends []int64
	errs []error
}

func startLoad(tb testing.TB, bootstrap, topic string, partitions int, interval time.Duration) *load {
	tb.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(0), kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }), kgo.MetadataMinAge(50*time.Millisecond))
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{tb: tb, client: client, cancel: cancel, done: make(chan struct{}), ends: make([]int64, partitions)}
	tb.Cleanup(func() {
		cancel()
		<-l.done
		client.Close()
	})
	go l.run(ctx, partitions, interval)
	return l
}

func (l *load) run(ctx context.Context, partitions int, interval time.Duration) {
	defer close(l.done)
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		record := &kgo.Record{Partition: int32(i % partitions), Value: fmt.Appendf(nil, "value-%06d", i)}
		l.client.Produce(context.Background(), record, func(r *kgo.Record, err error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			if err != nil {
				l.errs = append(l.errs, err)
				return
			}
			l.ends[r.Partition] = max(l.ends[r.Partition], r.Offset+1)
		})
	}
}

// acknowledged are the ends of the partitions as far as producers know.
func (l *load) acknowledged() []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.ends)
}

// stop waits for the outcome of everything sent and returns the ends.
func (l *load) stop() []int64 {
	l.tb.Helper()
	l.cancel()
	<-l.done
	ctx, cancel := context.WithTimeout(context.Background(), settleTimeout)
	defer cancel()
	if err := l.client.Flush(ctx); err != nil {
		l.tb.Fatalf("flush: %v", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.errs) > 0 {
		l.tb.Errorf("%d records were not produced: %v", len(l.errs), l.errs[0])
	}
	return slices.Clone(l.ends)
}
