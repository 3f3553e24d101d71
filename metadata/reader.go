package metadata

import (
	"errors"
	"slices"

	"github.com/barnabas-mq/barnabas/protocol"
)

// reader applies the batches of a log or of a snapshot to a draft.
type reader struct {
	file  string // named in errors
	draft *draft
	next  protocol.Offset // expected of the next batch
	from  protocol.Offset // records before it are contained already

	// In a transaction records wait in open until its end.
	inTransaction bool
	open          []openRecord

	leader         *leaderChange // the newest, or nil
	header, footer bool          // seen; snapshots only
	snapshot       bool
}

type openRecord struct {
	record Record
	value  []byte
	offset protocol.Offset
}

func (r *reader) corrupt(offset protocol.Offset, reason string, err error) error {
	var unknown *UnknownRecordError
	if errors.As(err, &unknown) {
		return &UnsupportedError{File: r.file, Offset: offset, Reason: unknown.Error() + "; a newer version wrote it"}
	}
	return &CorruptError{File: r.file, Offset: offset, Reason: reason, Err: err}
}

// batch applies one batch. Its CRC has been checked.
func (r *reader) batch(b protocol.Batch) error {
	base := b.BaseOffset()
	// Only the first batch may begin before what is asked for.
	if base > r.next || base < r.next && r.next != r.from {
		return &CorruptError{File: r.file, Offset: base, Reason: "records are missing before this batch"}
	}
	if !r.snapshot && b.LeaderEpoch() < r.draft.img.epoch {
		return &CorruptError{File: r.file, Offset: base, Reason: "the quorum epoch goes back"}
	}
	err := b.EachRecord(protocol.DecodeLimits{}, func(rec *protocol.Record) error {
		if rec.Offset < r.from {
			return nil
		}
		if b.IsControl() {
			return r.control(rec)
		}
		return r.record(rec)
	})
	if err != nil {
		if judged(err) {
			return err
		}
		return r.corrupt(base, "the batch cannot be read", err)
	}
	r.next = b.LastOffset() + 1
	if !r.snapshot {
		r.draft.advance(r.next, b.LeaderEpoch(), b.MaxTimestamp())
	}
	return nil
}

func (r *reader) record(rec *protocol.Record) error {
	record, err := DecodeRecord(rec.Value)
	if err != nil {
		return r.corrupt(rec.Offset, "a record cannot be read", err)
	}
	switch record.(type) {
	case *BeginTransactionRecord:
		if r.inTransaction {
			return &CorruptError{File: r.file, Offset: rec.Offset, Reason: "a transaction begins inside another"}
		}
		r.inTransaction = true
		return nil
	case *EndTransactionRecord, *AbortTransactionRecord:
		return r.endTransaction(record, rec.Offset)
	}
	if r.inTransaction {
		r.open = append(r.open, openRecord{record, slices.Clone(rec.Value), rec.Offset})
		return nil
	}
	return r.apply(record, rec.Value, rec.Offset)
}

func (r *reader) endTransaction(end Record, offset protocol.Offset) error {
	if !r.inTransaction {
		return &CorruptError{File: r.file, Offset: offset, Reason: "a transaction ends that did not begin"}
	}
	open := r.open
	r.open, r.inTransaction = nil, false
	if end.Type() == TypeAbortTransaction {
		return nil
	}
	for _, o := range open {
		if err := r.apply(o.record, o.value, o.offset); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) apply(record Record, value []byte, offset protocol.Offset) error {
	if err := r.draft.apply(record, value); err != nil {
		return &CorruptError{File: r.file, Offset: offset, Reason: "a record does not fit what came before it", Err: err}
	}
	return nil
}

func (r *reader) control(rec *protocol.Record) error {
	kind, err := controlType(rec.Key)
	if err != nil {
		return r.corrupt(rec.Offset, "a control record cannot be read", err)
	}
	switch kind {
	case controlLeaderChange:
		r.leader = new(leaderChange)
		err = decodeControl(rec.Value, r.leader.walk)
	case controlKRaftVersion:
		var v kraftVersion
		err = decodeControl(rec.Value, v.walk)
		r.draft.img.kraftVersion = v.level
	case controlKRaftVoters:
		err = decodeControl(rec.Value, new(voters).walk)
		r.draft.img.voters = slices.Clone(rec.Value)
	case controlSnapshotHeader:
		var h snapshotHeader
		err = decodeControl(rec.Value, h.walk)
		r.draft.img.timestamp, r.header = h.lastContainedTime, true
	case controlSnapshotFooter:
		r.footer = true
	default:
		return &UnsupportedError{File: r.file, Offset: rec.Offset, Reason: "a control record of an unknown type; a newer version wrote it"}
	}
	if err != nil {
		return r.corrupt(rec.Offset, "a control record cannot be read", err)
	}
	return nil
}
