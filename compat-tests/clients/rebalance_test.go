package clients

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/target"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

const (
	workPartitions = 12
	// workInterval is between two records of the load: some hundred while one rebalance lasts.
	workInterval = 10 * time.Millisecond
)

// worker is a client of the matrix as a member that commits by itself.
type worker struct {
	client, protocol string
}

// scenario is the column of the matrix.
func (w worker) scenario() string {
	if w.protocol == "consumer" {
		return "consumer-protocol"
	}
	return "rebalance"
}

// workers are the clients with a worker step, and the protocols that they speak.
var workers = []worker{
	{"java-4.3", "classic"}, {"java-4.3", "consumer"}, {"java-3.9", "classic"},
	{"confluent-kafka", "classic"}, {"confluent-kafka", "consumer"},
	{"rdkafka", "classic"}, {"rdkafka", "consumer"},
	{"franz-go", "classic"}, {"franz-go", "consumer"},
	{"aiokafka", "classic"}, {"kafka-python", "classic"}, {"kafkajs", "classic"}, {"sarama", "classic"},
}

// workBroker makes members of the consumer protocol, whose time-outs are the
// broker's, as quick as those of the classic one.
func workBroker() map[string]string {
	heartbeat := strconv.FormatInt(sessionTimeout.Milliseconds()/10, 10)
	session := strconv.FormatInt(sessionTimeout.Milliseconds(), 10)
	return map[string]string{
		"group.consumer.session.timeout.ms": session, "group.consumer.min.session.timeout.ms": session,
		"group.consumer.heartbeat.interval.ms": heartbeat, "group.consumer.min.heartbeat.interval.ms": heartbeat,
	}
}

// TestRebalances: three members share twelve partitions while records come in;
// they join and leave, one is killed, all are replaced one by one, the broker is
// killed. At every stable point each partition has one owner, and in the end
// every record was read, none again that had been committed.
func TestRebalances(t *testing.T) {
	t.Parallel()
	for _, w := range workers {
		t.Run(w.client+"-"+w.protocol, func(t *testing.T) {
			t.Parallel()
			sayHowToRunAlone(t)
			passes(t, clientNamed(t, w.client), w.scenario())
			program := Install(t, clientNamed(t, w.client))
			broker := target.Run(t, workBroker())
			rebalance(t, broker, program, w.protocol)
		})
	}
}

func clientNamed(tb testing.TB, name string) Client {
	tb.Helper()
	for _, client := range Clients {
		if client.Name == name {
			return client
		}
	}
	tb.Fatalf("no client %s", name)
	return Client{}
}

func rebalance(t *testing.T, broker *testbed.Broker, program Program, protocol string) {
	const topic, name = "worked", "workers"
	began := time.Now()
	program.Create(t, broker.Bootstrap(), topic, workPartitions)
	w := &working{T: t, group: newGroup(t, program, broker.Bootstrap(), topic, name, sessionTimeout)}
	w.group.step, w.group.flags, w.group.work = "worker", []string{"--protocol", protocol}, newWork(workPartitions)
	w.load = startLoad(t, broker.Bootstrap(), topic, workPartitions, workInterval)

	a, b, c := w.group.join("a"), w.group.join("b"), w.group.join("c")
	w.stable("three joined")
	b.leave()
	w.stable("one left")
	b = w.group.join("b2")
	w.stable("it came back")
	c.kill()
	w.stable("one was killed")
	c = w.group.join("c2")
	w.stable("it was replaced")
	for _, m := range []*member{a, b, c} {
		m.leave()
		w.group.join(m.name + "-new")
	}
	w.stable("each was replaced")
	end := broker.Kill
	if _, isKafka := target.KafkaVersion(); isKafka {
		// With Kafka 4.3.1 killed, aiokafka and sarama were seen to begin at 0 again, below what they had committed.
		end = broker.Stop
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
	if err := broker.Start(); err != nil {
		t.Fatal(err)
	}
	w.stable("the broker was started again")
	w.end(broker.Bootstrap(), topic)
	t.Logf("%v, in %v", w.group.work, time.Since(began).Round(100*time.Millisecond))
}

// working is a group of workers under load.
type working struct {
	*testing.T
	group *group
	load  *load
}

// stable waits until the present members share the partitions, and have read
// what was produced until then.
func (w *working) stable(when string) {
	w.Helper()
	shared := func() bool {
		for _, m := range w.group.members {
			if !m.gone && len(m.owned) == 0 {
				return false
			}
		}
		return w.group.shared(workPartitions)
	}
	w.group.await(settleTimeout, when+": each partition has an owner, each member a partition", shared)
	mark := w.load.acknowledged()
	w.group.await(settleTimeout, fmt.Sprintf("%s: all is read up to %v", when, mark), func() bool {
		return shared() && w.group.work.readUpTo(mark)
	})
}

// end stops the load, waits until all is read, and lets all members leave.
func (w *working) end(bootstrap, topic string) {
	w.Helper()
	ends := w.load.stop()
	w.group.await(settleTimeout, fmt.Sprintf("all is read up to %v", ends), func() bool { return w.group.work.readUpTo(ends) })
	for _, m := range w.group.members {
		if !m.gone {
			m.leave()
		}
	}
	for p, end := range newJudge(w.T, bootstrap).ends(topic) {
		if end != ends[p] {
			w.Errorf("partition %d ends at %d, the producer knows %d", p, end, ends[p])
		}
	}
	w.group.mu.Lock()
	defer w.group.mu.Unlock()
	for _, text := range w.group.work.wrong {
		w.Error(text)
	}
}
