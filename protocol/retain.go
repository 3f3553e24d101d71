package protocol

import (
	"encoding/binary"
	"math"
)

// KeyedRecord is what compaction looks at in a record. In EachKey it is reused for
// the next one.
type KeyedRecord struct {
	Offset    Offset
	Key       []byte // nil is null
	NullValue bool   // a tombstone
}

// EachKey calls fn with every record in order and stops at its first error. It
// allocates nothing per record; compressed records are decompressed as a stream.
func (b Batch) EachKey(limits DecodeLimits, fn func(*KeyedRecord) error) error {
	var record KeyedRecord
	return b.walk(limits, func(body []byte, _ int32) error {
		if err := record.decode(body, b); err != nil {
			return err
		}
		return fn(&record)
	})
}

func (r *KeyedRecord) decode(body []byte, b Batch) error {
	var s recordShape
	rest, err := s.decodeStart(body)
	if err != nil {
		return err
	}
	r.Offset = b.BaseOffset() + Offset(s.offsetDelta)
	var ok bool
	if r.Key, rest, ok = takeVarintBytes(rest); !ok {
		return errRecordShort
	}
	value, _, ok := takeVarintBytes(rest)
	if !ok {
		return errRecordShort
	}
	r.NullValue = value == nil
	return nil
}

// DeleteHorizon is the time from which compaction may drop the batch's tombstones
// or marker: it stands where the base timestamp does (KIP-534). False when none is
// set.
func (b Batch) DeleteHorizon() (Timestamp, bool) {
	if b.Attributes()&AttributeDeleteHorizon == 0 {
		return None, false
	}
	return b.BaseTimestamp(), true
}

// AppendRetained appends to dst what compaction leaves of a batch: the records for
// which keep is true, asked by their place in the batch; there must be at least
// one. Offsets, sequences, producer, leader epoch and codec stay; the timestamps
// are counted from horizon when there is one (None when not), else from the first
// record, as Kafka's MemoryRecordsBuilder does. What is kept of a compressed batch is
// held decompressed in memory, so limits bound that as well.
func AppendRetained(dst []byte, b Batch, keep func(index int) bool, horizon Timestamp, limits DecodeLimits) ([]byte, error) {
	base, newest := horizon, Timestamp(None)
	kept := int32(0)
	var records []byte
	err := b.walk(limits, func(body []byte, index int32) error {
		if !keep(int(index)) {
			return nil
		}
		var s recordShape
		rest, err := s.decodeStart(body)
		if err != nil {
			return err
		}
		at := b.recordTimestamp(s.timestampDelta)
		if kept == 0 && horizon < 0 {
			base = at
		}
		if kept == 0 || at > newest {
			newest = at
		}
		kept++
		records = appendRecordBody(records, s, at-base, rest)
		return nil
	})
	if err != nil {
		return dst, err
	}
	if kept == 0 {
		return dst, errRecordsMissed
	}
	if b.IsLogAppendTime() {
		newest = b.MaxTimestamp()
	}
	start := len(dst)
	dst = append(dst, b[:BatchHeaderBytes]...)
	dst = appendCompressed(dst, records, b.Codec(), LevelDefault)
	made := Batch(dst[start:])
	attributes := made.Attributes() &^ AttributeDeleteHorizon
	if horizon >= 0 {
		attributes |= AttributeDeleteHorizon
	}
	made.SetAttributes(attributes)
	binary.BigEndian.PutUint64(made[27:], uint64(base))
	made.SetMaxTimestamp(newest)
	return dst, made.seal(kept)
}

// appendRecordBody appends a record with another timestamp delta; rest is what
// follows its offset delta.
func appendRecordBody(dst []byte, s recordShape, timestampDelta Timestamp, rest []byte) []byte {
	body := 1 + varintLen(int64(timestampDelta)) + varintLen(int64(s.offsetDelta)) + len(rest)
	dst = appendVarint(dst, int64(body))
	dst = append(dst, byte(s.attributes))
	dst = appendVarint(dst, int64(timestampDelta))
	dst = appendVarint(dst, int64(s.offsetDelta))
	return append(dst, rest...)
}

// AppendEmptied appends to dst the batch without its records: a header alone, which
// still says which offsets and sequences it stood for. The fields are those of
// Kafka's DefaultRecordBatch.writeEmptyHeader.
func AppendEmptied(dst []byte, b Batch) []byte {
	start := len(dst)
	dst = append(dst, b[:BatchHeaderBytes]...)
	made := Batch(dst[start:])
	made.SetAttributes(b.Attributes() & (AttributeLogAppendTime | AttributeTransactional | AttributeControl))
	binary.BigEndian.PutUint64(made[27:], uint64(math.MaxUint64)) // no timestamp
	_ = made.seal(0)                                              // a header is never too long
	return dst
}

// seal stores length, count and CRC.
func (b Batch) seal(count int32) error {
	if len(b) > math.MaxInt32 {
		return ErrMessageTooLarge.WithMessage("a compacted batch of %d bytes", len(b))
	}
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-batchLengthOffset))
	binary.BigEndian.PutUint32(b[57:], uint32(count))
	b.SetCRC()
	return nil
}
