package streams

import (
	"os"
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
	"github.com/barnabas-mq/barnabas/compat-tests/world"
)

const (
	// envRounds is how often an application and the broker are killed.
	envRounds = "STREAMS_ROUNDS"
	// partitions of every topic.
	partitions = 2
)

// application is a name with instances, each with a folder of its own.
type application struct {
	*world.World
	name, classPath string
	instances       []*instance
}

type instance struct {
	*testbed.Program
	state string
}

func newApplication(t *testing.T, name string, instances int, topics ...string) *application {
	t.Helper()
	oracle.Need(t)
	testbed.NeedPrograms(t, "javac")
	w := world.New(t)
	w.CreateTopics(partitions, topics...)
	a := &application{World: w, name: name, classPath: classPath(t)}
	for i := range instances {
		a.instances = append(a.instances, &instance{state: t.TempDir()})
		a.start(i)
	}
	return a
}

func classPath(t *testing.T) string {
	t.Helper()
	jars, err := oracle.StreamsClassPath(oracle.Newest)
	if err != nil {
		t.Fatal(err)
	}
	return oracle.Compile(t, jars, "Applications.java")
}

func (a *application) start(i int) {
	a.Helper()
	one := a.instances[i]
	one.Program = testbed.StartJava(a, a.classPath, func([]byte) {}, "Applications", a.name, a.Broker.Bootstrap(), one.state)
}

// output is what came out of a topic so far, told by a reader that saw all kills.
type output struct {
	topic  string
	reader *kgo.Client
	// values are those of each key, in order.
	values map[string][]string
	count  int
}

func (a *application) output(topic string) *output {
	return &output{topic: topic, reader: a.Reader(topic), values: map[string][]string{}}
}

func (o *output) add(r *kgo.Record) {
	o.values[string(r.Key)] = append(o.values[string(r.Key)], string(r.Value))
	o.count++
}

// await reads until there is enough.
func (a *application) await(o *output, enough func() bool) {
	a.Helper()
	if world.Poll(a.Context(), o.reader, world.SettleTimeout, o.add, enough) {
		return
	}
	for i, one := range a.instances {
		a.Logf("instance %d: %s", i, one.Tail())
	}
	a.Fatalf("%d records came out of %s, which is not enough", o.count, o.topic)
}

// again reads the whole topic anew.
func (a *application) again(topic string) *output {
	a.Helper()
	o := &output{topic: topic, values: map[string][]string{}}
	a.ReadAll(topic, o.add)
	return o
}

func rounds(t *testing.T) int {
	text := os.Getenv(envRounds)
	if text == "" {
		return 2
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
