package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
)

// scaleStoring are the brokers that keep what they are sent.
var scaleStoring = []string{"barnabas", "kfake", "kfake-memory", "kafka"}

var scaleWorkloads = []workload{
	{name: "memory: idle", run: runIdleMemory},
	{name: "memory: 1 GiB in and out", run: runInAndOut, columns: scaleStoring},
	{name: "memory: of an idle connection", run: runIdleConnections},
	{name: "scale: 10,000 topics", run: runManyTopics, columns: scaleStoring},
	{name: manyPartitionsName, run: runManyPartitions, columns: []string{"barnabas", "kfake", "kafka"}}, // on disk, all of them
}

// freshEach starts a broker of its own, on a fresh data folder, for every
// measurement: what an earlier workload left in a process would be counted as the
// memory of the next. Only one broker runs at a time.
type freshEach struct {
	// columns are the brokers beside Barnabas, as in sideBySide.
	columns []string
	goals   []goal
}

func (x freshEach) run(s series, o options) (*table, error) {
	began := time.Now()
	if err := limitOpenFiles(openFiles); err != nil {
		return nil, err
	}
	names, err := x.brokers(o)
	if err != nil {
		return nil, err
	}
	t := &table{goals: x.goals, least: enough(o.rounds)}
	for _, name := range names { // in their order, whoever starts first, or never
		t.brokers = append(t.brokers, columnOf(name))
	}
	var ended []contender
	defer func() {
		for _, b := range ended {
			_ = b.Close()
		}
	}()
	todo := freshSteps(s.workloads, names, o.rounds)
	p := newProgress(os.Stderr, len(todo))
	failed := map[freshStep]bool{}
	for _, step := range todo {
		if time.Since(began) > o.limit {
			t.note("time limit of %v: ended in round %d of %d", o.limit, step.round, o.rounds)
			break
		}
		same := freshStep{at: step.at, broker: step.broker}
		if failed[same] {
			p.steps--
			continue
		}
		w := s.workloads[step.at]
		p.step(fmt.Sprintf("%s: round %d of %d, %s, %s", s.name(), step.round, o.rounds, w.name, step.broker))
		b, err := x.measure(t, w, step.broker, o)
		if b != nil {
			ended = append(ended, b)
		}
		if err != nil {
			failed[same] = true
			t.fail("%s on %s: %v", w.name, step.broker, err)
		}
	}
	t.noteBusy()
	return t, nil
}

// freshStep is one workload, by its index, on one broker in a round.
type freshStep struct {
	round, at int
	broker    string
}

// freshSteps are all steps in their order: each workload on each broker that it is
// for, in another order for each workload and round.
func freshSteps(workloads []workload, brokers []string, rounds int) (out []freshStep) {
	for round := range rounds {
		for at, w := range workloads {
			if round > 0 && w.name == manyPartitionsName {
				continue // it takes minutes, and shows a number of things rather than a speed
			}
			for _, i := range turns(w.name, round, len(brokers)) {
				broker := brokers[i]
				if len(w.columns) == 0 || slices.Contains(w.columns, broker) {
					out = append(out, freshStep{round + 1, at, broker})
				}
			}
		}
	}
	return out
}

// brokers are the names of those that take part, Barnabas first.
func (x freshEach) brokers(o options) ([]string, error) {
	peers := strings.Split(o.against, ",")
	for _, name := range peers {
		if _, known := devStarters[name]; !known && name != "" {
			return nil, fmt.Errorf("no broker %q; there are %s", name, strings.Join(slices.Sorted(maps.Keys(devStarters)), ", "))
		}
	}
	names := []string{"barnabas"}
	for _, name := range x.columns {
		if slices.Contains(peers, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// columnOf is the name that a broker of devStarters has.
func columnOf(name string) string {
	if name == "kafka" {
		return "kafka-" + oracle.Newest
	}
	return name
}

// measure starts a broker, takes one workload through it and kills it. The data folder
// stays until the end of the series: for a minute or more after thousands of files were
// deleted, ext4 looks at each of their inodes whenever a file is made, and the broker
// that comes next would pay for it.
func (x freshEach) measure(t *table, w workload, name string, o options) (contender, error) {
	b, err := devStarters[name]()
	if err != nil {
		return nil, err
	}
	return b, errors.Join(t.measure(w, b, o), b.Kill())
}

const kibibyte, mebibyte = 1 << 10, 1 << 20

// mebibytes is a figure of memory.
func mebibytes(row string, bytes int64) sample {
	return sample{row, "MiB", lower, float64(bytes) / mebibyte}
}

// perThing is the memory that each of n things takes.
func perThing(row string, before, after int64, n int) sample {
	return sample{row, "KiB each", lower, float64(after-before) / kibibyte / float64(n)}
}
