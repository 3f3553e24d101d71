package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	mixedProbeTopic       = "mixed-probe"
	mixedTransactionTopic = "mixed-transactions"
	mixedTransactions     = 20 // per second
	mixedMembers          = 2
	mixedCommitInterval   = 500 * time.Millisecond
)

// mixedStream is a raw producer of the load: a batch for each partition, at a rate, one
// request in flight.
type mixedStream struct {
	topic      string
	partitions int32
	frames     func(topic string, partitions int32) (all [][]byte, records int64)
	perSecond  int
	settings   map[string]string
}

// mixedRetention has segments deleted all the time, so that a run of any length needs
// as much disk.
var mixedRetention = map[string]string{"segment.bytes": "4194304", "retention.bytes": "16777216", "file.delete.delay.ms": "1000"}

var mixedStreams = []mixedStream{
	{"mixed-100-bytes", 1, sameFrame(record100B), 200, mixedRetention},
	{"mixed-16-kib", partitions, sameFrame(batch16KiB), 20, mixedRetention},
	{"mixed-128-kib", partitions, sameFrame(batch128KiB), 5, mixedRetention},
	{"mixed-keys", 1, keyFrames, 50, map[string]string{"cleanup.policy": "compact", "segment.bytes": "4194304",
		"min.cleanable.dirty.ratio": "0.1", "file.delete.delay.ms": "1000"}},
}

func sameFrame(shape batchShape) func(topic string, partitions int32) ([][]byte, int64) {
	return func(topic string, partitions int32) ([][]byte, int64) {
		return [][]byte{produceFrame(topic, partitions, shape.encode())}, int64(shape.records)
	}
}

// keyFrames are updates of the same few keys.
func keyFrames(topic string, _ int32) ([][]byte, int64) {
	return updateFrames(topic, 10*updatesPerBatch)[0], updatesPerBatch * keysEach
}

func createMixedTopics(ctx context.Context, b contender) error {
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(b.Bootstrap()))
	if err != nil {
		return err
	}
	defer admin.Close()
	all := append([]mixedStream{{topic: mixedProbeTopic, partitions: 1}, {topic: mixedTransactionTopic, partitions: 1}}, mixedStreams...)
	for _, s := range all {
		settings := map[string]*string{}
		for name, value := range s.settings {
			settings[name] = &value
		}
		if _, err := admin.CreateTopic(ctx, s.partitions, 1, settings, s.topic); err != nil {
			return fmt.Errorf("create %s: %w", s.topic, err)
		}
		if err := awaitTopic(ctx, admin, s.topic, s.partitions); err != nil {
			return err
		}
	}
	return nil
}

// mixedLoad is what runs beside the probe.
type mixedLoad struct {
	broker contender
	cancel context.CancelFunc
	parts  sync.WaitGroup

	mu struct {
		sync.Mutex
		errs []error
		// stored is what each partition of a stream's topic was acknowledged.
		stored map[string]int64
	}
}

// startMixed starts producers of several sizes, a group of two members that read and
// commit all of it, a transactional producer, and a reader of what it commits. The
// readers check the checksum of every batch, as franz-go does.
func startMixed(ctx context.Context, b contender) *mixedLoad {
	m := &mixedLoad{broker: b}
	m.mu.stored = map[string]int64{}
	ctx, m.cancel = context.WithCancel(ctx)
	topics := make([]string, 0, len(mixedStreams))
	for _, s := range mixedStreams {
		topics = append(topics, s.topic)
		m.run(s.topic, func() error { return m.stream(ctx, s) })
	}
	for range mixedMembers {
		m.run("a member", func() error {
			return m.read(ctx, kgo.ConsumerGroup("mixed"), kgo.ConsumeTopics(topics...), kgo.AutoCommitInterval(mixedCommitInterval))
		})
	}
	m.run("transactions", func() error { return m.transact(ctx) })
	m.run("the reader of the committed", func() error {
		return m.read(ctx, kgo.ConsumeTopics(mixedTransactionTopic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	})
	return m
}

// run starts a part; its error is kept until the end.
func (m *mixedLoad) run(name string, part func() error) {
	m.parts.Go(func() {
		if err := part(); err != nil {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.mu.errs = append(m.mu.errs, fmt.Errorf("%s: %w", name, err))
		}
	})
}

// end stops all parts and returns what went wrong in them.
func (m *mixedLoad) end() error {
	m.cancel()
	m.parts.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	return errors.Join(m.mu.errs...)
}

// stream sends frames at its rate until the end. What comes late is not made up for:
// this is load, not a measurement.
func (m *mixedLoad) stream(ctx context.Context, s mixedStream) error {
	conn, err := dialRaw(m.broker.Bootstrap())
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // the answers have been read
	frames, records := s.frames(s.topic, s.partitions)
	ticker := time.NewTicker(time.Second / time.Duration(s.perSecond))
	defer ticker.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			m.mu.Lock()
			defer m.mu.Unlock()
			m.mu.stored[s.topic] = int64(i) * records
			return nil
		case <-ticker.C:
		}
		if _, err := roundTrip(conn, frames[i%len(frames)], s.topic, int(s.partitions)); err != nil {
			return err
		}
	}
}

// read polls until the end.
func (m *mixedLoad) read(ctx context.Context, options ...kgo.Opt) error {
	client, err := kgo.NewClient(append(options, kgo.SeedBrokers(m.broker.Bootstrap()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		return err
	}
	defer client.Close()
	for ctx.Err() == nil {
		if err := client.PollFetches(ctx).Err(); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// transact commits transactions of one record at a rate until the end.
func (m *mixedLoad) transact(ctx context.Context) error {
	clients, err := transactionalClients(ctx, m.broker, mixedTransactionTopic, 1)
	defer func() {
		for _, c := range clients {
			c.Close()
		}
	}()
	if err != nil {
		return err
	}
	ticker := time.NewTicker(time.Second / mixedTransactions)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if _, err := transact(ctx, clients[0], 1); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// verify compares what was acknowledged with where partitions end; deleting and
// compacting do not change that.
func (m *mixedLoad) verify() error {
	for _, s := range mixedStreams {
		ends, err := endsOf(m.broker.Bootstrap(), s.topic, s.partitions)
		if err != nil {
			return fmt.Errorf("%s: %w", s.topic, err)
		}
		for partition, end := range ends {
			if want := m.mu.stored[s.topic]; end != want {
				return fmt.Errorf("%s: partition %d ends at %d, acknowledged were %d", s.topic, partition, end, want)
			}
		}
	}
	return nil
}
