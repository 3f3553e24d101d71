package differ

import (
	"fmt"
	"math/rand/v2"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Random sequences: steps drawn from a seed, told to both brokers as a story. A step
// is a row of numbers, and what it does depends on them and on what the steps before
// it have made of the brokers; so steps can be left out, to find the few that differ.
// Every step waits for its effects, so that no answer depends on chance.

// step is one action. Its numbers mean what the action takes them for.
type step struct {
	action int
	n      [numbersPerStep]uint32
}

const numbersPerStep = 8

// drawSteps draws a sequence.
func drawSteps(seed uint64, count int) []step {
	r := rand.New(rand.NewPCG(seed, 0))
	total := 0
	for _, a := range actions {
		total += a.weight
	}
	steps := make([]step, count)
	for i := range steps {
		at := r.IntN(total)
		for at >= actions[steps[i].action].weight {
			at -= actions[steps[i].action].weight
			steps[i].action++
		}
		for j := range steps[i].n {
			steps[i].n[j] = r.Uint32()
		}
	}
	return steps
}

// actions are what a step may do; weight is how often.
var actions = []struct {
	weight int
	do     func(w *world)
}{
	{20, (*world).produce}, {4, (*world).produceOdd}, {12, (*world).produceInSequence}, {12, (*world).fetch}, {14, (*world).fetchInSession},
	{6, (*world).listOffsets}, {4, (*world).deleteRecords}, {3, (*world).changeTopics}, {4, (*world).configure},
	{16, (*world).classicMember}, {8, (*world).commitOffsets}, {6, (*world).fetchOffsets}, {4, (*world).administerGroups},
	{10, (*world).consumer}, {22, (*world).transact}, {4, (*world).look},
}

// world is what one session knows of its broker.
type world struct {
	*Session
	bench   *Bench
	numbers []uint32 // of the step at hand
	label   string

	topics    []randomTopic
	session   int32 // of Fetch
	epoch     int32 // the next one of the session
	sequences []*producer
	producers []*producer
	members   []*member
	consumers []*consumer
}

type randomTopic struct {
	name       string
	id         [16]byte
	partitions int32
	exists     bool
}

// randomStory tells the steps.
func randomStory(name string, bench *Bench, steps []step) Story {
	return Story{Name: name, Key: -1, FlatFetch: true, Tell: func(s *Session) {
		w := newWorld(s, bench)
		for i, st := range steps {
			w.numbers, w.label = st.n[:], fmt.Sprintf("step %d", i)
			choice := st.n[numbersPerStep-1]
			s.chosen = func(key int16) int16 { return w.choose(key, choice) }
			actions[st.action].do(w)
		}
	}}
}

// Topics of a world: two that stay and whose settings change, one that comes and goes,
// and one for transactions, whose settings stay: a batch that is refused is not part of a
// transaction here, and is in Kafka (transactions/wrong in two ways).
const (
	passingTopic       = 2
	transactionalTopic = 3
)

func newWorld(s *Session, bench *Bench) *world {
	w := &world{Session: s, bench: bench}
	for i := range 2 {
		name, id := s.MakeTopic(fmt.Sprint("t", i), 2)
		w.topics = append(w.topics, randomTopic{name, id, 2, true})
		s.Ask("topic "+name, metadataFor(name)) // names its id
	}
	w.topics = append(w.topics, randomTopic{name: s.Topic("t2"), id: unknownID, partitions: 1})
	name, id := s.MakeTopic("tt", 2)
	w.topics = append(w.topics, randomTopic{name, id, 2, true})
	s.Ask("topic "+name, metadataFor(name))
	for i := range 2 {
		plain := s.Producer("")
		plain.id = s.Quiet(kmsg.NewPtrInitProducerIDRequest()).(*kmsg.InitProducerIDResponse).ProducerID
		plain.epoch, plain.sequences = 0, map[topicPartition]int32{}
		w.sequences = append(w.sequences, plain)
		tx := s.Producer(fmt.Sprint("tx", i))
		tx.sequences = map[topicPartition]int32{}
		w.producers = append(w.producers, tx)
		w.members = append(w.members, s.Member(fmt.Sprint("m", i), fmt.Sprint("g", i), w.topics[0].name))
		w.consumers = append(w.consumers, s.Consumer(fmt.Sprint("c", i), fmt.Sprint("cg", i), w.topics[i].name))
	}
	return w
}

// choose is a version of an API that the judge has: mostly the newest.
func (w *world) choose(key int16, choice uint32) int16 {
	highest := newest(w.catalog, key)
	lowest := max(w.catalog.Request(key).Versions.Min, w.bench.advertised[key].Min)
	if oldest := oldestInWorld[kmsg.Key(key)]; oldest > lowest {
		lowest = oldest
	}
	if choice%3 > 0 || lowest >= highest {
		return highest
	}
	return lowest + int16(choice/3%uint32(highest-lowest+1))
}

// oldestInWorld are versions below which a step cannot say what it means to.
var oldestInWorld = map[kmsg.Key]int16{
	kmsg.CreateTopics: 4, kmsg.Metadata: 4, kmsg.OffsetFetch: 2, kmsg.JoinGroup: 1, kmsg.ConsumerGroupHeartbeat: 1, kmsg.FindCoordinator: 4,
}

// number takes the next number of the step, below n.
func (w *world) number(n int) int {
	v := int(w.numbers[0] % uint32(n))
	w.numbers = w.numbers[1:]
	return v
}

// rarely is true once in n.
func (w *world) rarely(n int) bool { return w.number(n) == n-1 }

func pick[T any](w *world, from []T) T { return from[w.number(len(from))] }

// ask asks, and does not end the story when there is no answer: that is compared too.
func (w *world) ask(what string, req kmsg.Request) kmsg.Response {
	return w.Peer("").Begin(w.label+": "+what, req).finish()
}

// quietly asks in the newest version, outside of the comparison.
func (w *world) quietly(fn func()) {
	chosen := w.chosen
	w.chosen = nil
	fn()
	w.chosen = chosen
}

// place is a topic and a partition, mostly one that exists.
func (w *world) place() (*randomTopic, int32) {
	n := w.number(24)
	t, partition := &w.topics[n%2], int32(n/2%2)
	switch {
	case n >= 22:
		t = &w.topics[passingTopic]
	case n >= 18:
		t = &w.topics[transactionalTopic]
	case n == 17:
		partition = 9
	}
	return t, partition
}

// shrink leaves steps out for as long as the rest still fails.
func shrink(steps []step, fails func([]step) bool) []step {
	for size := len(steps) / 2; size > 0; {
		removed := false
		for at := 0; at+size <= len(steps); {
			rest := append(append([]step{}, steps[:at]...), steps[at+size:]...)
			if fails(rest) {
				steps, removed = rest, true
			} else {
				at += size
			}
		}
		if !removed {
			size /= 2
		} else if size > len(steps) {
			size = len(steps)
		}
	}
	return steps
}
