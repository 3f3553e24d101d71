package protocol

import "encoding/binary"

// Types of a control record, in the second half of its key (Kafka's
// ControlRecordType). Those above commit belong to KRaft's log.
const (
	controlAbort  = 0
	controlCommit = 1
)

// EndTxnMarker is what a control batch says that ends a transaction in one
// partition (Kafka's EndTransactionMarker). Its key is version int16 = 0 and type
// int16, its value version int16 = 0 and coordinator epoch int32; the producer is
// the batch's.
type EndTxnMarker struct {
	Commit           bool // or abort
	CoordinatorEpoch int32
}

// NewEndTxnMarkerBatch makes the batch that ends the producer's transaction, for a
// coordinator to append.
func NewEndTxnMarkerBatch(producer ProducerID, epoch int16, at Timestamp, marker EndTxnMarker) Batch {
	options := DefaultBatchOptions()
	options.ProducerID, options.ProducerEpoch = producer, epoch
	options.Transactional, options.Control = true, true
	kind := uint16(controlAbort)
	if marker.Commit {
		kind = controlCommit
	}
	key := binary.BigEndian.AppendUint16(make([]byte, 2, 4), kind)
	value := binary.BigEndian.AppendUint32(make([]byte, 2, 6), uint32(marker.CoordinatorEpoch))
	w := NewBatchBuilder(options)
	w.Add(at, key, value)
	return w.Build(0, None)
}

// EndTxnMarker reads the marker of a control batch; false when it holds none. As
// in Kafka, versions above 0 are read as far as they are known, because newer ones
// may only add.
func (b Batch) EndTxnMarker() (marker EndTxnMarker, ok bool) {
	if !b.IsControl() || b.Count() == 0 {
		return marker, false
	}
	first := true
	err := b.EachRecord(DecodeLimits{}, func(r *Record) error {
		if !first { // Kafka looks at the first record only
			return nil
		}
		first = false
		if len(r.Key) < 4 || len(r.Value) < 6 || int16(binary.BigEndian.Uint16(r.Key)) < 0 || int16(binary.BigEndian.Uint16(r.Value)) < 0 {
			return nil
		}
		kind := binary.BigEndian.Uint16(r.Key[2:])
		marker = EndTxnMarker{Commit: kind == controlCommit, CoordinatorEpoch: int32(binary.BigEndian.Uint32(r.Value[2:]))}
		ok = kind <= controlCommit
		return nil
	})
	return marker, ok && err == nil
}
