package differ

import (
	"fmt"
	"math/rand/v2"
	"slices"

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

const numbersPerStep = 12

// drawSteps draws a sequence for one of the judges: of actions that it judges in some
// version.
func drawSteps(bench *Bench, judge int, seed uint64, count int) []step {
	r := rand.New(rand.NewPCG(seed, 0))
	var from []int // as many times as the weight says
	for i, a := range actions {
		if slices.ContainsFunc(a.keys, func(k kmsg.Key) bool { return bench.judges(judge, int16(k)) }) {
			from = append(from, slices.Repeat([]int{i}, a.weight)...)
		}
	}
	steps := make([]step, count)
	for i := range steps {
		steps[i].action = from[r.IntN(len(from))]
		for j := range steps[i].n {
			steps[i].n[j] = r.Uint32()
		}
	}
	return steps
}

// actions are what a step may do; weight is how often, keys are the APIs that it is for.
var actions = []struct {
	weight int
	do     func(w *world)
	keys   []kmsg.Key
}{
	{20, (*world).produce, []kmsg.Key{kmsg.Produce}}, {4, (*world).produceOdd, []kmsg.Key{kmsg.Produce}}, {12, (*world).produceInSequence, []kmsg.Key{kmsg.Produce}},
	{12, (*world).fetch, []kmsg.Key{kmsg.Fetch}}, {14, (*world).fetchInSession, []kmsg.Key{kmsg.Fetch}},
	{6, (*world).listOffsets, []kmsg.Key{kmsg.ListOffsets}}, {4, (*world).deleteRecords, []kmsg.Key{kmsg.DeleteRecords}},
	{3, (*world).changeTopics, []kmsg.Key{kmsg.CreateTopics, kmsg.DeleteTopics, kmsg.CreatePartitions}},
	{4, (*world).configure, []kmsg.Key{kmsg.IncrementalAlterConfigs, kmsg.AlterConfigs, kmsg.DescribeConfigs}},
	{16, (*world).classicMember, []kmsg.Key{kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat, kmsg.LeaveGroup}},
	{8, (*world).commitOffsets, []kmsg.Key{kmsg.OffsetCommit}}, {6, (*world).fetchOffsets, []kmsg.Key{kmsg.OffsetFetch}},
	{4, (*world).administerGroups, []kmsg.Key{kmsg.DescribeGroups, kmsg.DeleteGroups, kmsg.ListGroups, kmsg.OffsetDelete}},
	{10, (*world).consumer, []kmsg.Key{kmsg.ConsumerGroupHeartbeat}},
	{22, (*world).transact, []kmsg.Key{kmsg.InitProducerID, kmsg.AddPartitionsToTxn, kmsg.AddOffsetsToTxn, kmsg.TxnOffsetCommit, kmsg.EndTxn}},
	{4, (*world).look, []kmsg.Key{kmsg.Metadata, kmsg.DescribeProducers}}, {30, (*world).errand, errandKeys()},
	{8, (*world).shareMember, []kmsg.Key{kmsg.ShareGroupHeartbeat}}, {12, (*world).shareFetch, []kmsg.Key{kmsg.ShareFetch}},
	{10, (*world).shareAcknowledge, []kmsg.Key{kmsg.ShareAcknowledge}},
	{10, (*world).administerShares, []kmsg.Key{kmsg.ShareGroupDescribe, kmsg.DescribeShareGroupOffsets, kmsg.AlterShareGroupOffsets, kmsg.DeleteShareGroupOffsets}},
}

func errandKeys() (keys []kmsg.Key) {
	for _, e := range errands {
		keys = append(keys, e.key)
	}
	return keys
}

// world is what one session knows of its broker.
type world struct {
	*Session
	bench   *Bench
	judge   int      // of the bench
	numbers []uint32 // of the step at hand
	label   string

	topics    []randomTopic
	session   int32 // of Fetch
	epoch     int32 // the next one of the session
	sequences []*producer
	producers []*producer
	members   []*member
	consumers []*consumer
	groups    []string // of members and consumers
	sharing   *sharing // nil where the judge has no share groups
	errands   []func(w *world)
	settled   int // counts changes that are waited for
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
		defer w.cleanUp()
		for i, st := range steps {
			w.numbers, w.label = st.n[:], fmt.Sprintf("step %d", i)
			choice := st.n[numbersPerStep-1]
			s.Choose = func(key int16) int16 { return w.choose(key, choice) }
			actions[st.action].do(w)
		}
	}}
}

// Topics of a world: two that stay and whose settings change, one that comes and goes,
// and one for transactions, whose settings stay: it is stored as it was sent, in as many
// bytes by both.
const (
	passingTopic       = 2
	transactionalTopic = 3
)

func newWorld(s *Session, bench *Bench) *world {
	w := &world{Session: s, bench: bench, judge: slices.Index(bench.catalogs, s.catalog)}
	for _, e := range errands {
		if bench.judges(w.judge, int16(e.key)) {
			w.errands = append(w.errands, e.do)
		}
	}
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
		w.members[i].timeoutMillis = 300_000 // no sequence takes so long
		w.groups = append(w.groups, w.members[i].group)
		if bench.judges(w.judge, int16(kmsg.ConsumerGroupHeartbeat)) {
			w.consumers = append(w.consumers, s.Consumer(fmt.Sprint("c", i), fmt.Sprint("cg", i), w.topics[i].name))
			w.groups = append(w.groups, w.consumers[i].group)
		}
	}
	if bench.judges(w.judge, int16(kmsg.ShareFetch)) {
		w.sharing = w.newSharing()
		w.topics = append(w.topics, w.sharing.topic)
	}
	return w
}

// choose draws a version of an API, the same within a step: one for which this judge is
// the right one, where there is such, else any that it has (its answers are not compared).
func (w *world) choose(key int16, choice uint32) int16 {
	known := w.catalog.Request(key).Versions
	served := w.bench.advertised[key]
	var judged, all []int16
	for v := max(known.Min, served.Min); v <= min(newest(w.catalog, key), served.Max); v++ {
		all = append(all, v)
		if w.bench.judgeOf(key, v) == w.judge {
			judged = append(judged, v)
		}
	}
	if len(judged) > 0 {
		all = judged
	}
	if len(all) == 0 {
		return newest(w.catalog, key)
	}
	return all[rand.New(rand.NewPCG(uint64(choice), uint64(key))).IntN(len(all))]
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
	if req.Key() == int16(kmsg.Produce) {
		awaitTick() // two batches that a broker stamps have two times with both
	}
	return w.Peer("").Begin(w.label+": "+what, req).finish()
}

// quietly asks in the newest version, outside of the comparison.
func (w *world) quietly(fn func()) {
	chosen := w.Choose
	w.Choose = nil
	fn()
	w.Choose = chosen
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
