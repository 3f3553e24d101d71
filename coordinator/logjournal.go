package coordinator

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Partition is where LogJournal keeps one shard. *partition.Partition is one.
type Partition interface {
	// Append appends under the partition's leader epoch; see logstore.Log.
	Append(in logstore.AppendInput, p *logstore.Pending) logstore.State
	Log() logstore.Log
}

// LogJournal keeps every shard in the log of one partition of an internal topic,
// in Kafka's record batches, so that Kafka's tools read it.
type LogJournal struct {
	find func(shard int32) Partition
}

// NewLogJournal makes a journal over the partitions that find gives: that of a
// shard, or a nil interface while there is none. find is called for every call
// to a coordinator and must be cheap.
func NewLogJournal(find func(shard int32) Partition) *LogJournal {
	return &LogJournal{find: find}
}

// Check implements Journal.
func (j *LogJournal) Check(shard int32) error {
	if j.find(shard) == nil {
		return ErrUnavailable
	}
	return nil
}

// Append implements Journal.
func (j *LogJournal) Append(shard int32, b Batch, committed func(error)) (protocol.Offset, error) {
	p := j.find(shard)
	if p == nil {
		return 0, ErrUnavailable
	}
	under := &logAppend{committed: committed}
	under.settled.Add(1)
	under.pending.OnCommitted = under.settle
	in := logstore.AppendInput{Batch: EncodeBatch(b), Origin: logstore.FromCoordinator, Pass: b.Pass}
	if b.Marker != nil {
		in.TransactionVersion = b.Marker.TransactionVersion
	}
	switch p.Append(in, &under.pending) {
	case logstore.Committed:
		if err := under.pending.Err; err != nil {
			return 0, appendFailure(shard, err)
		}
		committed(nil)
	case logstore.Queued:
		// An engine that orders later tells both at once.
		under.settled.Wait()
		if err := under.pending.Err; logstore.IsVerdict(err) {
			return 0, appendFailure(shard, err)
		}
	}
	return under.pending.BaseOffset, nil
}

// logAppend is an append under way.
type logAppend struct {
	pending   logstore.Pending
	committed func(error)
	settled   sync.WaitGroup // one until the log calls settle
}

// settle is the log's callback.
func (a *logAppend) settle(p *logstore.Pending) {
	a.settled.Done()
	if !logstore.IsVerdict(p.Err) {
		a.committed(p.Err)
	}
}

func appendFailure(shard int32, err error) error {
	if logstore.IsVerdict(err) {
		return &RefusedError{err}
	}
	return fmt.Errorf("append to shard %d: %w", shard, err)
}

// EncodeBatch makes one record batch of b, as yet without offset and epoch.
func EncodeBatch(b Batch) protocol.Batch {
	if m := b.Marker; m != nil {
		marker := protocol.EndTxnMarker{Commit: m.Commit, CoordinatorEpoch: m.CoordinatorEpoch}
		return protocol.NewEndTxnMarkerBatch(m.Producer.ID, m.Producer.Epoch, b.Timestamp, marker)
	}
	options := protocol.DefaultBatchOptions()
	if b.Producer != nil {
		options.ProducerID, options.ProducerEpoch = b.Producer.ID, b.Producer.Epoch
		options.Transactional = true
	}
	bytes := 0
	for _, r := range b.Records {
		bytes += len(r.Key) + len(r.Value) + protocol.RecordOverheadMax
	}
	builder := protocol.NewBatchBuilderOf(options, bytes)
	for _, r := range b.Records {
		builder.Add(b.Timestamp, r.Key, r.Value)
	}
	return builder.Build(0, 0)
}

// Load implements Journal.
func (j *LogJournal) Load(shard int32, fn func(Entry) error) error {
	p := j.find(shard)
	if p == nil {
		return ErrUnavailable
	}
	log := p.Log()
	if err := log.Ready(); err != nil {
		return fmt.Errorf("load shard %d: %w", shard, err)
	}
	marks := log.Offsets()
	if marks.High < marks.End {
		// What an earlier life appended without hearing back is about to be served.
		if err := log.Flush(); err != nil {
			return fmt.Errorf("load shard %d: %w", shard, err)
		}
	}
	err := logstore.EachBatch(log, marks.Start, marks.End, func(batch protocol.Batch) error {
		return DecodeBatch(batch, func(e Entry) error {
			if e.Offset < marks.Start { // a log may start within its first batch
				return nil
			}
			return fn(e)
		})
	})
	if err != nil {
		return fmt.Errorf("load shard %d: %w", shard, err)
	}
	return nil
}

// DecodeBatch calls fn for every entry of a batch.
func DecodeBatch(batch protocol.Batch, fn func(Entry) error) error {
	producer := NoProducer
	if batch.IsTransactional() {
		producer = Producer{ID: batch.ProducerID(), Epoch: batch.ProducerEpoch()}
	}
	return batch.EachRecord(protocol.DecodeLimits{}, func(r *protocol.Record) error {
		entry := Entry{Offset: r.Offset, Producer: producer}
		if batch.IsControl() {
			entry.Marker = markerOf(r.Key)
			if entry.Marker == NoMarker {
				return nil // a kind of control record that does not concern us
			}
			return fn(entry)
		}
		entry.Record = Record{Key: r.Key, Value: r.Value}
		return fn(entry)
	})
}

// markerOf reads the key of a control record: version, then kind (KIP-98).
func markerOf(key []byte) MarkerKind {
	const keyBytes, abort, commit = 4, 0, 1
	if len(key) < keyBytes {
		return NoMarker
	}
	switch binary.BigEndian.Uint16(key[2:]) {
	case abort:
		return AbortMarker
	case commit:
		return CommitMarker
	default:
		return NoMarker
	}
}
