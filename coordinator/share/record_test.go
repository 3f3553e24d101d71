package share

import (
	"encoding/hex"
	"math/rand/v2"
	"reflect"
	"testing"

	"go.uber.org/goleak"

	"github.com/barnabas-mq/barnabas/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newRandom(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 932)) }

// The records are Kafka's bytes: ShareSnapshotKey, ShareSnapshotValue, ShareUpdateKey
// and ShareUpdateValue in their schemas' order.
func TestRecordsAreKafkas(t *testing.T) {
	k := Key{GroupID: "grp", TopicID: protocol.UUID{0xaa, 15: 0xbb}, Partition: 7}
	batches := []Batch{{First: 5, Last: 9, State: Acknowledged, Count: 2}}
	d := durable{snapshotEpoch: 1, stateEpoch: 2, leaderEpoch: 3, start: 4, complete: 5, batches: batches, createdAt: 6, writtenAt: 7}
	u := update{snapshotEpoch: 1, leaderEpoch: 3, start: -1, complete: Uninitialized, batches: batches}
	key := "0003677270" + "aa0000000000000000000000000000bb" + "00000007"
	batch := "02" + "0000000000000005" + "0000000000000009" + "02" + "0002" + "00"
	for _, c := range []struct {
		got, want []byte
	}{
		{d.record(k).Key, unhex("0000" + key)},
		{d.record(k).Value, unhex("0000" + "00000001" + "00000002" + "00000003" + "0000000000000004" + "0000000000000006" + "0000000000000007" + batch + "01000400000005")},
		{u.record(k).Key, unhex("0001" + key)},
		{u.record(k).Value, unhex("0000" + "00000001" + "00000003" + "ffffffffffffffff" + batch + "00")},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%x, want %x", c.got, c.want)
		}
	}
	if got, err := parseSnapshot(d.record(k).Value); err != nil || !reflect.DeepEqual(got, d) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := parseUpdate(u.record(k).Value); err != nil || !reflect.DeepEqual(got, u) {
		t.Errorf("%+v, %v", got, err)
	}
	if kind, got, err := parseKey(tombstone(k).Key); err != nil || kind != snapshotKind || got != k {
		t.Errorf("%d %+v, %v", kind, got, err)
	}
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// FuzzRecords: whatever is read is written as the same again, and a batch that no
// coordinator writes is refused.
func FuzzRecords(f *testing.F) {
	k := Key{GroupID: "g", TopicID: protocol.UUID{1}, Partition: 0}
	d := durable{start: 3, complete: 1, batches: []Batch{{First: 4, Last: 4, State: Archived, Count: 1}}}
	u := update{start: Uninitialized, complete: Uninitialized}
	f.Add(d.record(k).Key, d.record(k).Value)
	f.Add(u.record(k).Key, u.record(k).Value)
	f.Add([]byte{0, 0, 0xff}, []byte{0, 0})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		kind, k, err := parseKey(key)
		if err == nil && !reflect.DeepEqual(recordKey(kind, k), key) {
			t.Errorf("the key %x is written as %x", key, recordKey(kind, k))
		}
		if d, err := parseSnapshot(value); err == nil {
			if again, err := parseSnapshot(d.record(k).Value); err != nil || !reflect.DeepEqual(again, d) {
				t.Errorf("%+v is read again as %+v, %v", d, again, err)
			}
		}
		if u, err := parseUpdate(value); err == nil {
			if again, err := parseUpdate(u.record(k).Value); err != nil || !reflect.DeepEqual(again, u) {
				t.Errorf("%+v is read again as %+v, %v", u, again, err)
			}
		}
	})
}
