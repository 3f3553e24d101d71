package group

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group/assignor"
	"github.com/barnabas-mq/barnabas/protocol"
)

// TestRandomShareHistories lets members of a share group join, leave, die, lose answers
// and change what they subscribe to, while topics come, grow and go, the state of
// partitions begins, fails to or is not heard of, and the coordinator crashes, also
// between the records of one decision. It checks that
//
//   - nobody is told to read a partition that has no state, or, once the target is as
//     new as the group, a topic that it does not subscribe to,
//   - the journal replays to the same state, after every record (the driver does),
//   - and when the trouble ends, every partition that somebody subscribes to is soon
//     read, and every member knows what the coordinator counts as its own.
func TestRandomShareHistories(t *testing.T) {
	for seed := range *seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			h := newShareHistory(t, uint64(seed))
			for range 300 {
				h.step()
			}
			h.calm()
		})
		if t.Failed() {
			return
		}
	}
}

// shareHistory is one run.
type shareHistory struct {
	*driver
	random  *rand.Rand
	members []*sharing
	started int
	crashIn int // after how many records the coordinator crashes; 0 is never
	quiet   bool
	begun   map[partitionID]bool // partitions with state
}

// sharing is a member as its application knows it.
type sharing struct {
	id     string
	epoch  int32
	topics []string
	retold bool
	reads  assignor.Assignment
}

func newShareHistory(t *testing.T, seed uint64) *shareHistory {
	r := rand.New(rand.NewPCG(seed, 13))
	config := DefaultConfig()
	interval := time.Duration(r.IntN(2)) * time.Second
	config.ShareSettings = func(string) Settings {
		return Settings{SessionTimeout: 45 * time.Second, HeartbeatInterval: 5 * time.Second, AssignmentInterval: interval}
	}
	h := &shareHistory{driver: newDriver(t, config), random: r, begun: map[partitionID]bool{}}
	h.setTopic("t", 3)
	h.setTopic("u", 1)
	return h
}

// do carries a decision out, and may crash between its records.
func (h *shareHistory) do(out coordinator.Decision) {
	h.t.Helper()
	for {
		for _, r := range out.Records {
			h.apply(r, coordinator.NoProducer)
		}
		if h.crashIn > 0 && len(out.Records) > 0 {
			if h.crashIn--; h.crashIn == 0 {
				h.restart()
				return
			}
		}
		for _, reply := range out.Replies {
			reply(nil)
		}
		if out.Then == nil {
			return
		}
		out = out.Then(h.now)
	}
}

func (h *shareHistory) step() {
	if len(h.members) == 0 {
		h.arrive()
		return
	}
	i := h.random.IntN(len(h.members))
	m := h.members[i]
	switch n := h.random.IntN(100); {
	case n < 8:
		h.arrive()
	case n < 10: // it dies without a word
		h.members = slices.Delete(h.members, i, i+1)
	case n < 14:
		h.do(h.machine.ShareHeartbeat(h.now, ShareHeartbeatInput{GroupID: "s", MemberID: m.id, Epoch: LeaveEpoch}, func(ShareHeartbeatOutput) {}))
		h.members = slices.Delete(h.members, i, i+1)
	case n < 16: // its process is started again
		m.epoch, m.reads = JoinEpoch, nil
	case n < 18:
		h.crashIn = 1 + h.random.IntN(4)
	case n < 21:
		m.topics, m.retold = [][]string{{"t"}, {"t", "u"}, {"u"}}[h.random.IntN(3)], true
	case n < 24:
		h.changeTopics()
	case n < 40:
		h.initializeSome()
	case n < 55:
		h.advance(time.Duration(h.random.IntN(4000)) * time.Millisecond)
	default:
		h.beat(m)
	}
	h.runDue()
}

// leaveAndDelete ends the group, if no crash comes in between.
func (h *shareHistory) leaveAndDelete() {
	h.crashIn = 0
	g := h.machine.groups["s"].asShare()
	if g == nil {
		return
	}
	for _, id := range sortedKeys(g.members) {
		h.do(h.machine.ShareHeartbeat(h.now, ShareHeartbeatInput{GroupID: "s", MemberID: id, Epoch: LeaveEpoch}, func(ShareHeartbeatOutput) {}))
	}
	h.members = nil
	h.do(h.machine.BeginShareDeletions(h.now, []string{"s"}, func([]ShareDeletion, error) {}))
	h.do(h.machine.DeleteGroups(h.now, []string{"s"}, func(out []GroupResult, _ error) {
		if out[0].Err != nil {
			h.t.Fatalf("deleting: %v", out[0].Err)
		}
	}))
}

func (h *shareHistory) arrive() {
	if len(h.members) >= 7 {
		return
	}
	h.started++
	h.members = append(h.members, &sharing{id: fmt.Sprintf("m%d", h.started), topics: []string{"t"}})
}

func (h *shareHistory) changeTopics() {
	switch h.random.IntN(3) {
	case 0:
		h.setTopic("t", min(h.topics.topics["t"].Partitions+1, 9))
	case 1:
		if u, ok := h.topics.topics["u"]; ok {
			h.setTopic("u", 0)
			h.do(h.machine.DeleteSharedTopics(h.now, []protocol.UUID{u.ID}, func(error) {}))
		}
	default:
		h.setTopic("u", 2)
	}
}

// initializeSome answers, loses or refuses what was asked for.
func (h *shareHistory) initializeSome() {
	asked := h.asked
	h.asked = nil
	for _, q := range asked {
		if !h.quiet && h.random.IntN(5) == 0 {
			continue // never heard of again
		}
		in := ShareInitialized{GroupID: q.GroupID}
		for _, start := range q.Starts {
			part := assignor.Assignment{{Topic: start.Topic, Partitions: []int32{start.Partition}}}
			if !h.quiet && h.random.IntN(4) == 0 {
				in.Failed = in.Failed.Union(part)
				continue
			}
			in.Done = in.Done.Union(part)
			h.begun[partitionID{start.Topic, start.Partition}] = true
		}
		h.do(h.machine.ShareInitialized(h.now, in, func(error) {}))
	}
}

func (h *shareHistory) beat(m *sharing) {
	in := ShareHeartbeatInput{GroupID: "s", MemberID: m.id, Epoch: m.epoch, ClientID: "c", ClientHost: "/127.0.0.1"}
	full := m.epoch == JoinEpoch || m.retold
	if full {
		in.Topics = m.topics
	}
	lost := !h.quiet && h.random.IntN(8) == 0
	answered := false
	h.do(h.machine.ShareHeartbeat(h.now, in, func(out ShareHeartbeatOutput) {
		answered = true
		switch {
		case lost:
			m.retold = true // as clients do when they do not know what arrived
		case out.Err != nil:
			m.epoch, m.reads = JoinEpoch, nil
		default:
			m.epoch, m.retold = out.Epoch, false
			if out.Assignment != nil {
				m.reads = *out.Assignment
				h.checkReads(m)
			}
		}
	}))
	if !answered { // it crashed
		m.retold = true
	}
}

func (h *shareHistory) checkReads(m *sharing) {
	h.t.Helper()
	for _, t := range m.reads {
		topic, ok := h.topics.TopicByID(t.Topic)
		if !ok {
			continue // it is taken away with the next target
		}
		// After a crash between the records of one heartbeat it waits for the next target.
		if g := h.machine.groups["s"].share; !slices.Contains(m.topics, topic.Name) && g.targetEpoch == g.epoch {
			h.t.Fatalf("%s subscribes to %v and is to read %s", m.id, m.topics, topic.Name)
		}
		for _, p := range t.Partitions {
			if !h.begun[partitionID{t.Topic, p}] {
				h.t.Fatalf("%s is to read %s-%d, which has no state", m.id, topic.Name, p)
			}
		}
	}
}

// calm ends the trouble and sees that everything gets read.
func (h *shareHistory) calm() {
	h.quiet, h.crashIn = true, 0
	h.arrive()
	for range 30 { // more than a session, so that the dead are gone
		h.advance(4 * time.Second)
		h.initializeSome()
		for _, m := range h.members {
			h.beat(m)
		}
	}
	read := map[partitionID]bool{}
	g := h.machine.groups["s"].share
	for _, m := range h.members {
		if known := g.members[m.id]; known == nil || !known.current.assigned.Equal(m.reads) || m.epoch != g.epoch {
			h.t.Fatalf("%s at epoch %d reads %v\n%s", m.id, m.epoch, m.reads, durableShare(h.machine.groups["s"]))
		}
		for _, t := range m.reads {
			for _, p := range t.Partitions {
				read[partitionID{t.Topic, p}] = true
			}
		}
	}
	for _, m := range h.members {
		for _, name := range m.topics {
			for p := range h.topics.topics[name].Partitions {
				if !read[partitionID{h.topics.topics[name].ID, p}] {
					h.t.Fatalf("nobody reads %s-%d\n%s", name, p, durableShare(h.machine.groups["s"]))
				}
			}
		}
	}
	if len(g.members) != len(h.members) || len(g.state.deleting) > 0 {
		h.t.Fatalf("%d members live\n%s", len(h.members), durableShare(h.machine.groups["s"]))
	}
}
