package txnhistory

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

const (
	partitions = 4
	producers  = 4
	// commitsBetweenKills is the most.
	commitsBetweenKills = 60
	// killDelayMax moves a kill away from the commit that it waited for.
	killDelayMax = 20 * time.Millisecond
	// settleTimeout bounds what must happen within the time of a start and some requests.
	settleTimeout = time.Minute
	// killTimeout bounds one kill with the commits before it.
	killTimeout = time.Minute
)

var victims = []struct {
	name  string
	kills int
	start func(t *testing.T) *testbed.Broker
}{
	{"barnabas dev", 15, func(t *testing.T) *testbed.Broker { return barnabas.Run(t, barnabas.Options{Profile: "dev"}) }},
	{"barnabas server", 15, func(t *testing.T) *testbed.Broker { return barnabas.Run(t, barnabas.Options{Profile: "server"}) }},
	{"kafka", 3, func(t *testing.T) *testbed.Broker {
		if testing.Short() {
			t.Skip("judges the test, not the broker")
		}
		return oracle.Run(t, oracle.Options{})
	}},
}

// kill -9 at random moments while transactions run: what the clients saw is a
// history that breaks no promise, and in the end no transaction is open.
func TestKillInTransactions(t *testing.T) {
	for _, v := range victims {
		t.Run(v.name, func(t *testing.T) {
			broker := v.start(t)
			kills := number(t, "TXN_KILLS", v.kills)
			ctx, cancel := context.WithTimeout(t.Context(), settleTimeout+time.Duration(kills)*killTimeout)
			defer cancel()
			w := &world{T: t, broker: broker, topic: "history", history: New(nil)}
			w.create(ctx)
			w.load(ctx, kills)
			w.readAll(ctx)
			t.Log(w.history)
			for i, text := range w.history.Check() {
				if i == 20 {
					t.Error("and more")
					break
				}
				t.Error(text)
			}
		})
	}
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

func (w *world) create(ctx context.Context) {
	w.Helper()
	client, err := w.client()
	if err != nil {
		w.Fatal(err)
	}
	defer client.Close()
	small := "1048576" // the smallest, so that kills fall into rolls as well
	if _, err := kadm.NewClient(client).CreateTopic(ctx, partitions, 1, map[string]*string{"segment.bytes": &small}, w.topic); err != nil {
		w.Fatal(err)
	}
}

// load has producers and a reader at work, and kills the broker under them.
func (w *world) load(ctx context.Context, kills int) {
	w.Helper()
	seed := uint64(number(w.T, "TXN_SEED", int(rand.Uint32())))
	w.Logf("TXN_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, producers))
	ctx, cancel := context.WithCancel(ctx)
	defer w.running.Wait()
	defer cancel()
	stopping := make(chan struct{})
	var workers []chan struct{}
	for i := range producers {
		k := &worker{world: w, number: i, random: rand.New(rand.NewPCG(seed, uint64(i)))}
		done := make(chan struct{})
		workers = append(workers, done)
		w.running.Go(func() { defer close(done); k.run(ctx, stopping) })
	}
	w.running.Go(func() { w.follow(ctx) })
	for i := range kills {
		w.awaitCommits(ctx, 1+random.IntN(commitsBetweenKills))
		pause(ctx, time.Duration(random.Int64N(int64(killDelayMax))))
		if err := w.end(); err != nil {
			w.Fatal(err)
		}
		if err := w.broker.Start(); err != nil {
			w.Fatalf("start after kill %d: %v", i+1, err)
		}
	}
	w.awaitCommits(ctx, commitsBetweenKills)
	close(stopping)
	for _, done := range workers {
		<-done
	}
	w.awaitStable(ctx)
}

// end ends the broker: at once, or in order where it is Kafka. With Kafka 4.3.1
// killed, readers of the committed were seen to get what had been aborted.
func (w *world) end() error {
	if strings.HasPrefix(w.broker.Name(), "kafka") && os.Getenv("TXN_KILL_KAFKA") == "" {
		return w.broker.Stop()
	}
	return w.broker.Kill()
}

func (w *world) awaitCommits(ctx context.Context, more int) {
	w.Helper()
	from, _ := w.history.Committed()
	for {
		count, changed := w.history.Committed()
		if count >= from+more {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			w.Fatalf("%v; waiting for %d more commits: %v", w.history, from+more-count, ctx.Err())
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// ends are the last stable offsets and the high watermarks.
func (w *world) ends(ctx context.Context) (stable, high kadm.ListedOffsets) {
	w.Helper()
	client, err := w.client()
	if err != nil {
		w.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	if stable, err = admin.ListCommittedOffsets(ctx, w.topic); err == nil {
		high, err = admin.ListEndOffsets(ctx, w.topic)
	}
	if err != nil {
		w.Fatal(err)
	}
	return stable, high
}

// awaitStable waits until no transaction is open: the last producers of all names have begun.
func (w *world) awaitStable(ctx context.Context) {
	w.Helper()
	for end := time.Now().Add(settleTimeout); ; {
		stable, high := w.ends(ctx)
		open := 0
		high.Each(func(h kadm.ListedOffset) {
			if s, _ := stable.Lookup(h.Topic, h.Partition); s.Offset != h.Offset || h.Err != nil {
				open++
			}
		})
		if open == 0 {
			return
		}
		if time.Now().After(end) {
			w.Fatalf("transactions are still open: stable up to %v of %v", stable, high)
		}
	}
}

// readAll reads every partition from its start to its end, at both isolation levels.
func (w *world) readAll(ctx context.Context) {
	w.Helper()
	_, high := w.ends(ctx)
	for isolation, level := range map[Isolation]kgo.IsolationLevel{ReadUncommitted: kgo.ReadUncommitted(), ReadCommitted: kgo.ReadCommitted()} {
		var next [partitions]int64
		// Control records show where the reader is behind the last value.
		reader, err := w.client(w.from(&next), kgo.FetchIsolationLevel(level), kgo.KeepControlRecords())
		if err != nil {
			w.Fatal(err)
		}
		defer reader.Close()
		for w.left(next, high) {
			reader.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
				next[r.Partition] = r.Offset + 1
				if !r.Attrs.IsControl() {
					w.history.Final(isolation, r.Partition, Entry{string(r.Value), r.Offset})
				}
			})
			if ctx.Err() != nil {
				w.Fatalf("read up to %v of %v: %v", next, high, ctx.Err())
			}
		}
	}
}

func (w *world) left(next [partitions]int64, high kadm.ListedOffsets) bool {
	for p, at := range next {
		if end, _ := high.Lookup(w.topic, int32(p)); at < end.Offset {
			return true
		}
	}
	return false
}
