package streams

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/matrix"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/target"
)

// The numbers of Applications.java, in milliseconds.
const (
	windowMillis = 10_000
	graceMillis  = 5_000
	// readingsPerRound is how many go to each partition in each round, before it and after the last.
	readingsPerRound = 600
	// stepMillis is how far time goes on, at most, from one record to the next.
	stepMillis = 100
)

// readings are made with times, and what is due of them is counted as they are.
type readings struct {
	topic  string
	late   bool // there may be some
	random *rand.Rand
	now    [partitions]int64
	// open and closed are counts by key and window.
	open   [partitions]map[string]int
	closed map[string]int
	// lates is how many count nowhere, disordered how many came out of order but in time.
	lates, disordered int
}

func newReadings(topic string, late bool, seed uint64) *readings {
	// Recent, or else the topics' retention would delete the records.
	begin := time.Now().Add(-time.Hour).UnixMilli() / windowMillis * windowMillis
	r := &readings{topic: topic, late: late, random: rand.New(rand.NewPCG(seed, 1)), closed: map[string]int{}}
	for p := range partitions {
		r.now[p] = begin
		r.open[p] = map[string]int{}
	}
	return r
}

// make gives a round's records.
func (r *readings) make() []*kgo.Record {
	var records []*kgo.Record
	for range readingsPerRound {
		for p := range partitions {
			at := r.now[p] + r.random.Int64N(stepMillis)
			switch dice := r.random.IntN(10); {
			case dice < 3: // out of order, but within the grace
				at = r.now[p] - r.random.Int64N(graceMillis)
			case dice == 3 && r.late: // late for its window, mostly
				at = r.now[p] - graceMillis - r.random.Int64N(3*windowMillis)
			}
			records = append(records, r.record(p, at))
		}
	}
	return records
}

// record is one at a time, counted as the application must.
func (r *readings) record(p int, at int64) *kgo.Record {
	key := fmt.Sprintf("%d-%d", p, r.random.IntN(4))
	late := at < r.now[p]
	r.now[p] = max(r.now[p], at)
	start := at / windowMillis * windowMillis
	switch {
	case start+windowMillis+graceMillis <= r.now[p]:
		r.lates++
	default:
		r.open[p][window(key, start)]++
		if late {
			r.disordered++
		}
	}
	for name, count := range r.open[p] {
		var k string
		var from int64
		_, _ = fmt.Sscanf(name, "%s %d", &k, &from) // written by window
		if from+windowMillis+graceMillis <= r.now[p] {
			r.closed[k+"@"+strconv.FormatInt(from, 10)] = count
			delete(r.open[p], name)
		}
	}
	return &kgo.Record{Topic: r.topic, Partition: int32(p), Key: []byte(key), Value: []byte("x"), Timestamp: time.UnixMilli(at)}
}

func window(key string, start int64) string { return fmt.Sprintf("%s %d", key, start) }

// end closes all windows but the last, which is of these records.
func (r *readings) end() []*kgo.Record {
	var records []*kgo.Record
	for p := range partitions {
		records = append(records, r.record(p, r.now[p]+windowMillis+graceMillis))
	}
	return records
}

// TestWindowed: whatever is killed, the count of each window comes out once, exact.
func TestWindowed(t *testing.T) {
	t.Parallel()
	matrix.Works(t, "Kafka Streams", oracle.Newest, "Java", "windows, exactly once, out of order and late, while broker and application are killed", target.Column())
	a := newApplication(t, "windowed", 2, "readings", "orderly", "closed", "released")
	in := []*readings{newReadings("readings", true, 1), newReadings("orderly", false, 2)}
	out := []*output{a.output("closed"), a.output("released")}
	say := func() {
		for _, r := range in {
			a.Produce(r.make()...)
		}
	}
	// middle waits until the output is within the last round.
	middle := func() {
		for i, o := range out {
			a.await(o, func() bool { return o.count >= len(in[i].closed)*3/4 })
		}
	}
	say()
	middle()
	for round := range rounds(t) {
		say()
		middle()
		a.instances[round%2].Kill()
		say()
		middle() // the other has taken over
		a.Restart()
		a.instances[round%2].state = t.TempDir() // as that of a container, the old one is gone
		a.start(round % 2)
		say()
		middle()
	}
	for i, r := range in {
		a.Produce(r.end()...)
		a.await(out[i], func() bool { return out[i].count >= len(r.closed) })
		once(t, out[i], r.closed, "a reader who was there")
		once(t, a.again(out[i].topic), r.closed, "a reader in the end")
		t.Logf("%s: %d windows; %d records were out of order, %d late", r.topic, len(r.closed), r.disordered, r.lates)
		if len(r.closed) == 0 || r.disordered == 0 || r.late && r.lates == 0 {
			t.Errorf("the records of %s try nothing", r.topic)
		}
	}
}

// once compares counts with those that are due.
func once(t *testing.T, o *output, due map[string]int, who string) {
	t.Helper()
	for _, window := range slices.Sorted(maps.Keys(due)) {
		if got, want := o.values[window], strconv.Itoa(due[window]); len(got) != 1 || got[0] != want {
			t.Errorf("%s found in %s of window %s the counts %v, want once %s", who, o.topic, window, got, want)
		}
	}
	for window, got := range o.values {
		if _, ok := due[window]; !ok {
			t.Errorf("%s found in %s a window %s, count %v, which has not closed", who, o.topic, window, got)
		}
	}
}
