package logstore

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"github.com/barnabas-mq/barnabas/protocol"
)

// producerWindow is how many batches a producer may have in flight and send
// again: Kafka's clients allow five (KAFKA-5494), and its brokers remember five.
const producerWindow = 5

// ProducerBatch is what is remembered of one appended batch.
type ProducerBatch struct {
	LastOffset   protocol.Offset
	Timestamp    protocol.Timestamp // the batch's largest
	LastSequence int32
	OffsetDelta  int32 // last offset less first offset
}

// BaseOffset is the offset of the batch's first record.
func (b ProducerBatch) BaseOffset() protocol.Offset {
	return b.LastOffset - protocol.Offset(b.OffsetDelta)
}

func (b ProducerBatch) firstSequence() int32 {
	return int32((int64(b.LastSequence) - int64(b.OffsetDelta)) & math.MaxInt32)
}

// ProducerTable is what a log knows of idempotent and transactional producers:
// it judges the sequence of a batch before the append and learns of the batch
// after it. It is pure; the log that owns it guards it with its lock. The rules
// are those of Kafka's ProducerAppendInfo and ProducerStateEntry (KIP-98, KIP-360).
//
// The zero value is an empty table.
type ProducerTable struct {
	producers map[protocol.ProducerID]*producer
}

type producer struct {
	epoch            int16
	known            uint8 // batches[:known], oldest first
	coordinatorEpoch int32
	batches          [producerWindow]ProducerBatch
	lastTimestamp    protocol.Timestamp
	// used is when the producer last appended, by the broker's clock. Records may
	// carry any time, so theirs would forget a producer that replays old data.
	used     protocol.Timestamp
	txnFirst protocol.Offset // of the open transaction, or -1
}

func newProducer() *producer {
	return &producer{epoch: protocol.None, coordinatorEpoch: protocol.None,
		lastTimestamp: protocol.None, txnFirst: protocol.None}
}

func (p *producer) last() (ProducerBatch, bool) {
	if p.known == 0 {
		return ProducerBatch{}, false
	}
	return p.batches[p.known-1], true
}

func (p *producer) lastSequence() int32 {
	if last, ok := p.last(); ok {
		return last.LastSequence
	}
	return protocol.None
}

// Len is the number of producers known.
func (t *ProducerTable) Len() int { return len(t.producers) }

// Judge tells what becomes of a batch: to be appended (nil error), already there
// (duplicate, with what is remembered of its first copy), or refused with
// ErrStaleEpoch, ErrOutOfOrder or ErrInvalidTxnState. It changes nothing.
func (t *ProducerTable) Judge(b protocol.Batch, origin Origin) (first ProducerBatch, duplicate bool, err error) {
	id := b.ProducerID()
	if id < 0 {
		return first, false, nil
	}
	p := t.producers[id]
	if p == nil {
		// Unknown or expired: any sequence is accepted, so that retention and
		// expiry cannot kill a producer that merely paused.
		return first, false, nil
	}
	epoch := b.ProducerEpoch()
	if origin == FromClient && epoch == p.epoch {
		if first, ok := p.find(b.BaseSequence(), b.LastSequence()); ok {
			return first, true, nil
		}
	}
	switch {
	case epoch < p.epoch:
		return first, false, ErrStaleEpoch
	case b.IsControl() || origin != FromClient:
		return first, false, nil
	case epoch != p.epoch && p.epoch != protocol.None && b.BaseSequence() != 0:
		return first, false, ErrOutOfOrder
	case epoch == p.epoch && !follows(p.lastSequence(), b.BaseSequence()):
		return first, false, ErrOutOfOrder
	case p.txnFirst >= 0 && !b.IsTransactional():
		return first, false, ErrInvalidTxnState
	}
	return first, false, nil
}

// follows tells whether next is the sequence after last; 2^31-1 wraps to 0.
func follows(last, next int32) bool {
	return int64(next) == int64(last)+1 || last == math.MaxInt32 && next == 0
}

func (p *producer) find(first, last int32) (ProducerBatch, bool) {
	for _, b := range p.batches[:p.known] {
		if b.LastSequence == last && b.firstSequence() == first {
			return b, true
		}
	}
	return ProducerBatch{}, false
}

// Apply learns of a batch that is in the log, base offset patched. now is the
// broker's wall clock. The live path and recovery both use it.
func (t *ProducerTable) Apply(b protocol.Batch, now protocol.Timestamp) {
	id := b.ProducerID()
	if id < 0 {
		return
	}
	p := t.producers[id]
	if p == nil {
		p = newProducer()
		if t.producers == nil {
			t.producers = make(map[protocol.ProducerID]*producer)
		}
		t.producers[id] = p
	}
	if epoch := b.ProducerEpoch(); epoch != p.epoch {
		p.epoch, p.known = epoch, 0
	}
	p.used = now
	if b.IsControl() {
		p.applyMarker(b)
		return
	}
	p.lastTimestamp = b.MaxTimestamp()
	if b.BaseSequence() >= 0 {
		p.remember(ProducerBatch{
			LastOffset: b.LastOffset(), Timestamp: b.MaxTimestamp(),
			LastSequence: b.LastSequence(), OffsetDelta: b.LastOffsetDelta(),
		})
	}
	if b.IsTransactional() && p.txnFirst < 0 {
		p.txnFirst = b.BaseOffset()
	}
}

func (p *producer) remember(b ProducerBatch) {
	if p.known == producerWindow {
		copy(p.batches[:], p.batches[1:])
		p.known--
	}
	p.batches[p.known] = b
	p.known++
}

// applyMarker ends the open transaction. A marker's value is version int16,
// coordinator epoch int32 (KIP-98).
func (p *producer) applyMarker(b protocol.Batch) {
	p.txnFirst = protocol.None
	p.lastTimestamp = b.MaxTimestamp()
	_ = b.EachRecord(protocol.DecodeLimits{}, func(r *protocol.Record) error { // a marker that cannot be read changes no epoch
		if len(r.Value) >= 6 {
			p.coordinatorEpoch = int32(binary.BigEndian.Uint32(r.Value[2:]))
		}
		return nil
	})
}

// LastBatch is what compaction must leave of a producer: the batch that ends at
// Offset, or, when that is -1, the newest marker of Epoch.
type LastBatch struct {
	Offset protocol.Offset
	Epoch  int16
}

// LastBatches lists the producers that are known by batches below the offset.
func (t *ProducerTable) LastBatches(below protocol.Offset) map[protocol.ProducerID]LastBatch {
	batches := make(map[protocol.ProducerID]LastBatch)
	for id, p := range t.producers {
		last, ok := p.last()
		if !ok {
			last.LastOffset = protocol.None
		}
		if last.LastOffset < below {
			batches[id] = LastBatch{last.LastOffset, p.epoch}
		}
	}
	return batches
}

// Expire forgets the producers that were idle for longer than expiryMillis and
// have no open transaction; it returns how many.
func (t *ProducerTable) Expire(now protocol.Timestamp, expiryMillis int64) int {
	expired := 0
	for id, p := range t.producers {
		if p.txnFirst < 0 && int64(now-p.used) > expiryMillis {
			delete(t.producers, id)
			expired++
		}
	}
	return expired
}

// Clear forgets everything.
func (t *ProducerTable) Clear() { t.producers = nil }

// List shows the table as DescribeProducers does, by producer id.
func (t *ProducerTable) List() []ProducerEntry {
	list := make([]ProducerEntry, 0, len(t.producers))
	for id, p := range t.producers {
		list = append(list, ProducerEntry{
			ProducerID: id, Epoch: p.epoch, LastSequence: p.lastSequence(),
			LastTimestamp: p.lastTimestamp, CoordinatorEpoch: p.coordinatorEpoch, TxnStartOffset: p.txnFirst,
		})
	}
	slices.SortFunc(list, func(a, b ProducerEntry) int { return cmp.Compare(a.ProducerID, b.ProducerID) })
	return list
}
