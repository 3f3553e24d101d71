package group

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/protocol"
)

// shareStateFake keeps the state of share partitions in memory. It answers from
// other goroutines, and fails for the partitions of broken.
type shareStateFake struct {
	mu     sync.Mutex
	states map[string]ShareSummary
	broken map[int32]error
	done   sync.WaitGroup
}

func newShareStateFake() *shareStateFake {
	return &shareStateFake{states: map[string]ShareSummary{}, broken: map[int32]error{}}
}

func stateKey(groupID string, topic protocol.UUID, partition int32) string {
	return fmt.Sprintf("%s/%x/%d", groupID, topic[:], partition)
}

func (f *shareStateFake) later(partition int32, do func(), reply func(error)) {
	f.done.Go(func() {
		f.mu.Lock()
		err := f.broken[partition]
		if err == nil {
			do()
		}
		f.mu.Unlock()
		reply(err)
	})
}

func (f *shareStateFake) Initialize(groupID string, topic protocol.UUID, partition, stateEpoch int32, start protocol.Offset, reply func(error)) {
	f.later(partition, func() {
		f.states[stateKey(groupID, topic, partition)] = ShareSummary{StateEpoch: stateEpoch, Start: start, DeliveryComplete: 0}
	}, reply)
}

func (f *shareStateFake) Summary(groupID string, topic protocol.UUID, partition int32, reply func(ShareSummary, error)) {
	out := ShareSummary{Start: protocol.None, DeliveryComplete: protocol.None}
	f.later(partition, func() {
		if known, ok := f.states[stateKey(groupID, topic, partition)]; ok {
			out = known
		}
	}, func(err error) { reply(out, err) })
}

func (f *shareStateFake) Delete(groupID string, topic protocol.UUID, partition int32, reply func(error)) {
	f.later(partition, func() { delete(f.states, stateKey(groupID, topic, partition)) }, reply)
}

// known lists the share partitions with state.
func (f *shareStateFake) known() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return sortedKeys(f.states)
}

var errBroken = errors.New("the state is broken")

// sharedHouse is a coordinator with a topic t of three partitions.
func sharedHouse(t *testing.T, story func(*house, *shareStateFake)) {
	synctest.Test(t, func(t *testing.T) {
		h := &house{t: t, shelf: newShelf(), clock: clock.NewManual(start)}
		state := newShareStateFake()
		config := DefaultConfig()
		topics := &topicsFake{version: 1, topics: map[string]Topic{"t": {Name: "t", ID: topicIDOf("t", 1), Partitions: 3}}}
		config.Topics = func() Topics { return topics }
		config.ShareSettings = func(string) Settings {
			return Settings{SessionTimeout: 45 * time.Second, HeartbeatInterval: 5 * time.Second}
		}
		h.groups = New(Options{Config: config, Journal: h.shelf, Clock: h.clock, Shards: 50, NewMemberID: func() string { return "" }, ShareState: state})
		story(h, state)
		state.done.Wait()
		h.groups.Close()
	})
}

func (h *house) share(in ShareHeartbeatInput) ShareHeartbeatOutput {
	h.t.Helper()
	in.GroupID, in.MemberID = "s", "m"
	return take(h, func(reply func(ShareHeartbeatOutput)) { h.groups.ShareHeartbeat(in, reply) })
}

func keysOf(partitions ...int32) []string {
	keys := []string{}
	for _, p := range partitions {
		keys = append(keys, stateKey("s", topicIDOf("t", 1), p))
	}
	return keys
}

// TestShareGroupLife: a group's partitions get state before they are assigned, and lose
// it when the group is deleted.
func TestShareGroupLife(t *testing.T) {
	sharedHouse(t, func(h *house, state *shareStateFake) {
		state.broken[1] = errBroken
		first := h.share(ShareHeartbeatInput{Topics: []string{"t"}})
		if first.Err != nil || first.Epoch != 2 || first.Assignment.Count() != 0 {
			t.Fatalf("the first answer is %+v", first)
		}
		synctest.Wait()
		second := h.share(ShareHeartbeatInput{Epoch: 2})
		if second.Err != nil || second.Assignment == nil || second.Assignment.Count() != 2 {
			t.Fatalf("with the state of two partitions: %+v", second)
		}
		delete(state.broken, 1)
		h.share(ShareHeartbeatInput{Epoch: second.Epoch})
		synctest.Wait()
		third := h.share(ShareHeartbeatInput{Epoch: second.Epoch})
		if third.Err != nil || third.Assignment == nil || third.Assignment.Count() != 3 {
			t.Fatalf("with the state of all: %+v", third)
		}
		if diff := cmp.Diff(keysOf(0, 1, 2), state.known()); diff != "" {
			t.Error(diff)
		}

		deletion := func(want error) {
			t.Helper()
			out := take(h, func(reply func([]GroupResult)) { h.groups.DeleteGroups([]string{"nowhere", "s"}, reply) })
			if !errors.Is(out[0].Err, ErrGroupNotFound) || !errors.Is(out[1].Err, want) {
				t.Errorf("deleted: %v", out)
			}
		}
		deletion(ErrGroupNotEmpty)
		h.share(ShareHeartbeatInput{Epoch: LeaveEpoch})
		state.broken[2] = errBroken
		deletion(errBroken)
		if diff := cmp.Diff(keysOf(2), state.known()); diff != "" {
			t.Error(diff)
		}
		delete(state.broken, 2)
		deletion(nil)
		if known := state.known(); len(known) > 0 {
			t.Errorf("left is the state of %v", known)
		}
		described := take(h, func(reply func([]ShareDescription)) { h.groups.DescribeShare([]string{"s"}, reply) })
		if !errors.Is(described[0].Err, ErrGroupNotFound) {
			t.Errorf("described: %+v", described)
		}
	})
}

// TestShareOffsets are altered, told and deleted through the state, partition by
// partition.
func TestShareOffsets(t *testing.T) {
	sharedHouse(t, func(h *house, state *shareStateFake) {
		state.broken[1] = errBroken
		in := AlterShareOffsetsInput{GroupID: "s", Topics: []AlterShareTopic{{Topic: "t", Starts: []ShareStart{
			{Partition: 9}, {Partition: 0, Offset: 5}, {Partition: 1, Offset: 6}, {Partition: 2, Offset: 7},
		}}}}
		altered := take(h, func(reply func(AlterShareOffsetsOutput)) { h.groups.AlterShareOffsets(in, reply) })
		for i, want := range []error{ErrUnknownPartition, nil, errBroken, nil} {
			if got := altered.Topics[0].Partitions[i].Err; !errors.Is(got, want) {
				t.Errorf("partition %d: %v, want %v", altered.Topics[0].Partitions[i].Partition, got, want)
			}
		}
		all := take(h, func(reply func([]ShareOffsetsTopic)) {
			h.groups.AllShareOffsets("s", func(out []ShareOffsetsTopic, err error) { reply(out) })
		})
		if diff := cmp.Diff([]ShareOffsetsTopic{{Topic: "t", TopicID: topicIDOf("t", 1), Partitions: []ShareOffset{
			{Partition: 0, Summary: ShareSummary{StateEpoch: 1, Start: 5}}, {Partition: 2, Summary: ShareSummary{StateEpoch: 1, Start: 7}},
		}}}, all); diff != "" {
			t.Error(diff)
		}
		remove := func() DeleteShareOffsetsOutput {
			return take(h, func(reply func(DeleteShareOffsetsOutput)) {
				h.groups.DeleteShareOffsets(DeleteShareOffsetsInput{GroupID: "s", Topics: []string{"nope", "t"}}, reply)
			})
		}
		state.broken[2] = errBroken
		if out := remove(); !errors.Is(out.Topics[0].Err, ErrUnknownPartition) || !errors.Is(out.Topics[1].Err, errBroken) {
			t.Errorf("deleted: %+v", out)
		}
		delete(state.broken, 2)
		delete(state.broken, 1)
		if out := remove(); out.Topics[1].Err != nil || len(state.known()) > 0 {
			t.Errorf("deleted: %+v, left are %v", out, state.known())
		}
		if out := remove(); !errors.Is(out.Topics[1].Err, ErrUnknownPartition) {
			t.Errorf("deleted again: %+v", out)
		}
	})
}

// Without anybody who keeps state, members get nothing and are told no error.
func TestShareGroupsWithoutState(t *testing.T) {
	live(t, func(h *house) {
		out := h.share(ShareHeartbeatInput{Topics: []string{"t"}})
		if out.Err != nil || out.Assignment.Count() != 0 {
			t.Errorf("%+v", out)
		}
		offsets := take(h, func(reply func([]ShareOffsetsTopic)) {
			h.groups.ShareOffsets("s", []NamedPartitions{{Topic: "t", Partitions: []int32{0}}}, reply)
		})
		if got := offsets[0].Partitions[0]; got.Err != nil || got.Summary.Start != protocol.None {
			t.Errorf("%+v", offsets)
		}
		deleted := take(h, func(reply func([]GroupResult)) { h.groups.DeleteGroups([]string{"s"}, reply) })
		if !slices.ContainsFunc(deleted, func(r GroupResult) bool { return errors.Is(r.Err, ErrGroupNotEmpty) }) {
			t.Errorf("%+v", deleted)
		}
	})
}
