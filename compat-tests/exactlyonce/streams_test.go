package exactlyonce

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/matrix"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/target"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
	"github.com/barnabas-mq/barnabas/compat-tests/world"
)

const (
	linesTopic  = "lines"
	countsTopic = "counts"
	// linesPerRound is what is said in each round, before it and after the last.
	linesPerRound = 400
	wordsPerLine  = 5
	vocabulary    = 40
)

// counting is the application and what it should have counted.
type counting struct {
	*world.World
	classPath, state string
	*testbed.Program
	reader *kgo.Client
	random *rand.Rand
	// said is how often each word was, counted what came out of each, in order.
	said    map[string]int
	counted map[string][]int
	out     int
}

// TestStreamsWordCount: whatever is killed, each count comes out once, in order.
func TestStreamsWordCount(t *testing.T) {
	matrix.Works(t, "Kafka Streams", oracle.Newest, "Java", "word count, exactly once, while broker and application are killed", target.Column())
	w := newWorld(t, linesTopic, countsTopic)
	c := &counting{World: w, classPath: compile(t), state: t.TempDir(), reader: w.Reader(countsTopic),
		random: rand.New(rand.NewPCG(1, 2)), said: map[string]int{}, counted: map[string][]int{}}
	c.start()
	c.say()
	c.read(c.total() / 4)
	for range number(t, envRounds, 2) {
		c.say()
		c.read(c.out + linesPerRound) // in the middle of its work
		c.Kill()
		c.start()
		c.read(c.out + linesPerRound)
		w.Restart()
	}
	c.say()
	c.read(c.total())
	counted := map[string][]int{}
	w.ReadAll(countsTopic, func(r *kgo.Record) { count(t, counted, r) })
	for _, word := range slices.Sorted(maps.Keys(c.said)) {
		for reader, got := range map[string][]int{"who was there": c.counted[word], "in the end": counted[word]} {
			for i := range max(len(got), c.said[word]) {
				if i >= len(got) || i >= c.said[word] || got[i] != i+1 {
					t.Errorf("the reader %s found %d counts of %s, which was said %d times, good up to %d", reader, len(got), word, c.said[word], i)
					break
				}
			}
		}
	}
}

func count(t *testing.T, counted map[string][]int, r *kgo.Record) {
	n, err := strconv.Atoi(string(r.Value))
	if err != nil {
		t.Errorf("a count is %q", r.Value)
	}
	counted[string(r.Key)] = append(counted[string(r.Key)], n)
}

// compile returns the class path of the application.
func compile(t *testing.T) string {
	t.Helper()
	jars, err := oracle.StreamsClassPath(oracle.Newest)
	if err != nil {
		t.Fatal(err)
	}
	return oracle.Compile(t, jars, "WordCount.java")
}

func (c *counting) start() {
	c.Helper()
	c.Program = testbed.StartJava(c, c.classPath, func([]byte) {}, "WordCount", c.Broker.Bootstrap(), c.state, linesTopic, countsTopic)
}

// say produces lines to all partitions.
func (c *counting) say() {
	c.Helper()
	var records []*kgo.Record
	for i := range linesPerRound {
		var words []string
		for range wordsPerLine {
			word := fmt.Sprintf("word-%d", c.random.IntN(vocabulary))
			c.said[word]++
			words = append(words, word)
		}
		records = append(records, &kgo.Record{Topic: linesTopic, Partition: int32(i % partitions), Value: []byte(strings.Join(words, " "))})
	}
	c.Produce(records...)
}

func (c *counting) total() int {
	n := 0
	for _, times := range c.said {
		n += times
	}
	return n
}

// read waits until so many counts have come out.
func (c *counting) read(due int) {
	c.Helper()
	due = min(due, c.total())
	ok := world.Poll(c.Context(), c.reader, world.SettleTimeout, func(r *kgo.Record) {
		count(c.T, c.counted, r)
		c.out++
	}, func() bool { return c.out >= due })
	if !ok {
		c.Fatalf("%d counts came out, not %d, of %d words\n%s", c.out, due, c.total(), c.Tail())
	}
}
