package disk

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// phase is where a log is in its life. It only moves forward.
type phase int32

const (
	phaseNew    phase = iota // nothing of the disk has been looked at
	phaseReady               // recovered, in use
	phaseFailed              // offline; Log.failure says why
	phaseEnded               // closed or deleted; Log.failure says which
)

// log is one partition's log.
//
// Lock order: reshaping, then flushing, then mu, then the committer's, then the
// checkpoints', then the store's; an index's, the room's and the handle pool's come last.
// No callback to other rooms is made under mu, except Options.Truncated.
type log struct {
	store *Store
	id    logstore.ID
	dir   string
	cfg   atomic.Pointer[logstore.Config]
	// compacted: the topic is compacted, or was when the cleaner came by.
	compacted atomic.Bool

	created bool // by this process, see Store.Create

	phase   atomic.Int32
	failure atomic.Pointer[error]

	// Invariant: start <= stable <= high <= end. Each only rises, TruncateTo aside.
	start, stable, high, end atomic.Int64
	// recoveryPoint: everything below is durable, sealed segments with their
	// indexes. It is atomic so that a checkpoint needs no lock of a log.
	recoveryPoint atomic.Int64
	loaded        atomic.Bool // the marks above are true
	queued        atomic.Bool // in the syncer's list
	unlinking     atomic.Bool // segments are off the list, and their files may be there after a crash
	uncleanable   atomic.Bool // the compactor met something it cannot read; until the next start
	// segments is the published list, by base offset; the last one is active.
	// It is empty until the first append. Lists are never changed in place.
	segments atomic.Pointer[[]*segment]

	watcher logstore.Watcher // set before the first append

	// reshaping serialises what takes sealed segments off the list: retention,
	// truncation, deletion, the end, and the swap of a compaction, which must not keep
	// a group commit waiting.
	reshaping sync.Mutex
	// flushing serialises what syncs or removes files: group commits, Flush,
	// retention, truncation, deletion.
	flushing sync.Mutex
	// answering keeps the answers in log order when a group commit and a flush commit at
	// the same time. It comes right before mu.
	answering sync.Mutex

	mu struct {
		sync.Mutex
		*body // nil until the log is loaded
	}
}

// body is the state that a log in use needs beyond its marks. It is guarded by
// log.mu.
type body struct {
	producers logstore.ProducerTable
	epochs    logstore.Epochs
	// waiting are the appends that are ordered but not committed, in log order.
	waiting []waitingAppend
	spare   []waitingAppend // an emptied list, to be used again
	// unannounced are bytes that High has yet to pass although nobody waits for
	// them any more: their flush was put off.
	unannounced int

	synced    protocol.Offset // every batch below is durable
	unflushed int64           // records since the last flush (flush.messages)
	flushedAt protocol.Timestamp

	// strictFrom is from where on the active segment can have no gaps: a truncation
	// may have made it of a compacted one.
	strictFrom protocol.Offset

	shut          bool            // being closed: no more appends
	cleanAt       protocol.Offset // the files of a clean stop are there for this end; -1 when not
	writeFailures int             // in a row, disk full aside
	folderMade    bool
	bare          bool // the folder had no file when the log was loaded, and none was made since
	// generation and place say where the log is in the committer's group; the
	// committer's lock guards them too.
	generation uint64
	place      int
	// unlogged counts the reasons not to put batches into the write-ahead log: a
	// flush that was put off, a truncation under way.
	unlogged int
	flushDue bool // one of those reasons: the last flush was put off
	// smallDirty are small files that were written but not synced.
	smallDirty []string
	unsynced   int  // bytes since the syncer was last told
	namesDirty bool // files were made or renamed since the last SyncDir
	rootDirty  bool // the folder itself was
	snapshots  []protocol.Offset
	deleting   bool // recovery found segments that were being deleted
}

type waitingAppend struct {
	end     protocol.Offset // committed once High is here
	pending *logstore.Pending
	bytes   int
}

var emptySegments []*segment

func newLog(store *Store, id logstore.ID, cfg *logstore.Config, cleaned bool) *log {
	l := &log{store: store, id: id, dir: path.Join(store.opts.Dir, id.String())}
	l.cfg.Store(cfg)
	l.compacted.Store(cfg.Compact || cleaned)
	l.segments.Store(&emptySegments)
	return l
}

// Ready implements logstore.Log.
func (l *log) Ready() error {
	if phase(l.phase.Load()) == phaseReady {
		return nil
	}
	return l.readySlow()
}

func (l *log) readySlow() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.readyLocked()
}

// readyLocked loads the log if nobody has, and says whether it can be used.
func (l *log) readyLocked() error {
	if phase(l.phase.Load()) == phaseNew {
		if err := l.load(); err != nil {
			return err
		}
	}
	if phase(l.phase.Load()) != phaseReady {
		return *l.failure.Load()
	}
	return nil
}

// load looks at the disk for the first time; mu is held. An error that passes by
// itself leaves the log to the next caller, any other takes it offline.
func (l *log) load() error {
	if err := l.store.broken(); err != nil {
		l.leave(phaseFailed, err)
		return err
	}
	if err := l.store.room.with(l.tryRecover); err != nil {
		if passes(err) {
			l.mu.body = nil
			return fmt.Errorf("%w: recover %s: %w", logstore.ErrStorage, l.id, err)
		}
		return l.goOffline(err)
	}
	l.updateStable()
	l.loaded.Store(true)
	l.phase.Store(int32(phaseReady))
	l.wakeCleaner()
	return nil
}

// tryRecover is recover from a fresh start; what a failure leaves is dropped.
func (l *log) tryRecover() error {
	l.mu.body = &body{flushedAt: l.store.now(), cleanAt: protocol.None}
	err := l.recover()
	if err != nil {
		for _, s := range *l.segments.Load() {
			s.retire()
		}
		l.publish(nil)
	}
	return err
}

// marks are what the checkpoint files say of the log; false when it was never
// loaded, and what they said before still holds. A start at the first segment's
// base is not noted, as in Kafka: the file name says it, once those before it are gone
// for good.
func (l *log) marks() (marks, bool) {
	if !l.loaded.Load() {
		return marks{}, false
	}
	m := marks{recovery: protocol.Offset(l.recoveryPoint.Load())}
	list := *l.segments.Load()
	if start := protocol.Offset(l.start.Load()); len(list) == 0 || start > list[0].base || l.unlinking.Load() {
		m.start = start
	}
	return m, true
}

// leave ends the use of the log for the reason given.
func (l *log) leave(to phase, reason error) {
	if phase(l.phase.Load()) >= to {
		return
	}
	l.failure.Store(&reason)
	l.phase.Store(int32(to))
}

// goOffline takes the log out of use after a storage error; mu is held. It
// returns the error that every caller gets from now on.
func (l *log) goOffline(cause error) error {
	err := fmt.Errorf("%w: %w", logstore.ErrOffline, cause)
	l.leave(phaseFailed, err)
	l.store.opts.Logger.Error("partition is offline", "partition", l.id.String(), "error", cause)
	return err
}

// Watch implements logstore.Log.
func (l *log) Watch(w logstore.Watcher) {
	l.mu.Lock()
	l.watcher = w
	l.mu.Unlock()
}

// Offsets implements logstore.Log. Loaded in rising order, the marks are in order.
func (l *log) Offsets() logstore.Offsets {
	if l.Ready() != nil {
		return logstore.Offsets{}
	}
	return l.offsets()
}

func (l *log) offsets() logstore.Offsets {
	start, stable, high, end := l.start.Load(), l.stable.Load(), l.high.Load(), l.end.Load()
	return logstore.Offsets{
		Start:  protocol.Offset(start),
		Stable: protocol.Offset(stable),
		High:   protocol.Offset(high),
		End:    protocol.Offset(end),
	}
}

// Read implements logstore.Log. It takes no lock of the log.
func (l *log) Read(in logstore.ReadInput) (logstore.Chunk, error) {
	if err := l.Ready(); err != nil {
		return logstore.Chunk{}, err
	}
	for {
		list := l.segments.Load()
		if in.From < protocol.Offset(l.start.Load()) || in.From > protocol.Offset(l.end.Load()) {
			return logstore.Chunk{}, logstore.ErrOffsetOutOfRange
		}
		chunk, err := l.readFrom(*list, in)
		if err == nil {
			return chunk, nil
		}
		if l.segments.Load() == list && !errors.Is(err, errGone) {
			err = l.readFailed(err, func(list []*segment) (err error) {
				chunk, err = l.readFrom(list, in)
				return err
			})
			return chunk, err
		}
		// Retention or a truncation has taken the segment away meanwhile.
		if err := l.Ready(); err != nil {
			return logstore.Chunk{}, err
		}
	}
}

func (l *log) readFrom(list []*segment, in logstore.ReadInput) (logstore.Chunk, error) {
	for i := segmentOf(list, in.From); i < len(list); i++ {
		if list[i].base >= in.Below && i > 0 {
			break
		}
		chunk, found, err := list[i].read(in)
		if err != nil || found {
			chunk.Gapless = !l.mayHaveGaps()
			return chunk, err
		}
		if i < len(list)-1 && !l.mayHaveGaps() {
			return chunk, list[i].gapBehind(in.From, list[i+1].base)
		}
	}
	return logstore.Chunk{}, nil
}

// segmentOf is the index of the segment that offset falls into: the last one that
// begins at or below it.
func segmentOf(list []*segment, offset protocol.Offset) int {
	i := sort.Search(len(list), func(i int) bool { return list[i].base > offset })
	return max(i-1, 0)
}

// active is the segment that is appended to; nil before the first append.
func (l *log) active() *segment {
	list := *l.segments.Load()
	if len(list) == 0 {
		return nil
	}
	return list[len(list)-1]
}

// publish replaces the list of segments; mu is held.
func (l *log) publish(list []*segment) { l.segments.Store(&list) }

// SizeBytes implements logstore.Log.
func (l *log) SizeBytes() int64 {
	if l.Ready() != nil {
		return 0
	}
	return l.bytes()
}

func (l *log) bytes() (total int64) {
	for _, s := range *l.segments.Load() {
		total += s.size.Load()
	}
	return total
}

// Known implements logstore.Log.
func (l *log) Known() logstore.Known {
	switch phase(l.phase.Load()) {
	case phaseReady:
		return logstore.Known{Used: true, Offsets: l.offsets(), Bytes: l.bytes()}
	case phaseNew:
		return logstore.Known{Offsets: logstore.Offsets{High: l.store.checkpoints.highOf(l.id)}}
	}
	return logstore.Known{Offsets: logstore.Offsets{High: protocol.None}, Failure: *l.failure.Load()}
}

// Segments implements logstore.Log. A file that retention removes meanwhile is left out.
func (l *log) Segments() ([]logstore.SegmentInfo, error) {
	if err := l.Ready(); err != nil {
		return nil, err
	}
	list := *l.segments.Load()
	infos := make([]logstore.SegmentInfo, 0, len(list))
	for _, s := range list {
		file, err := l.store.opts.FS.Stat(s.data.name)
		if passedOver(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", logstore.ErrStorage, err)
		}
		infos = append(infos, logstore.SegmentInfo{
			Base: s.base, Bytes: s.size.Load(), Modified: protocol.Timestamp(file.ModTime().UnixMilli()),
		})
	}
	return infos, nil
}

// Reconfigure implements logstore.Log.
func (l *log) Reconfigure(cfg logstore.Config) {
	if cfg.Compact {
		l.compacted.Store(true)
	}
	l.cfg.Store(l.store.intern(cfg))
	l.wakeCleaner()
}

// LastEpoch implements logstore.Log.
func (l *log) LastEpoch() protocol.Epoch {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.readyLocked() != nil {
		return protocol.None
	}
	return l.mu.epochs.Last()
}

// EpochOf implements logstore.Log.
func (l *log) EpochOf(offset protocol.Offset) protocol.Epoch {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.readyLocked() != nil || offset >= protocol.Offset(l.end.Load()) {
		return protocol.None
	}
	return l.mu.epochs.Of(offset)
}

// EndOfEpoch implements logstore.Log.
func (l *log) EndOfEpoch(epoch protocol.Epoch) (protocol.Epoch, protocol.Offset) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.readyLocked() != nil {
		return protocol.None, protocol.None
	}
	return l.mu.epochs.EndOf(epoch, protocol.Offset(l.end.Load()))
}

// ActiveProducers implements logstore.Log.
func (l *log) ActiveProducers() []logstore.ProducerEntry {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.readyLocked() != nil {
		return nil
	}
	return l.mu.producers.List()
}

// TransactionOpen implements logstore.Log.
func (l *log) TransactionOpen(id protocol.ProducerID, epoch int16) (open bool, pass logstore.Pass) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.readyLocked() != nil {
		return false, logstore.NoPass
	}
	return l.mu.producers.TransactionOpen(id, epoch)
}

// segmentPath is the name of a file in the log's folder.
func (l *log) segmentPath(base protocol.Offset, suffix string) string {
	return path.Join(l.dir, fileName(base, suffix))
}

// withSegment is a copy of the list with one more.
func withSegment(list []*segment, s *segment) []*segment {
	return append(slices.Clip(list), s)
}
