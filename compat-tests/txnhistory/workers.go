package txnhistory

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

const (
	// recordsMax of a transaction.
	recordsMax = 12
	// abortOneIn transactions is aborted by its producer.
	abortOneIn = 5
	// readFor is how long a producer looks for what others have committed.
	readFor = 5 * time.Millisecond
)

// partitions of the topic, producers at work on it.
const (
	partitions = 4
	producers  = 4
)

// settleTimeout bounds what must happen within the time of a start and some requests.
var settleTimeout = testbed.Patience(time.Minute)

// Load is a topic with transactional producers and a reader at work. What they see is in
// the History.
type Load struct {
	*testing.T
	broker  *testbed.Broker
	topic   string
	history *History
	// pause is between two transactions of a producer.
	pause time.Duration

	running  sync.WaitGroup
	cancel   context.CancelFunc
	stopping chan struct{}
	workers  []chan struct{}
}

// NewLoad is for a topic that it makes; a producer rests between two transactions.
func NewLoad(ctx context.Context, t *testing.T, broker *testbed.Broker, topic string, history *History, rest time.Duration) *Load {
	t.Helper()
	w := &Load{T: t, broker: broker, topic: topic, history: history, pause: rest}
	w.create(ctx)
	return w
}

// Start has producers and a reader at work until Stop; what they choose comes from the seed.
func (w *Load) Start(ctx context.Context, seed uint64) {
	ctx, w.cancel = context.WithCancel(ctx)
	w.stopping = make(chan struct{})
	for i := range producers {
		k := &worker{Load: w, number: i, random: rand.New(rand.NewPCG(seed, uint64(i)))}
		done := make(chan struct{})
		w.workers = append(w.workers, done)
		w.running.Go(func() { defer close(done); k.run(ctx, w.stopping) })
	}
	w.running.Go(func() { w.follow(ctx) })
}

// Stop ends the producers' work; in the end no transaction is open.
func (w *Load) Stop(ctx context.Context) {
	w.Helper()
	defer w.running.Wait()
	defer w.cancel()
	close(w.stopping)
	for _, done := range w.workers {
		<-done
	}
	w.awaitStable(ctx)
}

// client has patience in milliseconds: the broker is away for less.
func (w *Load) client(options ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(w.broker.Bootstrap()), kgo.MetadataMinAge(20 * time.Millisecond), kgo.FetchMaxWait(100 * time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
	}, options...)...)
}

// from makes a reader that goes on where it was.
func (w *Load) from(next *[partitions]int64) kgo.Opt {
	offsets := map[int32]kgo.Offset{}
	for p := range int32(partitions) {
		offsets[p] = kgo.NewOffset().At(next[p])
	}
	return kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{w.topic: offsets})
}

// see notes what a reader found.
func (w *Load) see(reader string, in *ID, fetches kgo.Fetches, next *[partitions]int64) {
	fetches.EachError(func(_ string, p int32, err error) {
		// Steps over what it does not show move the client's offset and not its epoch, so that a marker
		// behind a restart looks like a loss to it: a loss is one of what it has shown.
		lost := (*kgo.ErrDataLoss)(nil)
		if errors.Is(err, kerr.OffsetOutOfRange) || errors.As(err, &lost) && lost.ResetTo < next[p] {
			w.Errorf("%s, at offset %d of partition %d, was told: %v", reader, next[max(p, 0)], p, err)
		}
	})
	fetches.EachRecord(func(r *kgo.Record) {
		w.history.Seen(reader, in, r.Partition, Entry{string(r.Value), r.Offset})
		next[r.Partition] = r.Offset + 1
	})
}

// follow reads what becomes visible until ctx ends.
func (w *Load) follow(ctx context.Context) {
	var next [partitions]int64
	client, err := w.client(w.from(&next))
	if err != nil {
		w.Error(err)
		return
	}
	defer client.Close()
	for ctx.Err() == nil {
		w.see("the live reader", nil, client.PollFetches(ctx), &next)
	}
}

// worker is a transactional producer that also reads.
type worker struct {
	*Load
	number int
	random *rand.Rand
	client *kgo.Client
	next   [partitions]int64
}

// run does transactions until stopping is closed; each has ended then, as far as the producer can tell.
func (k *worker) run(ctx context.Context, stopping <-chan struct{}) {
	defer func() {
		if k.client != nil {
			k.client.Close()
		}
	}()
	for number := 0; ctx.Err() == nil; number++ {
		select {
		case <-stopping:
			// A last producer of the name ends what its predecessor may have left open.
			if err := k.renew(); err != nil {
				k.Error(err)
			} else if _, _, err = k.client.ProducerID(ctx); err != nil {
				k.Errorf("the last producer %d does not begin: %v", k.number, err)
			}
			return
		default:
		}
		if k.client == nil {
			if err := k.renew(); err != nil {
				k.Error(err)
				return
			}
		}
		if err := k.transact(ctx, ID{k.number, number}); err != nil {
			if ctx.Err() == nil {
				k.Logf("producer %d begins anew: %v", k.number, err)
			}
			k.client.Close()
			k.client = nil
		}
		pause(ctx, k.pause)
	}
}

// renew has the producer begin anew, under its name.
func (k *worker) renew() (err error) {
	if k.client != nil {
		k.client.Close()
	}
	k.client, err = k.Load.client(k.from(&k.next), kgo.TransactionalID(fmt.Sprintf("producer-%d", k.number)),
		kgo.DefaultProduceTopic(k.topic), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0),
		kgo.ProducerBatchMaxBytes(4<<10), kgo.TransactionTimeout(30*time.Second))
	return err
}

// transact does one transaction. An error says that the producer is of no more use.
func (k *worker) transact(ctx context.Context, id ID) error {
	if err := k.client.BeginTransaction(); err != nil {
		return err
	}
	k.history.Begin(id)
	reading, cancel := context.WithTimeout(ctx, readFor)
	k.see(fmt.Sprintf("producer %d", k.number), &id, k.client.PollRecords(reading, 100), &k.next)
	cancel()
	unsent := k.send(ctx, id)
	if err := k.client.Flush(ctx); err != nil {
		return err
	}
	if err := unsent(); err != nil {
		// The client would commit the others.
		k.Logf("producer %d aborts transaction %d: %v", k.number, id.Number, err)
		return k.abort(ctx)
	}
	if k.random.IntN(abortOneIn) == 0 {
		return k.abort(ctx)
	}
	k.history.Ending(id)
	err := k.client.EndTransaction(ctx, kgo.TryCommit)
	switch {
	case err == nil:
		k.history.Ended(id, Committed)
	case errors.Is(err, kerr.OperationNotAttempted):
		// A record was given up, so that the client refuses to commit.
		k.history.Ended(id, Aborted)
		return k.abort(ctx)
	}
	return err
}

func (k *worker) abort(ctx context.Context) error {
	if err := k.client.AbortBufferedRecords(ctx); err != nil {
		return err
	}
	return k.client.EndTransaction(ctx, kgo.TryAbort)
}

// send sends some records to random partitions and does not wait for them; unsent tells after
// a flush why the first that failed did.
func (k *worker) send(ctx context.Context, id ID) (unsent func() error) {
	var first kgo.FirstErrPromise
	for range 1 + k.random.IntN(recordsMax) {
		v, promised := k.history.Send(id, int32(k.random.IntN(partitions))), first.Promise()
		record := &kgo.Record{Partition: v.Partition, Value: []byte(v.String())}
		k.client.Produce(ctx, record, func(r *kgo.Record, err error) {
			if err == nil && r.Offset >= 0 {
				k.history.Acked(v, r.Offset)
			}
			promised(r, err)
		})
	}
	return first.Err
}

func (w *Load) create(ctx context.Context) {
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

// AwaitCommits waits for so many more transactions to be known as committed.
func (w *Load) AwaitCommits(ctx context.Context, more int) {
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

// ends are the last stable offsets and the high watermarks.
func (w *Load) ends(ctx context.Context) (stable, high kadm.ListedOffsets) {
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
func (w *Load) awaitStable(ctx context.Context) {
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

// ReadAll reads every partition from its start to its end, at both isolation levels.
func (w *Load) ReadAll(ctx context.Context) {
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

func (w *Load) left(next [partitions]int64, high kadm.ListedOffsets) bool {
	for p, at := range next {
		if end, _ := high.Lookup(w.topic, int32(p)); at < end.Offset {
			return true
		}
	}
	return false
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
