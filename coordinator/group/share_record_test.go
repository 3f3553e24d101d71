package group

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/protocol"
)

// kafkasShareRecords are keys and values that Apache Kafka 4.3.1 has written for
// share groups.
var kafkasShareRecords = []struct{ what, key, value string }{
	{"a member", "000a0002673200026d31", "0000000670726f62650b2f3132372e302e302e3102027400"},
	{"a member with a rack", "000a0002673200026d32", "00000372310670726f62650b2f3132372e302e302e31030274027500"},
	{"an epoch", "000b00026732", "00000000000270ddfd0767e4ff8300"},
	{"an epoch of a group that reads nothing", "000b00026732", "000000000006000000000000000000"},
	{"a target of nothing", "000d0002673200026d31", "00000100"},
	{"a target", "000d0002673200026d31", "000002341829f223314ca4ad11fa63bcccbb6c040000000000000001000000020000"},
	{"a target's epoch", "000c00026732", "000000000002010008000001a217975787"},
	{"an assignment of nothing", "000e0002673200026d31", "00000000000200000000000100"},
	{"an assignment", "000e0002673200026d31", "000000000003000000020002341829f223314ca4ad11fa63bcccbb6c040000000000000001000000020000"},
	{"partitions that were asked for", "000f00026732", "000002341829f223314ca4ad11fa63bcccbb6c02740400000000000000010000000200010100"},
	{"partitions that have state", "000f00026732", "00000102341829f223314ca4ad11fa63bcccbb6c027404000000000000000100000002000100"},
	{"a topic whose state is deleted", "000f00026732", "0000010102341829f223314ca4ad11fa63bcccbb6c02740000"},
}

// rewriteShare writes what a group knows from one record as a record.
func rewriteShare(t *testing.T, kind int, member string, value []byte) coordinator.Record {
	g := newShareGroup("g")
	if err := g.set(kind, member, value); err != nil {
		t.Fatalf("kind %d %q, %x: %v", kind, member, value, err)
	}
	switch kind {
	case shareGroupKey:
		return shareEpochRecord(g.id, g.epoch, g.metadataHash)
	case shareMemberKey:
		return shareMemberRecord(g.id, member, g.members[member].told)
	case shareTargetAssignmentKey:
		return shareTargetEpochRecord(g.id, g.targetEpoch, g.targetAt)
	case shareTargetMemberKey:
		return shareTargetRecord(g.id, member, g.targets[member])
	case shareCurrentKey:
		return shareCurrentRecord(g.id, member, &g.members[member].current)
	case shareProgressKey:
		return shareProgressRecord(g.id, g.state)
	}
	t.Fatalf("no record of kind %d", kind)
	return coordinator.Record{}
}

func TestShareRecordsAreKafkas(t *testing.T) {
	for _, r := range kafkasShareRecords {
		key, value := fromHex(t, r.key), fromHex(t, r.value)
		kind, _ := recordKind(key)
		groupID, member, err := parseShareKey(kind, key)
		if err != nil {
			t.Errorf("%s: %v", r.what, err)
			continue
		}
		if written := rewriteShare(t, kind, member, value); !bytes.Equal(written.Value, value) {
			t.Errorf("%s is written as\n%x, want\n%x", r.what, written.Value, value)
		}
		ids := []string{groupID}
		if member != "" {
			ids = append(ids, member)
		}
		if again := consumerKey(uint16(kind), ids...); !bytes.Equal(again, key) {
			t.Errorf("the key of %s is written as %x, want %x", r.what, again, key)
		}
	}
}

// A member can be known by any of its records first once the log is compacted, a group
// by the state of its partitions alone; and a log of a newer version sets its group
// aside.
func TestShareRecordsInAnyOrder(t *testing.T) {
	m := NewMachine(DefaultConfig(), func() string { return "" })
	told := &shareSubscription{clientID: "c", topics: []string{"t"}}
	for _, r := range []coordinator.Record{
		shareCurrentRecord("g", "a", &shareCurrent{epoch: 3}), shareTargetEpochRecord("g", 3, 0), consumerTombstone(shareCurrentKey, "g", "b"),
		consumerTombstone(shareMemberKey, "g", "b"), consumerTombstone(shareTargetMemberKey, "gone", "b"),
		consumerTombstone(shareProgressKey, "gone"), shareEpochRecord("g", 3, 0), shareMemberRecord("g", "a", told),
		shareProgressRecord("altered", shareProgress{}),
	} {
		if err := m.Apply(0, r, coordinator.NoProducer); err != nil {
			t.Fatal(err)
		}
	}
	g := m.groups["g"].share
	if g.groupState() != Stable || g.members["a"].told.clientID != "c" || len(g.members) != 1 || m.groups["gone"] != nil {
		t.Errorf("the group is %s", durableShare(m.groups["g"]))
	}
	if m.groups["altered"].asShare() == nil {
		t.Error("a group without members is not there")
	}
	newer := shareMemberRecord("h", "a", told)
	newer.Value[1] = 1
	if err := m.Apply(0, newer, coordinator.NoProducer); err != nil || m.groups["h"].foreign.kind != Unreadable {
		t.Errorf("a newer version: %v", err)
	}
	broken := shareMemberRecord("i", "a", told)
	broken.Value = broken.Value[:8]
	if m.Apply(0, broken, coordinator.NoProducer) == nil {
		t.Error("a record that is cut off is taken")
	}
}

func FuzzShareRecord(f *testing.F) {
	for _, r := range kafkasShareRecords {
		f.Add(fromHex(f, r.key), fromHex(f, r.value))
	}
	f.Fuzz(func(t *testing.T, key, value []byte) {
		m := NewMachine(DefaultConfig(), func() string { return "" })
		if m.Apply(0, coordinator.Record{Key: key, Value: value}, coordinator.NoProducer) != nil {
			return
		}
		kind, ok := recordKind(key)
		if !ok || !isShareKind(kind) || value == nil {
			return
		}
		groupID, member, _ := parseShareKey(kind, key)
		if m.groups[groupID].asShare() == nil {
			return
		}
		again := rewriteShare(t, kind, member, value)
		if twice := rewriteShare(t, kind, member, again.Value); !bytes.Equal(again.Value, twice.Value) {
			t.Errorf("%x is written as %x and then as %x", value, again.Value, twice.Value)
		}
	})
}

// A share group that a newer version has written a part of is not served, and nothing
// of it is changed.
func TestAShareGroupOfANewerVersionIsLeftAlone(t *testing.T) {
	newer := shareProgressRecord("s", shareProgress{})
	newer.Value[1]++
	d := newDriver(t, DefaultConfig())
	d.setTopic("t", 3)
	for i, r := range []coordinator.Record{
		shareMemberRecord("s", "m", &shareSubscription{topics: []string{"t"}}), shareEpochRecord("s", 2, 0), newer,
	} {
		d.load(coordinator.Entry{Offset: protocol.Offset(i), Record: r, Producer: coordinator.NoProducer})
	}
	d.wrote = func(r coordinator.Record) { t.Errorf("a record is written: key %x", r.Key) }
	d.do(d.machine.Loaded(d.now))
	expect := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, ErrUnsupportedGroup) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, epoch := range []int32{JoinEpoch, 2, LeaveEpoch} {
		in := ShareHeartbeatInput{GroupID: "s", MemberID: "m", Epoch: epoch, Topics: []string{"t"}}
		d.do(d.machine.ShareHeartbeat(d.now, in, func(out ShareHeartbeatOutput) { expect("heartbeat", out.Err) }))
	}
	d.do(d.machine.DescribeShare(d.now, []string{"s"}, func(out []ShareDescription, _ error) { expect("describe", out[0].Err) }))
	alter := AlterShareOffsetsInput{GroupID: "s", Topics: []AlterShareTopic{{Topic: "t", Starts: []ShareStart{{}}}}}
	d.do(d.machine.BeginAlterShareOffsets(d.now, alter, func(out AlterShareOffsetsOutput) { expect("alter", out.Err) }))
	d.do(d.machine.BeginDeleteShareOffsets(d.now, DeleteShareOffsetsInput{GroupID: "s", Topics: []string{"t"}}, func(out DeleteShareOffsetsOutput) { expect("delete offsets", out.Err) }))
	d.do(d.machine.BeginShareDeletions(d.now, []string{"s"}, func(out []ShareDeletion, _ error) {
		if out[0].Err != nil || len(out[0].Partitions) > 0 {
			t.Errorf("%+v", out)
		}
	}))
	d.do(d.machine.DeleteGroups(d.now, []string{"s"}, func(out []GroupResult, _ error) { expect("delete", out[0].Err) }))
	d.do(d.machine.DeleteSharedTopics(d.now, []protocol.UUID{topicIDOf("t", 1)}, func(error) {}))
	d.do(d.machine.ShareInitialized(d.now, ShareInitialized{GroupID: "s", Done: nil}, func(error) {}))
	d.advance(30 * 24 * time.Hour)
}
