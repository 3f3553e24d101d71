package group

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/protocol"
)

// unhex reads hexadecimal digits, with spaces as one likes.
func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestRecordsAreKafkas compares with what Apache Kafka 4.3.1 has written for the
// same groups and offsets, byte for byte.
func TestRecordsAreKafkas(t *testing.T) {
	topicID := protocol.UUID(unhex(t, "8ae5b48f5f7e4fb7ae79c0f817f8b30f"))
	memberID := "i1-df766eb7-520c-481c-9d99-c1a03f39555e"
	ptr := func(s string) *string { return &s }
	for _, c := range []struct {
		name       string
		record     coordinator.Record
		key, value string
	}{
		{
			name: "an offset, version 4",
			record: offsetRecord("c6", topicPartition{"t", 1}, committed{
				offset: 42, leaderEpoch: 5, metadata: "meta", committedAt: 0x01a2046e28bf, expireAt: -1, topicID: topicID,
			}),
			key:   "0001 0002 6336 0001 74 00000001",
			value: "0004 000000000000002a 00000005 05 6d657461 000001a2046e28bf 01 00 10 8ae5b48f5f7e4fb7ae79c0f817f8b30f",
		},
		{
			name: "an offset that expires, version 1",
			record: offsetRecord("c2", topicPartition{"t", 0}, committed{
				offset: 42, leaderEpoch: -1, committedAt: 0x01a2046e282d, expireAt: 0x01a204a516ad, topicID: topicID,
			}),
			key:   "0001 0002 6332 0001 74 00000000",
			value: "0001 000000000000002a 0000 000001a2046e282d 000001a204a516ad",
		},
		{
			name:   "a new group",
			record: groupRecord("s", kmsg.GroupMetadataValue{CurrentStateTimestamp: 0x01a2046e2a46}),
			key:    "0002 0001 73",
			value:  "0003 0000 00000000 ffff ffff 000001a2046e2a46 00000000",
		},
		{
			name: "a group with a static member",
			record: groupRecord("s", kmsg.GroupMetadataValue{
				ProtocolType: "consumer", Generation: 1, Protocol: ptr("range"), Leader: &memberID,
				CurrentStateTimestamp: 0x01a2046e2a4b,
				Members: []kmsg.GroupMetadataValueMember{{
					MemberID: memberID, InstanceID: ptr("i1"), ClientID: "probe", ClientHost: "/127.0.0.1",
					RebalanceTimeoutMillis: 6000, SessionTimeoutMillis: 10000,
					Subscription: []byte("m"), Assignment: []byte("as"),
				}},
			}),
			key: "0002 0001 73",
			value: "0003 0008 636f6e73756d6572 00000001 0005 72616e6765 0027" + hex.EncodeToString([]byte(memberID)) +
				"000001a2046e2a4b 00000001 0027" + hex.EncodeToString([]byte(memberID)) +
				"0002 6931 0005 70726f6265 000a 2f3132372e302e302e31 00001770 00002710 00000001 6d 00000002 6173",
		},
		{name: "a forgotten offset", record: offsetTombstone("c3", topicPartition{"t", 0}), key: "0001 0002 6333 0001 74 00000000"},
		{name: "a deleted group", record: groupTombstone("c3"), key: "0002 0002 6333"},
	} {
		if got, want := hex.EncodeToString(c.record.Key), hex.EncodeToString(unhex(t, c.key)); got != want {
			t.Errorf("%s: key %s, want %s", c.name, got, want)
		}
		if got, want := hex.EncodeToString(c.record.Value), hex.EncodeToString(unhex(t, c.value)); got != want {
			t.Errorf("%s: value\n%s, want\n%s", c.name, got, want)
		}
	}
}

// TestOldOffsetValues reads what earlier versions of Kafka have left behind.
func TestOldOffsetValues(t *testing.T) {
	want := committed{offset: 42, leaderEpoch: -1, metadata: "m", committedAt: 7, expireAt: -1}
	with := func(change func(*committed)) committed { c := want; change(&c); return c }
	for _, c := range []struct {
		value string
		want  committed
	}{
		{"0000 000000000000002a 0001 6d 0000000000000007", want},
		{"0001 000000000000002a 0001 6d 0000000000000007 0000000000000009", with(func(c *committed) { c.expireAt = 9 })},
		{"0002 000000000000002a 0001 6d 0000000000000007", want},
		{"0003 000000000000002a 00000005 0001 6d 0000000000000007", with(func(c *committed) { c.leaderEpoch = 5 })},
		{"0004 000000000000002a 00000005 02 6d 0000000000000007 00", with(func(c *committed) { c.leaderEpoch = 5 })},
	} {
		got, err := parseOffsetValue(unhex(t, c.value))
		if err != nil {
			t.Errorf("%s: %v", c.value, err)
		}
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(committed{})); diff != "" {
			t.Errorf("%s: %s", c.value, diff)
		}
	}
}

// TestOldGroupValues reads versions 0 to 2 and 4 of a group with one member.
func TestOldGroupValues(t *testing.T) {
	const (
		head0 = "0001 63 00000003 0001 72 0001 61" // type c, generation 3, protocol r, leader a
		body  = "00000001 73 00000001 70"          // subscription s, assignment p
	)
	for _, value := range []string{
		"0000" + head0 + "00000001 0001 61 0001 69 0001 68 00002710" + body,
		"0001" + head0 + "00000001 0001 61 0001 69 0001 68 00007530 00002710" + body,
		"0002" + head0 + "0000000000000009 00000001 0001 61 0001 69 0001 68 00007530 00002710" + body,
		"0004 02 63 00000003 02 72 02 61 0000000000000009 02 02 61 00 02 69 02 68 00007530 00002710 02 73 02 70 00 00",
	} {
		m := NewMachine(DefaultConfig(), func() string { return "" })
		r := groupTombstone("g")
		r.Value = unhex(t, value)
		if err := m.Apply(0, r, coordinator.NoProducer); err != nil {
			t.Errorf("%s: %v", value, err)
			continue
		}
		g := m.groups["g"].classic
		member := g.find("a")
		rebalance := int64(30_000)
		if value[:4] == "0000" { // it had none; the session timeout counts
			rebalance = 10_000
		}
		if g.state != Stable || g.generation != 3 || g.leader != "a" || *g.protocol != "r" ||
			member.rebalanceTimeout.Milliseconds() != rebalance || string(member.metadata("r")) != "s" || string(member.assignment) != "p" {
			t.Errorf("%s: read as\n%s", value, durableMembers(m.groups["g"]))
		}
	}
}

// TestUnreadableRecords: what is damaged stops the shard; what belongs to other
// protocols or to newer versions does not.
func TestUnreadableRecords(t *testing.T) {
	offset := offsetTombstone("g", topicPartition{"t", 0}).Key
	group := groupTombstone("g").Key
	twice := "0003 0001 63 00000003 0001 72 0001 61 0000000000000009 00000002" +
		strings.Repeat("0001 61 %s 0001 69 0001 68 00007530 00002710 00000001 73 00000001 70", 2)
	for _, c := range []struct {
		name       string
		key, value []byte
		ok         bool
	}{
		{name: "no key", value: []byte("x"), ok: true},
		{name: "a consumer group's epoch (KIP-848)", key: unhex(t, "0003 0001 67"), value: unhex(t, "0000 00000005 00"), ok: true},
		{name: "a kind to come", key: unhex(t, "7fff"), value: []byte("x"), ok: true},
		{name: "a key cut short", key: offset[:len(offset)-1]},
		{name: "a consumer group's key cut short", key: unhex(t, "0003 0002 67"), value: unhex(t, "0000 00000005 00")},
		{name: "a member's key cut short", key: unhex(t, "0005 0001 67"), value: unhex(t, "0000")},
		{name: "a newer offset", key: offset, ok: true, value: unhex(t, "0005 000000000000002a 00000005 02 6d 0000000000000007 00")},
		{name: "an offset cut short", key: offset, value: unhex(t, "0003 000000000000002a 0000")},
		{name: "an empty offset", key: offset, value: []byte{}},
		{name: "a newer group", key: group, ok: true, value: unhex(t, "0005 00")},
		{name: "a group cut short", key: group, value: unhex(t, "0003 0001 63 00000003 0001")},
		{name: "members without a protocol", key: group, value: unhex(t, "0003 0001 63 00000003 ffff ffff 0000000000000009 00000001"+
			"0001 61 ffff 0001 69 0001 68 00007530 00002710 00000001 73 00000001 70")},
		{name: "a member twice", key: group, value: unhex(t, strings.ReplaceAll(twice, "%s", "ffff"))},
	} {
		m := NewMachine(DefaultConfig(), func() string { return "" })
		if err := m.Apply(0, coordinator.Record{Key: c.key, Value: c.value}, coordinator.NoProducer); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// FuzzApply: no record makes the machine panic, and one that it takes can be
// written and read again.
func FuzzApply(f *testing.F) {
	f.Add([]byte("\x00\x01\x00\x01g\x00\x01t\x00\x00\x00\x00"), []byte("\x00\x03\x00\x00\x00\x00\x00\x00\x00*\x00\x00\x00\x05\x00\x01m\x00\x00\x00\x00\x00\x00\x00\x07"))
	f.Add([]byte("\x00\x02\x00\x01g"), []byte("\x00\x03\x00\x01c\x00\x00\x00\x03\x00\x01r\x00\x01a\x00\x00\x00\x00\x00\x00\x00\x09\x00\x00\x00\x01"+
		"\x00\x01a\xff\xff\x00\x01i\x00\x01h\x00\x00u0\x00\x00'\x10\x00\x00\x00\x01s\x00\x00\x00\x01p"))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		m := NewMachine(DefaultConfig(), func() string { return "" })
		if m.Apply(0, coordinator.Record{Key: key, Value: value}, coordinator.NoProducer) != nil {
			return
		}
		again := NewMachine(DefaultConfig(), func() string { return "" })
		for id, g := range m.groups {
			for i := range g.offsets {
				tp, c := g.offsets[i].topicPartition(), g.offsets[i].committed()
				if err := again.Apply(0, offsetRecord(id, tp, c), coordinator.NoProducer); err != nil {
					t.Fatalf("its own offset: %v", err)
				}
			}
			if g.classic.state == Stable {
				r := m.assignedRecord(g.classic, g.classic.assignments())
				if err := again.Apply(0, r, coordinator.NoProducer); err != nil {
					t.Fatalf("its own group: %v", err)
				}
			}
		}
	})
}

// FuzzSubscribedTopics: no metadata of a member is too strange.
func FuzzSubscribedTopics(f *testing.F) {
	f.Add(subscribing("t", "u"))
	f.Add([]byte("\x00\x03\x7f\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, metadata []byte) {
		topics, ok := subscribedTopics(metadata)
		if !ok && topics != nil {
			t.Fatal("topics of metadata that cannot be read")
		}
	})
}
