package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/crash"
	"github.com/barnabas-mq/barnabas/compat-tests/target"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
	"github.com/barnabas-mq/barnabas/compat-tests/txnhistory"
)

const (
	plainPartitions  = 6
	sharedPartitions = 4
	// plainRate and sharedRate are records a second: enough that every trouble meets
	// batches in flight, little enough that a round's records fit in memory and volume.
	plainRate  = 2000
	sharedRate = 500
	// transactionPause is between two transactions of one of four producers.
	transactionPause = 10 * time.Millisecond
	// volumeMiB is room for the topics of two rounds, several times.
	volumeMiB = 256
)

// settleTimeout bounds what must come about when the trouble is over: sessions that
// end, starts, everything read.
var settleTimeout = testbed.Patience(2 * time.Minute)

// world is the broker and the time that it serves.
type world struct {
	*testing.T
	ctx     context.Context
	broker  *testbed.Broker
	volume  *testbed.Volume // nil where none can be mounted
	seed    uint64
	began   time.Time
	isKafka bool
	// killsKafka: it is not stopped where Barnabas is killed.
	killsKafka bool
	total      ledger
}

// newWorld starts the broker under test.
func newWorld(t *testing.T, seed uint64, profile string) *world {
	t.Helper()
	session := fmt.Sprint(sessionTimeout.Milliseconds())
	heartbeat := fmt.Sprint((sessionTimeout / 20).Milliseconds())
	properties := map[string]string{
		"group.initial.rebalance.delay.ms":  "0",
		"group.consumer.session.timeout.ms": session, "group.consumer.min.session.timeout.ms": session,
		"group.consumer.heartbeat.interval.ms": heartbeat, "group.consumer.min.heartbeat.interval.ms": heartbeat,
		"offsets.topic.num.partitions": "5", "transaction.state.log.num.partitions": "5",
		"log.segment.delete.delay.ms": "100",
	}
	w := &world{T: t, ctx: t.Context(), seed: seed, began: time.Now(), total: ledger{troubles: map[trouble]int{}}}
	if target.Name() != target.Barnabas {
		_, w.isKafka = target.KafkaVersion()
		w.killsKafka = os.Getenv("SOAK_KILL_KAFKA") != ""
		w.broker = target.Run(t, properties)
		return w
	}
	volume, err := testbed.MountVolume(t, volumeMiB)
	if err != nil {
		t.Logf("the disk will not fill up: %v", err)
		w.broker = barnabas.Run(t, barnabas.Options{Profile: profile, Properties: properties})
		return w
	}
	w.volume = volume
	w.broker = barnabas.Run(t, barnabas.Options{Profile: profile, Properties: properties, Data: volume.Data()})
	return w
}

// stream is a topic with an idempotent producer, and what is known of its records.
type stream struct {
	*world
	topic  string
	ledger *crash.Ledger
	stop   func()
}

func (w *world) stream(ctx context.Context, topic string, partitions, rate int) *stream {
	w.Helper()
	s := &stream{world: w, topic: topic, ledger: crash.NewLedger(partitions)}
	s.ledger.LooseMarks = w.isKafka
	crash.CreateTopic(w.T, ctx, w.broker, topic, int32(partitions))
	s.stop = crash.Produce(w.T, ctx, w.broker, topic, s.ledger, rate)
	return s
}

// result is the row of a stream whose producer has stopped, with everything read.
func (s *stream) result(ctx context.Context, name string) row {
	s.Helper()
	crash.ReadAll(s.T, ctx, s.broker, s.topic, s.ledger)
	r := row{name: name}
	r.sent, r.acked, r.read = s.ledger.Totals()
	r.add(s.ledger.Check())
	return r
}

// getsOn waits until records are acknowledged, and read, that were not before.
func (s *stream) getsOn(ctx context.Context) {
	s.Helper()
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	acked, _, _ := s.ledger.Counts()
	crash.Await(s.T, ctx, s.ledger, acked+1, acked)
}

// team makes a group with two members that come and go until stop is called.
func (w *world) team(ctx context.Context, topic, name, protocol string, seed uint64) (g *team, stop func()) {
	g = &team{T: w.T, broker: w.broker, topic: topic, name: name, protocol: protocol,
		watch: newWatch(sharedPartitions), random: rand.New(rand.NewPCG(seed, uint64(len(protocol))))}
	g.join(ctx)
	g.join(ctx)
	changing, cancel := context.WithCancel(ctx)
	var both sync.WaitGroup
	both.Go(func() { g.churn(changing, ctx) })
	both.Go(func() { g.ask(changing) })
	return g, func() {
		cancel()
		both.Wait()
	}
}

// result is the row of a group that has had time to read up to the ends.
func (g *team) result(ctx context.Context, ends []int64) row {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	g.settle(ctx, ends)
	g.disband()
	r := row{name: g.protocol + " group"}
	for _, end := range ends {
		r.sent += int(end)
	}
	r.acked = r.sent
	var again int
	r.read, again = g.watch.counts()
	g.Logf("%s: %d members came, %d went, %d records were read again", g.name, g.joins, g.departed, again)
	r.add(g.watch.check(ends))
	return r
}

// ends are where the partitions of a topic end.
func (w *world) ends(ctx context.Context, topic string, partitions int) []int64 {
	w.Helper()
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(w.broker.Bootstrap()))
	if err != nil {
		w.Fatal(err)
	}
	defer admin.Close()
	listed, err := admin.ListEndOffsets(ctx, topic)
	if err != nil {
		w.Fatal(err)
	}
	ends := make([]int64, partitions)
	for p := range ends {
		one, _ := listed.Lookup(topic, int32(p))
		ends[p] = one.Offset
	}
	return ends
}

// round lets clients work for so long, troubles the broker, and adds to the ledger.
func (w *world) round(number int, length time.Duration) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, length+3*settleTimeout)
	defer cancel()
	seed := w.seed + uint64(number)
	name := func(kind string) string { return fmt.Sprintf("%s-%d", kind, number) }

	plain := w.stream(ctx, name("plain"), plainPartitions, plainRate)
	stopReader := crash.Follow(w.T, ctx, w.broker, plain.topic, plain.ledger)
	shared := w.stream(ctx, name("shared"), sharedPartitions, sharedRate)
	classic, stopClassic := w.team(ctx, shared.topic, name("classic"), "classic", seed)
	consumer, stopConsumer := w.team(ctx, shared.topic, name("consumer"), "consumer", seed)
	history := txnhistory.New(nil)
	transactions := txnhistory.NewLoad(ctx, w.T, w.broker, name("transactions"), history, transactionPause)
	transactions.Start(ctx, seed)

	var other *visit
	if g := guestOf(number); g != nil {
		w.say("with a %s group of %s", g.protocol, g.client)
		other = w.visit(*g, shared.topic, name("others"), rand.New(rand.NewPCG(seed, 1)))
	}

	began, slower := time.Now(), 1
	if w.isKafka {
		slower = 6 // it takes seconds to start
	}
	for _, p := range plan(rand.New(rand.NewPCG(seed, 0)), length, w.possible(), slower) {
		pause(ctx, time.Until(began.Add(p.at)))
		w.say("%s (%v)", p.what, p.hold.Round(time.Millisecond))
		w.befall(p)
		w.total.troubles[p.what]++
		plain.getsOn(ctx)
		if other != nil {
			other.change()
		}
	}
	pause(ctx, time.Until(began.Add(length)))

	stopClassic()
	stopConsumer()
	shared.stop()
	plain.stop()
	acked, _, _ := plain.ledger.Counts()
	crash.Await(w.T, ctx, plain.ledger, acked, acked) // the live reader has seen all
	stopReader()
	rows := []row{plain.result(ctx, "plain"), shared.result(ctx, "records of groups")}
	ends := w.ends(ctx, shared.topic, sharedPartitions)
	rows = append(rows, classic.result(ctx, ends), consumer.result(ctx, ends))
	if other != nil {
		rows = append(rows, other.result(ends))
	}
	transactions.Stop(ctx)
	transactions.ReadAll(ctx)
	committed := row{name: "transactions"}
	committed.sent, committed.acked, committed.read = history.Totals()
	committed.add(history.Check())
	w.total.plus(append(rows, committed))
	w.remove(ctx, plain.topic, shared.topic, name("transactions"))
}

func (w *world) remove(ctx context.Context, topics ...string) {
	w.Helper()
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(w.broker.Bootstrap()))
	if err != nil {
		w.Fatal(err)
	}
	defer admin.Close()
	if deleted, err := admin.DeleteTopics(ctx, topics...); err != nil || deleted.Error() != nil {
		w.Fatal(err, deleted.Error())
	}
}
