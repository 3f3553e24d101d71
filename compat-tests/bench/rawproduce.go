package main

import (
	"context"
	"fmt"
	"time"
)

// The batches of the raw workloads are just under the size that they are named for.
var (
	record100B  = batchShape{records: 1, valueBytes: 100}
	record1KiB  = batchShape{records: 1, valueBytes: 951}
	batch16KiB  = batchShape{records: 16, valueBytes: 1011}
	batch128KiB = batchShape{records: 127, valueBytes: recordBytes}
	batch1MiB   = batchShape{records: 1000, valueBytes: 1036} // what max.message.bytes allows
)

var (
	raw16KiB  = rawProduce{"raw produce 16 KiB", 1, batch16KiB, 1}
	raw128KiB = rawProduce{"raw produce 128 KiB x 6", partitions, batch128KiB, 1}
	raw1MiB   = rawProduce{"raw produce 1 MiB", 1, batch1MiB, 1}
	raw100    = rawProduce{"raw produce 100 partitions x 1 KiB", 100, record1KiB, manyShare}
	raw1000   = rawProduce{"raw produce 1,000 partitions x 1 KiB", 1000, record1KiB, manyShare}
)

// manyShare: batches of 1 KiB cost a broker so much per byte that less of them makes as
// long a measurement.
const manyShare = 4

// batchShape is a batch of equal records.
type batchShape struct{ records, valueBytes int }

func (s batchShape) encode() []byte { return batchOf(s.records, s.valueBytes) }

// rawProduce sends the same frame over and over, as an idempotent producer: a batch for
// each partition.
type rawProduce struct {
	name       string
	partitions int32
	shape      batchShape
	// share is the part of --size that is sent.
	share int
}

// requests is how many frames make the load of a round.
func (r rawProduce) requests(o options, batchBytes int) int {
	return max(1, o.sizeMiB<<20/(r.share*int(r.partitions)*batchBytes))
}

func (r rawProduce) run(b contender, o options) (phases []phase, err error) {
	err = withTopic(b, r.partitions, func(_ context.Context, topic string) error {
		p, _, err := r.produce(b, o, topic)
		phases = []phase{p}
		return err
	})
	return phases, err
}

// produce fills a topic and reads it back. It returns the records per partition. The
// first request, for which a broker makes the files of every partition, is a figure of
// its own.
func (r rawProduce) produce(b contender, o options, topic string) (p phase, records int64, err error) {
	batch := r.shape.encode()
	next, err := idempotentFrames(b, topic, r.partitions, batch)
	if err != nil {
		return p, 0, err
	}
	requests := r.requests(o, len(batch))
	began := time.Now()
	if err := sendNext(entrance(b), next, topic, int(r.partitions), 1); err != nil {
		return p, 0, fmt.Errorf("%s, the first request: %w", r.name, err)
	}
	first := time.Since(began)
	p, err = timed(b, o, r.name, func() (bytes, _ int64, err error) {
		return int64(requests) * int64(r.partitions) * int64(len(batch)), 0,
			sendNext(entrance(b), next, topic, int(r.partitions), requests)
	})
	if err != nil {
		return p, 0, err
	}
	if r.partitions > partitions {
		p.more = append(p.more, sample{r.name, "first ms", lower, millis(first)})
	}
	return p, recordsOf(batch) * int64(1+requests), verifyCopies(b, topic, r.partitions, batch, 1+requests)
}
