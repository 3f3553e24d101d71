package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// transactionProducers have one transaction of one record at a time each.
	transactionProducers = 16
	// transactionBytes is the value of a record in a transaction.
	transactionBytes = 100
	// requestsPerTransaction: a transaction takes several requests, so that fewer make as long a measurement.
	requestsPerTransaction = 25

	oneTransactionRow   = "transactions, 1 producer"
	manyTransactionsRow = "transactions, 16 producers"
	plainProducerRow    = "plain producer"
	idempotentRow       = "idempotent producer"
	idempotentCostRow   = "idempotent / plain, time"
)

var transactionWorkloads = []workload{
	{name: "transactions: of one record, 1 producer", run: func(b contender, o options) ([]phase, error) {
		return runTransactions(b, o, oneTransactionRow, 1)
	}},
	{name: "transactions: of one record, 16 producers", run: func(b contender, o options) ([]phase, error) {
		return runTransactions(b, o, manyTransactionsRow, transactionProducers)
	}},
	{name: "transactions: plain and idempotent producers", run: runIdempotent},
}

var transactionGoals = []goal{
	{row: manyTransactionsRow, unit: "k/s", column: "kafka", ratio: true, atLeast: 4},
	{row: idempotentCostRow, unit: "x", column: "barnabas", atMost: 1.05},
}

// runTransactions commits transactions of one record each by franz-go.
func runTransactions(b contender, o options, row string, producers int) (phases []phase, err error) {
	if left, ok, err := serves(b, kmsg.InitProducerID, kmsg.AddPartitionsToTxn, kmsg.EndTxn); !ok {
		return left, err
	}
	err = withTopic(b, partitions, func(ctx context.Context, topic string) error {
		each := max(1, o.requests/requestsPerTransaction/producers)
		clients, err := transactionalClients(ctx, b, topic, producers)
		defer func() {
			for _, c := range clients {
				c.Close()
			}
		}()
		if err != nil {
			return err
		}
		latencies := make([][]time.Duration, producers)
		p, err := timed(b, o, row, func() (_, requests int64, err error) {
			errs := make([]error, producers)
			var running sync.WaitGroup
			for i, c := range clients {
				running.Go(func() { latencies[i], errs[i] = transact(ctx, c, each) })
			}
			running.Wait()
			return 0, int64(each * producers), errors.Join(errs...)
		})
		if err != nil {
			return err
		}
		for _, l := range latencies {
			p.latencies = append(p.latencies, l...)
		}
		phases = []phase{p}
		return checkCommitted(ctx, b, topic, each*producers)
	})
	return phases, err
}

// transactionalClients have their producer ids.
func transactionalClients(ctx context.Context, b contender, topic string, n int) (clients []*kgo.Client, err error) {
	for i := range n {
		// A broker that has not written its markers yet has the client ask again, as one that is not ready for
		// transactions yet has it: soon, then less so.
		c, err := kgo.NewClient(kgo.SeedBrokers(b.Bootstrap()), kgo.DefaultProduceTopic(topic), kgo.TransactionalID(fmt.Sprintf("%s-%d", topic, i)),
			kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerLinger(0),
			kgo.RetryBackoffFn(func(n int) time.Duration { return time.Duration(min(n*n, 200)) * time.Millisecond }), kgo.RequestRetries(100))
		if err != nil {
			return clients, err
		}
		clients = append(clients, c)
		if _, _, err := c.ProducerID(ctx); err != nil {
			return clients, err
		}
	}
	return clients, nil
}

// transact commits n transactions one after the other and returns how long each took.
func transact(ctx context.Context, c *kgo.Client, n int) ([]time.Duration, error) {
	latencies := make([]time.Duration, 0, n)
	value := filler(transactionBytes)
	for range n {
		began := time.Now()
		if err := c.BeginTransaction(); err != nil {
			return nil, err
		}
		if err := c.ProduceSync(ctx, &kgo.Record{Value: value}).FirstErr(); err != nil {
			return nil, err
		}
		if err := c.EndTransaction(ctx, kgo.TryCommit); err != nil {
			return nil, err
		}
		latencies = append(latencies, time.Since(began))
	}
	return latencies, nil
}

// checkCommitted reads what is committed: so many records of transact.
func checkCommitted(ctx context.Context, b contender, topic string, want int) error {
	reader, err := kgo.NewClient(kgo.SeedBrokers(b.Bootstrap()), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err
	}
	defer reader.Close()
	value := filler(transactionBytes)
	for got := 0; got != want; {
		fetches := reader.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("after %d of %d records: %w", got, want, err)
		}
		for _, r := range fetches.Records() {
			if !bytes.Equal(r.Value, value) {
				return fmt.Errorf("the record at offset %d of partition %d is not the one that was sent", r.Offset, r.Partition)
			}
		}
		if got += fetches.NumRecords(); got > want {
			return fmt.Errorf("%d records where %d were committed", got, want)
		}
	}
	return nil
}

// runIdempotent sends the same raw requests without and with a producer id and
// sequences, by turns, so that the two meet the same machine.
func runIdempotent(b contender, o options) (phases []phase, err error) {
	const turns = 4
	plain, idempotent := phase{name: plainProducerRow}, phase{name: idempotentRow}
	err = withTopic(b, 1, func(_ context.Context, topic string) error {
		batch := batchOf(1, 100)
		frame := produceFrame(topic, 1, batch)
		each := max(1, o.requests/turns)
		next, err := idempotentFrames(b, topic, 1, batch)
		if err != nil {
			return err
		}
		for range turns {
			for _, kind := range []struct {
				phase *phase
				next  func(int) []byte
			}{{&plain, func(int) []byte { return frame }}, {&idempotent, next}} {
				p, err := timed(b, o, kind.phase.name, func() (_, requests int64, err error) {
					return 0, int64(each), sendNext(b.Bootstrap(), kind.next, topic, 1, each)
				})
				if err != nil {
					return err
				}
				kind.phase.requests, kind.phase.wall, kind.phase.cpu = kind.phase.requests+p.requests, kind.phase.wall+p.wall, kind.phase.cpu+p.cpu
			}
		}
		return verifyCopies(b, topic, 1, batch, 2*turns*each)
	})
	if err != nil {
		return nil, err
	}
	idempotent.more = []sample{{idempotentCostRow, "x", lower, idempotent.wall.Seconds() / plain.wall.Seconds()}}
	return []phase{plain, idempotent}, nil
}
