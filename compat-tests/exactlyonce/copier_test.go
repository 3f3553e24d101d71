package exactlyonce

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/matrix"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/target"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
	"github.com/barnabas-mq/barnabas/compat-tests/world"
)

const (
	copiers = 2
	// copyRecords is the default; each copier does so many transactions.
	copyRecords    = 10_000
	perTransaction = 100
	// failuresMax is how often a copier may end by itself in a round.
	failuresMax     = 5
	copiedTopic     = "copied"
	originalTopic   = "original"
	copierClassName = "org.apache.kafka.tools.TransactionalMessageCopier"
)

// copier is one of the tool's processes, by its transactional id.
type copier struct {
	*world.World
	number int
	flags  []string
	*testbed.Program
	// done is what the present process has copied.
	done *testbed.Count
	// failures are left until the test fails.
	failures int
}

// start starts the tool anew.
func (c *copier) start() {
	c.Helper()
	classPath, err := oracle.ClassPath(oracle.Newest)
	if err != nil {
		c.Fatal(err)
	}
	done := testbed.NewCount()
	c.done = done
	visit := func(line []byte) {
		var status struct {
			TotalProcessed int `json:"totalProcessed"`
		}
		if json.Unmarshal(line, &status) == nil { // else it is no status
			done.Set(status.TotalProcessed)
		}
	}
	c.Program = testbed.StartJava(c, classPath, visit, append([]string{copierClassName, "--broker-list", c.Broker.Bootstrap(),
		"--input-topic", originalTopic, "--output-topic", copiedTopic, "--consumer-group", "copiers", "--use-group-metadata",
		"--transactional-id", fmt.Sprintf("copier-%d", c.number), "--input-partition", strconv.Itoa(c.number),
		"--transaction-size", strconv.Itoa(perTransaction), "--enable-random-aborts"}, c.flags...)...)
}

// progress waits until the present process has copied some more; one that ended is none to wait for.
func (c *copier) progress(transactions int) {
	c.Helper()
	c.done.Await(c, c.Program, c.done.Now()+transactions*perTransaction, world.SettleTimeout)
}

// finish has the copier run, again if need be, until it says that there is nothing left.
func (c *copier) finish() {
	c.Helper()
	for {
		if !c.Wait(world.SettleTimeout) {
			c.Fatalf("copier %d does not end\n%s", c.number, c.Tail())
		}
		if c.Program.Err() == nil {
			return
		}
		if c.failures--; c.failures < 0 {
			c.Fatalf("copier %d ended with %v again\n%s", c.number, c.Program.Err(), c.Tail())
		}
		c.Logf("copier %d ended with %v and is started again\n%s", c.number, c.Program.Err(), c.Tail())
		c.start()
	}
}

// TestCopiers: whatever is killed, each record is copied once.
func TestCopiers(t *testing.T) {
	matrix.Works(t, "Kafka's transactional message copier", oracle.Newest, "Java", "two copiers, exactly once, while they and the broker are killed", target.Column())
	for name, flags := range map[string][]string{"partitions": nil, "group": {"--group-mode"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, originalTopic, copiedTopic)
			total := number(t, envRecords, copyRecords)
			var records []*kgo.Record
			for i := range total {
				text := strconv.Itoa(i / partitions)
				records = append(records, &kgo.Record{Topic: originalTopic, Partition: int32(i % partitions), Key: []byte(text), Value: []byte(text)})
			}
			w.Produce(records...)
			rounds := number(t, envRounds, 2)
			var all []*copier
			for i := range copiers {
				c := &copier{World: w, number: i, flags: flags, failures: failuresMax * (rounds + 1)}
				c.start()
				all = append(all, c)
			}
			for range rounds {
				for _, c := range all {
					c.progress(3)
					c.Kill()
					c.start()
				}
				all[0].progress(3)
				w.Restart()
			}
			for _, c := range all {
				c.finish()
			}
			copiedOnce(w, total)
		})
	}
}

// copiedOnce compares the copy with the original.
func copiedOnce(w *world.World, total int) {
	w.Helper()
	got := make([][]string, partitions)
	w.ReadAll(copiedTopic, func(r *kgo.Record) { got[r.Partition] = append(got[r.Partition], string(r.Value)) })
	var want []string
	for i := range total / partitions {
		want = append(want, strconv.Itoa(i))
	}
	for partition, values := range got {
		if !slices.Equal(values, want) {
			w.Errorf("partition %d of the copy has %d values where %d are due, the first difference at %d", partition, len(values), len(want), difference(values, want))
		}
	}
}

func difference(a, b []string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}
