package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"path"
	"sync"
	"syscall"

	"github.com/barnabas-mq/barnabas/internal/wal"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// WALFolder is where the write-ahead log lies. Kafka refuses to start while the
// folder is there, which is right: a replay is due then.
const WALFolder = "barnabas-wal"

const (
	// directBytes: larger batches are synced in their segment, because writing them
	// twice costs more than the sync of one more file (docs/adr/0005).
	directBytes = 256 << 10
	// groupBytesMax bounds what is copied for one group commit. What is appended
	// beyond it meanwhile is synced in its segment.
	groupBytesMax = 4 << 20
)

// The kinds of entries, and their heads.
//
//	batch: topic id 16, partition int32, base of the segment int64, position in it int64,
//	       the batch up to its last offset delta (27 bytes); the body is the rest
//	cut:   topic id 16, partition int32, offset int64: of the log's entries before this
//	       one, those at or above the offset do not count
const (
	entryBatch uint8 = 1
	entryCut   uint8 = 2

	entryKeyBytes  = 20
	batchGuarded   = 27 // offsets and the batch's own CRC, which guards the rest
	batchHeadBytes = entryKeyBytes + 16 + batchGuarded
	cutHeadBytes   = entryKeyBytes + 8
)

// committer makes appends durable, all that gathered during one write of the
// write-ahead log in the next. There is no timer: the write under way is the window
// in which the next group forms. It runs two goroutines from Open to Close: one
// commits, the other frees the slots that are full.
//
// Its lock is taken while a log is locked, never the other way round.
type committer struct {
	store *Store
	log   *wal.Log
	// groupBytesMax bounds a group, see the constant.
	groupBytesMax int
	wake          bell          // there is a group
	stopped       chan struct{} // closed by stop
	done          chan struct{} // closed when the goroutine has ended
	free          bell          // slots are full
	freed         chan struct{} // closed when the goroutine that frees them has ended

	mu struct {
		sync.Mutex
		group      *commitGroup
		generation uint64 // of group; logs note their place in it under this number
	}

	// leading is held by whoever commits a group: the goroutine, or a caller that has
	// nothing else to do and spares itself two hand-overs. It comes before a log's lock.
	leading sync.Mutex
	spare   *commitGroup // of whoever leads
	slots   struct {
		sync.Mutex
		list []slotLogs // by sequence
	}
}

// commitGroup is what is committed together.
type commitGroup struct {
	entries *wal.Group
	logs    []groupLog      // each log once
	drained []chan struct{} // closed when all of this is dealt with
}

// groupLog is a log's part of a group.
type groupLog struct {
	log *log
	end protocol.Offset // of the newest batch
	// logged: entries has batches of it. direct: its segments are to be synced,
	// because some batch is not among the entries.
	logged, direct bool
}

// slotLogs are the logs with entries in a slot. Its segments must be synced before
// the slot is used again.
type slotLogs struct {
	sequence uint64
	logs     map[*log]struct{}
}

func startCommitter(s *Store) *committer {
	c := &committer{store: s, log: s.wal, wake: newBell(), stopped: make(chan struct{}), done: make(chan struct{})}
	c.groupBytesMax = int(min(groupBytesMax, s.opts.WALSlotBytes/4))
	c.mu.group, c.spare = &commitGroup{entries: c.log.NewGroup()}, &commitGroup{entries: c.log.NewGroup()}
	c.mu.generation = 1
	c.free, c.freed = newBell(), make(chan struct{})
	go c.run()
	go c.runFree()
	return c
}

// add puts a batch that was just written to the segment into the next group; the
// log's lock is held. signal must follow once it is not.
func (c *committer) add(l *log, s *segment, position int64, b protocol.Batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.mu.group
	if l.mu.generation != c.mu.generation {
		l.mu.generation, l.mu.place = c.mu.generation, len(g.logs)
		g.logs = append(g.logs, groupLog{log: l})
	}
	part := &g.logs[l.mu.place]
	part.end = b.LastOffset() + 1
	if part.direct || l.mu.unlogged > 0 || len(b) >= directBytes ||
		g.entries.Bytes()+wal.EntryBytes(batchHeadBytes, len(b)) > c.groupBytesMax {
		part.direct = true
		return
	}
	var head [batchHeadBytes]byte
	putEntryKey(head[:], l.id)
	binary.BigEndian.PutUint64(head[entryKeyBytes:], uint64(s.base))
	binary.BigEndian.PutUint64(head[entryKeyBytes+8:], uint64(position))
	copy(head[entryKeyBytes+16:], b[:batchGuarded])
	g.entries.Add(entryBatch, head[:], b[batchGuarded:])
	part.logged = true
}

func putEntryKey(head []byte, id logstore.ID) {
	copy(head, id.TopicID[:])
	binary.BigEndian.PutUint32(head[16:], uint32(id.Partition))
}

func (c *committer) run() {
	defer close(c.done)
	c.wake.answer(c.stopped, func() {
		c.leading.Lock()
		c.lead()
		c.tidy()
		c.leading.Unlock()
	})
}

// lead commits the group that has gathered; leading is held.
func (c *committer) lead() {
	g := c.take()
	if len(g.logs) > 0 {
		c.commit(g)
		clear(g.logs)
		g.logs = g.logs[:0]
	}
	for _, done := range g.drained {
		close(done)
	}
	g.drained = nil
	c.spare = g
}

// Commit implements logstore.Store. A caller that leads leaves what nobody waits for,
// and the group that has gathered meanwhile unless its callers lead, to the goroutine.
func (s *Store) Commit(lead bool) {
	c := s.committer
	if c == nil {
		return
	}
	if !lead || !c.leading.TryLock() {
		c.wake.ring()
		return
	}
	select {
	case <-c.stopped: // closing the logs answers those who wait
	default:
		c.lead()
	}
	c.leading.Unlock()
	if c.log.Low() || c.log.Sealed() > 0 {
		c.wake.ring()
	}
}

// take ends the gathering of a group and begins the next.
func (c *committer) take() *commitGroup {
	c.log.Reset(c.spare.entries)
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.mu.group
	c.mu.group, c.spare = c.spare, nil
	c.mu.generation++
	return g
}

// commit makes a group durable and answers those who wait for it. The next group
// begins only when all of this one is dealt with: recovery relies on it.
func (c *committer) commit(g *commitGroup) {
	inLog, err := c.write(g)
	if err != nil {
		_ = c.store.fail(err) // everyone who waits is told
		return
	}
	for i := range g.logs { // those first who need not wait for a sync more
		part := &g.logs[i]
		part.direct = part.direct || !inLog || !part.log.commit(part.end, false)
	}
	for _, part := range g.logs {
		if part.direct {
			part.log.flushing.Lock()
			err := part.log.flush() // the log and its callers have been told
			part.log.flushing.Unlock()
			if err != nil && part.logged && c.store.broken() == nil {
				// Put off: what the log holds of it promises nothing. If even this cannot be
				// noted, the next crash finds more promised than there is, and says so.
				_ = c.store.cutEntries(part.log.id, protocol.Offset(part.log.high.Load()))
			}
		}
	}
}

// write writes the group to the log, if it has entries, and reports whether it is
// there; without room it is not.
func (c *committer) write(g *commitGroup) (written bool, err error) {
	if g.entries.Count() == 0 {
		return false, nil
	}
	c.slots.Lock() // until the logs are noted: whoever frees the slot must find them
	defer c.slots.Unlock()
	sequence, err := c.log.Write(g.entries)
	if errors.Is(err, wal.ErrFull) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	c.note(sequence, g)
	return true, nil
}

// note remembers which logs have entries in the slot; slots is locked.
func (c *committer) note(sequence uint64, g *commitGroup) {
	if n := len(c.slots.list); n == 0 || c.slots.list[n-1].sequence != sequence {
		c.slots.list = append(c.slots.list, slotLogs{sequence, make(map[*log]struct{})})
	}
	logs := c.slots.list[len(c.slots.list)-1].logs
	for _, part := range g.logs {
		if part.logged {
			logs[part.log] = struct{}{}
		}
	}
}

// tidy does what nobody waits for: filling ahead, and having full slots freed.
func (c *committer) tidy() {
	if err := c.log.Prepare(); err != nil {
		_ = c.store.fail(err)
	}
	if c.log.Sealed() > 0 {
		c.free.ring()
	}
}

// runFree frees full slots whenever there are some. It has a goroutine of its own,
// because a sync per log takes its time, and the syncer has others who wait for it.
func (c *committer) runFree() {
	defer close(c.freed)
	c.free.answer(c.stopped, func() {
		if err := c.freeSlots(); err != nil && c.store.broken() == nil {
			c.store.opts.Logger.Warn("the write-ahead log cannot be freed; the next commit tries again", "error", err)
		}
	})
}

// freeSlots syncs the segments of all logs with entries in full slots, notes how
// far they are durable, and lets the slots be used again.
func (c *committer) freeSlots() error {
	c.slots.Lock()
	sealed := c.log.Sealed()
	c.slots.Unlock()
	if sealed == 0 || c.store.wal.Leftover() && c.store.cuts.Load() {
		return nil // a cut must not go before the entries of an earlier process that it cuts
	}
	for _, l := range c.logsUpTo(sealed) {
		if err := l.settleInSegments(); err != nil {
			return err
		}
	}
	if err := c.store.checkpoints.write(); err != nil {
		return err
	}
	c.slots.Lock()
	for len(c.slots.list) > 0 && c.slots.list[0].sequence <= sealed {
		c.slots.list = c.slots.list[1:]
	}
	c.slots.Unlock()
	c.log.Free(sealed)
	return nil
}

func (c *committer) logsUpTo(sequence uint64) []*log {
	c.slots.Lock()
	defer c.slots.Unlock()
	var logs []*log
	seen := make(map[*log]bool)
	for _, slot := range c.slots.list {
		if slot.sequence > sequence {
			break
		}
		for l := range slot.logs {
			if !seen[l] {
				seen[l] = true
				logs = append(logs, l)
			}
		}
	}
	return logs
}

// settleInSegments makes the log durable without the write-ahead log. One that was
// deleted needs nothing; one that is offline is synced as far as it goes.
func (l *log) settleInSegments() error {
	l.flushing.Lock()
	defer l.flushing.Unlock()
	err := l.flush()
	switch {
	case err == nil, errors.Is(err, logstore.ErrDeleted), errors.Is(err, logstore.ErrClosed):
		return nil // closed means flushed
	case errors.Is(err, logstore.ErrOffline) && l.store.broken() == nil:
		l.mu.Lock()
		list, from := *l.segments.Load(), protocol.Offset(l.recoveryPoint.Load())
		l.mu.Unlock()
		return l.store.failOnSync(l.syncFiles(list, from, true, true))
	}
	return err
}

// drain returns once the group that is gathering now is dealt with.
func (c *committer) drain() {
	done := make(chan struct{})
	c.mu.Lock()
	c.mu.group.drained = append(c.mu.group.drained, done)
	c.mu.Unlock()
	c.wake.ring()
	select {
	case <-done:
	case <-c.done:
	}
}

// cutEntries notes that a log's entries at or above the offset do not count any
// more, and returns once that is durable. Without room the cut must wait.
func (s *Store) cutEntries(id logstore.ID, offset protocol.Offset) error {
	var head [cutHeadBytes]byte
	putEntryKey(head[:], id)
	binary.BigEndian.PutUint64(head[entryKeyBytes:], uint64(offset))
	g := s.wal.NewGroup()
	g.Add(entryCut, head[:], nil)
	s.cuts.Store(true)
	_, err := s.wal.Write(g)
	if errors.Is(err, wal.ErrFull) {
		return fmt.Errorf("%w: note a cut of %s: %w: %w", logstore.ErrStorage, id, err, syscall.ENOSPC)
	}
	if err != nil {
		return s.fail(err)
	}
	return nil
}

// stop ends the goroutines after the group under way.
func (c *committer) stop() {
	close(c.stopped)
	<-c.done
	<-c.freed
	c.leading.Lock() // a caller that leads
	defer c.leading.Unlock()
}

// openWAL opens the write-ahead log of the data directory and reads nothing but
// the headers of what a crash has left.
func (s *Store) openWAL() error {
	var err error
	s.wal, err = wal.Open(wal.Options{
		FS: s.opts.FS, Dir: path.Join(s.opts.Dir, WALFolder), Owner: s.opts.Owner, Process: s.opts.Process,
		SlotBytes: s.opts.WALSlotBytes, PieceBytes: min(walPieceBytes, s.opts.WALSlotBytes), SlotsMax: s.opts.WALSlotsMax,
		Nonce: func() uint64 { return uint64(s.opts.Random(math.MaxInt64)) },
	})
	if corrupt := walCorrupt(err); corrupt != nil {
		return corrupt
	}
	return err
}

// walCorrupt is a *wal.CorruptError in the store's own terms; nil when err is none.
func walCorrupt(err error) *logstore.CorruptError {
	var corrupt *wal.CorruptError
	if !errors.As(err, &corrupt) {
		return nil
	}
	return &logstore.CorruptError{File: corrupt.File, Position: corrupt.Position, Offset: protocol.None, Reason: corrupt.Reason}
}

// walPieceBytes is filled with zeros at once: 2 MiB take a few milliseconds, and an
// idle broker keeps no more.
const walPieceBytes = 2 << 20
