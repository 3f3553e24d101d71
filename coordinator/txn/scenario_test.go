package txn

import (
	"fmt"
	"maps"
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

// TestScenarios plays the dialogues in testdata. The commands are in stage.run.
func TestScenarios(t *testing.T) {
	scenario.Play(t, func(t *testing.T) func([]string) []string {
		s := newStage(t)
		return func(command []string) []string {
			s.said = nil
			s.run(command)
			return s.said
		}
	})
}

// stage runs a machine as a shard does, with a journal in memory that commits at
// once and a clock that is moved by hand. After every record it checks that a
// machine that sees nothing but the journal holds the same durable state.
type stage struct {
	t      *testing.T
	config Config
	level  int16
	// late is what replies hear in place of nil: the journal takes too long.
	late    error
	machine *Machine
	replica *Machine
	journal []coordinator.Record
	now     coordinator.Moment
	nextID  protocol.ProducerID
	// markers are those asked for and not written; timeouts need an id.
	markers  []Markers
	timeouts []func(protocol.ProducerID) coordinator.Decision
	said     []string
}

// start is the wall-clock time at which scenarios begin.
var start = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

func newStage(t *testing.T) *stage {
	s := &stage{t: t, nextID: 1000, config: Config{
		TimeoutMax: 15 * time.Minute, IDExpiration: 7 * 24 * time.Hour, RecordBytesMax: 1 << 20,
	}, level: 2}
	s.config.FeatureLevel = func() int16 { return s.level }
	s.now.Wall = protocol.Timestamp(start.UnixMilli())
	s.restart()
	return s
}

// restart replays the journal into a machine that knows nothing else.
func (s *stage) restart() {
	if s.machine != nil {
		s.machine.Abandon(coordinator.ErrUnavailable)
	}
	s.markers, s.timeouts = nil, nil
	s.machine = NewMachine(s.config, Hooks{
		WriteMarkers: func(m Markers) { s.markers = append(s.markers, m) },
		NeedID: func(id string, p coordinator.Producer) {
			s.timeouts = append(s.timeouts, func(newID protocol.ProducerID) coordinator.Decision {
				return s.machine.TimedOut(s.now, id, p, newID)
			})
		},
	})
	s.replica = NewMachine(s.config, Hooks{})
	for _, r := range s.journal {
		for _, m := range []*Machine{s.machine, s.replica} {
			if err := m.Apply(0, r, coordinator.NoProducer); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	s.do(s.machine.Loaded(s.now))
}

func (s *stage) do(d coordinator.Decision) {
	for {
		for _, r := range d.Records {
			s.journal = append(s.journal, r)
			for _, m := range []*Machine{s.machine, s.replica} {
				if err := m.Apply(0, r, coordinator.NoProducer); err != nil {
					s.t.Fatal(err)
				}
			}
			s.sayRecord(r)
			for id, t := range s.machine.transactions {
				if got := s.replica.transactions[id]; got == nil || !reflect.DeepEqual(got.durable, t.durable) {
					s.t.Fatalf("%s is %+v, in the journal %+v", id, t.durable, got)
				}
			}
		}
		for _, reply := range d.Replies {
			reply(s.late)
		}
		if d.Then == nil {
			return
		}
		d = d.Then(s.now)
	}
}

func (s *stage) say(format string, args ...any) {
	s.said = append(s.said, fmt.Sprintf(format, args...))
}

func (s *stage) sayRecord(r coordinator.Record) {
	id, err := parseKey(r.Key)
	if err != nil {
		s.t.Fatal(err)
	}
	if r.Value == nil {
		s.say("journal: %s forgotten", id)
		return
	}
	d, err := parseValue(r.Value)
	if err != nil {
		s.t.Fatal(err)
	}
	text := fmt.Sprintf("journal: %s %s %s", id, d.state, show(d.producer))
	if d.nextID != protocol.None {
		text += fmt.Sprintf(" next %d", d.nextID)
	}
	s.say("%s%s", text, showPartitions(d.partitions))
}

func show(p coordinator.Producer) string { return fmt.Sprintf("%d/%d", p.ID, p.Epoch) }

func showPartitions(partitions []TopicPartition) (text string) {
	for _, p := range partitions {
		text += fmt.Sprintf(" %s-%d", p.Topic, p.Partition)
	}
	return text
}

func nameOf(err error) string {
	switch e := err.(type) {
	case nil:
		return "ok"
	case *protocol.Error:
		return e.Name
	default:
		return err.Error()
	}
}

// run plays one command:
//
//	init ID [timeout=1m] [as=PRODUCER/EPOCH]      InitProducerId
//	add ID PRODUCER/EPOCH T-P... [version=2]      AddPartitionsToTxn
//	verify ID PRODUCER/EPOCH T-P...
//	commit|abort ID PRODUCER/EPOCH [version=2]    EndTxn
//	written                                       the markers asked for, all of them
//	sleep 1s, restart, level N
//	epoch ID N                                    many transactions later
//	describe ID, list [states=A,B] [ids=1,2] [longer=1s]
func (s *stage) run(words []string) {
	options, args := map[string]string{}, []string(nil)
	for _, w := range words[1:] {
		if key, value, ok := strings.Cut(w, "="); ok {
			options[key] = value
		} else {
			args = append(args, w)
		}
	}
	switch words[0] {
	case "init":
		s.init(args[0], options)
	case "add", "verify":
		in := AddInput{TransactionalID: args[0], Producer: s.producer(args[1]), VerifyOnly: words[0] == "verify", Version: s.version(options)}
		for _, p := range args[2:] {
			in.Partitions = append(in.Partitions, s.partition(p))
		}
		s.do(s.machine.AddPartitions(s.now, in, func(out AddOutput) {
			text := nameOf(out.Err)
			for i, err := range out.Partitions {
				text += fmt.Sprintf(" %s %s", args[2+i], nameOf(err))
			}
			s.say("%s of %s: %s", words[0], args[1], text)
		}))
	case "commit", "abort":
		s.end(words[0], args, options)
	case "written":
		markers := s.markers
		s.markers = nil
		for _, m := range markers {
			s.say("markers of %s: commit %v%s", show(m.Producer), m.Commit, showPartitions(m.Partitions))
			s.do(s.machine.MarkersWritten(s.now, m))
		}
	case "describe":
		s.do(s.machine.Describe(s.now, args[0], func(d Description) {
			s.say("%s: %s %s timeout %d started %v%s: %s", args[0], d.State, show(d.Producer), d.TimeoutMillis, d.StartedAt > 0, showPartitions(d.Partitions), nameOf(d.Err))
		}))
	case "list":
		s.list(options)
	default:
		s.runWorld(words[0], args)
	}
}

func (s *stage) runWorld(command string, args []string) {
	switch command {
	case "sleep":
		s.sleep(s.duration(args[0]))
	case "restart":
		s.restart()
	case "epoch":
		d := s.machine.transactions[args[0]].durable
		d.producer.Epoch = int16(s.number(args[1]))
		s.do(coordinator.Decision{Records: []coordinator.Record{d.record(args[0], s.level)}})
	case "level":
		s.level = int16(s.number(args[0]))
	default:
		s.t.Fatalf("no command %q", command)
	}
}

func (s *stage) init(id string, options map[string]string) {
	in := InitInput{TransactionalID: id, TimeoutMillis: 60_000, Expected: coordinator.NoProducer, NewID: protocol.None}
	if v, ok := options["timeout"]; ok {
		in.TimeoutMillis = int32(s.duration(v).Milliseconds())
	}
	if v, ok := options["as"]; ok {
		in.Expected = s.producer(v)
	}
	s.do(s.machine.InitProducerID(s.now, in, func(out InitOutput) {
		if out.NeedID {
			in.NewID = s.newID()
			return
		}
		s.say("init of %s: %s %s", id, show(out.Producer), nameOf(out.Err))
	}))
	if in.NewID != protocol.None {
		s.do(s.machine.InitProducerID(s.now, in, func(out InitOutput) {
			s.say("init of %s: %s %s", id, show(out.Producer), nameOf(out.Err))
		}))
	}
}

func (s *stage) end(command string, args []string, options map[string]string) {
	in := EndInput{TransactionalID: args[0], Producer: s.producer(args[1]), Commit: command == "commit", Version: s.version(options), NewID: protocol.None}
	said := func(out EndOutput) {
		if out.NeedID {
			in.NewID = s.newID()
			return
		}
		s.say("%s by %s: goes on as %s %s", command, args[1], show(out.Producer), nameOf(out.Err))
	}
	s.do(s.machine.End(s.now, in, said))
	if in.NewID != protocol.None {
		s.do(s.machine.End(s.now, in, said))
	}
}

func (s *stage) list(options map[string]string) {
	in := ListInput{LongerThanMillis: -1}
	if v, ok := options["states"]; ok {
		in.States = strings.Split(v, ",")
	}
	if v, ok := options["ids"]; ok {
		for _, id := range strings.Split(v, ",") {
			in.ProducerIDs = append(in.ProducerIDs, protocol.ProducerID(s.number(id)))
		}
	}
	if v, ok := options["longer"]; ok {
		in.LongerThanMillis = s.duration(v).Milliseconds()
	}
	if v, ok := options["prefix"]; ok {
		in.Matches = func(id string) bool { return strings.HasPrefix(id, v) }
	}
	s.do(s.machine.List(s.now, in, func(out ListOutput) {
		for _, l := range out.Transactions {
			s.say("%s %d %s", l.TransactionalID, l.ProducerID, l.State)
		}
		if len(out.UnknownStates) > 0 {
			s.say("unknown states: %v", out.UnknownStates)
		}
	}))
}

// sleep moves the clock through everything that comes due.
func (s *stage) sleep(d time.Duration) {
	end := s.now.Elapsed + d
	for range 10_000 {
		at, ok := s.machine.NextWake()
		if !ok || at > end {
			s.move(end)
			return
		}
		s.move(max(at, s.now.Elapsed))
		if out, ok := s.machine.Wake(s.now); ok {
			s.do(out)
		}
		timeouts := s.timeouts
		s.timeouts = nil
		for _, timeOut := range timeouts {
			s.do(timeOut(s.newID()))
		}
	}
	s.t.Fatal("the machine does not come to rest")
}

func (s *stage) move(to time.Duration) {
	s.now.Wall += protocol.Timestamp((to - s.now.Elapsed).Milliseconds())
	s.now.Elapsed = to
}

func (s *stage) newID() protocol.ProducerID {
	s.nextID++
	return s.nextID
}

func (s *stage) producer(text string) coordinator.Producer {
	id, epoch, _ := strings.Cut(text, "/")
	return coordinator.Producer{ID: protocol.ProducerID(s.number(id)), Epoch: int16(s.number(epoch))}
}

func (s *stage) partition(text string) TopicPartition {
	i := strings.LastIndexByte(text, '-')
	return TopicPartition{Topic: text[:i], Partition: int32(s.number(text[i+1:]))}
}

func (s *stage) version(options map[string]string) int16 {
	if v, ok := options["version"]; ok {
		return int16(s.number(v))
	}
	return 2
}

func (s *stage) duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

func (s *stage) number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// openIDs are the ids whose transaction has not ended.
func openIDs(m *Machine) []string {
	return slices.Sorted(func(yield func(string) bool) {
		for id, t := range maps.All(m.transactions) {
			if (t.state == Ongoing || t.state.isDecided()) && !yield(id) {
				return
			}
		}
	})
}
