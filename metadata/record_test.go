package metadata

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/barnabas-mq/barnabas/protocol"
)

// golden is a record in Kafka's own bytes.
type golden struct {
	name    string
	version int16
	value   []byte
}

func goldens(t testing.TB) []golden {
	t.Helper()
	f, err := os.Open("testdata/records.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []golden
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		parts := strings.Split(lines.Text(), "|")
		version, err := strconv.Atoi(parts[1])
		if err != nil {
			t.Fatal(err)
		}
		value, err := hex.DecodeString(parts[2])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, golden{parts[0], int16(version), value})
	}
	return all
}

// Every record type is read from Kafka's bytes and written back to the same bytes.
func TestRecordsAreKafkasBytes(t *testing.T) {
	seen := make(map[RecordType]bool)
	for _, g := range goldens(t) {
		r, version, err := decodeRecordVersion(g.value)
		if err != nil {
			t.Errorf("%s v%d: %v", g.name, g.version, err)
			continue
		}
		if version != g.version {
			t.Errorf("%s: version %d, not %d", g.name, version, g.version)
		}
		if got := strings.TrimSuffix(reflect.TypeOf(r).Elem().Name(), "Record"); got != g.name {
			t.Errorf("%s was read as %s", g.name, got)
		}
		if back, err := appendRecordVersion(nil, r, version); err != nil || !bytes.Equal(back, g.value) {
			t.Errorf("%s v%d is written back as\n%x, was\n%x (%v)", g.name, version, back, g.value, err)
		}
		seen[r.Type()] = true
	}
	for number, kind := range recordKinds {
		if kind.make != nil && !seen[RecordType(number)] {
			t.Errorf("no example of %s", kind.name)
		}
	}
}

// The fields mean what their names say.
func TestRecordFields(t *testing.T) {
	u1 := protocol.UUID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	u2 := protocol.UUID{17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32}
	rack, ip := "r1", "::1"
	want := []Record{
		&RegisterBrokerRecord{
			BrokerID: 7, IsMigratingZkBroker: true, IncarnationID: u1, BrokerEpoch: 42,
			Endpoints: []Endpoint{{"PLAINTEXT", "h", 65535, 3}}, Features: []FeatureRange{{"f", 1, 2}},
			Rack: &rack, Fenced: true, InControlledShutdown: true,
			LogDirs: []protocol.UUID{u1, u2}, CordonedLogDirs: []protocol.UUID{u2},
		},
		&PartitionRecord{
			PartitionID: 3, TopicID: u1, Replicas: []int32{1, 2}, ISR: []int32{1}, RemovingReplicas: []int32{2}, AddingReplicas: []int32{4},
			Leader: 1, LeaderRecoveryState: 1, LeaderEpoch: 5, PartitionEpoch: 6, Directories: []protocol.UUID{u1, u2},
			ELR: []int32{2}, LastKnownELR: []int32{4},
		},
		&PartitionChangeRecord{
			PartitionID: 3, TopicID: u1, ISR: []int32{1}, Leader: 1, Replicas: []int32{1, 2}, RemovingReplicas: []int32{2},
			AddingReplicas: []int32{}, LeaderRecoveryState: 0, ELR: []int32{2}, LastKnownELR: []int32{4}, Directories: []protocol.UUID{u1, u2},
		},
		&BrokerRegistrationChangeRecord{
			BrokerID: 7, BrokerEpoch: 42, Fenced: FenceChangeFence, InControlledShutdown: 1,
			LogDirs: []protocol.UUID{u1}, CordonedLogDirs: []protocol.UUID{u2},
		},
		&ClientQuotaRecord{Entity: []QuotaEntity{{"ip", &ip}}, Key: "connection_creation_rate", Value: 1.5, Remove: true},
		&DelegationTokenRecord{
			Owner: "User:a", Requester: "User:b", Renewers: []string{"User:c", "User:d"},
			IssueTimestamp: 1, MaxTimestamp: 2, ExpirationTimestamp: 3, TokenID: "t",
		},
	}
	for _, w := range want {
		found := false
		for _, g := range goldens(t) {
			r, version, err := decodeRecordVersion(g.value)
			if err == nil && r.Type() == w.Type() && version == recordKinds[w.Type()].maxVersion && cmp.Equal(r, w) {
				found = true
			}
		}
		if !found {
			t.Errorf("no golden record reads as %+v", w)
		}
	}
}

// The version that is written depends on the metadata.version of the cluster.
func TestWriteVersions(t *testing.T) {
	change := func(f func(*BrokerRegistrationChangeRecord)) Record {
		r := &BrokerRegistrationChangeRecord{}
		f(r)
		return r
	}
	for _, c := range []struct {
		record          Record
		metadataVersion int16
		want            int16
	}{
		{&PartitionRecord{}, 21, 1}, {&PartitionRecord{}, 23, 2}, {&PartitionRecord{}, 30, 2},
		{newPartitionChange(), 22, 1}, {newPartitionChange(), 30, 2},
		{&RegisterBrokerRecord{}, 29, 3}, {&RegisterBrokerRecord{}, 30, 4},
		{change(func(r *BrokerRegistrationChangeRecord) { r.Fenced = 1 }), 30, 0},
		{change(func(r *BrokerRegistrationChangeRecord) { r.InControlledShutdown = 1 }), 30, 1},
		{change(func(r *BrokerRegistrationChangeRecord) { r.LogDirs = make([]protocol.UUID, 1) }), 30, 2},
		{change(func(r *BrokerRegistrationChangeRecord) { r.CordonedLogDirs = []protocol.UUID{} }), 30, 3},
		{&TopicRecord{}, 30, 0},
	} {
		if got := writeVersion(c.record, c.metadataVersion); got != c.want {
			t.Errorf("%s at %d: version %d, want %d", c.record.Type(), c.metadataVersion, got, c.want)
		}
	}
}

// What is newer than this program is told apart from damage.
func TestUnknownAndDamagedRecords(t *testing.T) {
	for name, value := range map[string]string{
		"frame version 2": "02140000", "record type 29": "011d0000", "record type 6": "01060000",
		"NO_OP_RECORD version 1": "01140100", "PARTITION_RECORD version 3": "010303",
	} {
		b, _ := hex.DecodeString(value)
		var unknown *UnknownRecordError
		if _, err := DecodeRecord(b); !errors.As(err, &unknown) || unknown.What != name {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, value := range map[string]string{
		"empty": "", "trailing byte": "0114000000", "null topic name": "01020000", "unfinished varint": "ff",
		"length beyond the end": "010200ffff7f", "tags out of order": "011900020108026101000802",
	} {
		b, _ := hex.DecodeString(value)
		var unknown *UnknownRecordError
		if _, err := DecodeRecord(b); err == nil || errors.As(err, &unknown) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, g := range goldens(t) {
		for n := range g.value {
			if _, err := DecodeRecord(g.value[:n]); err == nil {
				t.Errorf("%s v%d cut to %d of %d bytes is accepted", g.name, g.version, n, len(g.value))
			}
		}
	}
}

// Kafka cannot read a string of more than 32767 bytes, so none is written.
func TestLongStringsAreRefused(t *testing.T) {
	for n, ok := range map[int]bool{32767: true, 32768: false} {
		value := strings.Repeat("x", n)
		_, err := appendRecord(nil, &ConfigRecord{ResourceTopic, "t", "k", &value}, MetadataVersionMax)
		if (err == nil) != ok {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// Any input is refused or read the same again after being written.
func FuzzDecodeRecord(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add(g.value)
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		r, version, err := decodeRecordVersion(value)
		if err != nil {
			return
		}
		back, err := appendRecordVersion(nil, r, version)
		if err != nil {
			t.Fatalf("%+v was read but is not written: %v", r, err)
		}
		again, _, err := decodeRecordVersion(back)
		if err != nil {
			t.Fatalf("%x was written but is not read: %v", back, err)
		}
		if third, _ := appendRecordVersion(nil, again, version); !bytes.Equal(back, third) {
			t.Fatalf("%x\n%x", back, third)
		}
	})
}
