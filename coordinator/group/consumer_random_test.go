package group

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group/assignor"
	"github.com/barnabas-mq/barnabas/protocol"
)

// TestRandomConsumerHistories lets members of both protocols share one group, so
// that it is turned from one into the other: they join, leave, die, fall silent,
// lose answers, take each other's place as static members, change what they read
// and commit late, while topics come, grow and go and the coordinator crashes, also
// between the records of one decision. It checks that
//
//   - no partition is ever granted to two members of the consumer group,
//   - no member believes to own what the coordinator does not count as its own,
//   - no commit is accepted from one who is not a member, or at an epoch that is
//     neither the member's own nor one at which it owned the partition already,
//   - the journal replays to the same state, after every record (the driver does),
//   - and when the trouble ends, every partition soon has one owner.
func TestRandomConsumerHistories(t *testing.T) {
	for seed := range *seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newMixedHistory(t, uint64(seed))
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
	mixedSession   = 45 * time.Second // of consumers; classic members have historySession
	mixedRebalance = 20 * time.Second
)

// mixedHistory is one run.
type mixedHistory struct {
	*driver
	random  *rand.Rand
	members []*mixedMember
	started int
	// crashIn is after how many records the coordinator crashes; 0 is never.
	crashIn int
	quiet   bool // no more answers get lost
}

// mixedMember is a client of either protocol that follows it as far as its luck
// lets it.
type mixedMember struct {
	name     string
	classic  bool
	instance *string
	topics   []string
	id       string
	epoch    int32 // or generation; JoinEpoch or noGeneration when it has to join
	synced   bool  // classic: it has its assignment
	waiting  bool
	life     int // answers to an earlier life are ignored
	owned    assignor.Assignment
	roster   []JoinMember // classic leader
	led      int64        // the topics that it has shared out
	said     []string     // classic: what it reads, as of its last join
	silent   bool         // it lives on but says nothing
	retold   bool         // what it owns is news that it has to report
}

func newMixedHistory(t *testing.T, seed uint64) *mixedHistory {
	r := rand.New(rand.NewPCG(seed, 11))
	config := DefaultConfig()
	config.InitialRebalanceDelayMillis = int32(r.IntN(2) * 3000)
	interval := time.Duration(r.IntN(2)) * time.Second
	config.Settings = func(string) Settings {
		return Settings{SessionTimeout: mixedSession, HeartbeatInterval: 5 * time.Second, AssignmentInterval: interval}
	}
	h := &mixedHistory{driver: newDriver(t, config), random: r}
	h.setTopic("t", 5)
	h.setTopic("u", 2)
	return h
}

// do carries a decision out, and may crash between its records.
func (h *mixedHistory) do(out coordinator.Decision) {
	h.t.Helper()
	if h.crashIn == 0 {
		h.driver.do(out)
		h.check()
		return
	}
	for {
		for _, r := range out.Records {
			h.apply(r, coordinator.NoProducer)
		}
		if len(out.Records) > 0 {
			if h.crashIn--; h.crashIn == 0 {
				for _, m := range h.members {
					m.lose()
				}
				h.restart()
				h.check()
				return
			}
		}
		for _, reply := range out.Replies {
			reply(nil)
		}
		if out.Then == nil {
			h.check()
			return
		}
		out = out.Then(h.now)
	}
}

// runDue runs the timers that are due now.
func (h *mixedHistory) runDue() {
	for {
		out, ok := h.machine.Wake(h.now)
		if !ok {
			return
		}
		h.do(out)
	}
}

func (h *mixedHistory) advance(by time.Duration) {
	end := h.now.Elapsed + by
	for {
		at, ok := h.machine.NextWake()
		if !ok || at > end {
			break
		}
		h.moveTo(max(at, h.now.Elapsed))
		h.runDue()
	}
	h.moveTo(end)
}

// check holds the coordinator's books against each other and against what the
// members believe.
func (h *mixedHistory) check() {
	h.t.Helper()
	entry := h.machine.groups["g"]
	if entry == nil || entry.consumer == nil {
		return
	}
	g := entry.consumer
	granted := map[partitionID]string{}
	for _, m := range g.sortedMembers() {
		for _, owned := range []ownedPartitions{m.current.assigned, m.current.revoking} {
			owned.each(func(id partitionID, _ int32) {
				if other, ok := granted[id]; ok {
					h.t.Fatalf("partition %x-%d is granted to %s and to %s", id.topic, id.partition, other, m.id)
				}
				granted[id] = m.id
			})
		}
	}
	for _, c := range h.members {
		m := g.members[c.id]
		if m == nil || c.classic && (!c.synced || c.epoch != m.current.epoch) {
			continue
		}
		for _, t := range c.owned {
			if _, ok := h.topics.TopicByID(t.Topic); !ok {
				continue // nobody owns what is gone
			}
			for _, p := range t.Partitions {
				if granted[partitionID{t.Topic, p}] != c.id {
					h.t.Fatalf("%s believes to own %s-%d\n%s", c.name, t.Topic, p, durableConsumers(entry))
				}
			}
		}
	}
}

// step lets one thing happen.
func (h *mixedHistory) step() {
	if len(h.members) == 0 {
		h.arrive()
		return
	}
	i := h.random.IntN(len(h.members))
	c := h.members[i]
	remove := func() { h.members = append(h.members[:i:i], h.members[i+1:]...) }
	switch n := h.random.IntN(100); {
	case n < 8:
		h.arrive()
	case n < 10: // it dies without a word
		remove()
	case n < 13:
		h.leave(c, LeaveEpoch)
		remove()
	case n < 15 && c.instance != nil && !c.classic: // its process is started again
		h.leave(c, LeaveStaticEpoch)
		c.begin()
	case n < 17: // its process is started again without a word
		c.begin()
		h.started++
		if !c.classic {
			c.id = fmt.Sprintf("c%d", h.started)
		}
	case n < 20: // an answer gets lost
		c.lose()
	case n < 22:
		h.crashIn = 1 + h.random.IntN(4)
	case n < 24:
		c.silent = !c.silent
	case n < 26:
		c.topics, c.retold = [][]string{{"t"}, {"t", "u"}, {"u"}, {"pattern"}}[h.random.IntN(4)], true
		if c.classic {
			c.topics = []string{"t", "u"}
		}
	case n < 29:
		h.changeTopics()
	case n < 31:
		h.resolve()
	case n < 50:
		h.advance(time.Duration(h.random.IntN(5000)) * time.Millisecond)
	case n < 58:
		h.commit(c)
	default:
		if !c.silent {
			h.act(c)
		}
	}
	h.runDue()
}

func (h *mixedHistory) changeTopics() {
	switch h.random.IntN(3) {
	case 0:
		h.setTopic("t", h.topics.topics["t"].Partitions%9+1) // grows, and shrinks as if made anew
	case 1:
		h.setTopic("u", 0)
	default:
		h.setTopic("u", 2)
	}
}

func (h *mixedHistory) arrive() {
	if len(h.members) >= 6 {
		return
	}
	h.started++
	c := &mixedMember{name: fmt.Sprintf("c%d", h.started), classic: h.random.IntN(3) == 0, topics: []string{"t"}}
	if h.random.IntN(3) == 0 {
		instance := fmt.Sprintf("i%d", h.random.IntN(3))
		c.instance = &instance
	}
	c.begin()
	if !c.classic {
		c.id = c.name
	}
	h.members = append(h.members, c)
}

// begin makes a member one that has just been started.
func (c *mixedMember) begin() {
	c.life++
	c.waiting, c.synced, c.owned, c.roster, c.epoch = false, false, nil, nil, JoinEpoch
	if c.classic {
		c.id, c.epoch = "", noGeneration
	}
}

// lose drops the answer that a member waits for; it asks again.
func (c *mixedMember) lose() {
	c.life++
	c.waiting = false
	if c.classic && !c.synced {
		c.epoch = noGeneration
	}
}

// act does what a client does next.
func (h *mixedHistory) act(c *mixedMember) {
	switch {
	case c.waiting:
	case !c.classic:
		h.beat(c)
	case c.epoch == noGeneration, c.synced && !slices.Equal(c.said, c.topics), c.synced && len(c.roster) > 0 && c.led != h.topics.version:
		h.join(c) // also when it reads something else, or sees as leader that topics changed
	case !c.synced:
		h.sync(c)
	default:
		h.heartbeat(c)
	}
}

func (h *mixedHistory) beat(c *mixedMember) {
	in := ConsumerHeartbeatInput{
		GroupID: "g", MemberID: c.id, Epoch: c.epoch, ClientID: c.name, InstanceID: c.instance, RebalanceTimeoutMillis: -1,
	}
	if c.epoch == JoinEpoch {
		c.owned = nil
	}
	if c.epoch == JoinEpoch || c.retold || h.random.IntN(3) == 0 { // else it says nothing, as nothing has changed
		in.RebalanceTimeoutMillis = int32(mixedRebalance.Milliseconds())
		in.Topics, in.Pattern = c.topics, new(string)
		if slices.Contains(c.topics, "pattern") {
			*in.Pattern, in.Topics = "t|u", []string{}
		}
		owned := append(assignor.Assignment{}, c.owned...)
		in.Owned = &owned
	}
	life, lost := c.life, !h.quiet && h.random.IntN(8) == 0
	h.do(h.machine.ConsumerHeartbeat(h.now, in, func(out ConsumerHeartbeatOutput) {
		if c.life != life || lost {
			return
		}
		if out.Err != nil {
			c.epoch, c.owned = JoinEpoch, nil
			return
		}
		c.epoch, c.retold = out.Epoch, out.Assignment != nil
		if out.Assignment != nil {
			c.owned = *out.Assignment
		}
	}))
}

// saying is a classic member's metadata.
func (h *mixedHistory) saying(c *mixedMember) []Protocol {
	said := kmsg.NewConsumerMemberMetadata()
	said.Version, said.Topics = 1, c.topics
	for _, t := range named(c.owned, h.config.Topics()) {
		one := kmsg.NewConsumerMemberMetadataOwnedPartition()
		one.Topic, one.Partitions = t.Topic, t.Partitions
		said.OwnedPartitions = append(said.OwnedPartitions, one)
	}
	return []Protocol{{Name: "range", Metadata: said.AppendTo(nil)}}
}

func (h *mixedHistory) join(c *mixedMember) {
	c.waiting, c.said = true, c.topics
	life := c.life
	in := JoinInput{
		GroupID: "g", MemberID: c.id, InstanceID: c.instance, ClientID: c.name,
		SessionTimeoutMillis: int32(historySession.Milliseconds()), RebalanceTimeoutMillis: int32(historyRebalance.Milliseconds()),
		ProtocolType: consumerProtocolType, Protocols: h.saying(c), MemberIDRequired: true, CanSkipAssignment: true,
	}
	h.do(h.machine.Join(h.now, in, func(out JoinOutput) {
		if c.life != life {
			return
		}
		c.waiting = false
		switch {
		case out.Err == ErrMemberIDRequired:
			c.id = out.MemberID
		case out.Err != nil:
			c.id = ""
		default:
			c.id, c.epoch, c.synced, c.roster = out.MemberID, out.Generation, false, nil
			if !out.SkipAssignment {
				c.roster = out.Members
			}
		}
	}))
}

func (h *mixedHistory) sync(c *mixedMember) {
	c.waiting = true
	life := c.life
	in := SyncInput{GroupID: "g", MemberID: c.id, InstanceID: c.instance, Generation: c.epoch, Assignments: h.lead(c)}
	h.do(h.machine.Sync(h.now, in, func(out SyncOutput) {
		if c.life != life {
			return
		}
		c.waiting = false
		if out.Err != nil {
			c.epoch = noGeneration
			return
		}
		owned, _, err := parseAssignment(out.Assignment, h.config.Topics())
		if err != nil {
			h.t.Fatal(err)
		}
		c.owned, c.synced = owned, true
	}))
}

// lead shares the partitions out as a classic leader does.
func (h *mixedHistory) lead(c *mixedMember) []Assignment {
	if len(c.roster) == 0 {
		return nil
	}
	topics := h.config.Topics()
	c.led = topics.Version()
	group := &assignor.Group{}
	for _, name := range []string{"t", "u"} {
		if t, ok := topics.Topic(name); ok {
			group.Topics = append(group.Topics, assignor.Topic{ID: t.ID, Partitions: t.Partitions})
		}
	}
	roster := slices.Clone(c.roster)
	slices.SortFunc(roster, func(a, b JoinMember) int {
		return compareTopicPartitions(topicPartition{topic: a.MemberID}, topicPartition{topic: b.MemberID})
	})
	for _, m := range roster {
		one := assignor.Member{ID: m.MemberID}
		said, err := parseSubscription(m.Metadata)
		if err != nil {
			h.t.Fatal(err)
		}
		for i, t := range group.Topics {
			if topic, _ := topics.TopicByID(t.ID); slices.Contains(said.Topics, topic.Name) {
				one.Topics = append(one.Topics, int32(i))
			}
		}
		group.Members = append(group.Members, one)
	}
	var out []Assignment
	for i, a := range assignor.Uniform().Assign(group) {
		out = append(out, Assignment{MemberID: roster[i].MemberID, Bytes: encodeAssignment(a, roster[i].Metadata, topics)})
	}
	return out
}

func (h *mixedHistory) heartbeat(c *mixedMember) {
	in := HeartbeatInput{GroupID: "g", MemberID: c.id, InstanceID: c.instance, Generation: c.epoch}
	life := c.life
	h.do(h.machine.Heartbeat(h.now, in, func(err error) {
		if c.life != life || err == nil {
			return
		}
		c.epoch = noGeneration
		if err != ErrRebalanceInProgress && err != ErrIllegalGeneration {
			c.id, c.owned = "", nil
		}
	}))
}

func (h *mixedHistory) leave(c *mixedMember, epoch int32) {
	c.owned = nil
	if c.classic {
		member := LeaveMember{MemberID: c.id, InstanceID: c.instance}
		h.do(h.machine.Leave(h.now, LeaveInput{GroupID: "g", Members: []LeaveMember{member}}, func(LeaveOutput) {}))
		return
	}
	in := ConsumerHeartbeatInput{GroupID: "g", MemberID: c.id, Epoch: epoch, InstanceID: c.instance, RebalanceTimeoutMillis: -1}
	h.do(h.machine.ConsumerHeartbeat(h.now, in, func(ConsumerHeartbeatOutput) {}))
}

// commit may come late: from an epoch that is over, or from one that was put out.
func (h *mixedHistory) commit(c *mixedMember) {
	if c.id == "" || c.epoch == noGeneration || len(c.owned) == 0 {
		return
	}
	t := c.owned[0]
	in := CommitInput{
		GroupID: "g", MemberID: c.id, InstanceID: c.instance, Generation: c.epoch, RetentionMillis: -1, TakesMemberEpoch: true,
		Topics: []CommitTopic{{Topic: "t", TopicID: t.Topic, Partitions: []CommitPartition{
			{Partition: t.Partitions[0], Offset: protocol.Offset(len(h.journal))},
		}}},
	}
	if h.random.IntN(3) == 0 {
		in.Generation = max(in.Generation-int32(h.random.IntN(3)), 0)
	}
	var member *consumerMember
	entry := h.machine.groups["g"]
	if entry != nil && entry.consumer != nil {
		member = entry.consumer.members[c.id]
	}
	h.do(h.machine.Commit(h.now, in, func(out CommitOutput) {
		if out.Err != nil || entry == nil || entry.consumer == nil {
			return
		}
		switch id := (partitionID{t.Topic, t.Partitions[0]}); {
		case member == nil:
			h.t.Fatalf("%s commits and is no member", c.name)
		case in.Generation == member.current.epoch:
		case in.Generation > member.current.epoch || !member.current.assigned.union(member.current.revoking).has(id):
			h.t.Fatalf("%s commits at epoch %d, standing at %+v", c.name, in.Generation, member.current)
		}
	}))
}

// calm ends the trouble: everyone acts as it should, and the group must settle
// within the time that its timeouts allow.
func (h *mixedHistory) calm() {
	h.crashIn, h.quiet = 0, true
	kept := h.members[:0]
	instances := map[string]bool{}
	for _, c := range h.members { // duplicates of a static member fight for ever, as they should
		if c.instance == nil || !instances[*c.instance] {
			kept = append(kept, c)
		}
		if c.instance != nil {
			instances[*c.instance] = true
		}
		c.silent, c.retold, c.topics = false, true, []string{"t", "u"}
		if !c.classic && h.random.IntN(2) == 0 {
			c.topics = []string{"pattern"}
		}
	}
	h.members = kept
	h.setTopic("u", 2)
	const patience = 3 * (mixedSession + mixedRebalance + newMemberTimeoutMillis*time.Millisecond)
	for until := h.now.Elapsed + patience; h.now.Elapsed < until; {
		for _, c := range h.members {
			h.act(c)
			h.runDue()
		}
		h.resolve()
		h.advance(time.Second)
	}
	h.settled()
}

func (h *mixedHistory) settled() {
	if len(h.members) == 0 {
		return
	}
	owners := map[string]string{}
	most, least := 0, 1000
	for _, c := range h.members {
		most, least = max(most, c.owned.Count()), min(least, c.owned.Count())
		for _, t := range named(c.owned, h.config.Topics()) {
			for _, p := range t.Partitions {
				key := fmt.Sprintf("%s-%d", t.Topic, p)
				if other, ok := owners[key]; ok {
					h.t.Fatalf("%s belongs to %s and %s", key, other, c.name)
				}
				owners[key] = c.name
			}
		}
	}
	want := int(h.topics.topics["t"].Partitions + h.topics.topics["u"].Partitions)
	if len(owners) != want || most > least+1 {
		entry := h.machine.groups["g"]
		text := durableConsumers(entry)
		if entry.consumer == nil {
			text = durableMembers(entry)
		}
		for _, c := range h.members {
			text += fmt.Sprintf("%+v\n", *c)
		}
		h.t.Fatalf("%d of %d partitions have an owner: %v\n%s", len(owners), want, owners, text)
	}
}
