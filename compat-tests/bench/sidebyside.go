package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
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
	goals          []goal
}

func (x sideBySide) run(s series, o options) (t *table, err error) {
	began := time.Now()
	brokers, err := x.startAll(o)
	defer func() {
		for _, b := range brokers {
			if closeErr := b.Close(); err == nil {
				err = closeErr
			}
		}
	}()
	if err != nil {
		return nil, err
	}
	t = newTable(brokers)
	t.goals = slices.Concat(targets, x.goals)
	if x.starts {
		if err := measureStarts(t, brokers, o); err != nil {
			return t, err
		}
	}
	fmt.Fprintln(os.Stderr, "warming up")
	if err := warmUp(brokers, s.workloads, o); err != nil {
		return t, err
	}
	for round := range o.rounds {
		if time.Since(began) > o.limit {
			fmt.Fprintf(os.Stderr, "time limit of %v: %d of %d rounds\n", o.limit, round, o.rounds)
			break
		}
		for _, w := range s.workloads {
			for i := range brokers {
				b := brokers[(round+i)%len(brokers)] // nobody always comes after the same one
				if !w.takes(b) {
					continue
				}
				fmt.Fprintf(os.Stderr, "round %d of %d, %s, %s\n", round+1, o.rounds, w.name, b.Name())
				if err := t.measure(w, b, o); err != nil {
					return t, fmt.Errorf("%s on %s: %w", w.name, b.Name(), err)
				}
			}
		}
	}
	if x.memory {
		return t, t.memory("RSS after", brokers)
	}
	return t, nil
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
		if name != "barnabas" && !slices.Contains(peers, name) {
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

// warmUp takes every workload once, unmeasured: a JVM compiles what runs often.
func warmUp(brokers []contender, work []workload, o options) error {
	for _, b := range brokers {
		for _, w := range work {
			if !w.takes(b) {
				continue
			}
			if _, err := w.run(b, o); err != nil {
				return fmt.Errorf("%s on %s: %w", w.name, b.Name(), err)
			}
		}
	}
	return nil
}
