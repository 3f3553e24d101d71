package exactlyonce

import (
	"context"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

const (
	// envTarget says which broker is under test: barnabas (the default) or kafka.
	envTarget = "BARNABAS_COMPAT_TARGET"
	// envRecords is how many records go through the copiers, envRounds how often
	// applications and broker are killed.
	envRecords = "EXACTLYONCE_RECORDS"
	envRounds  = "EXACTLYONCE_ROUNDS"
	// partitions of every topic.
	partitions = 2
	// settleTimeout bounds waiting for progress: a session that times out and a start of the broker are within.
	settleTimeout = 90 * time.Second
)

// world is a broker with a client of the test's own.
type world struct {
	*testing.T
	broker *testbed.Broker
	client *kgo.Client
	admin  *kadm.Client
}

func newWorld(t *testing.T, topics ...string) *world {
	t.Helper()
	oracle.Need(t)
	testbed.NeedPrograms(t, "javac")
	w := &world{T: t}
	if os.Getenv(envTarget) == "kafka" {
		w.broker = oracle.Run(t, oracle.Options{})
	} else {
		w.broker = barnabas.Run(t, barnabas.Options{})
	}
	var err error
	if w.client, err = kgo.NewClient(kgo.SeedBrokers(w.broker.Bootstrap()), kgo.RecordPartitioner(kgo.ManualPartitioner())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.client.Close)
	w.admin = kadm.NewClient(w.client)
	if created, err := w.admin.CreateTopics(t.Context(), partitions, 1, nil, topics...); err != nil || created.Error() != nil {
		t.Fatal(err, created.Error())
	}
	return w
}

// number is an environment variable or its default.
func number(t *testing.T, name string, or int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return or
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// restart kills the broker and starts it again.
func (w *world) restart() {
	w.Helper()
	end := w.broker.Kill
	if os.Getenv(envTarget) == "kafka" {
		// With Kafka 4.3.1 killed, the words of one partition were seen to be counted up to a tenth more often
		// than they were said, in sequence, and copies of one partition out of order.
		end = w.broker.Stop
	}
	if err := end(); err != nil {
		w.Fatal(err)
	}
	if err := w.broker.Start(); err != nil {
		w.Fatal(err)
	}
}

// produce sends records and waits for all of them.
func (w *world) produce(records ...*kgo.Record) {
	w.Helper()
	if err := w.client.ProduceSync(w.Context(), records...).FirstErr(); err != nil {
		w.Fatal(err)
	}
}

// reader reads what is committed in a topic from its start.
func (w *world) reader(topic string, options ...kgo.Opt) *kgo.Client {
	w.Helper()
	reader, err := kgo.NewClient(append(options, kgo.SeedBrokers(w.broker.Bootstrap()), kgo.ConsumeTopics(topic),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(200*time.Millisecond))...)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(reader.Close)
	return reader
}

// untilStable waits until no transaction is open in a topic, and returns where its partitions end.
func (w *world) untilStable(topic string) (ends [partitions]int64) {
	w.Helper()
	for end := time.Now().Add(settleTimeout); ; {
		stable, err := w.admin.ListCommittedOffsets(w.Context(), topic)
		if err != nil {
			w.Fatal(err)
		}
		high, err := w.admin.ListEndOffsets(w.Context(), topic)
		if err != nil {
			w.Fatal(err)
		}
		open := false
		high.Each(func(h kadm.ListedOffset) {
			s, _ := stable.Lookup(topic, h.Partition)
			open = open || h.Err != nil || s.Offset != h.Offset
			ends[h.Partition] = h.Offset
		})
		if !open {
			return ends
		}
		if time.Now().After(end) {
			w.Fatalf("transactions in %s are still open: stable up to %v of %v", topic, stable, high)
		}
	}
}

// readAll waits until no transaction is open in a topic and visits all that is committed.
func (w *world) readAll(topic string, visit func(*kgo.Record)) {
	w.Helper()
	ends := w.untilStable(topic)
	var next [partitions]int64
	// Control records show where the reader is behind the last record.
	ok := poll(w.Context(), w.reader(topic, kgo.KeepControlRecords()), settleTimeout, func(r *kgo.Record) {
		next[r.Partition] = r.Offset + 1
		if !r.Attrs.IsControl() {
			visit(r)
		}
	}, func() bool {
		for p, at := range next {
			if at < ends[p] {
				return false
			}
		}
		return true
	})
	if !ok {
		w.Fatalf("%s was read up to %v of %v", topic, next, ends)
	}
}

// poll visits what is committed until there is enough or the time is over.
func poll(ctx context.Context, reader *kgo.Client, limit time.Duration, visit func(*kgo.Record), enough func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for !enough() {
		reader.PollFetches(ctx).EachRecord(visit) // errors are news of a broker that is down
		if ctx.Err() != nil {
			return enough()
		}
	}
	return true
}
