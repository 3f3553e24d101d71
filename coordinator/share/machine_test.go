package share

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/internal/scenario"
	"github.com/barnabas-mq/barnabas/protocol"
)

// TestScenarios plays the dialogues in testdata: with the machine, where the commands
// are in stage.run, or with a share partition in flight, where they are in floor.run.
func TestScenarios(t *testing.T) {
	scenario.Play(t, func(t *testing.T) func([]string) []string {
		if strings.Contains(t.Name(), "/inflight_") {
			return newFloor(t).play
		}
		s := newStage(t)
		return func(command []string) []string {
			s.said = nil
			s.run(command)
			return s.said
		}
	})
}

var start = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

// stage runs a machine over a journal in memory that commits at once. After every
// record it checks that a machine that sees nothing but the journal is the same.
type stage struct {
	t       *testing.T
	topics  map[protocol.UUID]int32
	machine *Machine
	journal []coordinator.Record
	pruned  int
	now     coordinator.Moment
	said    []string
}

func newStage(t *testing.T) *stage {
	s := &stage{t: t, topics: map[protocol.UUID]int32{topicID("t"): 2, topicID("u"): 1}}
	s.now.Wall = protocol.Timestamp(start.UnixMilli())
	s.machine = s.replayed()
	return s
}

func topicID(name string) protocol.UUID { return protocol.UUID{1, 15: name[0]} }

func (s *stage) replayed() *Machine { return s.replayedFrom(s.pruned) }

func (s *stage) replayedFrom(first int) *Machine {
	m := NewMachine(Config{UpdatesMax: 3, SnapshotAge: 5 * time.Minute, Partitions: func(id protocol.UUID) int32 { return s.topics[id] }})
	for i, r := range s.journal[first:] {
		if err := m.Apply(protocol.Offset(first+i), r, coordinator.NoProducer); err != nil {
			s.t.Fatal(err)
		}
	}
	return m
}

func (s *stage) say(format string, args ...any) {
	s.said = append(s.said, fmt.Sprintf(format, args...))
}

func (s *stage) do(d coordinator.Decision) {
	for _, r := range d.Records {
		s.sayRecord(r)
		if err := s.machine.Apply(protocol.Offset(len(s.journal)), r, coordinator.NoProducer); err != nil {
			s.t.Fatal(err)
		}
		s.journal = append(s.journal, r)
	}
	// What was pruned counts as well: a fence may rest on it, which in Kafka too is lost.
	if got := s.replayedFrom(0); !reflect.DeepEqual(got.states, s.machine.states) {
		s.t.Fatalf("live %+v, replayed %+v", s.machine.states, got.states)
	}
	for _, reply := range d.Replies {
		reply(nil)
	}
}

func (s *stage) sayRecord(r coordinator.Record) {
	kind, k, err := parseKey(r.Key)
	if err != nil {
		s.t.Fatal(err)
	}
	name := fmt.Sprintf("%s/%c-%d", k.GroupID, k.TopicID[15], k.Partition)
	if r.Value == nil {
		s.say("journal: %s forgotten", name)
		return
	}
	if kind == snapshotKind {
		d, err := parseSnapshot(r.Value)
		if err != nil {
			s.t.Fatal(err)
		}
		s.say("journal: %s snapshot %d, epochs %d/%d, start %d, complete %d%s", name, d.snapshotEpoch, d.stateEpoch, d.leaderEpoch, d.start, d.complete, showBatches(d.batches))
		return
	}
	u, err := parseUpdate(r.Value)
	if err != nil {
		s.t.Fatal(err)
	}
	s.say("journal: %s update of %d, leader %d, start %d, complete %d%s", name, u.snapshotEpoch, u.leaderEpoch, u.start, u.complete, showBatches(u.batches))
}

func showBatches(batches []Batch) (text string) {
	for _, b := range batches {
		text += fmt.Sprintf(" %d-%d:%s:%d", b.First, b.Last, b.State, b.Count)
	}
	return text
}

func readBatches(t *testing.T, words []string) (batches []Batch) {
	for _, w := range words {
		var b Batch
		var state byte
		if _, err := fmt.Sscanf(w, "%d-%d:%c%d", &b.First, &b.Last, &state, &b.Count); err != nil {
			t.Fatalf("%s: %v", w, err)
		}
		b.State = map[byte]DeliveryState{'a': Available, 'k': Acknowledged, 'x': Archived, '?': Acquired}[state]
		batches = append(batches, b)
	}
	return batches
}

func nameOf(err error) string {
	var e *protocol.Error
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &e):
		return e.Name
	}
	return err.Error()
}

// run plays one command; a share partition is written group/topic-partition, and a
// batch first-last:state and count: 0-4:k1.
func (s *stage) run(words []string) {
	number := func(i int) int64 {
		n, err := strconv.ParseInt(words[i], 10, 64)
		if err != nil {
			s.t.Fatal(err)
		}
		return n
	}
	var k Key
	if len(words) > 1 && strings.Contains(words[1], "/") {
		group, rest, _ := strings.Cut(words[1], "/")
		topic, index, _ := strings.Cut(rest, "-")
		n, _ := strconv.Atoi(index)
		k = Key{GroupID: group, TopicID: topicID(topic), Partition: int32(n)}
	}
	done := func(err error) { s.say("%s: %s", words[0], nameOf(err)) }
	switch words[0] {
	case "init": // KEY STATE-EPOCH START
		s.do(s.machine.Initialize(s.now, InitializeInput{Key: k, StateEpoch: int32(number(2)), StartOffset: protocol.Offset(number(3))}, done))
	case "read": // KEY LEADER-EPOCH
		s.do(s.machine.Read(s.now, ReadInput{Key: k, LeaderEpoch: protocol.Epoch(number(2))}, func(out ReadOutput) {
			s.say("read: %s state epoch %d start %d%s", nameOf(out.Err), out.StateEpoch, out.StartOffset, showBatches(out.Batches))
		}))
	case "write": // KEY STATE-EPOCH LEADER-EPOCH START COMPLETE BATCH...
		s.do(s.machine.Write(s.now, WriteInput{Key: k, StateEpoch: int32(number(2)), LeaderEpoch: protocol.Epoch(number(3)),
			StartOffset: protocol.Offset(number(4)), DeliveryCompleteCount: int32(number(5)), Batches: readBatches(s.t, words[6:])}, done))
	case "summary": // KEY
		s.do(s.machine.Summary(k, func(out Summary) {
			s.say("summary: %s epochs %d/%d start %d complete %d", nameOf(out.Err), out.StateEpoch, out.LeaderEpoch, out.StartOffset, out.DeliveryCompleteCount)
		}))
	case "delete": // KEY
		s.do(s.machine.Delete(k, done))
	case "drop": // TOPIC
		delete(s.topics, topicID(words[1]))
		s.do(s.machine.DeleteTopics(map[protocol.UUID]bool{topicID(words[1]): true}, done))
	case "lose": // TOPIC, and nobody tells
		delete(s.topics, topicID(words[1]))
	case "prune":
		s.do(s.machine.Prune(s.now, func(below protocol.Offset, err error) {
			s.say("prune: below %d of %d", below, len(s.journal))
			s.pruned = int(below)
		}))
	case "sleep": // DURATION
		d, err := time.ParseDuration(words[1])
		if err != nil {
			s.t.Fatal(err)
		}
		s.now.Wall += protocol.Timestamp(d.Milliseconds())
		s.now.Elapsed += d
	case "restart":
		s.journal, s.pruned = s.journal[s.pruned:], 0
		s.machine = s.replayed()
	default:
		s.t.Fatalf("no command %q", words[0])
	}
}

// Of all batches that cover an offset, the one that was delivered more often holds, and
// among those the one in the later state; whatever the order in which they come.
func TestCombineIsTheStrongestOfEachOffset(t *testing.T) {
	states := []DeliveryState{Available, Acknowledged, Archived}
	for seed := range uint64(3000) {
		r := newRandom(seed)
		var all []Batch
		for range r.IntN(9) {
			first := protocol.Offset(r.IntN(20))
			all = append(all, Batch{first, first + protocol.Offset(r.IntN(8)), states[r.IntN(3)], int16(r.IntN(3))})
		}
		cut := r.IntN(len(all) + 1)
		from := protocol.Offset(r.IntN(12) - 1)
		got := combine(all[:cut], all[cut:], from)
		var want []Batch
		for at := max(from, 0); at < 40; at++ {
			best, covered := Batch{}, false
			for _, b := range all {
				if b.First <= at && at <= b.Last && (!covered || strength(b, best) > 0) {
					best, covered = b, true
				}
			}
			if covered {
				want = joined(want, Batch{at, at, best.State, best.Count})
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: %v from %d is %v, want %v", seed, all, from, got, want)
		}
	}
}
