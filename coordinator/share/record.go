package share

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Kinds of keys in __share_group_state (Kafka's CoordinatorRecordType of the share
// coordinator), and the only version of either value.
const (
	snapshotKind = 0
	updateKind   = 1
	valueVersion = 0

	kindBytes    = 2
	versionBytes = 2
	uuidBytes    = 16
)

// durable is a ShareSnapshotValue.
type durable struct {
	snapshotEpoch int32
	stateEpoch    int32
	leaderEpoch   protocol.Epoch
	start         protocol.Offset
	complete      int32
	// batches are in order and do not overlap. The slice is never changed, so that
	// others may hold it.
	batches              []Batch
	createdAt, writtenAt protocol.Timestamp
}

// update is a ShareUpdateValue: what has changed since the snapshot of that epoch.
type update struct {
	snapshotEpoch int32
	leaderEpoch   protocol.Epoch  // None leaves it
	start         protocol.Offset // Uninitialized leaves it
	complete      int32
	batches       []Batch
}

func (d *durable) walk(c *protocol.Coder) {
	c.Int32(&d.snapshotEpoch)
	c.Int32(&d.stateEpoch)
	c.Epoch(&d.leaderEpoch)
	c.Int64((*int64)(&d.start))
	c.Int64((*int64)(&d.createdAt))
	c.Int64((*int64)(&d.writtenAt))
	walkBatches(c, &d.batches)
	c.Tags(completeTag(&d.complete))
}

func (u *update) walk(c *protocol.Coder) {
	c.Int32(&u.snapshotEpoch)
	c.Epoch(&u.leaderEpoch)
	c.Int64((*int64)(&u.start))
	walkBatches(c, &u.batches)
	c.Tags(completeTag(&u.complete))
}

func completeTag(n *int32) protocol.Tag {
	return protocol.TagOf(0, *n != Uninitialized, func(c *protocol.Coder) { c.Int32(n) })
}

func walkBatches(c *protocol.Coder, batches *[]Batch) {
	protocol.Array(c, batches, func(c *protocol.Coder, b *Batch) {
		c.Int64((*int64)(&b.First))
		c.Int64((*int64)(&b.Last))
		c.Int8((*int8)(&b.State))
		c.Int16(&b.Count)
		c.Tags()
	})
}

func (d durable) record(k Key) coordinator.Record {
	c := newValue()
	d.walk(c)
	return coordinator.Record{Key: recordKey(snapshotKind, k), Value: c.Rest()}
}

func (u update) record(k Key) coordinator.Record {
	c := newValue()
	u.walk(c)
	return coordinator.Record{Key: recordKey(updateKind, k), Value: c.Rest()}
}

func newValue() *protocol.Coder {
	return protocol.NewWriter(valueVersion, binary.BigEndian.AppendUint16(nil, valueVersion))
}

// tombstone ends a share partition; its updates are no more without a snapshot.
func tombstone(k Key) coordinator.Record {
	return coordinator.Record{Key: recordKey(snapshotKind, k)}
}

func recordKey(kind uint16, k Key) []byte {
	b := make([]byte, 0, kindBytes+2+len(k.GroupID)+uuidBytes+4)
	b = binary.BigEndian.AppendUint16(b, kind)
	b = binary.BigEndian.AppendUint16(b, uint16(len(k.GroupID)))
	b = append(b, k.GroupID...)
	b = append(b, k.TopicID[:]...)
	return binary.BigEndian.AppendUint32(b, uint32(k.Partition))
}

// errUnknownKey is a key of a kind that a newer version wrote.
var errUnknownKey = errors.New("the key is of an unknown kind")

func parseKey(b []byte) (kind uint16, k Key, err error) {
	if len(b) < kindBytes {
		return 0, Key{}, errUnknownKey
	}
	kind = binary.BigEndian.Uint16(b)
	if kind != snapshotKind && kind != updateKind {
		return 0, Key{}, errUnknownKey
	}
	b = b[kindBytes:]
	if len(b) < 2 {
		return 0, Key{}, fmt.Errorf("a key of a share partition ends before its group")
	}
	n := int(binary.BigEndian.Uint16(b))
	b = b[2:]
	if len(b) != n+uuidBytes+4 {
		return 0, Key{}, fmt.Errorf("a key of a share partition has %d bytes after the length %d of its group", len(b), n)
	}
	k.GroupID = string(b[:n])
	copy(k.TopicID[:], b[n:])
	k.Partition = int32(binary.BigEndian.Uint32(b[n+uuidBytes:]))
	return kind, k, nil
}

// parseSnapshot reads the value of a snapshot.
func parseSnapshot(b []byte) (durable, error) {
	d := durable{complete: Uninitialized}
	if err := parseValue(b, d.walk); err != nil {
		return durable{}, err
	}
	return d, checkBatches(d.batches)
}

// parseUpdate reads the value of an update.
func parseUpdate(b []byte) (update, error) {
	u := update{complete: Uninitialized}
	if err := parseValue(b, u.walk); err != nil {
		return update{}, err
	}
	return u, checkBatches(u.batches)
}

func parseValue(b []byte, walk func(*protocol.Coder)) error {
	if len(b) < versionBytes {
		return fmt.Errorf("the state of a share partition has %d bytes", len(b))
	}
	if version := binary.BigEndian.Uint16(b); version != valueVersion {
		return fmt.Errorf("the state of a share partition is of version %d; only %d is known", version, valueVersion)
	}
	c := protocol.NewReader(valueVersion, b[versionBytes:])
	walk(c)
	if err := c.Err(); err != nil {
		return fmt.Errorf("the state of a share partition cannot be read: %w", err)
	}
	return nil
}

// checkBatches refuses what no coordinator writes.
func checkBatches(batches []Batch) error {
	for _, b := range batches {
		if b.First < 0 || b.First > b.Last || b.State != Available && b.State != Acknowledged && b.State != Archived {
			return fmt.Errorf("offsets %d to %d of a share partition are in state %d", b.First, b.Last, b.State)
		}
	}
	return nil
}
