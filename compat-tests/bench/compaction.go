package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// Each producer owns some keys, so that the order of a key's updates is known.
const (
	compactionProducers = 5
	keysEach            = 10
	compactionKeys      = compactionProducers * keysEach
	// updatesPerBatch times keysEach records make a batch of some 12 KiB.
	updatesPerBatch = 10
)

// eagerCleaner makes the compactor look for work all the time, and find some:
// Barnabas compacts only what lies before the recovery point on disk.
var eagerCleaner = map[string]string{"log.cleaner.backoff.ms": "50", "log.flush.offset.checkpoint.interval.ms": "100"}

// compactionStarters: kfake is left out, its compaction is another thing.
var compactionStarters = map[string]starter{
	"barnabas": func() (contender, error) {
		return startBarnabas("server", eagerCleaner)
	},
	"kafka": func() (contender, error) { return startKafka(eagerCleaner) },
}

const (
	plainRow      = "produce without compaction"
	compactedRow  = "produce during compaction"
	slowdownRow   = "p99 during / without"
	leftRow       = "on disk when producers end"
	quietRow      = "producers end to compacted"
	smallSegments = "1048576"
)

var compactionWorkloads = []workload{{name: "compaction: 50 keys x 20,000 updates", run: runCompaction}}

var compactionGoals = []goal{
	{row: slowdownRow, unit: "x", column: "barnabas", atMost: 2},
	// Less than everything: the compactor was at work while producers were.
	{row: leftRow, unit: "%", column: "barnabas", atMost: 95},
}

// runCompaction sends the same updates to a topic that is not compacted and to
// one that is, and waits until what lies before the active segment of that one is
// one record per key.
func runCompaction(b contender, o options) (phases []phase, err error) {
	for _, load := range []struct{ row, policy string }{{plainRow, "delete"}, {compactedRow, "compact"}} {
		err := withTopicOf(b, 1, compactionSettings(load.policy), func(ctx context.Context, topic string) error {
			updates := updateFrames(topic, o.updates)
			var latencies []time.Duration
			p, err := timed(b, o, load.row, func() (_, requests int64, err error) {
				latencies, err = closedLoops(b.Bootstrap(), topic, 1, listed(updates))
				return 0, int64(len(latencies)), err
			})
			if err != nil {
				return err
			}
			p.latencies = latencies
			if load.policy == "compact" {
				p.more, err = awaitCompacted(ctx, b, topic, updates, o.updates)
			} else {
				err = verifyBatches(b, topic, 1, int64(compactionKeys)*int64(o.updates), 0)
			}
			phases = append(phases, p)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slowdown := float64(percentile(phases[1].latencies, 99)) / float64(percentile(phases[0].latencies, 99))
	phases = append(phases, phase{notes: asNamed("updates of each key", o.updates, 20_000), more: []sample{{slowdownRow, "x", lower, slowdown}}})
	return phases, nil
}

// listed are frames that were made beforehand, a list for each producer.
func listed(all [][][]byte) (producers []frames) {
	for _, own := range all {
		producers = append(producers, frames{len(own), func(i int) []byte { return own[i] }})
	}
	return producers
}

func compactionSettings(policy string) map[string]*string {
	dirty, none, soon, small := "0.01", "0", "100", smallSegments
	return map[string]*string{"cleanup.policy": &policy, "segment.bytes": &small, "min.cleanable.dirty.ratio": &dirty,
		"min.compaction.lag.ms": &none, "file.delete.delay.ms": &soon}
}

// updateFrames are the requests of each producer.
func updateFrames(topic string, updates int) [][][]byte {
	padding := string(filler(90))
	frames := make([][][]byte, compactionProducers)
	for producer := range frames {
		for first := 0; first < updates; first += updatesPerBatch {
			var records []wire.Record
			for update := first; update < min(first+updatesPerBatch, updates); update++ {
				for k := range keysEach {
					records = append(records, wire.Record{Key: strconv.AppendInt(nil, int64(producer*keysEach+k), 10),
						Value: []byte(strconv.Itoa(update) + " " + padding)})
				}
			}
			batch := wire.NewBatch(time.Now().UnixMilli(), records...).Encode()
			frames[producer] = append(frames[producer], produceFrame(topic, 1, batch))
		}
	}
	return frames
}

// updateOf is the number of the update that a value holds.
func updateOf(value []byte) (int, error) {
	number, _, _ := strings.Cut(string(value), " ")
	update, err := strconv.Atoi(number)
	if err != nil {
		return 0, fmt.Errorf("a value that nobody sent: %.20q", value)
	}
	return update, nil
}
