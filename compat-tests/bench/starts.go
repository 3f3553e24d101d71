package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// openFiles is what the broker may have open in the start series: far less than
// its partitions have files.
const openFiles = 20_000

// state is a data folder from which Barnabas is started again and again.
type state struct {
	name string
	// fill prepares the data of a fresh broker.
	fill func(b *testbed.Broker, o options) error
	// killed says that the broker was killed after fill. A start recovers, so
	// each begins from a copy of what the kill left.
	killed bool
	// fetches also takes the time of the first Fetch from the end and the start
	// of the one partition of topic bigTopic.
	fetches bool
	// ends, if any, is where its partitions end: when all of them say so is a figure.
	ends func(o options) topicEnds

	broker *testbed.Broker
}

// bigTopic has one partition with all its data; each request fills 1 MiB of it.
const bigTopic = "big"

// manyTopics is what the names of the topics with many partitions begin with.
const manyTopics = "many-"

const (
	bigRecords = 1000
	bigMiB     = 2 // times --size: 1 GiB unless told otherwise
)

// newStates: the first is what the others are compared with.
func newStates() []*state {
	return []*state{
		{name: "empty", fill: func(*testbed.Broker, options) error { return nil }},
		{name: "1 GiB, killed", fill: fillOne, killed: true, fetches: true},
		{name: "10k partitions, stopped", fill: fillMany, ends: manyEnds},
		{name: "10k partitions, killed", fill: fillMany, killed: true, ends: manyEnds},
	}
}

const (
	startRow      = "start to Metadata"
	startRSSRow   = "RSS when ready"
	fetchEndRow   = "first fetch, from the end"
	fetchStartRow = "then from the start"
)

var startGoals = []goal{
	{row: startRow, unit: "ms", column: "1 GiB, killed", ratio: true, atMost: 8},
	{row: startRow, unit: "ms", column: "10k partitions, stopped", ratio: true, atMost: 10},
	{row: startRow, unit: "ms", column: "10k partitions, killed", ratio: true, atMost: 15},
	{row: startRSSRow, unit: "MiB", column: "10k partitions, stopped", atMost: 64},
	{row: startRSSRow, unit: "MiB", column: "10k partitions, killed", atMost: 64},
	{row: fetchEndRow, unit: "ms", column: "1 GiB, killed", atMost: 1000},
	{row: fetchStartRow, unit: "ms", column: "1 GiB, killed", atMost: 1000},
}

// runStarts measures Barnabas (profile server) alone: states, not brokers, are
// the columns. States take turns, so that a slow moment falls on all.
func runStarts(_ series, o options) (*table, error) {
	if err := limitOpenFiles(openFiles); err != nil {
		return nil, err
	}
	t := &table{ofFirst: true, goals: startGoals, least: enough(o.starts)}
	for _, note := range append(asNamed("MiB", bigMiB*o.sizeMiB, 1024), asNamed("partitions", o.partitions, 10_000)...) {
		t.note("%s", note)
	}
	states := newStates()
	defer func() {
		for _, s := range states {
			if s.broker != nil {
				_ = s.broker.Close()
			}
		}
	}()
	for _, s := range states {
		t.brokers = append(t.brokers, s.name)
		began := time.Now()
		if err := s.prepare(o); err != nil {
			return t, fmt.Errorf("prepare %s: %w", s.name, err)
		}
		fmt.Fprintf(os.Stderr, "prepared %s in %v\n", s.name, time.Since(began).Round(time.Millisecond))
	}
	for i := range o.starts {
		for _, s := range states {
			fmt.Fprintf(os.Stderr, "start %d of %d, %s\n", i+1, o.starts, s.name)
			if err := s.measure(t, o); err != nil {
				return t, fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	return t, nil
}

// prepare fills a broker and ends it.
func (s *state) prepare(o options) (err error) {
	if s.broker, err = barnabas.Start(barnabas.Options{Profile: "server"}); err != nil {
		return err
	}
	if err := s.fill(s.broker, o); err != nil {
		return err
	}
	if !s.killed {
		return s.broker.Stop()
	}
	if err := s.broker.Kill(); err != nil {
		return err
	}
	return os.Rename(s.broker.DataDir(), s.template())
}

func (s *state) template() string { return s.broker.DataDir() + ".killed" }

// measure starts the broker once.
func (s *state) measure(t *table, o options) error {
	if s.killed {
		if err := errors.Join(os.RemoveAll(s.broker.DataDir()), copyTree(s.template(), s.broker.DataDir())); err != nil {
			return err
		}
	}
	settle(1 << 20)
	if err := s.broker.Start(); err != nil {
		return err
	}
	asked := time.Now()
	if err := testbed.AskMetadata(s.broker.Bootstrap()); err != nil {
		return err
	}
	t.add(startRow, "ms", lower, s.name, millis(s.broker.ReadyAfter()+time.Since(asked)))
	usage, err := s.broker.Usage()
	if err != nil {
		return err
	}
	t.add(startRSSRow, "MiB", lower, s.name, float64(usage.RSS)/(1<<20))
	if s.ends != nil {
		if err := awaitEnds(s.broker, s.ends(o)); err != nil {
			return err
		}
		t.add(startAllRow, "ms", lower, s.name, millis(s.broker.ReadyAfter()+time.Since(asked)))
	}
	if s.fetches {
		if err := s.firstFetches(t, o); err != nil {
			return err
		}
	}
	if s.killed {
		return s.broker.Kill()
	}
	return s.broker.Stop()
}

func (s *state) firstFetches(t *table, o options) error {
	conn, err := wire.Dial(s.broker.Bootstrap())
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // only read from
	last := int64(bigMiB*o.sizeMiB-1) * bigRecords
	for _, from := range []struct {
		row    string
		offset int64
	}{{fetchEndRow, last}, {fetchStartRow, 0}} {
		began := time.Now()
		if err := fetchAt(conn, bigTopic, from.offset); err != nil {
			return err
		}
		t.add(from.row, "ms", lower, s.name, millis(time.Since(began)))
	}
	return nil
}

// fetchAt reads the batch that begins at an offset of partition 0. A broker that
// asks to come again gets asked again.
func fetchAt(conn *wire.Conn, topic string, offset int64) error {
	deadline := time.Now().Add(wire.DefaultTimeout)
	for {
		resp, err := conn.Call(fetchRequest(topic, []int64{offset}, offset+1))
		if err != nil {
			return err
		}
		p := resp.(*kmsg.FetchResponse).Topics[0].Partitions[0]
		if p.ErrorCode == 0 {
			if next, _ := walk(p.RecordBatches, offset); next == offset+bigRecords {
				return nil
			}
			return fmt.Errorf("fetch at %d: not the batch that was stored there", offset)
		}
		if code := kerr.ErrorForCode(p.ErrorCode); !kerr.IsRetriable(code) || time.Now().After(deadline) {
			return fmt.Errorf("fetch at %d: %w", offset, code)
		}
	}
}

// fillOne puts about a GiB into one partition.
func fillOne(b *testbed.Broker, o options) error {
	if err := createTopics(b, 1, bigTopic); err != nil {
		return err
	}
	return fillBig(b, bigTopic, bigMiB*o.sizeMiB)
}

// fillBig puts so many batches of a MiB into a topic's one partition.
func fillBig(b contender, topic string, n int) error {
	batch := batchOf(bigRecords, 1036) // just under what max.message.bytes allows
	return sendFrames(b.Bootstrap(), produceFrame(topic, 1, batch), topic, 1, n)
}

// fillMany puts a record of 1 KiB into each of many partitions.
func fillMany(b *testbed.Broker, o options) error {
	if err := createTopics(b, manyEach, manyNames(o)...); err != nil {
		return err
	}
	return oneRecordEach(b, o)
}

// manyEnds is what fillMany leaves.
func manyEnds(o options) topicEnds { return equalEnds(manyNames(o), manyEach, 1) }

// manyEach is how many partitions each of the many topics has.
const manyEach = 100

func manyNames(o options) []string {
	names := make([]string, max(1, o.partitions/manyEach))
	for i := range names {
		names[i] = fmt.Sprintf("%s%04d", manyTopics, i)
	}
	return names
}

func oneRecordEach(b contender, o options) error {
	batch := batchOf(1, recordBytes)
	for _, name := range manyNames(o) {
		if err := sendFrames(b.Bootstrap(), produceFrame(name, manyEach, batch), name, manyEach, 1); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func createTopics(b contender, partitions int32, names ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), benchTimeout)
	defer cancel()
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(b.Bootstrap()))
	if err != nil {
		return err
	}
	defer admin.Close()
	answers, err := admin.CreateTopics(ctx, partitions, 1, nil, names...)
	if err != nil {
		return err
	}
	return answers.Error()
}
