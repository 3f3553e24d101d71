package group

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Records of committed offsets (Kafka's OffsetCommitKey and OffsetCommitValue), which
// every commit writes and applies. They are read as views over their bytes, so that a
// commit costs one allocation.
//
//	key       version 0, 1: group string, topic string, partition int32
//	value     offset int64
//	          leader epoch int32             from version 3
//	          metadata string                compact in version 4
//	          time of the commit int64
//	          time of expiry int64           version 1
//	          tags, 0 being the topic's id   version 4

// offsetKeyView is the key of an offset. Its bytes are those of the record.
type offsetKeyView struct {
	group, topic []byte
	partition    int32
}

func (k *offsetKeyView) topicPartition() topicPartition {
	return topicPartition{string(k.topic), k.partition}
}

func offsetRecord(groupID string, tp topicPartition, c committed) coordinator.Record {
	r, _ := appendOffsetRecord(nil, groupID, tp, c)
	return r
}

// appendOffsetRecord makes a record of the bytes that it appends.
func appendOffsetRecord(b []byte, groupID string, tp topicPartition, c committed) (coordinator.Record, []byte) {
	const valueBytes = valueVersionBytes + 8 + 4 + binary.MaxVarintLen32 + 8 + 8 + 3 + len(protocol.UUID{})
	start, keyBytes := len(b), offsetKeyBytes(groupID, tp)
	b = slices.Grow(b, keyBytes+valueBytes+len(c.metadata))
	b = appendOffsetKey(b, groupID, tp)
	b = appendOffsetValue(b, c)
	end := start + keyBytes
	return coordinator.Record{Key: b[start:end:end], Value: b[end:len(b):len(b)]}, b
}

func offsetTombstone(groupID string, tp topicPartition) coordinator.Record {
	return coordinator.Record{Key: appendOffsetKey(make([]byte, 0, offsetKeyBytes(groupID, tp)), groupID, tp)}
}

func offsetKeyBytes(groupID string, tp topicPartition) int {
	return keyKindBytes + 2 + len(groupID) + 2 + len(tp.topic) + 4
}

func appendOffsetKey(b []byte, groupID string, tp topicPartition) []byte {
	b = binary.BigEndian.AppendUint16(b, offsetKeyV1)
	b = binary.BigEndian.AppendUint16(b, uint16(len(groupID)))
	b = append(b, groupID...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(tp.topic)))
	b = append(b, tp.topic...)
	return binary.BigEndian.AppendUint32(b, uint32(tp.partition))
}

func appendOffsetValue(b []byte, c committed) []byte {
	if c.expireAt != protocol.None {
		b = binary.BigEndian.AppendUint16(b, offsetValueVersionExpiring)
		b = binary.BigEndian.AppendUint64(b, uint64(c.offset))
		b = binary.BigEndian.AppendUint16(b, uint16(len(c.metadata)))
		b = append(b, c.metadata...)
		b = binary.BigEndian.AppendUint64(b, uint64(c.committedAt))
		return binary.BigEndian.AppendUint64(b, uint64(c.expireAt))
	}
	b = binary.BigEndian.AppendUint16(b, offsetValueVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(c.offset))
	b = binary.BigEndian.AppendUint32(b, uint32(c.leaderEpoch))
	b = binary.AppendUvarint(b, uint64(len(c.metadata))+1)
	b = append(b, c.metadata...)
	b = binary.BigEndian.AppendUint64(b, uint64(c.committedAt))
	if c.topicID.IsZero() {
		return append(b, 0)
	}
	b = append(b, 1, 0, byte(len(c.topicID))) // one tag, number 0
	return append(b, c.topicID[:]...)
}

func parseOffsetKey(b []byte) (offsetKeyView, error) {
	r := recordReader{b: b}
	r.int16() // the version
	k := offsetKeyView{group: r.string(), topic: r.string(), partition: r.int32()}
	if r.isShort {
		return offsetKeyView{}, fmt.Errorf("an offset's key of %d bytes is too short", len(b))
	}
	return k, nil
}

func parseOffsetValue(b []byte) (committed, error) {
	if err := checkValueVersion(b, offsetValueVersionNewest); err != nil {
		return committed{}, fmt.Errorf("an offset's value: %w", err)
	}
	r := recordReader{b: b}
	version := r.int16()
	c := committed{offset: protocol.Offset(r.int64()), leaderEpoch: protocol.None, expireAt: protocol.None}
	if version >= offsetValueFirstLeaderEpoch {
		c.leaderEpoch = protocol.Epoch(r.int32())
	}
	if version >= offsetValueFirstFlexible {
		c.metadata = string(r.compactString())
	} else {
		c.metadata = string(r.string())
	}
	c.committedAt = protocol.Timestamp(r.int64())
	if version == offsetValueVersionExpiring {
		c.expireAt = protocol.Timestamp(r.int64())
	}
	if version >= offsetValueFirstFlexible {
		for left := r.uvarint(); left > 0 && !r.isShort; left-- {
			tag, value := r.uvarint(), r.take(int(r.uvarint()))
			switch {
			case tag == 0 && len(value) < len(c.topicID):
				r.isShort = true
			case tag == 0:
				c.topicID = protocol.UUID(value[:len(c.topicID)])
			}
		}
	}
	if r.isShort {
		return committed{}, fmt.Errorf("an offset's value of %d bytes is too short", len(b))
	}
	return c, nil
}

// recordReader reads the fields of a record. Once it was short of bytes it gives zeros.
type recordReader struct {
	b       []byte
	isShort bool
}

// take is the next n bytes, which are not copied; nil when there are not so many.
func (r *recordReader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.b, r.isShort = nil, true
		return nil
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}

func (r *recordReader) int16() int16 {
	if b := r.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (r *recordReader) int32() int32 {
	if b := r.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (r *recordReader) int64() int64 {
	if b := r.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// uvarint is a number of 32 bits; a longer one counts as missing.
func (r *recordReader) uvarint() uint32 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > math.MaxUint32 || n > binary.MaxVarintLen32 {
		r.b, r.isShort = nil, true
		return 0
	}
	r.b = r.b[n:]
	return uint32(v)
}

func (r *recordReader) string() []byte        { return r.take(int(r.int16())) }
func (r *recordReader) compactString() []byte { return r.take(int(r.uvarint()) - 1) }
