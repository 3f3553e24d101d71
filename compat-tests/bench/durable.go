package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// durableStarters make each broker sync a batch before it answers.
var durableStarters = map[string]starter{
	"barnabas": func() (contender, error) { return startBarnabas("server", nil) },
	"kfake":    func() (contender, error) { return startOwn("kfake", "peer", "-sync") },
	"kafka": func() (contender, error) {
		return startKafka(map[string]string{"log.flush.interval.messages": "1"})
	},
}

const (
	durableSingle = "durable, one in flight, 1 KiB"
	durableOne    = "durable, 16 x 16 KiB x 1p"
	durableSix    = "durable, 16 x 16 KiB x 6p"
	durableMany   = "durable 100 partitions, 16 x 16 KiB"
	durableLong   = "durable, 4 x a WAL, 16 x 16 KiB x 6p"
	durableKgo    = "durable, produce 1 KiB, franz-go"
	durableRaw    = "durable, raw produce 128 KiB x 6"
	// durableConnections have one request in flight each.
	durableConnections = 16
	// durableLongTimes --durable-size is 1 GiB unless told otherwise: four times what the
	// write-ahead log of Barnabas holds, so that most of it waits for segments to be synced.
	durableLongTimes = 16
	durableWALs      = 1024 // MiB
	// allSyncedUnit is of a load together with a sync of all that it left behind. A
	// write-ahead log puts the sync of the segments off, beyond the end of a short load.
	allSyncedUnit = "MB/s, all synced"
)

// durableGoals: what holds of a load has to hold of all that it causes; and a plain log is
// what the disk gives.
var durableGoals = []goal{
	{row: durableSingle, unit: plainLogUnit, column: "barnabas", atLeast: 0.7},
	{row: durableOne, unit: plainLogUnit, column: "barnabas", atLeast: 0.7},
	{row: durableSix, unit: plainLogUnit, column: "barnabas", atLeast: 0.7},
	{row: durableOne, unit: allSyncedUnit, column: "kafka", ratio: true, atLeast: 8},
	{row: durableOne, unit: allSyncedUnit, column: "kfake", ratio: true, atLeast: 6},
	{row: durableSix, unit: allSyncedUnit, column: "kafka", ratio: true, atLeast: 5},
	{row: durableSix, unit: allSyncedUnit, column: "kfake", ratio: true, atLeast: 8},
	{row: durableLong, unit: "MB/s", column: "kafka", ratio: true, atLeast: 5},
	{row: durableLong, unit: "MB/s", column: "kfake", ratio: true, atLeast: 8},
}

var durableWorkloads = []workload{
	{name: durableSingle, run: runDurableSingle},
	{name: durableOne, run: func(b contender, o options) ([]phase, error) {
		return runDurableMany(b, o, durableOne, 1, o.durableMiB)
	}},
	{name: durableSix, run: func(b contender, o options) ([]phase, error) {
		return runDurableMany(b, o, durableSix, partitions, 4*o.durableMiB)
	}},
	{name: durableMany, run: func(b contender, o options) ([]phase, error) {
		return runDurableMany(b, o, durableMany, 100, 4*o.durableMiB)
	}},
	{name: durableLong, run: func(b contender, o options) ([]phase, error) {
		return runDurableMany(b, o, durableLong, partitions, durableLongTimes*o.durableMiB)
	}},
	// What the series side by side measures of profile dev.
	{name: durableKgo, run: runDurableClient},
	{name: durableRaw, run: rawProduce{durableRaw, partitions, batch128KiB, 1}.run},
}

// runDurableSingle sends one record of 1 KiB at a time on one connection.
func runDurableSingle(b contender, o options) (phases []phase, err error) {
	err = withTopic(b, 1, func(_ context.Context, topic string) error {
		batch := batchOf(1, recordBytes)
		next, err := idempotentFrames(b, topic, 1, batch)
		if err != nil {
			return err
		}
		var latencies []time.Duration
		p, err := timed(b, o, durableSingle, func() (_, requests int64, err error) {
			latencies, err = closedLoop(b.Bootstrap(), topic, 1, frames{o.durableRequests, next})
			return 0, int64(o.durableRequests), err
		})
		if err != nil {
			return err
		}
		p.latencies = latencies
		if p.more, err = besidePlainLog(p, len(batch)); err != nil {
			return err
		}
		phases = []phase{p}
		return verifyCopies(b, topic, 1, batch, o.durableRequests)
	})
	return phases, err
}

// runDurableMany sends 16 KiB for each partition per request on 16 connections.
func runDurableMany(b contender, o options, name string, partitions int32, sizeMiB int) (phases []phase, err error) {
	err = withTopic(b, partitions, func(_ context.Context, topic string) error {
		batch := batch16KiB.encode()
		each := max(1, sizeMiB<<20/(int(partitions)*len(batch)*durableConnections))
		total := int64(each) * durableConnections * int64(partitions) * int64(len(batch))
		var producers []frames
		for range durableConnections {
			next, err := idempotentFrames(b, topic, partitions, batch)
			if err != nil {
				return err
			}
			producers = append(producers, frames{each, next})
		}
		var latencies []time.Duration
		p, err := timed(b, o, name, func() (bytes, _ int64, err error) {
			latencies, err = closedLoops(b.Bootstrap(), topic, int(partitions), producers)
			return total, 0, err
		})
		if err != nil {
			return err
		}
		p.latencies = latencies
		began := time.Now()
		syncAll()
		p.more = append(p.more, allSynced(p, time.Since(began)))
		beside, err := besidePlainLog(p, int(partitions)*len(batch))
		if err != nil {
			return err
		}
		p.more = append(p.more, beside...)
		if name == durableLong {
			p.notes = asNamed("MiB", sizeMiB, durableWALs)
		}
		phases = []phase{p}
		return verifyCopies(b, topic, partitions, batch, each*durableConnections)
	})
	return phases, err
}

// allSynced is the rate of a load whose remains took so long to be synced.
func allSynced(p phase, syncing time.Duration) sample {
	return sample{p.name, allSyncedUnit, higher, float64(p.bytes) / 1e6 / (p.wall + syncing).Seconds()}
}

// runDurableClient produces by franz-go, as many requests in flight as it likes.
func runDurableClient(b contender, o options) (phases []phase, err error) {
	err = withTopic(b, partitions, func(ctx context.Context, topic string) error {
		produced, _, err := produceByClient(ctx, b, o, topic, durableKgo)
		phases = []phase{produced}
		return err
	})
	return phases, err
}

// frames are so many requests, the next of which is good until the one after it.
type frames struct {
	n    int
	next func(i int) []byte
}

// closedLoops runs a closedLoop for each producer, all at once.
func closedLoops(address, topic string, partitions int, producers []frames) ([]time.Duration, error) {
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	var wg sync.WaitGroup
	for _, own := range producers {
		wg.Go(func() {
			latencies, err := closedLoop(address, topic, partitions, own)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, latencies...)
			if failed == nil {
				failed = err
			}
		})
	}
	wg.Wait()
	return all, failed
}

// closedLoop sends frames on one connection, each after the answer to the one
// before, and returns how long each took.
func closedLoop(address, topic string, partitions int, own frames) ([]time.Duration, error) {
	conn, err := dialRaw(address)
	if err != nil {
		return nil, err
	}
	defer conn.Close() //nolint:errcheck // the answers have been read
	latencies := make([]time.Duration, 0, own.n)
	for i := range own.n {
		took, err := roundTrip(conn, own.next(i), topic, partitions)
		if err != nil {
			return nil, fmt.Errorf("request %d of %d: %w", i+1, own.n, err)
		}
		latencies = append(latencies, took)
	}
	return latencies, nil
}

// roundTrip sends one Produce frame and takes its answer.
func roundTrip(conn *wire.Conn, frame []byte, topic string, partitions int) (time.Duration, error) {
	began := time.Now()
	if err := conn.Write(frame); err != nil {
		return 0, err
	}
	_, body, err := conn.Receive()
	took := time.Since(began)
	if err != nil {
		return 0, err
	}
	return took, checkAck(body, topic, partitions)
}
