package clients

import (
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/target"
)

// personas are the values of barnabas.persona, with what each means to a client that
// knows the second protocol of transactions (KIP-890).
var personas = []struct {
	name         string
	newEpochEach bool // each transaction has an epoch of its own
}{
	{"kafka-2.8", false},
	{"kafka-3.9", false},
	{"kafka-4.3", true},
}

// TestTransactionsUnderPersonas: a new client falls back to what the persona's Kafka
// can. Produce and AddPartitionsToTxn of the first protocol belong together: without
// the latter the broker refuses the former, and the newer Produce is not served.
func TestTransactionsUnderPersonas(t *testing.T) {
	if target.Name() != target.Barnabas {
		t.Skip("Kafka has no personas")
	}
	for _, p := range personas {
		for _, name := range []string{"java-4.4", "java-4.3", "java-3.9", "confluent-kafka"} {
			t.Run(p.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				sayHowToRunAlone(t)
				program := Install(t, clientNamed(t, name))
				broker := target.Run(t, map[string]string{"barnabas.persona": p.name})
				x := transacting{t, program.talk(t, "transact", broker.Bootstrap()), newJudge(t, broker.Bootstrap()), program.Client.Lacks, "both", false}
				x.create(x.topic)
				commitAndAbort(x)
				x.topic = "offsets"
				x.create(x.topic)
				offsetsInTransactions(x)
				epochs := x.judge.producerEpochs("both")
				if newEpochs := len(epochs) > 1; newEpochs != (p.newEpochEach && strings.HasPrefix(name, "java-4")) {
					t.Errorf("the producer wrote with epochs %v", epochs)
				}
			})
		}
	}
}

// producerEpochs are the epochs of the producers in a topic with three transactions.
func (j *judge) producerEpochs(topic string) (epochs []int16) {
	j.tb.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(j.bootstrap), kgo.ConsumeTopics(topic))
	if err != nil {
		j.tb.Fatal(err)
	}
	defer client.Close()
	const records = 7 // commitAndAbort's
	for n := 0; n < records; {
		fetches := client.PollFetches(j.context())
		if err := fetches.Err(); err != nil {
			j.tb.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			n++
			epochs = append(epochs, r.ProducerEpoch)
		})
	}
	slices.Sort(epochs)
	return slices.Compact(epochs)
}

// TestRoundtripsUnderPersonas: records come back whole and groups go on where they were.
func TestRoundtripsUnderPersonas(t *testing.T) {
	if target.Name() != target.Barnabas {
		t.Skip("Kafka has no personas")
	}
	for _, p := range personas {
		for _, name := range []string{"java-4.4", "confluent-kafka", "franz-go", "sarama"} {
			t.Run(p.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				sayHowToRunAlone(t)
				program := Install(t, clientNamed(t, name))
				roundtrip(t, target.Run(t, map[string]string{"barnabas.persona": p.name}), program)
			})
		}
	}
}
