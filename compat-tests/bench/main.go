package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

type options struct {
	rounds, starts int
	sizeMiB        int
	requests       int
	only, against  string
	limit          time.Duration
	json           string
}

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 3, "measured rounds")
	flag.IntVar(&o.starts, "starts", 10, "starts of each broker")
	flag.IntVar(&o.sizeMiB, "size", 512, "MiB per throughput workload and round")
	flag.IntVar(&o.requests, "requests", 50_000, "single-record requests per round")
	flag.StringVar(&o.only, "only", "", "workloads whose name contains this")
	flag.StringVar(&o.against, "against", "kfake,kafka", "peers to compare with")
	flag.DurationVar(&o.limit, "limit", 12*time.Minute, "begin no round after this time")
	flag.StringVar(&o.json, "json", "", "also write the figures to this file")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(o options) (err error) {
	began := time.Now()
	brokers, err := startAll(append([]string{"barnabas"}, strings.Split(o.against, ",")...))
	defer func() {
		for _, b := range brokers {
			if closeErr := b.Close(); err == nil {
				err = closeErr
			}
		}
	}()
	if err != nil {
		return err
	}
	table := newTable(brokers)
	if err := measureStarts(table, brokers, o); err != nil {
		return err
	}
	work := selected(o)
	fmt.Fprintln(os.Stderr, "warming up")
	if err := warmUp(brokers, work, o); err != nil {
		return err
	}
	for round := range o.rounds {
		if time.Since(began) > o.limit {
			fmt.Fprintf(os.Stderr, "time limit of %v: %d of %d rounds\n", o.limit, round, o.rounds)
			break
		}
		for _, w := range work {
			for i := range brokers {
				b := brokers[(round+i)%len(brokers)] // nobody always comes after the same one
				fmt.Fprintf(os.Stderr, "round %d of %d, %s, %s\n", round+1, o.rounds, w.name, b.Name())
				if err := table.measure(w, b, o); err != nil {
					return fmt.Errorf("%s on %s: %w", w.name, b.Name(), err)
				}
			}
		}
	}
	if err := table.memory("RSS after", brokers); err != nil {
		return err
	}
	fmt.Println(table)
	if o.json == "" {
		return nil
	}
	text, err := json.MarshalIndent(table.figures(), "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(o.json, append(text, '\n'), 0o644)
}

func selected(o options) []workload {
	var out []workload
	for _, w := range workloads {
		if strings.Contains(w.name, o.only) {
			out = append(out, w)
		}
	}
	return out
}

// warmUp takes every workload once, unmeasured: a JVM compiles what runs often.
func warmUp(brokers []contender, work []workload, o options) error {
	for _, b := range brokers {
		for _, w := range work {
			if _, err := w.run(b, o); err != nil {
				return fmt.Errorf("%s on %s: %w", w.name, b.Name(), err)
			}
		}
	}
	return nil
}
