package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// sideBySide takes each workload through several brokers in turn.
type sideBySide struct {
	// columns are the brokers beside Barnabas, by name, in order; of them those are
	// started that --against names as well.
	columns []string
	// starters make those that are started otherwise here than by devStarters.
	starters map[string]starter
	// starts also measures restarts, memory the resident memory at the end.
	starts, memory bool
	// disk says that the figures are those of a disk: there are none in memory.
	disk bool
	// warm gives Kafka its first GiB before the workloads are taken once, unmeasured.
	warm  bool
	goals []goal
	// manyPartitions needs as many open files as kfake has for --partitions.
	manyPartitions bool
}

func (x sideBySide) run(s series, o options) (t *table, err error) {
	var many table
	if x.manyPartitions {
		o.partitions = partitionsBeside(&many, o)
	}
	if x.disk && inMemory(os.TempDir()) {
		return nil, fmt.Errorf("%s lies in memory, where nothing is synced: give another --dir", os.TempDir())
	}
	brokers, err := x.startAll(o)
	defer func() {
		for _, b := range brokers {
			if closeErr := b.Close(); err == nil {
				err = closeErr
			}
		}
	}()
	t = newTable(brokers)
	t.notes, t.goals, t.least = many.notes, x.goals, enough(o.rounds)
	if err != nil {
		return t, err
	}
	if x.starts {
		if err := measureStarts(t, brokers, o); err != nil {
			return t, err
		}
	}
	if err := x.measure(s, t, brokers, o); err != nil || !x.memory {
		return t, err
	}
	t.memory("RSS after all of this series", brokers)
	return t, nil
}

// measure warms the brokers up and takes the rounds.
func (x sideBySide) measure(s series, t *table, brokers []contender, o options) error {
	y, err := newYardstick()
	if err != nil {
		return err
	}
	defer y.broker.Close() //nolint:errcheck // it holds nothing
	r := newRounds(s, brokers, y, t, o)
	if x.warm {
		for _, b := range brokers {
			if err := firstGiB(b, o); err != nil {
				t.fail("the first %d MiB of %s: %v", o.warmMiB, b.Name(), err)
			}
		}
	}
	// A JVM compiles what runs often: every workload is taken once, unmeasured.
	r.run(s.name()+": warming up", -1, func(w workload, b contender) error {
		_, err := w.run(b, o)
		return err
	})
	return r.measure(o)
}

// firstGiB gives Kafka --warm MiB before its figures are taken: its JVM needs that
// much to be as fast as it gets.
func firstGiB(b contender, o options) error {
	if !is(b.Name(), "kafka") || o.warmMiB == 0 {
		return nil
	}
	fmt.Fprintf(os.Stderr, "the first %d MiB of %s\n", o.warmMiB, b.Name())
	return withTopic(b, partitions, func(ctx context.Context, topic string) error {
		count := int64(o.warmMiB) << 20 / recordBytes
		if err := produceRecords(ctx, b, topic, count, recordBytes); err != nil {
			return err
		}
		return consumeRecords(ctx, b, topic, count)
	})
}

// startAll starts Barnabas and the peers; the first error stops it, and what was
// started is returned all the same.
func (x sideBySide) startAll(o options) (out []contender, err error) {
	peers := strings.Split(o.against, ",")
	for _, name := range peers {
		if _, known := devStarters[name]; !known && name != "" {
			return nil, fmt.Errorf("no broker %q; there are %s", name, strings.Join(slices.Sorted(maps.Keys(devStarters)), ", "))
		}
	}
	for _, name := range slices.Concat([]string{"barnabas"}, x.columns) {
		if broker := strings.TrimSuffix(name, withRules); broker != "barnabas" && !slices.Contains(peers, broker) {
			continue
		}
		start, special := x.starters[name]
		if !special {
			start = devStarters[name]
		}
		b, err := start()
		if err != nil {
			return out, err
		}
		out = append(out, b)
	}
	return out, nil
}
