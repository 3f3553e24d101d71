package group

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/protocol"
)

var seeds = flag.Int("seeds", 100, "how many random histories to play")

// TestRandomHistories lets members of one group join, leave, die, pause, commit
// late, take each other's place and lose answers, while the coordinator now and
// then forgets everything volatile, and in every other history offsets expire soon. It checks that
//
//   - in one generation no partition is assigned to two members,
//   - no commit is accepted from a generation that a later assignment has ended,
//   - the journal replays to the same state, after every record (the driver does),
//   - and when the trouble ends, every live member is soon assigned its share.
func TestRandomHistories(t *testing.T) {
	for seed := range *seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newHistory(t, uint64(seed))
			for range 300 {
				w.step()
			}
			w.calm()
		})
		if t.Failed() {
			return
		}
	}
}

const (
	historyPartitions = 12
	historySession    = 10 * time.Second
	historyRebalance  = 15 * time.Second
)

// history is one run: a driver, its clients, and what must hold.
type history struct {
	*driver
	random  *rand.Rand
	clients []*actor
	started int
	// owners tells who was assigned a partition in a generation.
	owners map[int32]map[byte]*actor
	// assigned is the newest generation in which anybody was assigned anything.
	assigned int32
}

// actor is a client that follows the protocol as far as its luck lets it.
type actor struct {
	name       string
	instance   *string
	needsID    bool
	memberID   string
	generation int32
	roster     []JoinMember // as leader
	assignment []byte
	stable     bool
	waiting    bool // for an answer
	life       int  // answers to an earlier life are ignored
}

func newHistory(t *testing.T, seed uint64) *history {
	config := DefaultConfig()
	r := rand.New(rand.NewPCG(seed, 7))
	config.InitialRebalanceDelayMillis = int32(r.IntN(2) * 3000)
	if seed%2 == 1 {
		config.OffsetsRetentionMillis, config.OffsetsCheckMillis = 20_000, 5_000
	}
	h := &history{driver: newDriver(t, config), random: r, owners: map[int32]map[byte]*actor{}}
	h.wrote = func(r coordinator.Record) {
		if kind, _ := recordKind(r.Key); kind == groupKey && r.Value == nil { // generations begin anew
			h.owners, h.assigned = map[int32]map[byte]*actor{}, 0
		}
	}
	return h
}

// step lets one thing happen.
func (h *history) step() {
	if len(h.clients) == 0 {
		h.arrive()
		return
	}
	i := h.random.IntN(len(h.clients))
	c := h.clients[i]
	switch n := h.random.IntN(100); {
	case n < 8:
		h.arrive()
	case n < 11: // it dies without a word
		h.clients = append(h.clients[:i:i], h.clients[i+1:]...)
	case n < 14:
		h.leave(c)
		h.clients = append(h.clients[:i:i], h.clients[i+1:]...)
	case n < 17: // its process is started again; a dynamic one forgets who it was
		*c = actor{name: c.name, instance: c.instance, needsID: c.needsID, generation: noGeneration, life: c.life + 1}
	case n < 20: // its connection breaks, and it asks again
		c.waiting = false
		c.life++
	case n < 22:
		h.lapse()
	case n < 50:
		h.advance(time.Duration(h.random.IntN(4000)) * time.Millisecond)
	case n < 60:
		h.commit(c)
	default:
		h.act(c)
	}
	h.runDue()
}

// lapse restarts the coordinator; all who wait are answered with an error.
func (h *history) lapse() { h.restart() }

func (h *history) arrive() {
	if len(h.clients) >= 6 {
		return
	}
	h.started++
	c := &actor{name: fmt.Sprintf("c%d", h.started), generation: noGeneration, needsID: h.random.IntN(2) == 0}
	if h.random.IntN(3) == 0 { // also in the name of one that lives: a duplicate
		instance := fmt.Sprintf("i%d", h.random.IntN(3))
		c.instance = &instance
	}
	h.clients = append(h.clients, c)
}

// act does what a client does next, if it is not waiting.
func (h *history) act(c *actor) {
	switch {
	case c.waiting:
	case c.generation == noGeneration:
		h.join(c)
	case !c.stable:
		h.sync(c)
	default:
		h.heartbeat(c)
	}
}

// refused does what clients do with the error of any answer.
func (c *actor) refused(err error) {
	c.stable = false
	switch err {
	case ErrUnknownMember, ErrFencedInstance:
		c.memberID, c.generation = "", noGeneration
	case ErrIllegalGeneration, ErrRebalanceInProgress:
		c.generation = noGeneration
	default: // it finds its coordinator and asks again
		c.generation = noGeneration
	}
}

func (h *history) join(c *actor) {
	c.waiting = true
	life := c.life
	in := JoinInput{
		GroupID: "g", MemberID: c.memberID, InstanceID: c.instance, ClientID: c.name,
		SessionTimeoutMillis:   int32(historySession.Milliseconds()),
		RebalanceTimeoutMillis: int32(historyRebalance.Milliseconds()),
		ProtocolType:           consumerProtocolType, Protocols: parseProtocols("range:t"),
		MemberIDRequired: c.needsID, CanSkipAssignment: c.needsID,
	}
	h.do(h.machine.Join(h.now, in, func(out JoinOutput) {
		if c.life != life {
			return
		}
		c.waiting = false
		switch {
		case out.Err == ErrMemberIDRequired:
			c.memberID = out.MemberID
		case out.Err != nil:
			c.refused(out.Err)
		default:
			c.memberID, c.generation, c.stable = out.MemberID, out.Generation, false
			c.roster = nil
			if !out.SkipAssignment {
				c.roster = out.Members
			}
		}
	}))
}

func (h *history) sync(c *actor) {
	c.waiting = true
	life := c.life
	in := SyncInput{GroupID: "g", MemberID: c.memberID, InstanceID: c.instance, Generation: c.generation}
	shares := make([][]byte, len(c.roster))
	if len(c.roster) > 0 {
		for p := range byte(historyPartitions) {
			i := int(p) % len(shares)
			shares[i] = append(shares[i], p)
		}
	}
	for i, m := range c.roster {
		in.Assignments = append(in.Assignments, Assignment{MemberID: m.MemberID, Bytes: shares[i]})
	}
	h.do(h.machine.Sync(h.now, in, func(out SyncOutput) {
		if c.life != life {
			return
		}
		c.waiting = false
		if out.Err != nil {
			c.refused(out.Err)
			return
		}
		c.stable, c.assignment = true, out.Assignment
		h.assignedTo(c, in.Generation)
	}))
}

func (h *history) assignedTo(c *actor, generation int32) {
	if h.owners[generation] == nil {
		h.owners[generation] = map[byte]*actor{}
	}
	for _, p := range c.assignment {
		other := h.owners[generation][p]
		// A static member may be replaced within a generation; the old one is fenced.
		replaced := other != nil && other.instance != nil && c.instance != nil && *other.instance == *c.instance
		if other != nil && other != c && !replaced {
			h.t.Fatalf("partition %d belongs to %s and to %s in generation %d", p, other.name, c.name, generation)
		}
		h.owners[generation][p] = c
	}
	h.assigned = max(h.assigned, generation)
}

func (h *history) heartbeat(c *actor) {
	in := HeartbeatInput{GroupID: "g", MemberID: c.memberID, InstanceID: c.instance, Generation: c.generation}
	h.do(h.machine.Heartbeat(h.now, in, func(err error) {
		if err != nil {
			c.refused(err)
		}
	}))
}

func (h *history) leave(c *actor) {
	member := LeaveMember{MemberID: c.memberID, InstanceID: c.instance}
	h.do(h.machine.Leave(h.now, LeaveInput{GroupID: "g", Members: []LeaveMember{member}}, func(LeaveOutput) {}))
}

// commit may come late: from a generation that is over.
func (h *history) commit(c *actor) {
	if c.memberID == "" || c.generation == noGeneration || len(c.assignment) == 0 {
		return
	}
	in := CommitInput{
		GroupID: "g", MemberID: c.memberID, InstanceID: c.instance, Generation: c.generation, RetentionMillis: -1,
		Topics: []CommitTopic{{Topic: "t", Partitions: []CommitPartition{
			{Partition: int32(c.assignment[0]), Offset: protocol.Offset(len(h.journal))},
		}}},
	}
	if h.random.IntN(3) == 0 {
		in.Generation = max(in.Generation-int32(h.random.IntN(3)), 0) // -1 is an administrator
	}
	h.do(h.machine.Commit(h.now, in, func(out CommitOutput) {
		if out.Err == nil && in.Generation < h.assigned {
			h.t.Fatalf("%s commits in generation %d, after generation %d was assigned", c.name, in.Generation, h.assigned)
		}
	}))
}

// calm ends the trouble: everyone acts as it should, and the group must settle
// within the time that its timeouts allow.
func (h *history) calm() {
	kept := h.clients[:0]
	instances := map[string]bool{}
	for _, c := range h.clients { // duplicates of a static member fight for ever, as they should
		if c.instance == nil || !instances[*c.instance] {
			kept = append(kept, c)
		}
		if c.instance != nil {
			instances[*c.instance] = true
		}
	}
	h.clients = kept
	const patience = 2 * (historyRebalance + historySession + newMemberTimeoutMillis*time.Millisecond)
	for until := h.now.Elapsed + patience; h.now.Elapsed < until; {
		for _, c := range h.clients {
			h.act(c)
			h.runDue()
		}
		h.advance(time.Second)
	}
	if len(h.clients) == 0 {
		return
	}
	owned := map[byte]string{}
	for _, c := range h.clients {
		if !c.stable || c.generation != h.clients[0].generation {
			h.t.Fatalf("%s is not part of a stable group: %+v\n%s", c.name, *c, durableMembers(h.machine.groups["g"]))
		}
		for _, p := range c.assignment {
			if other, ok := owned[p]; ok {
				h.t.Fatalf("partition %d belongs to %s and %s", p, other, c.name)
			}
			owned[p] = c.name
		}
	}
	if len(owned) != historyPartitions {
		h.t.Fatalf("%d of %d partitions are assigned: %v", len(owned), historyPartitions, owned)
	}
}
