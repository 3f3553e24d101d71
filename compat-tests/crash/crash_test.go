package crash

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

const (
	kills      = 5
	partitions = 3
	// acksBetweenKills is enough for several batches in flight on each
	// partition at the moment of the kill.
	acksBetweenKills = 5_000
	// testTimeout bounds a whole test; five restarts of Kafka take half of it.
	testTimeout = 4 * time.Minute
)

// brokers are started by name, so that each test says on which it runs.
var brokers = []struct {
	name  string
	start func(t *testing.T) testbed.Target
}{
	{"barnabas dev", func(t *testing.T) testbed.Target { return barnabas.Run(t, barnabas.Options{Profile: "dev"}) }},
	{"barnabas server", func(t *testing.T) testbed.Target { return barnabas.Run(t, barnabas.Options{Profile: "server"}) }},
	{"kafka", func(t *testing.T) testbed.Target {
		if testing.Short() {
			t.Skip("judges the test, not the broker")
		}
		return oracle.Run(t, oracle.Options{})
	}},
}

func onEach(t *testing.T, test func(t *testing.T, ctx context.Context, broker testbed.Target)) {
	for _, b := range brokers {
		t.Run(b.name, func(t *testing.T) {
			broker := b.start(t)
			ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
			defer cancel()
			test(t, ctx, broker)
		})
	}
}

func client(t *testing.T, broker testbed.Target, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(broker.Bootstrap())}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseAllowingRebalance)
	return c
}

func createTopic(t *testing.T, ctx context.Context, broker testbed.Target, topic string, partitions int32) {
	t.Helper()
	if _, err := kadm.NewClient(client(t, broker)).CreateTopic(ctx, partitions, 1, nil, topic); err != nil {
		t.Fatal(err)
	}
}

// kill -9 under load with an idempotent producer, five times: nothing that was
// acknowledged is lost, nothing is there twice, the order is kept.
func TestKillUnderLoad(t *testing.T) {
	onEach(t, func(t *testing.T, ctx context.Context, broker testbed.Target) {
		const topic = "crash"
		createTopic(t, ctx, broker, topic, partitions)
		ledger := NewLedger(partitions)
		stop := load(t, ctx, broker, topic, ledger)
		for i := range kills {
			awaitAcks(t, ctx, ledger, (i+1)*acksBetweenKills)
			restart(t, broker)
		}
		awaitAcks(t, ctx, ledger, (kills+1)*acksBetweenKills)
		stop()
		readAll(t, ctx, broker, topic, ledger)
		t.Log(ledger)
		for i, text := range ledger.Check() {
			if i == 20 {
				t.Error("and more")
				break
			}
			t.Error(text)
		}
	})
}

// load produces until the returned function is called, which then waits until
// the outcome of everything sent is known.
func load(t *testing.T, ctx context.Context, broker testbed.Target, topic string, ledger *Ledger) (stop func()) {
	producer := client(t, broker,
		kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0),
		kgo.MaxBufferedRecords(2_000), kgo.ProducerBatchMaxBytes(16<<10), kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }))
	stopping := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		padding := make([]byte, 150)
		for i := 0; ; i++ {
			select {
			case <-stopping:
				return
			case <-ctx.Done():
				return
			default:
			}
			p := i % partitions
			value := ledger.Send(p)
			record := &kgo.Record{Partition: int32(p), Key: strconv.AppendInt(nil, int64(value), 10), Value: padding}
			producer.Produce(ctx, record, func(r *kgo.Record, err error) {
				if err != nil {
					ledger.Failed(err)
					return
				}
				ledger.Acked(p, value, r.Offset)
			})
		}
	})
	return func() {
		close(stopping)
		wg.Wait()
		if err := producer.Flush(ctx); err != nil {
			t.Fatalf("flush: %v", err)
		}
	}
}

func awaitAcks(t *testing.T, ctx context.Context, ledger *Ledger, want int) {
	t.Helper()
	for {
		got, changed := ledger.AckedCount()
		if got >= want {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("%v; waiting for %d acknowledgements; given up so far: %q", ledger, want, ledger.Check())
		}
	}
}

// readAll reads every partition from its start to its end.
func readAll(t *testing.T, ctx context.Context, broker testbed.Target, topic string, ledger *Ledger) {
	t.Helper()
	reader := client(t, broker, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ends, err := kadm.NewClient(reader).ListEndOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left++
		}
	})
	for left > 0 {
		fetches := reader.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("%v; %d partitions left to read", ctx.Err(), left)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			value, err := strconv.Atoi(string(r.Key))
			if err != nil {
				value = -1
			}
			ledger.Read(int(r.Partition), value, r.Offset)
			if end, _ := ends.Lookup(topic, r.Partition); r.Offset == end.Offset-1 {
				left--
			}
		})
	}
}

// A group resumes exactly after its commit when the broker was killed, with a new
// member as with one that lived through the kill.
func TestGroupResumesAfterKill(t *testing.T) {
	onEach(t, func(t *testing.T, ctx context.Context, broker testbed.Target) {
		const topic, group, total, committed = "resume", "readers", 1000, 400
		createTopic(t, ctx, broker, topic, 1)
		produceNumbers(t, ctx, broker, topic, 0, total)

		first := client(t, broker, kgo.ConsumeTopics(topic), kgo.ConsumerGroup(group), kgo.DisableAutoCommit(),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		seen := readNumbers(t, ctx, first, committed)
		if err := first.CommitRecords(ctx, seen[committed-1]); err != nil {
			t.Fatal(err)
		}
		restart(t, broker)
		first.CloseAllowingRebalance()

		second := client(t, broker, kgo.ConsumeTopics(topic), kgo.ConsumerGroup(group), kgo.DisableAutoCommit())
		records := readNumbers(t, ctx, second, total-committed)
		expectNumbers(t, records, committed)
		if err := second.CommitUncommittedOffsets(ctx); err != nil {
			t.Fatal(err)
		}

		restart(t, broker)
		produceNumbers(t, ctx, broker, topic, total, 100)
		expectNumbers(t, readNumbers(t, ctx, second, 100), total)
		if err := second.CommitUncommittedOffsets(ctx); err != nil {
			t.Errorf("commit after the kill: %v", err)
		}
	})
}

// restart kills the broker and starts it again.
func restart(t *testing.T, broker testbed.Target) {
	t.Helper()
	if err := broker.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := broker.Start(); err != nil {
		t.Fatal(err)
	}
}

func produceNumbers(t *testing.T, ctx context.Context, broker testbed.Target, topic string, from, count int) {
	t.Helper()
	producer := client(t, broker, kgo.DefaultProduceTopic(topic))
	defer producer.Close()
	for i := range count {
		if err := producer.ProduceSync(ctx, kgo.StringRecord(fmt.Sprint(from+i))).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// readNumbers polls exactly count records.
func readNumbers(t *testing.T, ctx context.Context, c *kgo.Client, count int) []*kgo.Record {
	t.Helper()
	var records []*kgo.Record
	for len(records) < count {
		fetches := c.PollRecords(ctx, count-len(records))
		// Other errors are news of a broker that is down; the client goes on.
		if ctx.Err() != nil {
			t.Fatalf("after %d of %d records: %v", len(records), count, fetches.Err())
		}
		records = append(records, fetches.Records()...)
	}
	return records
}

func expectNumbers(t *testing.T, records []*kgo.Record, from int) {
	t.Helper()
	for i, r := range records {
		if want := fmt.Sprint(from + i); string(r.Value) != want {
			t.Fatalf("record %d is %q, want %q", i, r.Value, want)
		}
	}
}
