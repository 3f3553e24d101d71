package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/bench/record"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
)

type options struct {
	rounds, starts   int
	sizeMiB          int
	requests         int
	durableMiB       int
	durableRequests  int
	partitions       int
	updates          int
	topics           int
	nodePartitions   int
	repeats, warmMiB int
	only, against    string
	limit            time.Duration
	json, dir        string
}

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 3, "measured rounds")
	flag.IntVar(&o.repeats, "repeats", 2, "void rounds, in which the null broker moved, for each measured one")
	flag.IntVar(&o.warmMiB, "warm", 1024, "MiB that Kafka is sent before the series side by side, durable, compressed and end to end")
	flag.IntVar(&o.starts, "starts", 10, "starts of each broker, and from each state of the data folder")
	flag.IntVar(&o.sizeMiB, "size", 512, "MiB per throughput workload and round; the start series fills twice as much")
	flag.IntVar(&o.requests, "requests", 50_000, "single-record requests per round")
	flag.IntVar(&o.durableMiB, "durable-size", 64, "MiB per durable throughput workload and round, four times as much on six partitions, 16 times beyond the WAL")
	flag.IntVar(&o.durableRequests, "durable-requests", 2_000, "durable requests, one in flight, per round")
	flag.IntVar(&o.partitions, "partitions", 10_000, "partitions with data in the start series")
	flag.IntVar(&o.updates, "updates", 20_000, "updates of each of the 50 keys in the compaction series")
	flag.IntVar(&o.topics, "topics", 10_000, "topics in the memory and scale series")
	flag.IntVar(&o.nodePartitions, "node-partitions", 100_000, "partitions on one node in the memory and scale series")
	flag.StringVar(&o.only, "only", "", "a series, or workloads whose name contains this; or several, between commas")
	flag.StringVar(&o.against, "against", "kfake,kfake-memory,kafka,null", "peers to compare with, of those that a series has; empty is none")
	flag.DurationVar(&o.limit, "limit", 40*time.Minute, "begin no workload of a series after this time, counted from the end of the warm-up")
	flag.StringVar(&o.json, "json", "", "also write the figures to this file after each series, beside what it has of others")
	flag.StringVar(&o.dir, "dir", os.TempDir(), "where the folder of the run is made, which has all data and goes at the end")
	flag.Parse()
	if err := runIn(o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// runIn runs in a folder that is removed whatever happens.
func runIn(o options) error {
	folder, err := runFolder(o.dir)
	if err != nil {
		return err
	}
	endOnSignal(folder)
	return errors.Join(run(o), os.RemoveAll(folder))
}

// run measures every series that --only leaves something of. A series that fails
// does not keep the others from being measured.
func run(o options) error {
	var failed error
	out := record.Run{Date: time.Now().UTC().Format(time.RFC3339), Machine: record.ThisMachine(os.TempDir()), Versions: versions(), Flags: flagsSet()}
	chosen := selectedOf(allSeries, o.only)
	if len(chosen) == 0 {
		return fmt.Errorf("no series and no workload is called %q", o.only)
	}
	var earlier []record.Run
	if o.json != "" {
		var err error
		if earlier, err = record.Earlier(o.json, out); err != nil {
			return err
		}
	}
	for _, s := range chosen {
		var t *table
		err := checkSpace(os.TempDir(), o)
		if err == nil {
			t, err = s.run(s, o)
		}
		if t != nil {
			fmt.Printf("\n%s\n\n%s", s.title, t)
			out.Series = append(out.Series, t.record(s, out))
			if len(t.rows) == 0 && err == nil {
				err = errors.New("nothing was measured")
			}
			if n := len(t.failures); n > 0 {
				failed = errors.Join(failed, fmt.Errorf("%s: %d workloads failed", s.title, n))
			}
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", s.title, err))
			fmt.Fprintln(os.Stderr, "bench:", s.title, "failed:", err)
		}
		if o.json == "" {
			continue
		}
		// After each series: a run may be ended early.
		whole, err := record.Merge(append(earlier, out)...)
		if err == nil {
			err = whole.Write(o.json)
		}
		if err != nil {
			return errors.Join(failed, err)
		}
	}
	fmt.Printf("\nAll goals\n\n%s", closing(out.Series))
	return failed
}

// flagsSet are the flags of the command line, but for where record and data lie.
func flagsSet() (out []string) {
	flag.Visit(func(f *flag.Flag) {
		if f.Name != "json" && f.Name != "dir" {
			out = append(out, "--"+f.Name+"="+f.Value.String())
		}
	})
	return out
}

// versions of the brokers and of the clients that load them.
func versions() map[string]string {
	out := map[string]string{"kafka": oracle.Newest, "barnabas": said("git", "describe", "--tags", "--always", "--dirty")}
	for name, module := range map[string]string{"kfake": "github.com/twmb/franz-go/pkg/kfake", "franz-go": "github.com/twmb/franz-go"} {
		out[name] = said("go", "list", "-m", "-f", "{{.Version}}", module)
	}
	return out
}

// said is what a command prints, or nothing.
func said(command string, args ...string) string {
	out, err := exec.Command(command, args...).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
