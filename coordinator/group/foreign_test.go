package group

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/protocol"
)

// foreignRecord is a record of another group protocol; what its value says does
// not matter here.
func foreignRecord(kind uint16, ids ...string) coordinator.Record {
	key := binary.BigEndian.AppendUint16(nil, kind)
	for _, id := range ids {
		key = append(binary.BigEndian.AppendUint16(key, uint16(len(id))), id...)
	}
	return coordinator.Record{Key: key, Value: []byte("\x00\x00value")}
}

func gone(r coordinator.Record) coordinator.Record { return coordinator.Record{Key: r.Key} }

// withForeignGroups is a machine that has read what Apache Kafka 4.3.1 writes of a
// group of each protocol, in its order.
func withForeignGroups(t *testing.T) *driver {
	d := newDriver(t, DefaultConfig())
	offset := func(group string) coordinator.Record {
		return offsetRecord(group, topicPartition{"t", 0}, committed{offset: 7, leaderEpoch: -1, expireAt: protocol.None})
	}
	newer := offset("newer")
	binary.BigEndian.PutUint16(newer.Value, offsetValueVersionNewest+1)
	for _, r := range []coordinator.Record{
		epochRecord("left", 3, 0), offset("left"),
		shareMemberRecord("sharing", "m", &shareSubscription{topics: []string{"t"}}), shareEpochRecord("sharing", 2, 0), shareProgressRecord("sharing", shareProgress{}),
		shareEpochRecord("shared", 2, 0),
		foreignRecord(streamsMemberKey, "streaming", "m"), foreignRecord(streamsGroupKey, "streaming"), foreignRecord(23, "streaming"),
		epochRecord("deleted", 3, 0), gone(epochRecord("deleted", 3, 0)),
		newer, offset("classic"),
	} {
		d.load(coordinator.Entry{Offset: protocol.Offset(len(d.journal)), Record: r, Producer: coordinator.NoProducer})
	}
	return d
}

// Classic calls on groups of other protocols, a share group among them, get the answers of Apache Kafka 4.3.1
// (asked with raw requests), and nothing is written.
func TestForeignGroupsAreLeftAlone(t *testing.T) {
	for id, want := range map[string]struct{ join, commit, memberCommit, deleteOffsets, deletion error }{
		"sharing":   {ErrInconsistentProtocol, ErrGroupNotFound, ErrGroupNotFound, ErrGroupNotFound, ErrGroupNotEmpty},
		"streaming": {ErrInconsistentProtocol, ErrUnknownMember, ErrUnknownMember, ErrGroupNotEmpty, ErrGroupNotEmpty},
		"newer":     {ErrUnsupportedGroup, ErrUnsupportedGroup, ErrUnsupportedGroup, ErrUnsupportedGroup, ErrUnsupportedGroup},
	} {
		d := withForeignGroups(t)
		d.wrote = func(r coordinator.Record) { t.Errorf("%s: a record is written: key %x", id, r.Key) }
		expect := func(what string, got, want error) {
			t.Helper()
			if !errors.Is(got, want) {
				t.Errorf("%s: %s: %v, want %v", id, what, got, want)
			}
		}
		d.do(d.machine.Join(d.now, joinInput(id), func(out JoinOutput) { expect("join", out.Err, want.join) }))
		d.do(d.machine.Sync(d.now, SyncInput{GroupID: id, MemberID: "x"}, func(out SyncOutput) { expect("sync", out.Err, ErrUnknownMember) }))
		d.do(d.machine.Heartbeat(d.now, HeartbeatInput{GroupID: id, MemberID: "x"}, func(err error) { expect("heartbeat", err, ErrUnknownMember) }))
		d.do(d.machine.Leave(d.now, LeaveInput{GroupID: id, Members: []LeaveMember{{MemberID: "x"}}}, func(out LeaveOutput) {
			expect("leave", out.Members[0].Err, ErrUnknownMember)
		}))
		for generation, wanted := range map[int32]error{-1: want.commit, 3: want.memberCommit} {
			in := CommitInput{GroupID: id, Generation: generation, RetentionMillis: -1, Topics: []CommitTopic{{Topic: "t", Partitions: []CommitPartition{{Offset: 1}}}}}
			d.do(d.machine.Commit(d.now, in, func(out CommitOutput) { expect("commit", out.Err, wanted) }))
		}
		d.do(d.machine.DeleteOffsets(d.now, DeleteOffsetsInput{GroupID: id, Topics: []FetchTopic{{Topic: "t", Partitions: []int32{0}}}}, func(out DeleteOffsetsOutput) {
			expect("delete offsets", out.Err, want.deleteOffsets)
		}))
		d.do(d.machine.DeleteGroups(d.now, []string{id}, func(out []GroupResult, _ error) { expect("delete", out[0].Err, want.deletion) }))
		d.do(d.machine.Describe(d.now, []string{id}, func(out []Description, _ error) { expect("describe", out[0].Err, ErrGroupNotFound) }))
	}
}

func TestForeignGroupsAreListed(t *testing.T) {
	d := withForeignGroups(t)
	list := func(types ...string) []string {
		var lines []string
		d.do(d.machine.List(d.now, ListInput{Types: types}, func(out []Listing, _ error) {
			for _, l := range out {
				lines = append(lines, fmt.Sprintf("%s %s %s %s", l.GroupID, l.Type, l.ProtocolType, l.State))
			}
		}))
		return lines
	}
	if diff := cmp.Diff([]string{
		"classic classic  Empty", "left consumer consumer Empty", "newer unreadable unreadable Empty",
		"shared share share Empty", "sharing share share Stable", "streaming streams streams Stable",
	}, list()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"left consumer consumer Empty"}, list("Consumer")); diff != "" {
		t.Error(diff)
	}
}

// An empty consumer group is a classic one from its first classic member on: it is
// ended as Kafka does, and keeps what it has committed.
func TestAnEmptyConsumerGroupBecomesClassic(t *testing.T) {
	d := withForeignGroups(t)
	var keys []string
	d.wrote = func(r coordinator.Record) { keys = append(keys, fmt.Sprintf("%x %t", r.Key, r.Value == nil)) }
	again := joinInput("left")
	again.MemberID = "somebody"
	d.do(d.machine.Join(d.now, again, func(out JoinOutput) {
		if !errors.Is(out.Err, ErrUnknownMember) {
			t.Errorf("a member that nobody knows: %+v", out)
		}
	}))
	joined := false
	d.do(d.machine.Join(d.now, joinInput("left"), func(out JoinOutput) { joined = true }))
	d.advance(newMemberTimeoutMillis * 1e6 / 2)
	if !joined {
		t.Error("the join is not answered")
	}
	want := []string{"000600046c656674 true", "000300046c656674 true", "000200046c656674 false"}
	if len(keys) < len(want) || !cmp.Equal(want, keys[:len(want)]) {
		t.Errorf("written are %q", keys)
	}
	d.do(d.machine.Fetch(d.now, FetchInput{GroupID: "left", MemberEpoch: noGeneration, All: true}, func(out FetchOutput) {
		if len(out.Topics) != 1 || out.Topics[0].Partitions[0].Offset != 7 {
			t.Errorf("what it had committed is %+v", out)
		}
	}))
}

func TestAnEmptyConsumerGroupIsDeleted(t *testing.T) {
	d := withForeignGroups(t)
	d.do(d.machine.DeleteGroups(d.now, []string{"left"}, func(out []GroupResult, _ error) {
		if out[0].Err != nil {
			t.Error(out[0].Err)
		}
	}))
	if d.machine.groups["left"] != nil || d.replica.groups["left"] != nil {
		t.Error("it is still there")
	}
}

// Nobody is told that a group without readable offsets has none.
func TestOffsetsOfANewerVersionAreNotNone(t *testing.T) {
	d := withForeignGroups(t)
	d.do(d.machine.Fetch(d.now, FetchInput{GroupID: "newer", MemberEpoch: noGeneration, All: true}, func(out FetchOutput) {
		if !errors.Is(out.Err, ErrUnsupportedGroup) {
			t.Errorf("%+v", out)
		}
	}))
	d.do(d.machine.Fetch(d.now, FetchInput{GroupID: "classic", MemberEpoch: noGeneration, All: true}, func(out FetchOutput) {
		if out.Err != nil || len(out.Topics) != 1 {
			t.Errorf("another group of the shard: %+v", out)
		}
	}))
}

// Who says that it is a member must be one, where membership has an epoch. Anybody
// reads what a classic group has committed, or a group that does not exist has not.
func TestWhoFetchesOffsets(t *testing.T) {
	d := withForeignGroups(t)
	somebody, nobody := "somebody", ""
	for _, test := range []struct {
		group  string
		member *string
		epoch  int32
		want   error
	}{
		{"classic", nil, -1, nil},
		{"classic", &somebody, 5, nil},
		{"classic", nil, 5, nil},
		{"nowhere", &somebody, 5, nil},
		{"shared", &somebody, 5, nil},
		{"left", nil, -1, nil},
		{"left", nil, 0, ErrUnknownMember},
		{"left", &nobody, -1, ErrUnknownMember},
		{"left", &somebody, 5, ErrUnknownMember},
		{"streaming", nil, -1, nil},
		{"streaming", &somebody, 5, ErrUnknownMember},
		{"newer", nil, -1, ErrUnsupportedGroup},
	} {
		in := FetchInput{GroupID: test.group, MemberID: test.member, MemberEpoch: test.epoch, All: true}
		d.do(d.machine.Fetch(d.now, in, func(out FetchOutput) {
			if !errors.Is(out.Err, test.want) {
				t.Errorf("%s by %s in epoch %d: %v, want %v", test.group, orNull(test.member), test.epoch, out.Err, test.want)
			}
		}))
	}
}

// A consumer group that a newer version has written a part of is not served, and
// nothing of it is changed.
func TestAConsumerGroupOfANewerVersionIsLeftAlone(t *testing.T) {
	member := memberRecord("g", "m", &subscription{clientID: "c", topics: []string{"t"}})
	member.Value[1]++
	offset := offsetRecord("g", topicPartition{"t", 0}, committed{offset: 42})
	offset.Value[1] = offsetValueVersionNewest + 1
	for _, newer := range []coordinator.Record{member, offset} {
		d := newDriver(t, DefaultConfig())
		d.setTopic("t", 3)
		for i, r := range []coordinator.Record{
			memberRecord("g", "a", &subscription{topics: []string{"t"}}), epochRecord("g", 2, 0), currentRecord("g", "a", &current{epoch: 2}), newer,
		} {
			d.load(coordinator.Entry{Offset: protocol.Offset(i), Record: r, Producer: coordinator.NoProducer})
		}
		d.wrote = func(r coordinator.Record) { t.Errorf("a record is written: key %x", r.Key) }
		d.do(d.machine.Loaded(d.now))
		expect := func(what string, got, want error) {
			t.Helper()
			if !errors.Is(got, want) {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
		}
		for _, epoch := range []int32{JoinEpoch, 2, LeaveEpoch} {
			in := ConsumerHeartbeatInput{GroupID: "g", MemberID: "a", Epoch: epoch, RebalanceTimeoutMillis: 1000, Topics: []string{"t"}, Owned: &assignmentOfNothing}
			d.do(d.machine.ConsumerHeartbeat(d.now, in, func(out ConsumerHeartbeatOutput) { expect("heartbeat", out.Err, ErrUnsupportedGroup) }))
		}
		d.do(d.machine.Join(d.now, joinInput("g"), func(out JoinOutput) { expect("join", out.Err, ErrUnsupportedGroup) }))
		d.do(d.machine.Sync(d.now, SyncInput{GroupID: "g", MemberID: "a", Generation: 2}, func(out SyncOutput) { expect("sync", out.Err, ErrUnknownMember) }))
		d.do(d.machine.Heartbeat(d.now, HeartbeatInput{GroupID: "g", MemberID: "a", Generation: 2}, func(err error) { expect("classic heartbeat", err, ErrUnknownMember) }))
		d.do(d.machine.Leave(d.now, LeaveInput{GroupID: "g", Members: []LeaveMember{{MemberID: "a"}}}, func(out LeaveOutput) {
			expect("leave", out.Members[0].Err, ErrUnknownMember)
		}))
		d.do(d.machine.Fetch(d.now, FetchInput{GroupID: "g", MemberEpoch: noGeneration, All: true}, func(out FetchOutput) {
			expect("fetch", out.Err, ErrUnsupportedGroup)
		}))
		d.do(d.machine.DescribeConsumer(d.now, []string{"g"}, func(out []ConsumerDescription, _ error) {
			expect("describe", out[0].Err, ErrUnsupportedGroup)
		}))
		d.do(d.machine.DeleteGroups(d.now, []string{"g"}, func(out []GroupResult, _ error) { expect("delete", out[0].Err, ErrUnsupportedGroup) }))
		d.advance(30 * 24 * time.Hour)
	}
}
