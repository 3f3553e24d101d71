package streams

import (
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/matrix"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/target"
	"github.com/barnabas-mq/barnabas/compat-tests/world"
)

const (
	keys = 6
	// perRound is how many numbers each key gets in each round, before it and after the last.
	perRound = 300
)

// branched is what is due in each topic: the values of each key, in order.
type branched map[string]map[string][]string

// add computes what the application makes of a number.
func (b branched) add(key string, n int) {
	value, topic := n*7+1, "odd"
	if value%3 == 0 {
		return
	}
	if value%2 == 0 {
		topic = "even"
	}
	key = "key-" + key
	b[topic][key] = append(b[topic][key], strconv.Itoa(value))
}

// TestStateless: whatever is killed, each number comes out at least once, in order.
func TestStateless(t *testing.T) {
	t.Parallel()
	matrix.Works(t, "Kafka Streams", oracle.Newest, "Java", "stateless, while broker and application are killed", target.Column())
	a := newApplication(t, "stateless", 1, "numbers", "even", "odd")
	due := branched{"even": {}, "odd": {}}
	next := 0
	say := func() {
		var records []*kgo.Record
		for range perRound {
			for k := range keys {
				key := strconv.Itoa(k)
				due.add(key, next)
				records = append(records, &kgo.Record{Topic: "numbers", Partition: int32(k % partitions), Key: []byte(key), Value: []byte(strconv.Itoa(next))})
			}
			next++
		}
		a.Produce(records...)
	}
	even, odd := a.output("even"), a.output("odd")
	more := func() {
		from := even.count
		a.await(even, func() bool { return even.count >= from+perRound })
	}
	say()
	more()
	for range rounds(t) {
		say()
		more() // in the middle of its work
		a.instances[0].Kill()
		a.start(0)
		say()
		more()
		a.Restart()
	}
	say()
	for _, o := range []*output{even, odd} {
		a.await(o, func() bool { return o.whole(due[o.topic]) })
	}
	for topic, want := range due {
		got := a.again(topic)
		for _, key := range slices.Sorted(maps.Keys(want)) {
			if fault := world.AtLeastOnce(got.values[key], want[key]); fault != "" {
				t.Errorf("%s in %s: %s", key, topic, fault)
			}
			delete(got.values, key)
		}
		for key := range got.values {
			t.Errorf("%s holds a foreign key %q", topic, key)
		}
		t.Logf("%s: %d records, of which %d repeat others", topic, got.count, got.count-sum(want))
	}
}

// whole tells whether the last value of each key is there.
func (o *output) whole(want map[string][]string) bool {
	for key, values := range want {
		if !slices.Contains(o.values[key], values[len(values)-1]) {
			return false
		}
	}
	return true
}

func sum(of map[string][]string) int {
	n := 0
	for _, values := range of {
		n += len(values)
	}
	return n
}
