package wire

import (
	"encoding/binary"
	"hash/crc32"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Record is one record of a batch.
type Record struct {
	Key, Value     []byte // nil is null
	TimestampDelta int64
	Headers        []Header
}

// Header is a record header; a nil value is null.
type Header struct {
	Key   string
	Value []byte
}

// Batch describes a record batch of format 2. NewBatch gives a valid one; each
// field can then be made wrong. Count and LastOffsetDelta are derived from
// Records where they are nil.
type Batch struct {
	BaseOffset      int64
	LeaderEpoch     int32
	Magic           int8
	Attributes      int16
	LastOffsetDelta *int32
	BaseTimestamp   int64
	MaxTimestamp    int64
	ProducerID      int64
	ProducerEpoch   int16
	BaseSequence    int32
	Count           *int32
	Records         []Record
	// Payload replaces the encoded records, for compressed or damaged ones.
	Payload []byte
	// BadCRC stores a checksum that does not match.
	BadCRC bool
	// LengthDelta is added to the length field.
	LengthDelta int32
}

// NewBatch is a valid uncompressed batch of a producer that is not idempotent.
func NewBatch(timestampMillis int64, records ...Record) *Batch {
	return &Batch{
		LeaderEpoch: -1, Magic: 2, BaseTimestamp: timestampMillis, MaxTimestamp: timestampMillis,
		ProducerID: -1, ProducerEpoch: -1, BaseSequence: -1, Records: records,
	}
}

// Encode is the batch as bytes.
func (b *Batch) Encode() []byte {
	payload := b.Payload
	if payload == nil {
		payload = EncodeRecords(b.Records)
	}
	count, last := int32(len(b.Records)), int32(len(b.Records)-1)
	if b.Count != nil {
		count = *b.Count
	}
	if b.LastOffsetDelta != nil {
		last = *b.LastOffsetDelta
	}
	const headerBytes, lengthEnd = 61, 12
	out := make([]byte, 0, headerBytes+len(payload))
	out = binary.BigEndian.AppendUint64(out, uint64(b.BaseOffset))
	out = binary.BigEndian.AppendUint32(out, uint32(int32(headerBytes-lengthEnd+len(payload))+b.LengthDelta))
	out = binary.BigEndian.AppendUint32(out, uint32(b.LeaderEpoch))
	out = append(out, byte(b.Magic))
	out = binary.BigEndian.AppendUint32(out, 0) // CRC, below
	crcFrom := len(out)
	out = binary.BigEndian.AppendUint16(out, uint16(b.Attributes))
	out = binary.BigEndian.AppendUint32(out, uint32(last))
	out = binary.BigEndian.AppendUint64(out, uint64(b.BaseTimestamp))
	out = binary.BigEndian.AppendUint64(out, uint64(b.MaxTimestamp))
	out = binary.BigEndian.AppendUint64(out, uint64(b.ProducerID))
	out = binary.BigEndian.AppendUint16(out, uint16(b.ProducerEpoch))
	out = binary.BigEndian.AppendUint32(out, uint32(b.BaseSequence))
	out = binary.BigEndian.AppendUint32(out, uint32(count))
	out = append(out, payload...)
	crc := crc32.Checksum(out[crcFrom:], castagnoli)
	if b.BadCRC {
		crc++
	}
	binary.BigEndian.PutUint32(out[crcFrom-4:], crc)
	return out
}

// EncodeRecords is the uncompressed body of a batch.
func EncodeRecords(records []Record) []byte {
	var out []byte
	for i, r := range records {
		body := []byte{0} // attributes, unused
		body = binary.AppendVarint(body, r.TimestampDelta)
		body = binary.AppendVarint(body, int64(i))
		body = appendVarBytes(body, r.Key)
		body = appendVarBytes(body, r.Value)
		body = binary.AppendVarint(body, int64(len(r.Headers)))
		for _, h := range r.Headers {
			body = appendVarBytes(body, append([]byte{}, h.Key...))
			body = appendVarBytes(body, h.Value)
		}
		out = binary.AppendVarint(out, int64(len(body)))
		out = append(out, body...)
	}
	return out
}

func appendVarBytes(dst, b []byte) []byte {
	if b == nil {
		return binary.AppendVarint(dst, -1)
	}
	return append(binary.AppendVarint(dst, int64(len(b))), b...)
}

// Message is one message of the formats before magic 2.
type Message struct {
	Magic      int8 // 0 or 1
	Attributes int8
	Timestamp  int64 // magic 1 only
	Key, Value []byte
	Offset     int64
	BadCRC     bool
}

// EncodeMessageSet is a sequence of messages as Produce v0-2 carries them.
func EncodeMessageSet(messages ...Message) []byte {
	var out []byte
	for _, m := range messages {
		body := []byte{byte(m.Magic), byte(m.Attributes)}
		if m.Magic >= 1 {
			body = binary.BigEndian.AppendUint64(body, uint64(m.Timestamp))
		}
		body = appendBytes(body, m.Key)
		body = appendBytes(body, m.Value)
		crc := crc32.ChecksumIEEE(body)
		if m.BadCRC {
			crc++
		}
		out = binary.BigEndian.AppendUint64(out, uint64(m.Offset))
		out = binary.BigEndian.AppendUint32(out, uint32(4+len(body)))
		out = binary.BigEndian.AppendUint32(out, crc)
		out = append(out, body...)
	}
	return out
}

func appendBytes(dst, b []byte) []byte {
	if b == nil {
		return binary.BigEndian.AppendUint32(dst, 0xffffffff)
	}
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(b))), b...)
}
