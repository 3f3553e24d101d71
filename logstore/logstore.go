package logstore

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/barnabas-mq/barnabas/protocol"
)

// ID names one partition's log for ever: a topic that is deleted and made anew
// has another TopicID.
type ID struct {
	Topic     string
	TopicID   protocol.UUID
	Partition int32
}

// String is the folder name that Kafka uses: topic-partition.
func (id ID) String() string { return fmt.Sprintf("%s-%d", id.Topic, id.Partition) }

// Config is what a log needs to know of its topic's settings. Sizes are bytes,
// times milliseconds; -1 means without limit.
type Config struct {
	SegmentBytes          int64
	SegmentMillis         int64
	SegmentJitterMillis   int64
	IndexIntervalBytes    int64
	IndexBytesMax         int64
	RetentionBytes        int64
	RetentionMillis       int64
	FileDeleteDelayMillis int64
	FlushMessages         int64
	FlushMillis           int64
	Preallocate           bool
	// OwnSync keeps the log out of what a store shares between its logs to sync them
	// together: the metadata log must be readable before anything else is. Whoever
	// appends to it waits for each commit before the next append.
	OwnSync bool
	Compact bool // cleanup.policy contains compact
	Delete  bool // cleanup.policy contains delete

	// What compaction obeys.
	DeleteRetentionMillis  int64
	CompactionLagMinMillis int64
	CompactionLagMaxMillis int64
	CleanableDirtyRatioMin float64
}

// Origin tells who appends, because the rules differ.
type Origin uint8

const (
	// FromClient is a Produce request: producer sequences are judged.
	FromClient Origin = iota
	// FromCoordinator is a coordinator's own record or marker.
	FromCoordinator
)

// AppendInput is one append: a single batch of magic 2 that has passed
// protocol.CheckBatch. The engine patches base offset and leader epoch in place.
type AppendInput struct {
	// CommitLater says that the caller calls Store.Commit once its appends are made:
	// until then the engine need not begin to commit them.
	CommitLater bool
	Batch       protocol.Batch
	Epoch       protocol.Epoch
	Origin      Origin
	// TransactionVersion is that of the transaction which the batch belongs to or
	// ends (KIP-890). From 2 on each transaction has a producer epoch of its own.
	TransactionVersion int16
	// Pass, if not 0, is what Log.TransactionOpen gave for the producer: records of a
	// transaction are refused with ErrTransactionEnded if a marker came since.
	Pass Pass
}

// Pass is how far a log had seen the ends of a producer's transactions when it was
// asked. Kafka has VerificationGuard for it, which takes an entry in the log for
// every question; a Pass takes none.
type Pass int64

// NoPass lets nothing in.
const NoPass Pass = -1

// State tells how far an append has come.
type State uint8

const (
	// Queued: nothing is known yet.
	Queued State = iota
	// Ordered: offset and verdict are final unless the engine fails.
	Ordered
	// Committed: the promise of the store's durability mode holds, or Err is set.
	Committed
)

// Pending is an append under way. The caller owns it, sets the callbacks before
// Append and may reuse it after the commit. Result fields are valid from the
// Ordered state on.
type Pending struct {
	// OnCommitted is called once, from any goroutine, unless Append itself
	// returned Committed. The call may come before Append has returned Ordered. It
	// must not block: it marks and signals. Commits of one log are told in its order.
	OnCommitted func(*Pending)
	// Tag is the caller's own.
	Tag any

	BaseOffset    protocol.Offset // of the batch, or of the first copy of a duplicate
	LastOffset    protocol.Offset
	LogAppendTime protocol.Timestamp // -1 with CreateTime
	LogStart      protocol.Offset
	Duplicate     bool
	Err           error
}

// Offsets are the four marks of a log: Start <= Stable <= High <= End.
type Offsets struct {
	Start  protocol.Offset // first readable record
	Stable protocol.Offset // first record of the earliest open transaction, or High
	High   protocol.Offset // end of what consumers may see
	End    protocol.Offset // next offset
}

// ReadInput asks for whole batches from the one that contains From.
type ReadInput struct {
	From protocol.Offset
	// Below is exclusive: no batch that ends at or above it is returned.
	Below protocol.Offset
	// MaxBytes limits the answer; with AtLeastOne the first batch ignores it.
	MaxBytes   int
	AtLeastOne bool
}

// Chunk is a range of a log that can write itself. It is a value: reading
// allocates nothing. The zero Chunk is empty. Release it exactly once.
type Chunk struct {
	Source   Source
	Position int64
	Bytes    int
	// End is above every record of the range, and at most the offset of the next
	// one: with it AbortedIn tells what a reader of the range must know.
	End protocol.Offset
	// Gapless says that each batch begins where the one before ended: the log was
	// never compacted.
	Gapless bool
}

// Source is where a chunk's bytes lie; it stays readable until Release.
type Source interface {
	ReadAt(p []byte, position int64) (int, error)
	// SysConn is for sendfile; nil when the bytes are not in a file.
	SysConn() syscall.RawConn
	// Replaced tells that the log does not have these bytes any more: they were
	// deleted or cleaned since. What AbortedIn says may be of what is there instead.
	Replaced() bool
	Release()
}

// Release gives the chunk's source back.
func (c Chunk) Release() {
	if c.Source != nil {
		c.Source.Release()
	}
}

// TimestampOffset is an answer of OffsetForTime; Offset is -1 when there is none.
type TimestampOffset struct {
	Timestamp protocol.Timestamp
	Offset    protocol.Offset
	Epoch     protocol.Epoch
}

// SegmentInfo is one file of a log.
type SegmentInfo struct {
	Base     protocol.Offset
	Bytes    int64
	Modified protocol.Timestamp // of the file
}

// Aborted is an aborted transaction, as Fetch tells of it: from First on, up to the
// producer's next abort marker, its records do not count.
type Aborted struct {
	ProducerID protocol.ProducerID
	First      protocol.Offset
}

// Watcher hears of commits that happen after Append has returned.
type Watcher interface {
	// Advanced is called each time High has moved without an Append call that
	// returned Committed, with the size of the batches that became visible. It is
	// called outside the log's locks and must not block. bytes is 0 when High
	// moved back, when Stable moved although High did not (the records that held it
	// back were deleted), or when the log ended (deleted, closed, offline).
	Advanced(bytes int)
}

// Known is what can be said of a log that must not be opened only for the saying.
type Known struct {
	// Used: the log is open, and Offsets and Bytes are true. Otherwise High alone says
	// something: so far the log was durable when it was last used; -1 where nothing is known.
	Used bool
	Offsets
	Bytes int64
	// Failure is why the log cannot be used; nil also where nobody has tried.
	Failure error
}

// Log is one partition's log. Methods are safe for concurrent use.
type Log interface {
	// Ready recovers the log at its first use and tells whether it can be used;
	// the methods without an error result answer zero values when it cannot.
	Ready() error
	// Known tells what is known of the log without a look at the disk.
	Known() Known
	// Watch sets the one watcher; it is called before the first Append.
	Watch(Watcher)
	// Append orders the batch after all earlier ones and tells how far it came
	// when it returns. With Committed, p is final and OnCommitted is not called.
	// The engine patches in.Batch but does not keep it.
	Append(in AppendInput, p *Pending) State
	// Read finds the range to answer with; it does not copy. An offset outside
	// [Start, End] is ErrOffsetOutOfRange; at or above Below the Chunk is empty.
	Read(in ReadInput) (Chunk, error)
	// Damaged tells the log that the bytes of a chunk turned out to be damaged: unless
	// they were only just going away, it goes offline. The answer is the error for
	// whoever wanted them. The chunk is not released.
	Damaged(chunk Chunk, in ReadInput, cause error) error
	Offsets() Offsets
	// OffsetForTime finds the first record at or after t, up to End; whether the
	// caller may show it (below High or Stable) is the caller's to decide.
	OffsetForTime(t protocol.Timestamp) (TimestampOffset, error)
	// OffsetOfMaxTimestamp finds the first record with the largest timestamp.
	OffsetOfMaxTimestamp() (TimestampOffset, error)
	// LastEpoch is the epoch of the newest batch, -1 when the log never had one.
	LastEpoch() protocol.Epoch
	// EpochOf is the epoch under which the record at offset was appended, or -1.
	EpochOf(offset protocol.Offset) protocol.Epoch
	// EndOfEpoch gives the largest epoch <= epoch and the offset where it ends
	// (KIP-101). An epoch before the first one ends where the log begins; -1, -1
	// for an epoch after the last one.
	EndOfEpoch(epoch protocol.Epoch) (protocol.Epoch, protocol.Offset)
	// DeleteBefore raises the log start; it returns the new one.
	DeleteBefore(offset protocol.Offset) (protocol.Offset, error)
	// TruncateTo drops every record at or above offset. A follower of another broker
	// needs it; there is none yet.
	TruncateTo(offset protocol.Offset) error
	// AbortedIn lists the aborted transactions that overlap [from, below), in their
	// markers' order; below is at most Stable. A from below Start is
	// ErrOffsetOutOfRange. Who asks for a Chunk's range looks at its source
	// afterwards: were the bytes replaced meanwhile, the list is not theirs.
	AbortedIn(from, below protocol.Offset) ([]Aborted, error)
	// TransactionOpen tells whether a transaction of the producer in this epoch is
	// open. If none is, whoever is about to append the first records of one asks the
	// transaction coordinator whether it holds this partition (KIP-890). A marker may
	// come while it thinks, or in any case before the append: pass is for AppendInput
	// and finds that out. A log that cannot be used gives NoPass.
	TransactionOpen(id protocol.ProducerID, epoch int16) (open bool, pass Pass)
	// ActiveProducers lists the producer state (DescribeProducers).
	ActiveProducers() []ProducerEntry
	// SizeBytes is the sum of the segments' sizes.
	SizeBytes() int64
	// Segments lists the files of the log, oldest first.
	Segments() ([]SegmentInfo, error)
	Reconfigure(Config)
	// Flush makes everything appended so far durable.
	Flush() error
	Close() error
}

// Store keeps the logs of one data directory.
type Store interface {
	// Open returns the log of id, which stays the same object until Delete or
	// Close. It does not touch the disk: files appear at the first append, and
	// recovery happens at the first use.
	Open(id ID, cfg Config) (Log, error)
	// Create is Open for a partition that has just come to be: whatever the disk has
	// under its name is another's, even if it does not say whose.
	Create(id ID, cfg Config) (Log, error)
	// Delete removes logs, such as those of a topic, with one sync for all. Reads under
	// way finish; later calls answer ErrDeleted. They are gone after an error as well:
	// the next start finds what is left of their files.
	Delete(ids ...ID) error
	// Commit begins the commit of what was appended with CommitLater. With lead the
	// caller's goroutine may do it, as long as a sync takes, if nobody else is at it.
	Commit(lead bool)
	// Sweep applies retention to every open log and forgets producers that were
	// idle for too long, at the store's clock.
	Sweep()
	// Checkpoint persists how far each log is durable and where it starts, and
	// begins the flushes that flush.ms asks for.
	Checkpoint() error
	// Close flushes, writes checkpoints and closes every log.
	Close(ctx context.Context) error
}

// Errors of a log, to be told apart with errors.Is. The edge maps them to codes.
var (
	ErrOffsetOutOfRange = errors.New("offset is outside the log")
	ErrDeleted          = errors.New("the partition was deleted")
	ErrClosed           = errors.New("the log is closed")
	ErrOffline          = errors.New("the partition is offline after a storage error")
	// ErrStorage wraps a failure of the disk under one operation: the log stays
	// in use, nothing of the operation happened (disk full, no file handles left).
	ErrStorage          = errors.New("storage error")
	ErrBatchTooLarge    = errors.New("the batch is larger than segment.bytes")
	ErrOutOfOrder       = errors.New("the producer's sequence number is out of order")
	ErrStaleEpoch       = errors.New("the producer's epoch is older than the newest")
	ErrInvalidTxnState  = errors.New("the producer has an open transaction in this partition")
	ErrTransactionEnded = errors.New("the producer's transaction ended while its records were on their way")
	// ErrCoordinatorFenced refuses a marker of a coordinator that has a successor.
	ErrCoordinatorFenced = errors.New("the transaction marker is of an older coordinator epoch")
	ErrInvalidMarker     = errors.New("a control batch of a producer holds no transaction marker")
)

// CorruptError says what is damaged and where.
type CorruptError struct {
	File     string
	Position int64
	Offset   protocol.Offset
	Reason   string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s is damaged at byte %d (offset %d): %s", e.File, e.Position, e.Offset, e.Reason)
}

// ProducerEntry is what a log knows of one producer, as DescribeProducers shows it.
type ProducerEntry struct {
	ProducerID       protocol.ProducerID
	Epoch            int16
	LastSequence     int32
	LastTimestamp    protocol.Timestamp
	CoordinatorEpoch int32
	TxnStartOffset   protocol.Offset
}
