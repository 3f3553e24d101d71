package clients

import (
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/clients/program"
)

// transactors are the clients with steps for transactions. Java 4 speaks the second version of
// the protocol where the broker has it (KIP-890), the others the first.
// @platformatic/kafka is not among them: its transactions take offsets only with a message of a consumer that is in the group. Nor is
// franz-go: it takes them only with its own group; its own tests of that are in the folder franzgo.
var transactors = []string{"confluent-kafka", "rdkafka", "aiokafka", "kafka-python", "kafkajs", "java-4.4", "java-4.3", "java-3.9", "sarama"}

// usurpers are the transactors whose fenced producers, when they send, ask for the next epoch of their id (KIP-360) and get it:
// then who fenced them is fenced.
var usurpers = []string{"kafka-python"}

// command is one line for a transactor; doc.go describes it.
type command = program.Transaction

func send(topic string, partition int32, values ...string) command {
	return command{Do: "send", Topic: topic, Partition: partition, Values: values}
}

func offsets(topic, group string, next map[int32]int64) command {
	return command{Do: "offsets", Topic: topic, Group: group, Offsets: next}
}

// producer is one of a transactor's.
type producer struct {
	*testing.T
	transactor *talker
	name       string
}

// do gives commands that must succeed.
func (p producer) do(commands ...command) {
	p.Helper()
	for _, c := range commands {
		c.As = p.name
		if _, e := p.transactor.ask(p.T, c); e.Event != "done" {
			p.Fatalf("%+v is answered with %s\n%s", c, e.Message, p.transactor.stderr)
		}
	}
}

func (p producer) begin()  { p.Helper(); p.do(command{Do: "begin"}) }
func (p producer) commit() { p.Helper(); p.do(command{Do: "commit"}) }
func (p producer) abort()  { p.Helper(); p.do(command{Do: "abort"}) }

// refused gives a command that must fail, and returns how it does.
func (p producer) refused(c command) event {
	p.Helper()
	c.As = p.name
	_, e := p.transactor.ask(p.T, c)
	if e.Event != "refused" {
		p.Errorf("%+v is not refused", c)
	}
	p.Logf("%s, %s: %s", p.name, c.Do, e.Message)
	return e
}

// fenced gives a command that must be refused because another producer has taken over.
func (p producer) fenced(c command) {
	p.Helper()
	if e := p.refused(c); !e.Fenced {
		p.Errorf("%s is not told that it is fenced, but: %s", p.name, e.Message)
	}
}

// drain reads a topic and returns the values by partition, and where it stopped.
func (x *talker) drain(t *testing.T, topic, isolation string) (values map[int32][]string, ends map[int32]int64) {
	t.Helper()
	records, answer := x.ask(t, command{Do: "drain", Topic: topic, Isolation: isolation})
	if answer.Event != "done" {
		t.Fatalf("drain %s: %s\n%s", topic, answer.Message, x.stderr)
	}
	values = map[int32][]string{}
	for _, e := range records {
		values[e.Partition] = append(values[e.Partition], string(e.Value))
	}
	return values, answer.Offsets
}
