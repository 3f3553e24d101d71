package logstore

import (
	"errors"
	"slices"

	"github.com/barnabas-mq/barnabas/protocol"
)

// Compaction keeps the newest record of each key. It reads a log twice: KeyScan
// learns the newest offset of every key in the part that is new since the last
// time, then Retention goes over everything from the log's first batch on and says
// what is left of each. Both are pure; the rules are those of Kafka's Cleaner,
// CleanedTransactionMetadata and MemoryRecords.filterTo (KIP-98, KIP-534):
//
//   - Offsets never change. A batch keeps its base offset, last offset delta, base
//     sequence, producer, leader epoch and codec; one that loses nothing keeps its bytes.
//   - Records without a key go, and those of aborted transactions.
//   - Tombstones stay until the delete horizon of their batch, which the first
//     compaction to see them sets; so do markers, once their transaction's data is gone.
//   - The last batch of a producer stays, without records if need be: it says which
//     sequence comes next. So does the last batch of the compacted part, which says
//     where the log goes on.
//
// Only batches below the last stable offset may be given to them.

// AbortedTransaction is a transaction of which nothing may be seen: its producer's
// transactional batches from First on, up to the marker at Last. LastStable was the
// last stable offset once it had ended: no transaction that began below it ends later,
// so that a search in the markers' order may stop there.
type AbortedTransaction struct {
	Producer   protocol.ProducerID
	First      protocol.Offset
	Last       protocol.Offset
	LastStable protocol.Offset
}

// KeyScan is the first pass. Give it the batches in order, from the one that holds
// From on.
type KeyScan struct {
	Map *OffsetMap
	// From is the first offset that is new.
	From   protocol.Offset
	Limits protocol.DecodeLimits
	txns   fates
	// end is the offset after the last record that is in the map or has no place there.
	end protocol.Offset
}

// NewKeyScan begins the first pass. aborted are all aborted transactions of the log,
// in any order.
func NewKeyScan(m *OffsetMap, from protocol.Offset, aborted []AbortedTransaction, limits protocol.DecodeLimits) *KeyScan {
	return &KeyScan{Map: m, From: from, Limits: limits, txns: newFates(aborted), end: from}
}

// End is where this compaction's knowledge of keys ends: records from there on are
// all kept, and are new the next time.
func (k *KeyScan) End() protocol.Offset { return k.end }

// Reached notes that there is no batch below offset that was not given.
func (k *KeyScan) Reached(offset protocol.Offset) { k.end = max(k.end, offset) }

// Add takes the keys of a batch. It reports false when the map is full: the pass is
// over then, and End lies within the batch.
func (k *KeyScan) Add(b protocol.Batch) (bool, error) {
	if b.IsControl() {
		k.txns.marker(b)
	} else if !k.txns.data(b) {
		room := true
		err := b.EachKey(k.Limits, func(r *protocol.KeyedRecord) error {
			if r.Offset < k.From {
				return nil
			}
			if r.Key != nil && !k.Map.Put(r.Key, r.Offset) {
				room = false
				return errStopScan
			}
			k.Reached(r.Offset + 1)
			return nil
		})
		if !room {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	k.Reached(b.LastOffset() + 1)
	return true, nil
}

var errStopScan = errors.New("the map of keys is full")

// Retention is the second pass.
type Retention struct {
	newest *OffsetMap
	// known is where the map's knowledge ends, bound where the compacted part does.
	known, bound protocol.Offset
	now          protocol.Timestamp
	horizon      protocol.Timestamp // for what is seen the first time
	producers    map[protocol.ProducerID]LastBatch
	limits       protocol.DecodeLimits
	txns         fates

	keep    []bool // of the records of one batch
	built   []byte
	aborted []AbortedTransaction
}

// RetentionInput says what the second pass needs beside the batches.
type RetentionInput struct {
	// Keys has been through the first pass.
	Keys *KeyScan
	// Bound is where the part that may be compacted ends.
	Bound protocol.Offset
	// Now is the wall clock, DeleteRetentionMillis the time that tombstones stay.
	Now                   protocol.Timestamp
	DeleteRetentionMillis int64
	// Producers are those that are still known (ProducerTable.LastBatches).
	Producers map[protocol.ProducerID]LastBatch
	// Aborted are all aborted transactions of the log, in any order.
	Aborted []AbortedTransaction
	Limits  protocol.DecodeLimits
}

// NewRetention begins the second pass.
func NewRetention(in RetentionInput) *Retention {
	horizon := in.Now + protocol.Timestamp(in.DeleteRetentionMillis)
	if horizon < in.Now {
		horizon = 1<<63 - 1 // delete.retention.ms may be as large as its type
	}
	return &Retention{
		newest: in.Keys.Map, known: in.Keys.End(), bound: in.Bound, now: in.Now, horizon: horizon,
		producers: in.Producers, limits: in.Limits, txns: newFates(in.Aborted),
	}
}

// TakeAborted gives the aborted transactions of which something is left, ended by
// the markers since the last call.
func (r *Retention) TakeAborted() []AbortedTransaction {
	taken := r.aborted
	r.aborted = nil
	return taken
}

// Apply says what is left of a batch: the batch itself, a new one that is good until
// the next call, or nil.
func (r *Retention) Apply(b protocol.Batch) (protocol.Batch, error) {
	discard, emptyTxn := r.judge(b)
	keepEmpty := r.isLastOfProducer(b) || b.LastOffset()+1 == r.bound
	if discard {
		if !keepEmpty {
			return nil, nil
		}
		return r.emptied(b), nil
	}
	kept, tombstones, err := r.judgeRecords(b)
	switch {
	case err != nil:
		return nil, err
	case kept == 0 && keepEmpty:
		return r.emptied(b), nil
	case kept == 0:
		return nil, nil
	}
	horizon, known := b.DeleteHorizon()
	first := !known && (tombstones || emptyTxn)
	if kept == len(r.keep) && !first {
		return b, nil
	}
	if first {
		horizon = r.horizon
	}
	r.built, err = protocol.AppendRetained(r.built[:0], b, func(i int) bool { return r.keep[i] }, horizon, r.limits)
	return r.built, err
}

// judge tells whether all records of the batch go, and whether it is the marker of a
// transaction without data.
func (r *Retention) judge(b protocol.Batch) (discard, emptyTxn bool) {
	if !b.IsControl() {
		return r.txns.data(b), false
	}
	ended := r.txns.marker(b)
	if ended.aborted != nil && !ended.empty {
		r.aborted = append(r.aborted, *ended.aborted)
	}
	horizon, known := b.DeleteHorizon()
	return ended.empty && known && horizon <= r.now, ended.empty
}

// isLastOfProducer: a producer that is still known is known by its last batch with
// records, and by its last marker when it has none in its newest epoch.
func (r *Retention) isLastOfProducer(b protocol.Batch) bool {
	if b.ProducerID() < 0 {
		return false
	}
	last, ok := r.producers[b.ProducerID()]
	if !ok {
		return false
	}
	if last.Offset >= 0 {
		return b.LastOffset() == last.Offset
	}
	return b.IsControl() && b.ProducerEpoch() == last.Epoch
}

// judgeRecords fills r.keep.
func (r *Retention) judgeRecords(b protocol.Batch) (kept int, tombstones bool, err error) {
	r.keep = r.keep[:0]
	horizon, known := b.DeleteHorizon()
	expired := known && r.now >= horizon
	err = b.EachKey(r.limits, func(record *protocol.KeyedRecord) error {
		keep := b.IsControl() || record.Offset >= r.known ||
			record.Key != nil && !(expired && record.NullValue) && record.Offset >= r.newest.Get(record.Key)
		r.keep = append(r.keep, keep)
		if keep {
			kept++
			tombstones = tombstones || record.NullValue
		}
		return nil
	})
	return kept, tombstones, err
}

func (r *Retention) emptied(b protocol.Batch) protocol.Batch {
	r.built = protocol.AppendEmptied(r.built[:0], b)
	return r.built
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

// fates follows what is open while batches go by.
type fates struct {
	aborted   []AbortedTransaction // by First; those not met yet
	ongoing   map[protocol.ProducerID]*abortedData
	committed map[protocol.ProducerID]bool // data was met that no marker has ended yet
}

type abortedData struct {
	txn AbortedTransaction
	met bool // some of its data is still there
}

func newFates(aborted []AbortedTransaction) fates {
	sorted := slices.Clone(aborted)
	slices.SortStableFunc(sorted, func(a, b AbortedTransaction) int { return int(min(max(a.First-b.First, -1), 1)) })
	return fates{
		aborted: sorted, ongoing: make(map[protocol.ProducerID]*abortedData), committed: make(map[protocol.ProducerID]bool),
	}
}

// begin takes in the transactions that have begun with the batch. Those that ended
// before it are passed over: the walk need not have met their marker.
func (t *fates) begin(b protocol.Batch) {
	for len(t.aborted) > 0 && t.aborted[0].First <= b.LastOffset() {
		txn := t.aborted[0]
		t.aborted = t.aborted[1:]
		if txn.Last < b.BaseOffset() {
			continue
		}
		if old := t.ongoing[txn.Producer]; old == nil || old.txn.Last < txn.First {
			t.ongoing[txn.Producer] = &abortedData{txn: txn}
		}
	}
}

// data reports whether a batch of records belongs to an aborted transaction.
func (t *fates) data(b protocol.Batch) (aborted bool) {
	t.begin(b)
	if !b.IsTransactional() {
		return false
	}
	if txn := t.ongoing[b.ProducerID()]; txn != nil {
		txn.met = true
		return true
	}
	t.committed[b.ProducerID()] = true
	return false
}

// transactionEnd is what a marker ends.
type transactionEnd struct {
	empty   bool                // no data of the transaction is left
	aborted *AbortedTransaction // what an abort marker ends, if it is known
}

// marker takes in a control batch. One that was emptied before ends nothing.
func (t *fates) marker(b protocol.Batch) (end transactionEnd) {
	t.begin(b)
	marker, ok := b.EndTxnMarker()
	switch {
	case !ok:
		end.empty = b.Count() == 0 // of an unknown kind: kept
	case marker.Commit:
		end.empty = !t.committed[b.ProducerID()]
		delete(t.committed, b.ProducerID())
	default:
		txn := t.ongoing[b.ProducerID()]
		delete(t.ongoing, b.ProducerID())
		end.empty = txn == nil || !txn.met
		if txn != nil {
			end.aborted = &txn.txn
		}
	}
	return end
}
