package protocol

import (
	"encoding/binary"
	"math"

	"github.com/barnabas-mq/barnabas/internal/invariant"
)

// BatchOptions are the fields of a batch's header that do not come from records.
type BatchOptions struct {
	Codec Codec
	// Level is the codec's level; LevelDefault, and also 0, is its default.
	Level         int
	ProducerID    ProducerID
	ProducerEpoch int16
	BaseSequence  int32
	Transactional bool
	Control       bool
}

// DefaultBatchOptions are those of a batch without compression and producer.
func DefaultBatchOptions() BatchOptions {
	return BatchOptions{Level: LevelDefault, ProducerID: None, ProducerEpoch: None, BaseSequence: None}
}

// BatchBuilder makes a batch out of records. It is not safe for concurrent use.
type BatchBuilder struct {
	options BatchOptions
	buf     []byte // header, then the records without compression
	count   int32
	base    Timestamp
	max     Timestamp
}

// NewBatchBuilder makes an empty builder. Options start from DefaultBatchOptions:
// a literal would name producer 0.
func NewBatchBuilder(options BatchOptions) *BatchBuilder {
	return &BatchBuilder{options: options, buf: make([]byte, BatchHeaderBytes)}
}

// RecordOverheadMax is the most that a record without headers takes in a batch beside its
// key and value: three lengths of int32, two deltas, attributes and the number of headers.
const RecordOverheadMax = 3*5 + 10 + 5 + 2

// NewBatchBuilderOf makes an empty builder with room for records of so many bytes, which
// is built once.
func NewBatchBuilderOf(options BatchOptions, bytes int) *BatchBuilder {
	return &BatchBuilder{options: options, buf: make([]byte, BatchHeaderBytes, BatchHeaderBytes+bytes)}
}

// Add appends a record; nil keys and values are null.
func (w *BatchBuilder) Add(t Timestamp, key, value []byte, headers ...RecordHeader) {
	w.add(t, key, value, headers)
}

func (w *BatchBuilder) add(t Timestamp, key, value []byte, headers []RecordHeader) {
	if w.count == 0 {
		w.base, w.max = t, t
	}
	if w.buf == nil { // since the last Build
		w.buf = make([]byte, BatchHeaderBytes)
	}
	w.max = max(w.max, t)
	delta := int64(t - w.base)
	body := 1 + varintLen(delta) + varintLen(int64(w.count)) + varintBytesLen(key) + varintBytesLen(value) + varintLen(int64(len(headers)))
	for _, h := range headers {
		body += varintLen(int64(len(h.Key))) + len(h.Key) + varintBytesLen(h.Value)
	}
	w.buf = appendVarint(w.buf, int64(body))
	w.buf = append(w.buf, 0) // attributes: none are defined
	w.buf = appendVarint(w.buf, delta)
	w.buf = appendVarint(w.buf, int64(w.count))
	w.buf = appendVarintBytes(w.buf, key)
	w.buf = appendVarintBytes(w.buf, value)
	w.buf = appendVarint(w.buf, int64(len(headers)))
	for _, h := range headers {
		w.buf = appendVarint(w.buf, int64(len(h.Key)))
		w.buf = append(w.buf, h.Key...)
		w.buf = appendVarintBytes(w.buf, h.Value)
	}
	w.count++
}

// Count is the number of records so far.
func (w *BatchBuilder) Count() int32 { return w.count }

// Size is the size of the batch so far, without compression.
func (w *BatchBuilder) Size() int { return max(len(w.buf), BatchHeaderBytes) }

// Build gives the batch and empties the builder, which may be used again. There
// must be a record.
func (w *BatchBuilder) Build(base Offset, epoch Epoch) Batch {
	invariant.Check(w.count > 0, "a batch is built without records")
	o := w.options
	out := w.buf
	if o.Codec != CodecNone {
		level := o.Level
		if level == 0 {
			level = LevelDefault
		}
		out = appendCompressed(make([]byte, BatchHeaderBytes, BatchHeaderBytes+len(w.buf)/2), w.buf[BatchHeaderBytes:], o.Codec, level)
	}
	invariant.Check(len(out) <= math.MaxInt32, "a batch of %d bytes", len(out))
	attributes := int16(o.Codec)
	if o.Transactional {
		attributes |= AttributeTransactional
	}
	if o.Control {
		attributes |= AttributeControl
	}
	b := Batch(out)
	b.SetBaseOffset(base)
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-batchLengthOffset))
	b.SetLeaderEpoch(epoch)
	b[16] = 2
	b.SetAttributes(attributes)
	binary.BigEndian.PutUint32(b[23:], uint32(w.count-1))
	binary.BigEndian.PutUint64(b[27:], uint64(w.base))
	b.SetMaxTimestamp(w.max)
	binary.BigEndian.PutUint64(b[43:], uint64(o.ProducerID))
	binary.BigEndian.PutUint16(b[51:], uint16(o.ProducerEpoch))
	binary.BigEndian.PutUint32(b[53:], uint32(o.BaseSequence))
	binary.BigEndian.PutUint32(b[57:], uint32(w.count))
	b.SetCRC()
	w.buf, w.count = nil, 0
	return b
}

// varintBytesLen is what appendVarintBytes will append.
func varintBytesLen(b []byte) int {
	if b == nil {
		return 1
	}
	return varintLen(int64(len(b))) + len(b)
}

func appendVarintBytes(dst, b []byte) []byte {
	if b == nil {
		return appendVarint(dst, -1)
	}
	dst = appendVarint(dst, int64(len(b)))
	return append(dst, b...)
}
