package share

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Config is what a Machine is told once.
type Config struct {
	// UpdatesMax is share.coordinator.snapshot.update.records.per.snapshot.
	UpdatesMax int
	// SnapshotAge is share.coordinator.cold.partition.snapshot.interval.ms.
	SnapshotAge time.Duration
	// Partitions is how many partitions a topic has; 0 says that there is no such topic.
	Partitions func(topicID protocol.UUID) int32
}

// state is one share partition.
type state struct {
	durable
	// leaderMax and stateMax are the highest epochs seen, which fence lower ones. An
	// initialization sets the leader epoch back, these it does not.
	leaderMax protocol.Epoch
	stateMax  int32
	// updates came since the snapshot, which is at snapshotOffset in the journal.
	updates        int
	snapshotOffset protocol.Offset
}

// Machine is the share partitions of one shard. It implements coordinator.Machine.
// All of its state is durable and changes in Apply alone.
type Machine struct {
	config Config
	states map[Key]*state
	// end is where the journal ends, as far as records were applied; tombstones are
	// the last ones of partitions that are gone.
	end protocol.Offset
}

// NewMachine makes an empty machine.
func NewMachine(config Config) *Machine {
	return &Machine{config: config, states: map[Key]*state{}}
}

// Apply implements coordinator.Machine.
func (m *Machine) Apply(offset protocol.Offset, r coordinator.Record, _ coordinator.Producer) error {
	m.end = offset + 1
	kind, k, err := parseKey(r.Key)
	if err == errUnknownKey {
		return nil // a newer version wrote it
	}
	if err != nil {
		return err
	}
	k.GroupID = strings.Clone(k.GroupID)
	switch {
	case kind == updateKind && r.Value == nil:
		return nil
	case kind == updateKind:
		return m.applyUpdate(offset, k, r.Value)
	case r.Value == nil:
		delete(m.states, k)
		return nil
	}
	d, err := parseSnapshot(r.Value)
	if err != nil {
		return err
	}
	s := m.states[k]
	if s == nil {
		s = &state{leaderMax: d.leaderEpoch, stateMax: d.stateEpoch}
		m.states[k] = s
	}
	s.durable, s.updates, s.snapshotOffset = d, 0, offset
	s.leaderMax, s.stateMax = max(s.leaderMax, d.leaderEpoch), max(s.stateMax, d.stateEpoch)
	return nil
}

func (m *Machine) applyUpdate(offset protocol.Offset, k Key, value []byte) error {
	u, err := parseUpdate(value)
	if err != nil {
		return err
	}
	s := m.states[k]
	if s == nil { // its snapshot was lost; Kafka begins with the update as well
		s = &state{durable: durable{start: Uninitialized, leaderEpoch: u.leaderEpoch}, leaderMax: u.leaderEpoch, snapshotOffset: offset}
		m.states[k] = s
	}
	if u.start != Uninitialized {
		s.start = u.start
	}
	if u.leaderEpoch != protocol.None {
		s.leaderEpoch = u.leaderEpoch
		s.leaderMax = max(s.leaderMax, u.leaderEpoch)
	}
	s.complete = u.complete
	s.batches = combine(s.batches, u.batches, s.start)
	s.updates++
	return nil
}

// ApplyMarker implements coordinator.Machine. No transaction writes here.
func (m *Machine) ApplyMarker(coordinator.Producer, bool) {}

// Loaded implements coordinator.Machine.
func (m *Machine) Loaded(coordinator.Moment) coordinator.Decision { return coordinator.Decision{} }

// NextWake implements coordinator.Machine: there are no timers.
func (m *Machine) NextWake() (time.Duration, bool) { return 0, false }

// Wake implements coordinator.Machine.
func (m *Machine) Wake(coordinator.Moment) (coordinator.Decision, bool) {
	return coordinator.Decision{}, false
}

// Abandon implements coordinator.Machine. Nobody waits inside the machine.
func (m *Machine) Abandon(error) {}

// Initialize begins a life of a share partition (ShareCoordinatorShard.initializeState).
func (m *Machine) Initialize(now coordinator.Moment, in InitializeInput, reply coordinator.Reply) coordinator.Decision {
	s := m.states[in.Key]
	if err := checkKey(in.Key); err != nil {
		return refused(reply, err)
	}
	if s != nil && in.StateEpoch != protocol.None && in.StateEpoch < s.stateMax {
		return refused(reply, protocol.ErrFencedStateEpoch)
	}
	if err := m.checkTopic(in.Key); err != nil {
		return refused(reply, err)
	}
	d := durable{stateEpoch: in.StateEpoch, start: in.StartOffset, complete: Uninitialized, createdAt: now.Wall, writtenAt: now.Wall}
	if in.StartOffset != Uninitialized {
		d.complete = 0
	}
	if s != nil {
		d.snapshotEpoch = s.snapshotEpoch + 1
	}
	return coordinator.Decision{Records: []coordinator.Record{d.record(in.Key)}, Replies: []coordinator.Reply{reply}}
}

// Read gives the state (ShareCoordinatorShard.readStateAndMaybeUpdateLeaderEpoch).
func (m *Machine) Read(now coordinator.Moment, in ReadInput, reply func(ReadOutput)) coordinator.Decision {
	failed := func(err error) { reply(ReadOutput{Err: err}) }
	s := m.states[in.Key]
	if err := m.check(in.Key, s, in.LeaderEpoch); err != nil {
		return refused(failed, err)
	}
	out := ReadOutput{StateEpoch: s.stateEpoch, StartOffset: s.start, Batches: slices.Clone(s.batches)}
	answer := func(err error) {
		if err != nil {
			out = ReadOutput{Err: err}
		}
		reply(out)
	}
	if in.LeaderEpoch == protocol.None || in.LeaderEpoch == s.leaderMax {
		return coordinator.Decision{Replies: []coordinator.Reply{answer}}
	}
	u := update{leaderEpoch: in.LeaderEpoch, start: s.start, complete: s.complete}
	return coordinator.Decision{Records: []coordinator.Record{m.change(now, in.Key, s, u)}, Replies: []coordinator.Reply{answer}}
}

// Write changes the state of records (ShareCoordinatorShard.writeState).
func (m *Machine) Write(now coordinator.Moment, in WriteInput, reply coordinator.Reply) coordinator.Decision {
	s := m.states[in.Key]
	switch {
	case checkKey(in.Key) != nil || s == nil || checkBatches(in.Batches) != nil:
		return refused(reply, protocol.ErrInvalidRequest)
	case in.LeaderEpoch != protocol.None && in.LeaderEpoch < s.leaderMax:
		return refused(reply, protocol.ErrFencedLeaderEpoch)
	case in.StateEpoch != protocol.None && in.StateEpoch < s.stateMax:
		return refused(reply, protocol.ErrFencedStateEpoch)
	}
	if err := m.checkTopic(in.Key); err != nil {
		return refused(reply, err)
	}
	u := update{leaderEpoch: s.leaderEpoch, start: in.StartOffset, complete: in.DeliveryCompleteCount, batches: in.Batches}
	return coordinator.Decision{Records: []coordinator.Record{m.change(now, in.Key, s, u)}, Replies: []coordinator.Reply{reply}}
}

// change is the record of an update, or a snapshot that includes it when it is time
// for one.
func (m *Machine) change(now coordinator.Moment, k Key, s *state, u update) coordinator.Record {
	if s.updates < m.config.UpdatesMax {
		u.snapshotEpoch, u.batches = s.snapshotEpoch, combine(nil, u.batches, u.start)
		return u.record(k)
	}
	d := s.durable
	d.snapshotEpoch++
	if u.start != Uninitialized {
		d.start = u.start
	}
	if u.leaderEpoch != protocol.None {
		d.leaderEpoch = u.leaderEpoch
	}
	d.complete, d.batches = u.complete, combine(s.batches, u.batches, d.start)
	d.createdAt, d.writtenAt = now.Wall, now.Wall
	return d.record(k)
}

// Summary tells what the group needs to know (ShareCoordinatorShard.readStateSummary).
func (m *Machine) Summary(k Key, reply func(Summary)) coordinator.Decision {
	out := Summary{StartOffset: Uninitialized, DeliveryCompleteCount: Uninitialized}
	out.Err = checkKey(k)
	if out.Err == nil {
		out.Err = m.checkTopic(k)
	}
	if s := m.states[k]; out.Err == nil && s != nil {
		out = Summary{StateEpoch: s.stateEpoch, LeaderEpoch: s.leaderEpoch, StartOffset: s.start, DeliveryCompleteCount: s.complete}
	}
	return coordinator.Decision{Replies: []coordinator.Reply{func(err error) {
		if err != nil {
			out = Summary{Err: err}
		}
		reply(out)
	}}}
}

// Delete forgets a share partition; one that is not there is success
// (ShareCoordinatorShard.deleteState).
func (m *Machine) Delete(k Key, reply coordinator.Reply) coordinator.Decision {
	if err := checkKey(k); err != nil {
		return refused(reply, err)
	}
	if err := m.checkTopic(k); err != nil {
		return refused(reply, err)
	}
	d := coordinator.Decision{Replies: []coordinator.Reply{reply}}
	if m.states[k] != nil {
		d.Records = []coordinator.Record{tombstone(k)}
	}
	return d
}

// DeleteTopics forgets the share partitions of topics that are gone.
func (m *Machine) DeleteTopics(gone map[protocol.UUID]bool, reply coordinator.Reply) coordinator.Decision {
	d := coordinator.Decision{Replies: []coordinator.Reply{reply}}
	for _, k := range m.keys() {
		if gone[k.TopicID] {
			d.Records = append(d.Records, tombstone(k))
		}
	}
	return d
}

// keys are all share partitions in order.
func (m *Machine) keys() []Key {
	keys := make([]Key, 0, len(m.states))
	for k := range m.states {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, compareKeys)
	return keys
}

func (m *Machine) check(k Key, s *state, leader protocol.Epoch) error {
	switch {
	case checkKey(k) != nil || s == nil:
		return protocol.ErrInvalidRequest
	case leader != protocol.None && leader < s.leaderMax:
		return protocol.ErrFencedLeaderEpoch
	}
	return m.checkTopic(k)
}

// checkKey refuses what cannot be a share partition; the group's name must fit into a
// record.
func checkKey(k Key) error {
	if k.GroupID == "" || len(k.GroupID) > math.MaxInt16 || k.TopicID.IsZero() || k.Partition < 0 {
		return protocol.ErrInvalidRequest
	}
	return nil
}

func (m *Machine) checkTopic(k Key) error {
	if k.Partition >= m.config.Partitions(k.TopicID) {
		return protocol.ErrUnknownTopicOrPartition
	}
	return nil
}

// refused is a decision that changes nothing and answers err.
func refused(reply coordinator.Reply, err error) coordinator.Decision {
	return coordinator.Decision{Replies: []coordinator.Reply{func(lost error) {
		if lost == nil {
			lost = err
		}
		reply(lost)
	}}}
}
