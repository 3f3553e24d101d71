package group

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Records of offsets are, byte for byte, those of a codec that is made from Kafka's
// schemas.
func FuzzOffsetRecords(f *testing.F) {
	f.Add("g", "t", int32(1), int64(42), int32(-1), "", int64(7), int64(-1), []byte(nil))
	f.Add("", "orders", int32(-1), int64(-1), int32(5), "meta", int64(-1), int64(9), []byte("0123456789abcdef"))
	f.Add("g", "t", int32(1), int64(42), int32(5), string(make([]byte, 200)), int64(7), int64(-1), []byte("0123456789abcdef"))
	f.Fuzz(func(t *testing.T, groupID, topic string, partition int32, offset int64, epoch int32, metadata string, at, expireAt int64, id []byte) {
		if max(len(groupID), len(topic), len(metadata)) > stringBytesMax {
			return // what is not written
		}
		c := committed{
			offset: protocol.Offset(offset), leaderEpoch: protocol.Epoch(epoch), metadata: metadata,
			committedAt: protocol.Timestamp(at), expireAt: protocol.Timestamp(expireAt),
		}
		copy(c.topicID[:], id)
		key := kmsg.OffsetCommitKey{Version: offsetKeyV1, Group: groupID, Topic: topic, Partition: partition}
		value := kmsg.OffsetCommitValue{
			Version: offsetValueVersion, Offset: offset, LeaderEpoch: epoch, Metadata: metadata,
			CommitTimestamp: at, ExpireTimestamp: expireAt, TopicID: c.topicID,
		}
		if expireAt != protocol.None {
			value.Version = offsetValueVersionExpiring
		}
		r := offsetRecord(groupID, topicPartition{topic, partition}, c)
		if want := key.AppendTo(nil); !bytes.Equal(r.Key, want) {
			t.Errorf("key %x, want %x", r.Key, want)
		}
		if want := value.AppendTo(nil); !bytes.Equal(r.Value, want) {
			t.Errorf("value %x, want %x", r.Value, want)
		}
		if tombstone := offsetTombstone(groupID, topicPartition{topic, partition}); !bytes.Equal(tombstone.Key, r.Key) || tombstone.Value != nil {
			t.Errorf("tombstone %x with value %x", tombstone.Key, tombstone.Value)
		}
	})
}

// Whatever bytes there are, the two codecs read the same of them or both refuse them.
func FuzzReadingOffsets(f *testing.F) {
	r := offsetRecord("g", topicPartition{"t", 3}, committed{offset: 1, metadata: "m", expireAt: -1, topicID: protocol.UUID{1}})
	f.Add(r.Key)
	f.Add(r.Value)
	f.Add(r.Value[:len(r.Value)-1])
	f.Add(offsetRecord("g", topicPartition{"t", 3}, committed{metadata: "m", expireAt: 4}).Value)
	for version := range int16(offsetValueVersionNewest + 1) {
		v := kmsg.OffsetCommitValue{Version: version, Offset: 2, LeaderEpoch: 3, Metadata: "m", CommitTimestamp: 4, ExpireTimestamp: 5}
		f.Add(v.AppendTo(nil))
	}
	f.Add(append(bytes.Clone(r.Value[:len(r.Value)-19]), 0xff, 0xff, 0xff, 0xff, 0x0f)) // many tags that are not there
	f.Fuzz(func(t *testing.T, b []byte) {
		key, err := parseOffsetKey(b)
		wantKey := kmsg.NewOffsetCommitKey()
		if wantErr := wantKey.ReadFrom(b); (err == nil) != (wantErr == nil) {
			t.Errorf("key: %v, want %v", err, wantErr)
		} else if err == nil && (string(key.group) != wantKey.Group || string(key.topic) != wantKey.Topic || key.partition != wantKey.Partition) {
			t.Errorf("key %+v, want %+v", key, wantKey)
		}
		if checkValueVersion(b, offsetValueVersionNewest) != nil || hasManyTags(b) {
			return
		}
		got, err := parseOffsetValue(b)
		want, wantErr := readByKmsg(b)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("value: %v, want %v", err, wantErr)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(committed{})); err == nil && diff != "" {
			t.Error(diff)
		}
	})
}

// hasManyTags: the other codec would count to their number, which may be billions.
func hasManyTags(b []byte) bool {
	return bytes.Contains(b, []byte{0xff, 0xff}) || bytes.Contains(b, []byte{0x80, 0x80})
}

func readByKmsg(b []byte) (committed, error) {
	v := kmsg.NewOffsetCommitValue()
	if err := v.ReadFrom(b); err != nil {
		return committed{}, err
	}
	c := committed{
		offset: protocol.Offset(v.Offset), leaderEpoch: protocol.None, metadata: v.Metadata,
		committedAt: protocol.Timestamp(v.CommitTimestamp), expireAt: protocol.None, topicID: v.TopicID,
	}
	if v.Version >= offsetValueFirstLeaderEpoch {
		c.leaderEpoch = protocol.Epoch(v.LeaderEpoch)
	}
	if v.Version == offsetValueVersionExpiring {
		c.expireAt = protocol.Timestamp(v.ExpireTimestamp)
	}
	return c, nil
}

// A commit of an offset that is there changes it in place.
func TestRenewingAnOffsetAllocatesNothing(t *testing.T) {
	m := NewMachine(DefaultConfig(), func() string { return "" })
	r := offsetRecord("g", topicPartition{"t", 3}, committed{offset: 1, leaderEpoch: -1, expireAt: -1, topicID: protocol.UUID{1}})
	apply := func() {
		if err := m.applyOffset(1, r, coordinator.NoProducer); err != nil {
			t.Fatal(err)
		}
	}
	apply()
	if n := testing.AllocsPerRun(100, apply); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
