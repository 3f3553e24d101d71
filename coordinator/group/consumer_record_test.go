package group

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group/assignor"
	"github.com/barnabas-mq/barnabas/protocol"
)

func fromHex(t testing.TB, text string) []byte {
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// kafkasConsumerRecords are keys and values that Apache Kafka 4.3.1 has written
// for groups of consumers, one of which was upgraded from the classic protocol.
var kafkasConsumerRecords = []struct{ what, key, value string }{
	{"a member", "00050004673834380016324c736e7845365a547957776656414f2d4c2d467241",
		"0000000011636f6e736f6c652d636f6e73756d65720b2f3132372e302e302e3102027401000493e00001000100"},
	{"a static member with a rack", "00050004676d6978000161",
		"000006696e73743103723111636f6e736f6c652d636f6e73756d65720b2f3132372e302e302e3102027501000493e00001000100"},
	{"a classic member", "00050004676d6978000161",
		"0000000011636f6e736f6c652d636f6e73756d65720b2f3132372e302e302e3102027501000493e000010056010000afc8030672616e676518000300000001000175ffffffff00000000ffffffffffff0013636f6f70657261746976652d737469636b791c00030000000100017500000004ffffffff00000000ffffffffffff0000"},
	{"an epoch", "0003000467383438", "00000000000201000867ceb77c6d6d099c"},
	{"an epoch of a group that reads nothing", "0003000467383438", "00000000000300"},
	{"a target", "0007000467383438000161", "000002b9f9a9ad3e234a658b8cc0ee9fa9daa8040000000000000001000000020000"},
	{"a target of nothing", "00070004676d6978000161", "00000100"},
	{"a target's epoch", "0006000467383438", "000000000002010008000001a216183728"},
	{"a target's epoch after an upgrade", "00060004676d6978", "00000000000100"},
	{"an assignment", "0008000467383438000161",
		"000000000002000000000002b9f9a9ad3e234a658b8cc0ee9fa9daa80400000000000000010000000201000d040000000200000002000000020100"},
	{"an assignment of one who waits", "00080004676d6978000161", "0000000000020000000202010100"},
	{"an assignment of a static member that is away", "00080004676d6978000161",
		"0000fffffffe000000020002d5f8dd7c539f4cb1bc00e61316e77b44020000000101000502000000000100"},
}

// rewrite writes what a machine knows from one record as a record.
func rewriteConsumer(t *testing.T, kind int, about string, value []byte) coordinator.Record {
	g := newConsumerGroup("g")
	if err := (&Machine{}).setConsumer(g, kind, about, value); err != nil {
		t.Fatalf("kind %d %q, %x: %v", kind, about, value, err)
	}
	switch kind {
	case consumerGroupKey:
		return epochRecord(g.id, g.epoch, g.metadataHash)
	case consumerMemberKey:
		return memberRecord(g.id, about, g.members[about].told)
	case consumerTargetAssignmentKey:
		return targetEpochRecord(g.id, g.targetEpoch, g.targetAt)
	case consumerTargetMemberKey:
		return targetRecord(g.id, about, g.targets[about])
	case consumerCurrentKey:
		return currentRecord(g.id, about, &g.members[about].current)
	case consumerPatternKey:
		return patternRecord(g.id, about, g.resolved[about])
	}
	t.Fatalf("no record of kind %d", kind)
	return coordinator.Record{}
}

func TestConsumerRecordsAreKafkas(t *testing.T) {
	for _, r := range kafkasConsumerRecords {
		key, value := fromHex(t, r.key), fromHex(t, r.value)
		kind, _ := recordKind(key)
		groupID, about, err := parseConsumerKey(kind, key)
		if err != nil {
			t.Errorf("%s: %v", r.what, err)
			continue
		}
		written := rewriteConsumer(t, kind, about, value)
		if !bytes.Equal(written.Value, value) {
			t.Errorf("%s is written as\n%x, want\n%x", r.what, written.Value, value)
		}
		ids := []string{groupID}
		if about != "" {
			ids = append(ids, about)
		}
		if again := consumerKey(uint16(kind), ids...); !bytes.Equal(again, key) {
			t.Errorf("the key of %s is written as %x, want %x", r.what, again, key)
		}
	}
}

// Kafka before 4.1 kept what it knew of the topics in a record of its own; a group
// that has one loses it with its next epoch.
func TestPartitionMetadataGivesWayToTheHash(t *testing.T) {
	d := newDriver(t, DefaultConfig())
	d.setTopic("t", 1)
	old := coordinator.Record{Key: consumerKey(consumerPartitionsKey, "g"), Value: fromHex(t, "00000100")}
	for i, r := range []coordinator.Record{epochRecord("g", 7, 0), old} {
		d.load(coordinator.Entry{Offset: protocol.Offset(i), Record: r, Producer: coordinator.NoProducer})
	}
	forgotten := false
	d.wrote = func(r coordinator.Record) { forgotten = forgotten || r.Value == nil && bytes.Equal(r.Key, old.Key) }
	in := ConsumerHeartbeatInput{GroupID: "g", MemberID: "m", RebalanceTimeoutMillis: 1000, Topics: []string{"t"}, Owned: &assignmentOfNothing}
	d.do(d.machine.ConsumerHeartbeat(d.now, in, func(out ConsumerHeartbeatOutput) {
		if out.Err != nil || out.Epoch != 8 {
			t.Errorf("joined: %+v", out)
		}
	}))
	if !forgotten {
		t.Error("the record of an earlier Kafka is still there")
	}
}

// A member can be known by any of its records first once the log is compacted, and
// a log of a newer version sets its group aside.
func TestConsumerRecordsInAnyOrder(t *testing.T) {
	m := NewMachine(DefaultConfig(), func() string { return "" })
	told := &subscription{clientID: "c", topics: []string{"t"}}
	for _, r := range []coordinator.Record{
		currentRecord("g", "a", &current{epoch: 3}), targetEpochRecord("g", 3, 0), consumerTombstone(consumerCurrentKey, "g", "b"),
		consumerTombstone(consumerMemberKey, "g", "b"), consumerTombstone(consumerTargetMemberKey, "gone", "b"),
		epochRecord("g", 3, 0), memberRecord("g", "a", told),
	} {
		if err := m.Apply(0, r, coordinator.NoProducer); err != nil {
			t.Fatal(err)
		}
	}
	g := m.groups["g"].consumer
	if g.state() != Stable || g.members["a"].told.clientID != "c" || len(g.members) != 1 || m.groups["gone"] != nil {
		t.Errorf("the group is %s", durableConsumers(m.groups["g"]))
	}
	newer := memberRecord("h", "a", told)
	newer.Value[1] = 1
	if err := m.Apply(0, newer, coordinator.NoProducer); err != nil || m.groups["h"].foreign.kind != Unreadable {
		t.Errorf("a newer version: %v", err)
	}
	broken := memberRecord("i", "a", told)
	broken.Value = broken.Value[:8]
	if m.Apply(0, broken, coordinator.NoProducer) == nil {
		t.Error("a record that is cut off is taken")
	}
}

func FuzzConsumerRecord(f *testing.F) {
	for _, r := range kafkasConsumerRecords {
		f.Add(fromHex(f, r.key), fromHex(f, r.value))
	}
	f.Fuzz(func(t *testing.T, key, value []byte) {
		m := NewMachine(DefaultConfig(), func() string { return "" })
		if m.Apply(0, coordinator.Record{Key: key, Value: value}, coordinator.NoProducer) != nil {
			return
		}
		kind, ok := recordKind(key)
		if !ok || !isConsumerKind(kind) || value == nil || kind == consumerPartitionsKey {
			return
		}
		groupID, about, _ := parseConsumerKey(kind, key)
		if m.groups[groupID] == nil || m.groups[groupID].foreign != nil {
			return
		}
		again := rewriteConsumer(t, kind, about, value)
		if twice := rewriteConsumer(t, kind, about, again.Value); !bytes.Equal(again.Value, twice.Value) {
			t.Errorf("%x is written as %x and then as %x", value, again.Value, twice.Value)
		}
	})
}

var assignmentOfNothing = assignor.Assignment{}
