package crash

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

const (
	// acksBetweenKills is the most that is acknowledged before the next kill:
	// several batches in flight on each partition, and some group commits.
	acksBetweenKills = 4_000
	// delayMax moves a kill away from the acknowledgement that it waited for.
	delayMax = 20 * time.Millisecond
	// startMax is about how long Barnabas takes to start and recover six
	// partitions on two busy cores. Every fourth kill falls into a start.
	startMax = 40 * time.Millisecond
)

// kill -9 at random moments under load with an idempotent producer, with a
// reader that follows: nothing that was acknowledged or seen is lost or moved,
// nothing is there twice, the order is kept, no mark goes back.
func TestKillUnderLoad(t *testing.T) {
	onEach(t, func(t *testing.T, ctx context.Context, broker *testbed.Broker, kills int) {
		const topic = "crash"
		createTopic(t, ctx, broker, topic, partitions)
		random := seeded(t)
		ledger := NewLedger(partitions)
		ledger.LooseMarks = strings.HasPrefix(broker.Name(), "kafka")
		stopLoad := load(t, ctx, broker, topic, ledger)
		stopReader := follow(t, ctx, broker, topic, ledger)
		for i := range kills {
			acked, _, _ := ledger.Counts()
			await(t, ctx, ledger, acked+1+random.IntN(acksBetweenKills), acked) // the reader stays near the end
			pause(ctx, random, delayMax)
			if err := broker.Kill(); err != nil {
				t.Fatal(err)
			}
			if i%4 == 3 {
				if err := broker.StartAndKill(time.Duration(random.Int64N(int64(startMax)))); err != nil {
					t.Fatal(err)
				}
			}
			if err := broker.Start(); err != nil {
				t.Fatalf("start after kill %d: %v", i+1, err)
			}
		}
		acked, _, _ := ledger.Counts()
		await(t, ctx, ledger, acked+acksBetweenKills, acked)
		stopLoad()
		stopReader()
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

// seeded is a source of random moments; its seed is in the log of the test.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("CRASH_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("CRASH_SEED: %v", err)
		}
	}
	t.Logf("CRASH_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func pause(ctx context.Context, random *rand.Rand, most time.Duration) {
	timer := time.NewTimer(time.Duration(random.Int64N(int64(most))))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

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

// load produces until the returned function is called, which then waits until
// the outcome of everything sent is known.
func load(t *testing.T, ctx context.Context, broker *testbed.Broker, topic string, ledger *Ledger) (stop func()) {
	producer := client(t, broker,
		kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0),
		kgo.MaxBufferedRecords(2_000), kgo.ProducerBatchMaxBytes(16<<10), kgo.RetryBackoffFn(soon), kgo.MetadataMinAge(20*time.Millisecond))
	stopping, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
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
		close(stopping)
		<-stopped
		if err := producer.Flush(ctx); err != nil {
			t.Fatalf("flush: %v", err)
		}
	}
}

func soon(int) time.Duration { return 20 * time.Millisecond }

// follow reads what becomes visible until the returned function is called. It
// never resets: a position beyond the end means that something seen has gone.
func follow(t *testing.T, ctx context.Context, broker *testbed.Broker, topic string, ledger *Ledger) (stop func()) {
	from := map[int32]kgo.Offset{}
	for p := range int32(partitions) {
		from[p] = kgo.NewOffset().At(0)
	}
	reader := client(t, broker, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.RetryBackoffFn(soon), kgo.MetadataMinAge(20*time.Millisecond), kgo.FetchMaxWait(100*time.Millisecond))
	ctx, cancel := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		next := [partitions]int64{}
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
	}
}

// gone tells an answer that denies what was seen from news of a broker that is
// down, over which the client goes on by itself.
func gone(err error) bool {
	var loss *kgo.ErrDataLoss
	return errors.As(err, &loss) || errors.Is(err, kerr.OffsetOutOfRange)
}

// await waits for acknowledgements and for the live reader.
func await(t *testing.T, ctx context.Context, ledger *Ledger, wantAcked, wantSeen int) {
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

// readAll reads every partition from its start to its end.
func readAll(t *testing.T, ctx context.Context, broker *testbed.Broker, topic string, ledger *Ledger) {
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
			ledger.Read(int(r.Partition), valueOf(r), r.Offset)
			if end, _ := ends.Lookup(topic, r.Partition); r.Offset == end.Offset-1 {
				left--
			}
		})
	}
}
