package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// durableStarters make each broker sync a batch before it answers.
var durableStarters = map[string]starter{
	"barnabas": func() (*testbed.Broker, error) { return barnabas.Start(barnabas.Options{Profile: "server"}) },
	"kfake":    func() (*testbed.Broker, error) { return startPeer("-sync") },
	"kafka": func() (*testbed.Broker, error) {
		return startKafka(map[string]string{"log.flush.interval.messages": "1"})
	},
}

const (
	durableSingle = "durable, one in flight, 1 KiB"
	durableOne    = "durable, 16 x 16 KiB x 1p"
	durableSix    = "durable, 16 x 16 KiB x 6p"
	// durableConnections have one request in flight each.
	durableConnections = 16
)

var durableWorkloads = []workload{
	{durableSingle, runDurableSingle},
	{durableOne, func(b contender, o options) ([]phase, error) {
		return runDurableMany(b, o, durableOne, 1, o.durableMiB)
	}},
	{durableSix, func(b contender, o options) ([]phase, error) {
		return runDurableMany(b, o, durableSix, partitions, 4*o.durableMiB)
	}},
}

var durableGoals = []goal{
	{row: durableSingle, unit: "p50 ms", column: "kafka", ratio: true, atMost: 0.4},
	{row: durableSix, unit: "MB/s", column: "kafka", ratio: true, atLeast: 4},
	{row: durableSix, unit: "MB/s", column: "kfake", ratio: true, atLeast: 6},
}

// runDurableSingle sends one record of 1 KiB at a time on one connection.
func runDurableSingle(b contender, o options) (phases []phase, err error) {
	err = withTopic(b, 1, func(_ context.Context, topic string) error {
		batch := batchOf(1, recordBytes)
		frame := produceFrame(topic, 1, batch)
		var latencies []time.Duration
		p, err := timed(b, o, durableSingle, func() (_, requests int64, err error) {
			latencies, err = closedLoop(b.Bootstrap(), frame, topic, 1, o.durableRequests)
			return 0, int64(o.durableRequests), err
		})
		if err != nil {
			return err
		}
		p.latencies = latencies
		phases = []phase{p}
		return verifyCopies(b.Bootstrap(), topic, 1, batch, o.durableRequests)
	})
	return phases, err
}

// runDurableMany sends 16 KiB for each partition per request on 16 connections.
func runDurableMany(b contender, o options, name string, partitions int32, sizeMiB int) (phases []phase, err error) {
	const records, valueBytes = 16, 1011 // just under 16 KiB as a batch
	err = withTopic(b, partitions, func(_ context.Context, topic string) error {
		batch := batchOf(records, valueBytes)
		frame := produceFrame(topic, partitions, batch)
		each := max(1, sizeMiB<<20/(int(partitions)*len(batch)*durableConnections))
		total := int64(each) * durableConnections * int64(partitions) * int64(len(batch))
		var latencies []time.Duration
		p, err := timed(b, o, name, func() (bytes, _ int64, err error) {
			latencies, err = closedLoops(b.Bootstrap(), frame, topic, int(partitions), each)
			return total, 0, err
		})
		if err != nil {
			return err
		}
		p.latencies = latencies
		phases = []phase{p}
		return verifyCopies(b.Bootstrap(), topic, partitions, batch, each*durableConnections)
	})
	return phases, err
}

// closedLoops runs a closedLoop on each of the durable connections.
func closedLoops(address string, frame []byte, topic string, partitions, n int) ([]time.Duration, error) {
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	var wg sync.WaitGroup
	for range durableConnections {
		wg.Go(func() {
			latencies, err := closedLoop(address, frame, topic, partitions, n)
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

// closedLoop sends a frame n times on one connection, each after the answer to
// the one before, and returns how long each took.
func closedLoop(address string, frame []byte, topic string, partitions, n int) ([]time.Duration, error) {
	conn, err := wire.Dial(address)
	if err != nil {
		return nil, err
	}
	defer conn.Close() //nolint:errcheck // the answers have been read
	latencies := make([]time.Duration, 0, n)
	for i := range n {
		took, err := roundTrip(conn, frame, topic, partitions)
		if err != nil {
			return nil, fmt.Errorf("request %d of %d: %w", i+1, n, err)
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
