package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

const (
	manyStopped = ", 10,000 partitions, stopped"
	manyKilled  = ", 10,000 partitions, killed"
	bigKilled   = ", 2 GiB, killed"

	startManyRow       = startRow + manyStopped
	startManyKilledRow = startRow + manyKilled
	startBigKilledRow  = startRow + bigKilled
	// startAllRow is until every partition tells its end.
	startAllRow = "start until all partitions answer"
)

const (
	// kfake has two files of each partition open, Kafka one; no other has more.
	filesPerPartition = 2
	// filesBeside are the connections and everything else.
	filesBeside = 500
)

// partitionsBeside is how many partitions every broker has in the series beside
// peers: fewer than asked for where the machine does not allow kfake's open files,
// and the table says so.
func partitionsBeside(t *table, o options) int {
	allowed := raiseOpenFiles(uint64(filesPerPartition*o.partitions + filesBeside))
	most := (allowed - filesBeside) / filesPerPartition / manyEach * manyEach
	if most < o.partitions {
		t.note("%d partitions: with the %d open files that are allowed kfake has no more", most, allowed)
		return most
	}
	if o.partitions != 10_000 {
		t.note("%d partitions", o.partitions)
	}
	return o.partitions
}

// Every start is from what a broker leaves that has just been written to, so that
// each has the same to recover. Brokers of 10,000 partitions and of 2 GiB are not
// the same ones: a series each.
var (
	startManyWorkloads = []workload{{name: "start beside peers: 10,000 partitions, stopped and killed", run: runStartMany}}
	startBigWorkloads  = []workload{{name: "start beside peers: 2 GiB, killed", run: runStartBig}}
)

// runStartMany starts a broker that has a record or more in each of many partitions,
// after a stop in order and after kill -9.
func runStartMany(b contender, o options) ([]phase, error) {
	if err := createTopics(b, manyEach, manyNames(o)...); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return nil, err
	}
	var all phase
	for _, end := range []struct {
		state string
		by    func() error
	}{{manyStopped, b.Stop}, {manyKilled, b.Kill}} {
		if err := awaitTopics(b, manyEach, manyNames(o)); err != nil {
			return nil, err
		}
		before, err := endsOfTopics(b, manyNames(o), manyEach)
		if err != nil {
			return nil, err
		}
		if err := oneRecordEach(b, o); err != nil {
			return nil, err
		}
		figures, err := startAfter(b, end.state, end.by, before.plus(1))
		if err != nil {
			return nil, fmt.Errorf("%s%s: %w", startRow, end.state, err)
		}
		all.more = append(all.more, figures...)
	}
	return []phase{all}, nil
}

// runStartBig starts a broker that was killed with one large partition.
func runStartBig(b contender, o options) (phases []phase, err error) {
	const sizes = 4 // times --size: 2 GiB unless told otherwise
	err = withTopic(b, 1, func(_ context.Context, topic string) error {
		if err := fillBig(b, topic, sizes*o.sizeMiB); err != nil {
			return err
		}
		figures, err := startAfter(b, bigKilled, b.Kill, equalEnds([]string{topic}, 1, int64(sizes*o.sizeMiB*bigRecords)))
		phases = []phase{{notes: asNamed("MiB", sizes*o.sizeMiB, 2048), more: figures}}
		return err
	})
	return phases, err
}

// startAfter ends a broker and starts it: the time from the fork to the first answer
// to Metadata and the memory then, and the time until all partitions answer that were
// there, with everything that was acknowledged.
func startAfter(b contender, state string, end func() error, want topicEnds) ([]sample, error) {
	if err := end(); err != nil {
		return nil, err
	}
	settle(1 << 20)
	if err := b.Start(); err != nil {
		return nil, err
	}
	asked := time.Now()
	if err := testbed.AskMetadata(b.Bootstrap()); err != nil {
		return nil, err
	}
	took := b.ReadyAfter() + time.Since(asked)
	usage, err := b.Usage()
	if err != nil {
		return nil, err
	}
	if err := awaitEnds(b, want); err != nil {
		return nil, err
	}
	all := b.ReadyAfter() + time.Since(asked)
	return []sample{
		{startRow + state, "ms", lower, millis(took)},
		{startRow + state, "RSS MiB", lower, float64(usage.RSS) / (1 << 20)},
		{startAllRow + state, "ms", lower, millis(all)},
	}, nil
}

// awaitTopics waits until every partition answers: Kafka leads them a moment after
// it has answered Metadata.
func awaitTopics(b contender, partitions int32, names []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), benchTimeout)
	defer cancel()
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(b.Bootstrap()))
	if err != nil {
		return err
	}
	defer admin.Close()
	for _, name := range names {
		if err := awaitTopic(ctx, admin, name, partitions); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
