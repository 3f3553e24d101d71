package connect

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/matrix"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/target"
	"github.com/barnabas-mq/barnabas/compat-tests/world"
)

const (
	// numbersPerStep is how many each partition gets at a time.
	numbersPerStep = 1000
	numbersTopic   = "numbers"
	tasks          = 2
)

// internal are the topics in which Connect keeps what it knows, with the partitions that it is told to make.
var internal = map[string]int{"connect-configs": 1, "connect-offsets": 5, "connect-status": 3}

// cluster is two workers.
type cluster struct {
	*world.World
	a, b       *worker
	limit, out string
	// due is how many numbers each partition is to have.
	due int
}

func distributedSettings(group string) settings {
	return settings{
		"group.id": group, "config.storage.topic": "connect-configs", "offset.storage.topic": "connect-offsets", "status.storage.topic": "connect-status",
		"config.storage.replication.factor": "-1", "offset.storage.replication.factor": "-1", "status.storage.replication.factor": "-1",
		"offset.storage.partitions": "5", "status.storage.partitions": "3",
		"exactly.once.source.support": "enabled",
		// The least that a broker accepts by default; and what a lost worker had goes at once to the other.
		"session.timeout.ms": "6000", "heartbeat.interval.ms": "1000", "scheduled.rebalance.max.delay.ms": "0",
	}
}

// TestDistributed: whatever is killed, the source's topic has each number once, and the sink all of them.
func TestDistributed(t *testing.T) {
	t.Parallel()
	matrix.Works(t, "Kafka Connect", oracle.Newest, "Java", "distributed, exactly-once source and a sink, while broker and worker are killed", target.Column())
	classPath := compile(t)
	w := world.New(t)
	w.CreateTopics(tasks, numbersTopic)
	dir := t.TempDir()
	c := &cluster{World: w, limit: filepath.Join(dir, "limit"), out: filepath.Join(dir, "out")}
	c.more()
	c.a = newWorker(w, distributed, classPath, distributedSettings("workers"))
	c.b = newWorker(w, distributed, classPath, distributedSettings("workers"))
	c.a.configure("source", settings{"connector.class": "Numbered$Source", "tasks.max": strconv.Itoa(tasks), "exactly.once.support": "required",
		"topic": numbersTopic, "limit": c.limit})
	c.a.configure("sink", settings{"connector.class": "Numbered$Sink", "tasks.max": strconv.Itoa(tasks), "topics": numbersTopic, "file": c.out})
	refused := c.refused(classPath)
	c.compacted()
	c.spread()

	c.midway()
	w.Restart()
	c.midway()
	c.b.Kill()
	c.running(c.a)
	c.written(tasks * c.due)
	c.b.start()
	c.spread()
	c.midway()
	w.Restart()
	c.written(tasks * c.due)
	c.running(c.a, c.b)
	c.check()
	if !refused.Wait(world.SettleTimeout) || refused.Program.Err() == nil || !strings.Contains(refused.Said(), "required to have 'cleanup.policy=compact'") {
		t.Errorf("a worker whose offsets are in a topic that is not compacted ended with %v\n%s", refused.Program.Err(), refused.Tail())
	}
}

// refused starts a worker that must end when it has asked how its topic of offsets is cleaned.
func (c *cluster) refused(classPath string) *worker {
	c.Helper()
	const topic = "deleting"
	policy := "delete"
	if _, err := c.Admin.CreateTopic(c.Context(), 1, 1, map[string]*string{"cleanup.policy": &policy}, topic); err != nil {
		c.Fatal(err)
	}
	own := distributedSettings("refused")
	maps.Copy(own, settings{"offset.storage.topic": topic, "config.storage.topic": "refused-configs", "status.storage.topic": "refused-status"})
	return newWorker(c.World, distributed, classPath, own)
}

// more lets the source count on.
func (c *cluster) more() {
	c.Helper()
	c.due += numbersPerStep
	fresh := c.limit + ".new"
	if err := os.WriteFile(fresh, []byte(strconv.Itoa(c.due)), 0o644); err != nil {
		c.Fatal(err)
	}
	if err := os.Rename(fresh, c.limit); err != nil {
		c.Fatal(err)
	}
}

// compacted looks at the internal topics.
func (c *cluster) compacted() {
	c.Helper()
	names := slices.Sorted(maps.Keys(internal))
	topics, err := c.Admin.ListTopics(c.Context(), names...)
	if err != nil {
		c.Fatal(err)
	}
	configs, err := c.Admin.DescribeTopicConfigs(c.Context(), names...)
	if err != nil {
		c.Fatal(err)
	}
	for _, name := range names {
		if got := len(topics[name].Partitions); got != internal[name] {
			c.Errorf("%s has %d partitions, want %d", name, got, internal[name])
		}
		config, err := configs.On(name, nil)
		if err != nil {
			c.Fatal(err)
		}
		policy := ""
		for _, one := range config.Configs {
			if one.Key == "cleanup.policy" {
				policy = one.MaybeValue()
			}
		}
		if policy != "compact" {
			c.Errorf("%s has cleanup.policy %q", name, policy)
		}
	}
}

// running waits until all is at work on these workers.
func (c *cluster) running(on ...*worker) (at []string) {
	c.Helper()
	return append(c.a.running("source", tasks, on...), c.a.running("sink", tasks, on...)...)
}

// spread waits until both workers have something to do.
func (c *cluster) spread() {
	c.Helper()
	c.a.await("work for both", func() error {
		at := c.running(c.a, c.b)
		if !slices.Contains(at, c.a.address) || !slices.Contains(at, c.b.address) {
			return fmt.Errorf("all is at %v", at)
		}
		return nil
	})
}

// midway lets the source count on, once all before is written, and waits until each
// task is in the middle of it.
func (c *cluster) midway() {
	c.Helper()
	c.written(tasks * c.due)
	before := c.ends()
	c.more()
	c.a.await("the source", func() error {
		now := c.ends()
		for p := range int32(tasks) {
			if now[p] < before[p]+numbersPerStep/4 {
				return fmt.Errorf("partitions end at %v, after %v", now, before)
			}
		}
		return nil
	})
}

// ends are where the partitions of the source's topic end.
func (c *cluster) ends() map[int32]int64 {
	c.Helper()
	listed, err := c.Admin.ListEndOffsets(c.Context(), numbersTopic)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		c.Fatal(err)
	}
	ends := map[int32]int64{}
	listed.Each(func(o kadm.ListedOffset) { ends[o.Partition] = o.Offset })
	return ends
}

// written waits until the sink has written so many different lines.
func (c *cluster) written(count int) {
	c.Helper()
	c.a.await("lines at the sink", func() error {
		got := len(firsts(readLines(c.out)))
		if got >= count {
			return nil
		}
		return fmt.Errorf("%d lines, not %d; %s", got, count, c.report())
	})
}

// report tells, of a test that fails, how far the source is.
func (c *cluster) report() string {
	var source json.RawMessage
	_ = c.a.call(http.MethodGet, "/connectors/source/status", nil, &source) // what cannot be asked is left out
	stable, _ := c.Admin.ListCommittedOffsets(c.Context(), numbersTopic)
	ends, _ := c.Admin.ListEndOffsets(c.Context(), numbersTopic)
	return fmt.Sprintf("%s is stable up to %v of %v; the source is %s", numbersTopic, stable, ends, source)
}

// check compares topic, sink and offsets with what is due.
func (c *cluster) check() {
	c.Helper()
	var numbers []string
	for n := range c.due {
		numbers = append(numbers, strconv.Itoa(n))
	}
	stored, lines, ends := map[int32][]string{}, map[int32][]string{}, map[int32]int64{}
	c.ReadAll(numbersTopic, func(r *kgo.Record) {
		stored[r.Partition] = append(stored[r.Partition], string(r.Value))
		lines[r.Partition] = append(lines[r.Partition], fmt.Sprintf("%d %d %s", r.Partition, r.Offset, r.Value))
		ends[r.Partition] = r.Offset + 1 // the marker that follows is none that a sink gets
	})
	sunk := map[int32][]string{}
	repeats := 0
	for _, line := range readLines(c.out) {
		number, _, _ := strings.Cut(line, " ")
		p, err := strconv.Atoi(number)
		if err != nil {
			c.Errorf("the sink wrote %q", line)
		}
		sunk[int32(p)] = append(sunk[int32(p)], line)
		repeats++
	}
	for p := range int32(tasks) {
		if !slices.Equal(stored[p], numbers) {
			c.Errorf("partition %d has %d numbers, of which %d different, where each of %d is due once", p, len(stored[p]), len(firsts(stored[p])), c.due)
		}
		if fault := world.AtLeastOnce(sunk[p], lines[p]); fault != "" {
			c.Errorf("the sink of partition %d: %s", p, fault)
		}
		repeats -= len(lines[p])
	}
	c.Logf("%d numbers in each of %d partitions; the sink wrote %d lines again", c.due, tasks, repeats)
	c.a.committed("connect-sink", numbersTopic, ends)
	c.a.await("offsets of the source", func() error {
		offsets, err := c.a.offsets("source", "partition", "next")
		for p := range tasks {
			if err == nil && offsets[float64(p)] != float64(c.due) {
				err = fmt.Errorf("offsets are %v", offsets)
			}
		}
		return err
	})
}
