package world

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/target"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// SettleTimeout bounds waiting for progress: a session that times out and a start of the broker are within.
const SettleTimeout = 90 * time.Second

// World is a broker with a client of the test's own.
type World struct {
	*testing.T
	Broker *testbed.Broker
	Client *kgo.Client
	Admin  *kadm.Client
}

// New starts the broker, which ends with the test. Where Kafka's toolchain is absent the test is skipped by name.
func New(t *testing.T) *World {
	t.Helper()
	w := &World{T: t, Broker: target.Run(t, nil)}
	var err error
	if w.Client, err = kgo.NewClient(kgo.SeedBrokers(w.Broker.Bootstrap()), kgo.RecordPartitioner(kgo.ManualPartitioner())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Client.Close)
	w.Admin = kadm.NewClient(w.Client)
	return w
}

// CreateTopics makes topics of so many partitions.
func (w *World) CreateTopics(partitions int32, topics ...string) {
	w.Helper()
	if created, err := w.Admin.CreateTopics(w.Context(), partitions, 1, nil, topics...); err != nil || created.Error() != nil {
		w.Fatal(err, created.Error())
	}
}

// Restart kills the broker and starts it again.
func (w *World) Restart() {
	w.Helper()
	end := w.Broker.Kill
	if _, isKafka := target.KafkaVersion(); isKafka {
		// With Kafka 4.3.1 killed, the words of one partition were seen to be counted up to a tenth more often
		// than they were said, in sequence, and copies of one partition out of order.
		end = w.Broker.Stop
	}
	if err := end(); err != nil {
		w.Fatal(err)
	}
	if err := w.Broker.Start(); err != nil {
		w.Fatal(err)
	}
}

// Produce sends records and waits for all of them.
func (w *World) Produce(records ...*kgo.Record) {
	w.Helper()
	if err := w.Client.ProduceSync(w.Context(), records...).FirstErr(); err != nil {
		w.Fatal(err)
	}
}
