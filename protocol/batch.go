package protocol

import (
	"encoding/binary"
	"hash/crc32"
)

// Batch is a view over the bytes of one record batch of magic 2, header
// included. Accessors do not check: a Batch comes from NextBatch (length
// checked) and, for peer input, has passed CheckBatch.
//
// Layout (big-endian; KIP-98):
//
//	 0 base offset     8  | 21 attributes        2 | 43 producer id    8
//	 8 length          4  | 23 last offset delta 4 | 51 producer epoch 2
//	12 leader epoch    4  | 27 base timestamp    8 | 53 base sequence  4
//	16 magic = 2       1  | 35 max timestamp     8 | 57 record count   4
//	17 CRC-32C [21:]   4  |                        | 61 records
type Batch []byte

// BatchHeaderBytes is the length of a batch without records.
const BatchHeaderBytes = 61

// batchLengthOffset is where the part begins that the length field counts.
const batchLengthOffset = 12

// Attribute bits of a batch.
const (
	AttributeCodecMask     = 0x07
	AttributeLogAppendTime = 1 << 3
	AttributeTransactional = 1 << 4
	AttributeControl       = 1 << 5
	AttributeDeleteHorizon = 1 << 6
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// BaseOffset is the offset of the first record (also where compaction removed it).
func (b Batch) BaseOffset() Offset { return Offset(binary.BigEndian.Uint64(b)) }

// SetBaseOffset patches the base offset; it lies outside the CRC.
func (b Batch) SetBaseOffset(o Offset) { binary.BigEndian.PutUint64(b, uint64(o)) }

// Size is the length in bytes that the batch claims for itself, header included.
func (b Batch) Size() int { return int(int32(binary.BigEndian.Uint32(b[8:]))) + batchLengthOffset }

// LeaderEpoch is the epoch of the leader that appended the batch.
func (b Batch) LeaderEpoch() Epoch { return Epoch(binary.BigEndian.Uint32(b[12:])) }

// SetLeaderEpoch patches the leader epoch; it lies outside the CRC.
func (b Batch) SetLeaderEpoch(e Epoch) { binary.BigEndian.PutUint32(b[12:], uint32(e)) }

// Magic is the format version, at the same place in formats 0, 1 and 2.
func (b Batch) Magic() int8 { return int8(b[16]) }

// CRC is the stored CRC-32C.
func (b Batch) CRC() uint32 { return binary.BigEndian.Uint32(b[17:]) }

// ComputeCRC is the CRC-32C of everything from the attributes to the end.
func (b Batch) ComputeCRC() uint32 { return crc32.Checksum(b[21:], castagnoli) }

// SetCRC stores the CRC that ComputeCRC gives.
func (b Batch) SetCRC() { binary.BigEndian.PutUint32(b[17:], b.ComputeCRC()) }

// Attributes are the flag bits; see the Attribute constants.
func (b Batch) Attributes() int16 { return int16(binary.BigEndian.Uint16(b[21:])) }

// SetAttributes stores the flag bits. The CRC must be set again afterwards.
func (b Batch) SetAttributes(a int16) { binary.BigEndian.PutUint16(b[21:], uint16(a)) }

// LastOffsetDelta is the last offset less the base offset.
func (b Batch) LastOffsetDelta() int32 { return int32(binary.BigEndian.Uint32(b[23:])) }

// LastOffset is the offset of the last record.
func (b Batch) LastOffset() Offset { return b.BaseOffset() + Offset(b.LastOffsetDelta()) }

// BaseTimestamp is what record timestamps are relative to.
func (b Batch) BaseTimestamp() Timestamp { return Timestamp(binary.BigEndian.Uint64(b[27:])) }

// MaxTimestamp is the largest record timestamp, or the append time.
func (b Batch) MaxTimestamp() Timestamp { return Timestamp(binary.BigEndian.Uint64(b[35:])) }

// SetMaxTimestamp stores it. The CRC must be set again afterwards.
func (b Batch) SetMaxTimestamp(t Timestamp) { binary.BigEndian.PutUint64(b[35:], uint64(t)) }

// ProducerID is -1 for a producer that is not idempotent.
func (b Batch) ProducerID() ProducerID { return ProducerID(binary.BigEndian.Uint64(b[43:])) }

// ProducerEpoch fences older instances of a producer.
func (b Batch) ProducerEpoch() int16 { return int16(binary.BigEndian.Uint16(b[51:])) }

// BaseSequence is the sequence number of the first record, or -1.
func (b Batch) BaseSequence() int32 { return int32(binary.BigEndian.Uint32(b[53:])) }

// LastSequence is the sequence number of the last record; sequences wrap from
// 2^31-1 to 0.
func (b Batch) LastSequence() int32 {
	first := b.BaseSequence()
	if first < 0 {
		return first
	}
	return int32((int64(first) + int64(b.LastOffsetDelta())) & 0x7fffffff)
}

// Count is the number of records.
func (b Batch) Count() int32 { return int32(binary.BigEndian.Uint32(b[57:])) }

// Codec is the compression of the records.
func (b Batch) Codec() Codec { return Codec(b.Attributes() & AttributeCodecMask) }

// IsLogAppendTime tells whether the broker set the timestamp.
func (b Batch) IsLogAppendTime() bool { return b.Attributes()&AttributeLogAppendTime != 0 }

// IsTransactional tells whether the batch belongs to a transaction.
func (b Batch) IsTransactional() bool { return b.Attributes()&AttributeTransactional != 0 }

// IsControl tells whether the batch is a marker for brokers and clients.
func (b Batch) IsControl() bool { return b.Attributes()&AttributeControl != 0 }

// Payload is what follows the header: the records, compressed by Codec.
func (b Batch) Payload() []byte { return b[BatchHeaderBytes:] }
