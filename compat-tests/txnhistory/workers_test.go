package txnhistory

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

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

// world is a topic under load.
type world struct {
	*testing.T
	broker  *testbed.Broker
	topic   string
	history *History
	running sync.WaitGroup
}

// client has patience in milliseconds: the broker is away for less.
func (w *world) client(options ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(w.broker.Bootstrap()), kgo.MetadataMinAge(20 * time.Millisecond), kgo.FetchMaxWait(100 * time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
	}, options...)...)
}

// from makes a reader that goes on where it was.
func (w *world) from(next *[partitions]int64) kgo.Opt {
	offsets := map[int32]kgo.Offset{}
	for p := range int32(partitions) {
		offsets[p] = kgo.NewOffset().At(next[p])
	}
	return kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{w.topic: offsets})
}

// see notes what a reader found.
func (w *world) see(reader string, in *ID, fetches kgo.Fetches, next *[partitions]int64) {
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
func (w *world) follow(ctx context.Context) {
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
	*world
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
	}
}

// renew has the producer begin anew, under its name.
func (k *worker) renew() (err error) {
	if k.client != nil {
		k.client.Close()
	}
	k.client, err = k.world.client(k.from(&k.next), kgo.TransactionalID(fmt.Sprintf("producer-%d", k.number)),
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
	k.send(ctx, id)
	if err := k.client.Flush(ctx); err != nil {
		return err
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

// send sends some records to random partitions and does not wait for them.
func (k *worker) send(ctx context.Context, id ID) {
	for range 1 + k.random.IntN(recordsMax) {
		v := k.history.Send(id, int32(k.random.IntN(partitions)))
		record := &kgo.Record{Partition: v.Partition, Value: []byte(v.String())}
		k.client.Produce(ctx, record, func(r *kgo.Record, err error) {
			if err == nil && r.Offset >= 0 {
				k.history.Acked(v, r.Offset)
			}
		})
	}
}
