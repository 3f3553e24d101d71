package partition

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Errors of CheckEpoch; the edge maps them to 74 and 75.
var (
	ErrFencedEpoch  = errors.New("the leader epoch is older than the partition's")
	ErrUnknownEpoch = errors.New("the leader epoch is newer than the partition's")
)

// Isolation says how far a reader may see.
type Isolation uint8

const (
	// ReadUncommitted sees up to the high watermark.
	ReadUncommitted Isolation = iota
	// ReadCommitted sees up to the last stable offset.
	ReadCommitted
)

// Partition leads one log. Methods are safe for concurrent use.
type Partition struct {
	id  logstore.ID
	log logstore.Log
	set *Set

	epoch atomic.Int32
	// raiseDue counts the reasons to raise the epoch before the next append. It is
	// a count so that a truncation during a raise is not forgotten at its end.
	raiseDue atomic.Int32
	// raising lets one append raise while the others wait for its outcome. It is
	// taken before any lock of the log, never after.
	raising sync.Mutex

	// waiting is the length of the list below. It is read without the lock, so
	// that a commit to a partition that nobody waits for costs one load.
	waiting atomic.Int32
	mu      struct {
		sync.Mutex
		first *registration
		ended bool // deleted: nobody may register any more
	}

	// created: in this run; nobody has written to it before its log was opened.
	created bool

	// What clients have written and read since the start.
	messagesIn, bytesIn, bytesOut atomic.Int64
}

// Traffic is what clients have written and read since the start of the process.
type Traffic struct{ MessagesIn, BytesIn, BytesOut int64 }

// Traffic counts what the partition has taken and given. A batch that was appended
// counts as it was when it came; one that the log knew already does not.
func (p *Partition) Traffic() Traffic {
	return Traffic{MessagesIn: p.messagesIn.Load(), BytesIn: p.bytesIn.Load(), BytesOut: p.bytesOut.Load()}
}

// CountRead counts bytes of records that are sent to a client.
func (p *Partition) CountRead(bytes int) { p.bytesOut.Add(int64(bytes)) }

func (t *Traffic) add(o Traffic) {
	t.MessagesIn += o.MessagesIn
	t.BytesIn += o.BytesIn
	t.BytesOut += o.BytesOut
}

func newPartition(s *Set, id logstore.ID, log logstore.Log, epoch protocol.Epoch, raise bool) *Partition {
	p := &Partition{id: id, log: log, set: s, created: !raise}
	p.epoch.Store(int32(epoch))
	if raise {
		p.raiseDue.Store(1)
	}
	return p
}

// ID names the partition.
func (p *Partition) ID() logstore.ID { return p.id }

// Log is the partition's log, for everything that needs neither epoch nor
// waking. Append through the Partition, never here.
func (p *Partition) Log() logstore.Log { return p.log }

// Ready recovers the log at its first use; the error says why it cannot serve.
func (p *Partition) Ready() error { return p.log.Ready() }

// Known is what is known of the log; it is never opened for that.
func (p *Partition) Known() logstore.Known {
	known := p.log.Known()
	if p.created && !known.Used && known.Failure == nil {
		return logstore.Known{Used: true} // empty, as long as nobody has used it
	}
	return known
}

// Offsets are the log's marks; call Ready before.
func (p *Partition) Offsets() logstore.Offsets { return p.log.Offsets() }

// Bound is the end of what a reader may see.
func (p *Partition) Bound(isolation Isolation) protocol.Offset {
	marks := p.log.Offsets()
	if isolation == ReadCommitted {
		return marks.Stable
	}
	return marks.High
}

// LeaderEpoch is the current one, as metadata knows it.
func (p *Partition) LeaderEpoch() protocol.Epoch { return protocol.Epoch(p.epoch.Load()) }

// CheckEpoch judges the leader epoch that a client believes in; -1 is no belief.
func (p *Partition) CheckEpoch(current protocol.Epoch) error {
	ours := p.LeaderEpoch()
	switch {
	case current == protocol.None || current == ours:
		return nil
	case current < ours:
		return ErrFencedEpoch
	default:
		return ErrUnknownEpoch
	}
}

// Append appends a batch under the partition's leader epoch (in.Epoch is
// ignored) and wakes the readers once it is committed.
//
// The caller owns pending and in.Batch. When Append returns Committed, pending
// holds the result (Err included), OnCommitted is not called, and both may be
// reused at once, so that a Produce in cached mode needs one Pending per
// connection and allocates nothing. When it returns Ordered, offset and verdict
// are known, the batch's bytes may be reused, and pending belongs to the log
// until OnCommitted. An acks=all answer waits for Committed, acks=1 for Ordered.
func (p *Partition) Append(in logstore.AppendInput, pending *logstore.Pending) logstore.State {
	if p.raiseDue.Load() > 0 {
		if err := p.raiseEpoch(); err != nil {
			pending.BaseOffset, pending.LastOffset = protocol.None, protocol.None
			pending.LogAppendTime, pending.LogStart = protocol.None, protocol.None
			pending.Duplicate, pending.Err = false, err
			return logstore.Committed
		}
	}
	in.Epoch = p.LeaderEpoch()
	bytes, records := len(in.Batch), in.Batch.Count()
	state := p.log.Append(in, pending)
	if in.Origin == logstore.FromClient && (state != logstore.Committed || pending.Err == nil && !pending.Duplicate) {
		p.messagesIn.Add(int64(records))
		p.bytesIn.Add(int64(bytes))
	}
	if state == logstore.Committed && pending.Err == nil && !pending.Duplicate {
		p.wake(bytes)
	}
	return state
}

// raiseEpoch asks metadata for the next epoch, once for all who wait for it.
func (p *Partition) raiseEpoch() error {
	p.raising.Lock()
	defer p.raising.Unlock()
	// Recovery may cut the log, which is one more reason; it comes first so that
	// one raise covers both.
	if err := p.log.Ready(); err != nil {
		return err
	}
	reasons := p.raiseDue.Load()
	if reasons == 0 {
		return nil
	}
	raised, err := p.set.epochs.RaiseEpoch(p.id)
	if err != nil {
		return fmt.Errorf("raise the leader epoch of %s: %w", p.id, err)
	}
	p.epoch.Store(int32(raised))
	p.raiseDue.Add(-reasons)
	return nil
}

// TruncateTo drops the records at and above offset; the next append raises the
// leader epoch.
func (p *Partition) TruncateTo(offset protocol.Offset) error {
	p.raiseDue.Add(1)
	return p.log.TruncateTo(offset)
}

// Read finds the range of whole batches to answer with; see logstore.Log.
func (p *Partition) Read(in logstore.ReadInput) (logstore.Chunk, error) { return p.log.Read(in) }

// Advanced implements logstore.Watcher: commits that came after their Append.
func (p *Partition) Advanced(bytes int) {
	if bytes == 0 {
		p.wakeAll()
		return
	}
	p.wake(bytes)
}
