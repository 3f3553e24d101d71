package group

import (
	"bytes"
	"testing"

	"github.com/barnabas-mq/barnabas/coordinator"
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
