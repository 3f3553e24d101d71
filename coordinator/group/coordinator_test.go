package group

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shelf is a journal in memory that commits at once.
type shelf struct {
	mu      sync.Mutex
	entries map[int32][]coordinator.Entry
	foreign map[int32]bool // shards of another node
}

func newShelf() *shelf {
	return &shelf{entries: map[int32][]coordinator.Entry{}, foreign: map[int32]bool{}}
}

func (s *shelf) Check(shard int32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.foreign[shard] {
		return coordinator.ErrNotOwner
	}
	return nil
}

func (s *shelf) Load(shard int32, fn func(coordinator.Entry) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries[shard] {
		if err := fn(e); err != nil {
			return err
		}
	}
	return nil
}

func (s *shelf) Append(shard int32, b coordinator.Batch, committed func(error)) (protocol.Offset, error) {
	s.mu.Lock()
	base := protocol.Offset(len(s.entries[shard]))
	producer := coordinator.NoProducer
	if b.Producer != nil {
		producer = *b.Producer
	}
	for i, r := range b.Records {
		e := coordinator.Entry{Offset: base + protocol.Offset(i), Record: r, Producer: producer}
		s.entries[shard] = append(s.entries[shard], e)
	}
	if b.Marker != nil {
		s.entries[shard] = append(s.entries[shard], entryOf(base, *b.Marker))
	}
	s.mu.Unlock()
	committed(nil)
	return base, nil
}

// entryOf is a marker as the journal holds it.
func entryOf(at protocol.Offset, m coordinator.Marker) coordinator.Entry {
	e := coordinator.Entry{Offset: at, Producer: m.Producer, Marker: coordinator.AbortMarker}
	if m.Commit {
		e.Marker = coordinator.CommitMarker
	}
	return e
}

// house is a coordinator of 50 shards with a clock that is moved by hand.
type house struct {
	t      *testing.T
	shelf  *shelf
	clock  *clock.Manual
	groups *Coordinator
}

// live plays a story in a bubble in which all goroutines can be waited for.
func live(t *testing.T, story func(*house)) {
	synctest.Test(t, func(t *testing.T) {
		h := &house{t: t, shelf: newShelf(), clock: clock.NewManual(start)}
		h.open()
		defer func() { h.groups.Close() }()
		story(h)
	})
}

func (h *house) open() {
	ids := 0
	config := DefaultConfig()
	config.InitialRebalanceDelayMillis = 3000
	h.groups = New(Options{
		Config: config, Journal: h.shelf, Clock: h.clock, Shards: 50,
		NewMemberID: func() string { ids++; return fmt.Sprint(ids) },
	})
}

// take waits for the answer of a call.
func take[Out any](h *house, call func(func(Out))) Out {
	h.t.Helper()
	answer := begin(call)
	return finish(h, answer)
}

// begin makes a call whose answer comes later.
func begin[Out any](call func(func(Out))) chan Out {
	answer := make(chan Out, 1)
	call(func(out Out) { answer <- out })
	return answer
}

func finish[Out any](h *house, answer chan Out) Out {
	h.t.Helper()
	synctest.Wait()
	select {
	case out := <-answer:
		return out
	default:
		h.t.Fatal("not answered")
		panic("not reached")
	}
}

func joinInput(group string) JoinInput {
	return JoinInput{
		GroupID: group, ClientID: "c", SessionTimeoutMillis: 10_000, RebalanceTimeoutMillis: 60_000,
		ProtocolType: consumerProtocolType, Protocols: parseProtocols("range:t"),
	}
}

func (h *house) join(group string) chan JoinOutput {
	return begin(func(reply func(JoinOutput)) { h.groups.Join(joinInput(group), reply) })
}

func (h *house) commit(group string, offset protocol.Offset) CommitOutput {
	h.t.Helper()
	in := CommitInput{GroupID: group, Generation: noGeneration, RetentionMillis: -1, Topics: []CommitTopic{
		{Topic: "t", Partitions: []CommitPartition{{Offset: offset, LeaderEpoch: -1}}},
	}}
	return take(h, func(reply func(CommitOutput)) { h.groups.Commit(in, reply) })
}

func (h *house) fetch(group string) protocol.Offset {
	h.t.Helper()
	in := FetchInput{GroupID: group, All: true}
	out := take(h, func(reply func(FetchOutput)) { h.groups.Fetch(in, reply) })
	if out.Err != nil || len(out.Topics) == 0 {
		return -1
	}
	return out.Topics[0].Partitions[0].Offset
}

func TestAMemberOfALiveGroup(t *testing.T) { live(t, storyAMember) }

func storyAMember(h *house) {
	// The whole way through queues, timers and journal: join, assign, live, die,
	// and a restart in between.
	join := h.join("g")
	synctest.Wait()
	h.clock.Advance(3 * time.Second)
	joined := finish(h, join)
	if joined.Err != nil || joined.Generation != 1 || joined.Leader != joined.MemberID || len(joined.Members) != 1 {
		h.t.Fatalf("joined as %+v", joined)
	}
	in := SyncInput{GroupID: "g", MemberID: joined.MemberID, Generation: 1, Assignments: []Assignment{{joined.MemberID, []byte("all")}}}
	synced := take(h, func(reply func(SyncOutput)) { h.groups.Sync(in, reply) })
	if synced.Err != nil || string(synced.Assignment) != "all" {
		h.t.Fatalf("synced as %+v", synced)
	}

	h.groups.Close()
	h.open()
	heartbeat := HeartbeatInput{GroupID: "g", MemberID: joined.MemberID, Generation: 1}
	beat := func() error {
		return take(h, func(reply func(error)) { h.groups.Heartbeat(heartbeat, reply) })
	}
	if err := beat(); err != nil {
		h.t.Fatalf("after the restart: %v", err)
	}
	h.clock.Advance(9 * time.Second)
	if err := beat(); err != nil {
		h.t.Fatalf("in time: %v", err)
	}
	h.clock.Advance(10 * time.Second)
	if err := beat(); err != ErrUnknownMember {
		h.t.Fatalf("after the session: %v", err)
	}
	leave := LeaveInput{GroupID: "g", Members: []LeaveMember{{MemberID: joined.MemberID}}}
	if out := take(h, func(reply func(LeaveOutput)) { h.groups.Leave(leave, reply) }); out.Members[0].Err != ErrUnknownMember {
		h.t.Fatalf("left: %+v", out)
	}
}

func TestGroupsInManyShards(t *testing.T) { live(t, storyManyShards) }

func storyManyShards(h *house) {
	// Calls over several groups come back in the order in which they were asked.
	ids := []string{"z", "a", "m", "nobody", "b"}
	for i, id := range ids {
		if id != "nobody" {
			if out := h.commit(id, protocol.Offset(i)); out.Err != nil {
				h.t.Fatal(out.Err)
			}
		}
	}
	list := take(h, func(reply func(ListOutput)) { h.groups.List(ListInput{}, reply) })
	if list.Err != nil || len(list.Groups) != 4 {
		h.t.Fatalf("listed %+v", list)
	}
	described := take(h, func(reply func([]Description)) { h.groups.Describe(ids, reply) })
	for i, d := range described {
		want := Description{GroupID: ids[i], State: Empty, Members: []MemberDescription{}}
		if ids[i] == "nobody" {
			want = Description{GroupID: ids[i], State: Dead, Err: ErrGroupNotFound}
		}
		if d.GroupID != want.GroupID || d.State != want.State || !errors.Is(d.Err, want.Err) {
			h.t.Errorf("described %+v, want %+v", d, want)
		}
	}
	deleted := take(h, func(reply func([]GroupResult)) { h.groups.DeleteGroups(ids[:4], reply) })
	for i, r := range deleted {
		if r.GroupID != ids[i] || (r.Err == nil) != (ids[i] != "nobody") {
			h.t.Errorf("deleted %+v", r)
		}
	}
	if none := take(h, func(reply func([]GroupResult)) { h.groups.DeleteGroups(nil, reply) }); len(none) != 0 {
		h.t.Errorf("deleted %+v", none)
	}
	if h.fetch("a") != -1 || h.fetch("b") != 4 {
		h.t.Errorf("offsets %d and %d are left, want -1 and 4", h.fetch("a"), h.fetch("b"))
	}
	if err := take(h, func(reply func(error)) { h.groups.DeleteTopicOffsets([]string{"t"}, reply) }); err != nil {
		h.t.Fatal(err)
	}
	if got := h.fetch("b"); got != -1 {
		h.t.Errorf("offset %d outlives its topic", got)
	}
	in := DeleteOffsetsInput{GroupID: "b", Topics: []FetchTopic{{Topic: "t", Partitions: []int32{0}}}}
	if out := take(h, func(reply func(DeleteOffsetsOutput)) { h.groups.DeleteOffsets(in, reply) }); out.Err != nil {
		h.t.Fatal(out.Err)
	}
}

func TestShardsOfOthers(t *testing.T) { live(t, storyShardsOfOthers) }

func storyShardsOfOthers(h *house) {
	// A call for a shard of another node says so; listings leave it out.
	mine, other := "a", "b"
	for _, id := range []string{mine, other} {
		if out := h.commit(id, 1); out.Err != nil {
			h.t.Fatal(out.Err)
		}
	}
	join := h.join(other)
	h.shelf.mu.Lock()
	h.shelf.foreign[h.groups.ShardOf(other)] = true
	h.shelf.mu.Unlock()
	h.groups.Unload(h.groups.ShardOf(other))
	if out := finish(h, join); out.Err != coordinator.ErrNotOwner {
		h.t.Errorf("the member that waits: %v", out.Err)
	}
	if out := h.commit(other, 2); out.Err != coordinator.ErrNotOwner {
		h.t.Errorf("commit: %v", out.Err)
	}
	list := take(h, func(reply func(ListOutput)) { h.groups.List(ListInput{}, reply) })
	if list.Err != nil || len(list.Groups) != 1 || list.Groups[0].GroupID != mine {
		h.t.Errorf("listed %+v", list)
	}
	deleted := take(h, func(reply func([]GroupResult)) { h.groups.DeleteGroups([]string{other, mine}, reply) })
	if deleted[0].Err != coordinator.ErrNotOwner || deleted[1].Err != nil {
		h.t.Errorf("deleted %+v", deleted)
	}
}

func TestCloseAnswersWaitingMembers(t *testing.T) { live(t, storyClose) }

func storyClose(h *house) {
	join := h.join("g")
	synctest.Wait()
	h.groups.Close()
	if out := finish(h, join); out.Err != coordinator.ErrUnavailable {
		h.t.Errorf("the member that waits: %v", out.Err)
	}
	list := take(h, func(reply func(ListOutput)) { h.groups.List(ListInput{}, reply) })
	if list.Err != coordinator.ErrUnavailable {
		h.t.Errorf("listed %+v", list)
	}
}

func TestInputsAreCopied(t *testing.T) { live(t, storyCopied) }

func storyCopied(h *house) {
	// The frame that a request came in is used for the next one.
	in := joinInput("g")
	frame := []byte("what the member says")
	in.Protocols = []Protocol{{Name: "range", Metadata: frame}}
	join := begin(func(reply func(JoinOutput)) { h.groups.Join(in, reply) })
	copy(frame, "XXXXXXXXXXXXXXXXXXXX")
	synctest.Wait()
	h.clock.Advance(3 * time.Second)
	if said := finish(h, join).Members[0].Metadata; string(said) != "what the member says" {
		h.t.Errorf("the member says %q", said)
	}
}

// TestAThousandMembers joins and assigns 1,000 members in one group.
func TestAThousandMembers(t *testing.T) {
	const members = 1000
	d := newDriver(t, DefaultConfig())
	joined := 0
	var ids []string
	for i := range members {
		in := joinInput("g")
		in.ClientID = fmt.Sprint("client", i)
		d.do(d.machine.Join(d.now, in, func(out JoinOutput) {
			if out.Err != nil {
				t.Fatal(out.Err)
			}
			ids = append(ids, out.MemberID)
			joined++
		}))
	}
	d.advance(6 * time.Second) // the delay, and once more because members arrived
	if joined != members {
		t.Fatalf("%d of %d joined", joined, members)
	}
	synced := 0
	for i, id := range ids[1:] {
		in := SyncInput{GroupID: "g", MemberID: id, Generation: 1}
		d.do(d.machine.Sync(d.now, in, func(out SyncOutput) {
			if out.Err != nil || string(out.Assignment) != id {
				t.Errorf("member %d was assigned %q: %v", i, out.Assignment, out.Err)
			}
			synced++
		}))
	}
	in := SyncInput{GroupID: "g", MemberID: ids[0], Generation: 1}
	for _, id := range ids {
		in.Assignments = append(in.Assignments, Assignment{id, []byte(id)})
	}
	d.do(d.machine.Sync(d.now, in, func(SyncOutput) { synced++ }))
	if synced != members {
		t.Fatalf("%d of %d were assigned", synced, members)
	}
}
