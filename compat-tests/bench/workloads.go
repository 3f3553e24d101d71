package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// partitions of every topic but that of single records.
const partitions = 6

// recordBytes is the value of a record in the throughput workloads.
const recordBytes = 1024

// phase is a measured stretch: work done in units, in wall and CPU time.
type phase struct {
	name string
	// bytes or requests done; one of them is zero.
	bytes, requests int64
	wall, cpu       time.Duration
	// rss is the resident memory of the broker afterwards, in bytes.
	rss int64
	// latencies of single requests, where they count.
	latencies []time.Duration
	// busy says that others were at work when it began.
	busy bool
	// more are figures of other kinds.
	more []sample
	// notes tell what of the broker the reader of the figures has to know.
	notes []string
}

// sample is one value of a figure.
type sample struct {
	name, unit string
	better     direction
	value      float64
}

// workload is measured in every round on every broker.
type workload struct {
	name string
	run  func(b contender, o options) ([]phase, error)
	// columns are the brokers that it is for; none is all that the series has.
	columns []string
	// missing, if any, tells what this machine lacks for it; nothing is nothing.
	missing func() string
}

func (w workload) takes(b contender) bool {
	return len(w.columns) == 0 || slices.ContainsFunc(w.columns, func(name string) bool { return is(b.Name(), name) })
}

var workloads = []workload{
	{name: "produce and consume 1 KiB, franz-go", run: runClients},
	{name: "produce and consume 100 B, franz-go", run: runSmall},
	{name: "produce and consume 1 KiB, librdkafka", run: runRdkafka, missing: noCompiler},
	{name: "raw single-record requests", run: runSingle},
	{name: raw16KiB.name, run: raw16KiB.run},
	{name: "raw produce 128 KiB x 6 and fetch", run: fetch1MiB.run},
	{name: raw1MiB.name, run: raw1MiB.run},
	{name: raw100.name, run: raw100.run},
	{name: raw1000.name, run: raw1000.run},
	{name: fetch64KiB.name, run: fetch64KiB.run, columns: []string{"barnabas", "kfake", "kfake-memory", "kafka"}},
	{name: "catch-up reads while producing", run: runCatchUp, columns: []string{"barnabas", "kfake", "kfake-memory", "kafka"}},
}

// timed measures f against the clock and the broker's CPU, once the machine is idle.
func timed(b contender, o options, name string, f func() (bytes, requests int64, err error)) (phase, error) {
	settle(2 * o.sizeMiB << 20)
	busy := !awaitIdle()
	before, err := b.Usage()
	if err != nil {
		return phase{}, err
	}
	began := time.Now()
	bytes, requests, err := f()
	wall := time.Since(began)
	if err != nil {
		return phase{}, fmt.Errorf("%s: %w", name, err)
	}
	after, err := b.Usage()
	return phase{name: name, bytes: bytes, requests: requests, wall: wall, cpu: after.CPU() - before.CPU(), rss: after.RSS, busy: busy}, err
}

// runClients produces and then consumes one topic by franz-go.
func runClients(b contender, o options) (phases []phase, err error) {
	count := int64(o.sizeMiB) << 20 / recordBytes
	done := func() (bytes, requests int64) { return count * recordBytes, 0 }
	return produceAndConsume(b, o, "1 KiB", recordBytes, count, done)
}

// smallRecordBytes is the value of a record where records count, not bytes.
const smallRecordBytes = 100

// runSmall does so with small records, a quarter as many bytes: what a record costs
// counts, which is most of all the client.
func runSmall(b contender, o options) (phases []phase, err error) {
	count := int64(o.sizeMiB) << 20 / 4 / smallRecordBytes
	done := func() (bytes, requests int64) { return 0, count }
	return produceAndConsume(b, o, "100 B", smallRecordBytes, count, done)
}

// produceAndConsume verifies what was produced between the two.
func produceAndConsume(b contender, o options, name string, valueBytes int, count int64, done func() (bytes, requests int64)) (phases []phase, err error) {
	err = withTopic(b, partitions, func(ctx context.Context, topic string) error {
		produced, err := timed(b, o, "produce "+name, func() (int64, int64, error) {
			bytes, requests := done()
			return bytes, requests, produceRecords(ctx, b, topic, count, valueBytes)
		})
		if err != nil {
			return err
		}
		phases = []phase{produced}
		if err := verifyBatches(b, topic, partitions, count, 0); err != nil || b.Name() == nullBroker {
			return err
		}
		consumed, err := timed(b, o, "consume "+name, func() (int64, int64, error) {
			bytes, requests := done()
			return bytes, requests, consumeRecords(ctx, b, topic, count)
		})
		phases = append(phases, consumed)
		return err
	})
	return phases, err
}

// produceByClient fills a topic by franz-go and reads it back.
func produceByClient(ctx context.Context, b contender, o options, topic, name string) (produced phase, count int64, err error) {
	count = int64(o.sizeMiB) << 20 / recordBytes
	produced, err = timed(b, o, name, func() (int64, int64, error) {
		return count * recordBytes, 0, produceRecords(ctx, b, topic, count, recordBytes)
	})
	if err != nil {
		return produced, count, err
	}
	return produced, count, verifyBatches(b, topic, partitions, count, 0)
}

// runSingle sends requests of one 100-byte record on one connection.
func runSingle(b contender, o options) (phases []phase, err error) {
	err = withTopic(b, 1, func(_ context.Context, topic string) error {
		batch := record100B.encode()
		next, err := idempotentFrames(b, topic, 1, batch)
		if err != nil {
			return err
		}
		p, err := timed(b, o, "single-record requests", func() (int64, int64, error) {
			return 0, int64(o.requests), sendNext(entrance(b), next, topic, 1, o.requests)
		})
		if err != nil {
			return err
		}
		phases = []phase{p}
		return verifyCopies(b, topic, 1, batch, o.requests)
	})
	return phases, err
}

func checkStored(ctx context.Context, b contender, topic string, want int64) error {
	held, err := stored(ctx, b, topic)
	if err != nil {
		return err
	}
	if held != want {
		return fmt.Errorf("the topic holds %d records, %d were sent", held, want)
	}
	return nil
}
