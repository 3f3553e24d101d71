package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
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

var scaleGoals = slices.Concat(memoryGoals, connectionGoals, topicGoals, partitionGoals)

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
	t := &table{goals: x.goals}
	var ended []contender
	defer func() {
		for _, b := range ended {
			_ = b.Close()
		}
	}()
	for round := range o.rounds {
		if time.Since(began) > o.limit {
			fmt.Fprintf(os.Stderr, "time limit of %v: %d of %d rounds\n", o.limit, round, o.rounds)
			break
		}
		for _, w := range s.workloads {
			if round > 0 && w.name == manyPartitionsName {
				continue // it takes minutes, and shows a number of things rather than a speed
			}
			for i := range names {
				name := names[(round+i)%len(names)] // nobody always comes after the same one
				if len(w.columns) > 0 && !slices.Contains(w.columns, name) {
					continue
				}
				fmt.Fprintf(os.Stderr, "round %d of %d, %s, %s\n", round+1, o.rounds, w.name, name)
				b, err := x.measure(t, w, name, o)
				if b != nil {
					ended = append(ended, b)
				}
				if err != nil {
					return t, fmt.Errorf("%s on %s: %w", w.name, name, err)
				}
			}
		}
	}
	return t, nil
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

// measure starts a broker, takes one workload through it and kills it. The data folder stays until the end of the
// series: for a minute or more after thousands of files were deleted, ext4 looks at
// each of their inodes whenever a file is made, and the broker that comes next
// would pay for it.
func (x freshEach) measure(t *table, w workload, name string, o options) (contender, error) {
	b, err := devStarters[name]()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(t.brokers, b.Name()) { // the first workload is for all, in the order of the columns
		t.brokers = append(t.brokers, b.Name())
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
