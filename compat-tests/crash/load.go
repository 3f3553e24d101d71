package crash

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// record is the record of a value; its bytes tell it from every other.
func record(p, value int) *kgo.Record {
	body := make([]byte, 150)
	for i := range body {
		body[i] = byte(value>>(i%3*8)) ^ byte(p+i)
	}
	return &kgo.Record{Partition: int32(p), Key: strconv.AppendInt(nil, int64(value), 10), Value: body}
}

// valueOf is the value of a record, -1 for one that differs in any byte.
func valueOf(r *kgo.Record) int {
	value, err := strconv.Atoi(string(r.Key))
	if err != nil || string(record(int(r.Partition), value).Value) != string(r.Value) {
		return -1
	}
	return value
}

// Produce has an idempotent producer at work, with perSecond records or as many as it
// can for 0, until the returned function is called, which then waits until the outcome
// of everything sent is known.
func Produce(t *testing.T, ctx context.Context, broker *testbed.Broker, topic string, ledger *Ledger, perSecond int) (stop func()) {
	t.Helper()
	producer := client(t, broker,
		kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0),
		kgo.MaxBufferedRecords(2_000), kgo.UnknownTopicRetries(-1), kgo.ProducerBatchMaxBytes(16<<10), kgo.RetryBackoffFn(soon), kgo.MetadataMinAge(20*time.Millisecond))
	burst := perSecond * int(paceInterval) / int(time.Second)
	stopping, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(paceInterval)
		defer tick.Stop()
		for i := 0; ; i++ {
			due := always
			if burst > 0 && i%burst == 0 {
				due = tick.C
			}
			select {
			case <-stopping:
				return
			case <-ctx.Done():
				return
			case <-due:
			}
			p := i % ledger.Partitions()
			value := ledger.Send(p)
			producer.Produce(ctx, record(p, value), func(r *kgo.Record, err error) {
				if err != nil {
					ledger.Failed(err)
					return
				}
				ledger.Acked(p, value, r.Offset)
			})
		}
	}()
	return func() {
		t.Helper()
		close(stopping)
		<-stopped
		defer producer.Close() // not only at the end of a test that goes on for hours
		if err := producer.Flush(ctx); err != nil {
			t.Fatalf("flush: %v", err)
		}
	}
}

// paceInterval is between two bursts of a producer that is not to send all it can.
const paceInterval = 20 * time.Millisecond

// always is ready.
var always = func() <-chan time.Time {
	c := make(chan time.Time)
	close(c)
	return c
}()

func soon(int) time.Duration { return 20 * time.Millisecond }

// Follow reads what becomes visible until the returned function is called. It
// never resets: a position beyond the end means that something seen has gone.
func Follow(t *testing.T, ctx context.Context, broker *testbed.Broker, topic string, ledger *Ledger) (stop func()) {
	t.Helper()
	from := map[int32]kgo.Offset{}
	for p := range int32(ledger.Partitions()) {
		from[p] = kgo.NewOffset().At(0)
	}
	reader := client(t, broker, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.RetryBackoffFn(soon), kgo.MetadataMinAge(20*time.Millisecond), kgo.FetchMaxWait(100*time.Millisecond))
	ctx, cancel := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		next := make([]int64, ledger.Partitions())
		for ctx.Err() == nil {
			reader.PollFetches(ctx).EachPartition(func(f kgo.FetchTopicPartition) {
				p := int(f.Partition)
				if f.Err != nil && p >= 0 && gone(f.Err) {
					ledger.Fault(p, "gone: the reader at offset "+strconv.FormatInt(next[p], 10)+" was told "+f.Err.Error())
				}
				if len(f.Records) > 0 {
					ledger.Marks(p, f.LogStartOffset, f.LastStableOffset, f.HighWatermark)
				}
				for _, r := range f.Records {
					ledger.Seen(p, valueOf(r), r.Offset)
					next[p] = r.Offset + 1
				}
			})
		}
	}()
	return func() {
		cancel()
		<-stopped
		reader.Close()
	}
}

// gone tells an answer that denies what was seen from news of a broker that is
// down, over which the client goes on by itself.
func gone(err error) bool {
	var loss *kgo.ErrDataLoss
	return errors.As(err, &loss) || errors.Is(err, kerr.OffsetOutOfRange)
}

// Await waits for acknowledgements and for the live reader.
func Await(t *testing.T, ctx context.Context, ledger *Ledger, wantAcked, wantSeen int) {
	t.Helper()
	for {
		acked, seen, changed := ledger.Counts()
		if acked >= wantAcked && seen >= wantSeen {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("%v; waiting for %d acknowledgements, %d of them seen; broken so far: %q", ledger, wantAcked, wantSeen, ledger.Check())
		}
	}
}

// ReadAll reads every partition from its start to its end.
func ReadAll(t *testing.T, ctx context.Context, broker *testbed.Broker, topic string, ledger *Ledger) {
	t.Helper()
	reader := client(t, broker, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer reader.Close()
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
			ledger.Read(int(r.Partition), valueOf(r), r.Offset)
			if end, _ := ends.Lookup(topic, r.Partition); r.Offset == end.Offset-1 {
				left--
			}
		})
	}
}

func client(t *testing.T, broker *testbed.Broker, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(broker.Bootstrap())}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseAllowingRebalance)
	return c
}

// CreateTopic makes the topic, with segments so small that kills fall into rolls as well.
func CreateTopic(t *testing.T, ctx context.Context, broker *testbed.Broker, topic string, partitions int32) {
	t.Helper()
	small := "1048576" // the smallest that there is
	admin := kadm.NewClient(client(t, broker))
	defer admin.Close()
	if _, err := admin.CreateTopic(ctx, partitions, 1, map[string]*string{"segment.bytes": &small}, topic); err != nil {
		t.Fatal(err)
	}
}
