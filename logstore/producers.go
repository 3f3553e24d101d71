package logstore

import (
	"cmp"
	"errors"
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
	if b.LastSequence < 0 { // a coordinator's, which has none
		return b.LastSequence
	}
	return int32((int64(b.LastSequence) - int64(b.OffsetDelta)) & math.MaxInt32)
}

// ProducerTable is what a log knows of idempotent and transactional producers:
// it judges the sequence of a batch before the append and learns of the batch
// after it. It is pure; the log that owns it guards it with its lock. The rules
// are those of Kafka's ProducerAppendInfo and ProducerStateEntry (KIP-98, KIP-360,
// KIP-890).
//
// The zero value is an empty table.
type ProducerTable struct {
	producers    map[protocol.ProducerID]*producer
	transactions transactions
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
	// markedUpTo is the offset after the newest marker, 0 for none. No file keeps it:
	// a Pass does not outlive the process.
	markedUpTo protocol.Offset
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

// Judge tells what becomes of an append: to be written (nil error), already there
// (duplicate, with what is remembered of its first copy), or refused with
// ErrStaleEpoch, ErrOutOfOrder, ErrInvalidTxnState, ErrTransactionEnded,
// ErrCoordinatorFenced or ErrInvalidMarker. It changes nothing.
func (t *ProducerTable) Judge(in AppendInput) (first ProducerBatch, duplicate bool, err error) {
	b, id := in.Batch, in.Batch.ProducerID()
	if id < 0 {
		return first, false, nil
	}
	p := t.producers[id]
	if b.IsControl() {
		return first, false, p.judgeMarker(in)
	}
	if p == nil {
		if !p.lets(in) {
			return first, false, ErrTransactionEnded
		}
		// Unknown or expired: any sequence is accepted, so that retention and
		// expiry cannot kill a producer that merely paused.
		if beginsLate(in) {
			return first, false, ErrOutOfOrder
		}
		return first, false, nil
	}
	epoch := b.ProducerEpoch()
	if in.Origin == FromClient && epoch == p.epoch {
		if first, ok := p.find(b.BaseSequence(), b.LastSequence()); ok {
			return first, true, nil
		}
	}
	switch {
	case !p.lets(in):
		return first, false, ErrTransactionEnded
	case epoch < p.epoch:
		return first, false, ErrStaleEpoch
	case p.known == 0 && p.txnFirst < 0 && beginsLate(in),
		in.Origin == FromClient && !p.inSequence(epoch, b.BaseSequence()):
		return first, false, ErrOutOfOrder
	case p.txnFirst >= 0 && !b.IsTransactional():
		return first, false, ErrInvalidTxnState
	}
	return first, false, nil
}

// IsVerdict tells whether an append was refused because of what the log knows of the
// batch's producer. Nothing was written then.
func IsVerdict(err error) bool {
	for _, verdict := range verdicts {
		if errors.Is(err, verdict) {
			return true
		}
	}
	return false
}

var verdicts = []error{ErrStaleEpoch, ErrOutOfOrder, ErrInvalidTxnState, ErrTransactionEnded, ErrCoordinatorFenced}

// beginsLate tells whether a client's first batch of a transaction has not the first
// sequence number, though under transaction version 2 each one begins an epoch: what
// came before it was lost (ProducerAppendInfo.checkSequence).
func beginsLate(in AppendInput) bool {
	return in.Origin == FromClient && in.TransactionVersion >= transactionV2 && in.Batch.IsTransactional() && in.Batch.BaseSequence() > 0
}

// TransactionOpen is Log.TransactionOpen.
func (t *ProducerTable) TransactionOpen(id protocol.ProducerID, epoch int16) (open bool, pass Pass) {
	p := t.producers[id]
	return p != nil && p.txnFirst >= 0 && p.epoch == epoch, p.pass()
}

// pass is never 0; p is nil for an unknown producer, of which no marker is known.
func (p *producer) pass() Pass {
	if p == nil {
		return 1
	}
	return 1 + Pass(p.markedUpTo)
}

// lets tells whether no marker has come since the batch got its pass.
func (p *producer) lets(in AppendInput) bool {
	return in.Pass == 0 || in.Pass == p.pass() || !in.Batch.IsTransactional()
}

// inSequence: an epoch begins at 0 and goes on without gaps.
func (p *producer) inSequence(epoch int16, sequence int32) bool {
	if epoch != p.epoch {
		return p.epoch == protocol.None || sequence == 0
	}
	return p.epoch == protocol.None || follows(p.lastSequence(), sequence)
}

// transactionV2 is the transaction version of KIP-890's second part, in which each
// transaction has an epoch of its own and ends with a marker of the next one.
const transactionV2 = 2

// judgeMarker has the rules of ProducerAppendInfo.appendEndTxnMarker; p is nil for
// an unknown producer. An old marker must not end a transaction that began since:
// under transaction version 2 the same epoch is old, unless nothing is open (the
// coordinator sends again what it had no answer to) or epochs are used up.
func (p *producer) judgeMarker(in AppendInput) error {
	marker, ok := in.Batch.EndTxnMarker()
	if !ok {
		return ErrInvalidMarker
	}
	if p == nil {
		return nil
	}
	epoch := in.Batch.ProducerEpoch()
	stale := epoch < p.epoch
	if in.TransactionVersion >= transactionV2 && epoch == p.epoch {
		stale = p.txnFirst >= 0 && epoch != math.MaxInt16
	}
	switch {
	case stale:
		return ErrStaleEpoch
	case marker.CoordinatorEpoch < p.coordinatorEpoch:
		return ErrCoordinatorFenced
	}
	return nil
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
// broker's wall clock. The live path and recovery both use it. A marker that ends a
// transaction gives it; one without a transaction, or that cannot be read, none.
func (t *ProducerTable) Apply(b protocol.Batch, now protocol.Timestamp) (ended Completed, ok bool) {
	id := b.ProducerID()
	if id < 0 {
		return ended, false
	}
	var marker protocol.EndTxnMarker
	if b.IsControl() {
		// A control batch without a record is what compaction left of a transaction
		// of which nothing else is there (ProducerAppendInfo.append).
		if marker, ok = b.EndTxnMarker(); !ok {
			return ended, false
		}
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
	p.used, p.lastTimestamp = now, b.MaxTimestamp()
	if b.IsControl() {
		return t.applyMarker(id, p, b.BaseOffset(), marker)
	}
	p.remember(ProducerBatch{
		LastOffset: b.LastOffset(), Timestamp: b.MaxTimestamp(),
		LastSequence: b.LastSequence(), OffsetDelta: b.LastOffsetDelta(),
	})
	if b.IsTransactional() && p.txnFirst < 0 {
		p.txnFirst = b.BaseOffset()
		t.transactions.begin(openTxn{p.txnFirst, id})
	}
	return ended, false
}

func (t *ProducerTable) applyMarker(id protocol.ProducerID, p *producer, at protocol.Offset, marker protocol.EndTxnMarker) (ended Completed, ok bool) {
	p.coordinatorEpoch, p.markedUpTo = marker.CoordinatorEpoch, at+1
	if p.txnFirst < 0 {
		return ended, false
	}
	ended = Completed{ProducerID: id, First: p.txnFirst, Last: at, Aborted: !marker.Commit}
	ended.LastStable = t.transactions.end(openTxn{p.txnFirst, id}, at)
	p.txnFirst = protocol.None
	return ended, true
}

func (p *producer) remember(b ProducerBatch) {
	if p.known == producerWindow {
		copy(p.batches[:], p.batches[1:])
		p.known--
	}
	p.batches[p.known] = b
	p.known++
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
func (t *ProducerTable) Clear() { *t = ProducerTable{} }

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
