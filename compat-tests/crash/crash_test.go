package crash

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// partitions of the topic under load; a group commit covers all of them.
const partitions = 6

// testTimeout bounds a whole test; the restarts of Kafka take half of it.
var testTimeout = testbed.Patience(4 * time.Minute)

// victim is a broker that is killed, by name, so that each test says on which it
// runs. Kafka takes two seconds for a start and judges the test only.
type victim struct {
	name  string
	kills int
	start func(t *testing.T) *testbed.Broker
}

var victims = []victim{
	{"barnabas dev", 50, func(t *testing.T) *testbed.Broker { return barnabas.Run(t, barnabas.Options{Profile: "dev"}) }},
	{"barnabas server", 50, func(t *testing.T) *testbed.Broker { return barnabas.Run(t, barnabas.Options{Profile: "server"}) }},
	{"kafka", 3, func(t *testing.T) *testbed.Broker {
		if testing.Short() {
			t.Skip("judges the test, not the broker")
		}
		return oracle.Run(t, oracle.Options{})
	}},
}

func onEach(t *testing.T, test func(t *testing.T, ctx context.Context, broker *testbed.Broker, kills int)) {
	t.Parallel() // as are the brokers, which have nothing in common
	for _, v := range victims {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			broker := v.start(t)
			ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
			defer cancel()
			test(t, ctx, broker, v.kills)
		})
	}
}

// A group resumes exactly after its commit when the broker was killed, with a new
// member as with one that lived through the kill.
func TestGroupResumesAfterKill(t *testing.T) {
	onEach(t, func(t *testing.T, ctx context.Context, broker *testbed.Broker, _ int) {
		const topic, group, total, committed = "resume", "readers", 1000, 400
		CreateTopic(t, ctx, broker, topic, 1)
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
func restart(t *testing.T, broker *testbed.Broker) {
	t.Helper()
	if err := broker.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := broker.Start(); err != nil {
		t.Fatal(err)
	}
}

func produceNumbers(t *testing.T, ctx context.Context, broker *testbed.Broker, topic string, from, count int) {
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
