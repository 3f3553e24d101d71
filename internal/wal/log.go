package wal

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/barnabas-mq/barnabas/internal/vfs"
)

// ErrFull is the answer to Write when there is no room: every slot waits to be
// freed, the group is larger than a slot, or the disk is full. Nothing was written
// that Replay would find.
var ErrFull = errors.New("the write-ahead log is full")

// Options say where the log is and how large it may become.
type Options struct {
	FS  vfs.FS
	Dir string // made at the first Write
	// Owner names whose log it is; another's is refused. Process names who uses it
	// now, for the lineage.
	Owner   string
	Process string
	// SlotBytes is the size of a slot, PieceBytes how much of it is zero-filled at
	// once, SlotsMax how many slots there may be, leftover ones aside.
	SlotBytes  int64
	PieceBytes int64
	SlotsMax   int
	// Nonce gives a number that nobody can guess. Each use of a slot has one, which
	// tells its groups from bytes in a body that only look like some.
	Nonce func() uint64
}

// Log is a write-ahead log. Its methods are safe for concurrent use.
type Log struct {
	o       Options
	numbers atomic.Uint64 // of groups, given by NewGroup and Reset

	mu struct {
		sync.Mutex
		leftover []*slot // of earlier processes, in order; read by Replay
		sealed   []*slot // full, in order
		active   *slot   // nil before the first Write
		free     []*slot
		made     bool   // the folder is there
		named    bool   // the lineage names this process
		cached   bool   // writes go through the page cache: there is no other way
		sequence uint64 // of the newest slot
		life     uint64 // sequence of this process's first slot; 0 before
		names    int    // the next slot's number
		closed   bool
	}
}

// numbersPerLife keeps the group numbers of one process apart from the next one's.
const numbersPerLife = 1 << 40

// Open looks at what an earlier process left. It changes nothing.
func Open(o Options) (*Log, error) {
	if n := len(o.Owner); n > ownerBytesMax {
		return nil, fmt.Errorf("the write-ahead log names its owner in at most %d bytes; this one has %d bytes: %.32q", ownerBytesMax, n, o.Owner)
	}
	l := &Log{o: o}
	entries, err := o.FS.ReadDir(o.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the write-ahead log: %w", err)
	}
	l.mu.made = true
	first := uint64(0)
	for _, e := range entries {
		n, ok := slotNumber(e.Name())
		if !ok {
			continue
		}
		s, err := readSlot(o.FS, path.Join(o.Dir, e.Name()), o.Owner)
		if err != nil {
			return nil, err
		}
		l.mu.names = max(l.mu.names, n+1)
		l.mu.leftover = append(l.mu.leftover, s)
		l.mu.sequence, first = max(l.mu.sequence, s.sequence), max(first, s.first)
	}
	slices.SortFunc(l.mu.leftover, func(a, b *slot) int { return int(int64(a.sequence) - int64(b.sequence)) })
	if first > 0 {
		l.numbers.Store(first + numbersPerLife)
	}
	return l, nil
}

// Leftover tells whether an earlier process left a log that has not been freed.
func (l *Log) Leftover() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.mu.leftover) > 0
}

// Write makes the group durable and returns the sequence of the slot that holds
// it. ErrFull wrote nothing that counts; after any other error it is unknown what
// the disk holds, and nothing may be acknowledged any more.
func (l *Log) Write(g *Group) (sequence uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.closed {
		return 0, fs.ErrClosed
	}
	need := blocks(int64(len(g.buf)))
	if need > l.o.SlotBytes-slotHeaderBytes {
		return 0, ErrFull
	}
	if s := l.mu.active; s == nil || s.end+need > l.o.SlotBytes {
		if err := l.nextSlot(); err != nil {
			return 0, err
		}
	}
	s := l.mu.active
	if err := l.fill(s, s.end+need); err != nil {
		return 0, err
	}
	_, err = s.file.WriteAt(g.seal(s.sequence, s.nonce), s.end)
	if passes(err) {
		// The file system wants new blocks even for old ones. What is torn here must not
		// look like a group once another one follows.
		if _, err := s.file.WriteAt(make([]byte, vfs.DirectBytes), s.end); err != nil {
			return 0, fmt.Errorf("take back a write to the write-ahead log %s: %w", s.name, err)
		}
		l.sealActive()
		return 0, ErrFull
	}
	if err != nil {
		return 0, fmt.Errorf("write the write-ahead log %s: %w", s.name, err)
	}
	s.end += need
	return s.sequence, nil
}

// passes tells whether an error ends by itself once there is room again, or a file
// handle.
func passes(err error) bool { return vfs.IsFull(err) || vfs.OutOfHandles(err) }

// Low tells whether Prepare has something to do.
func (l *Log) Low() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lowLocked()
}

func (l *Log) lowLocked() bool {
	s := l.mu.active
	return !l.mu.closed && s != nil && s.filled < l.o.SlotBytes && s.filled-s.end < l.o.PieceBytes/2
}

// Prepare fills the next piece when little is left, so that Write need not. It
// belongs where nobody waits.
func (l *Log) Prepare() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.mu.active
	if !l.lowLocked() {
		return nil
	}
	err := l.fill(s, min(s.filled+1, l.o.SlotBytes))
	if errors.Is(err, ErrFull) {
		return nil // whoever writes is told
	}
	return err
}

// fill makes sure that the blocks below end were written before, in pieces.
func (l *Log) fill(s *slot, end int64) error {
	for s.filled < end {
		piece := min(l.o.PieceBytes, l.o.SlotBytes-s.filled)
		if _, err := s.file.WriteAt(make([]byte, piece), s.filled); passes(err) {
			return ErrFull
		} else if err != nil {
			return fmt.Errorf("fill the write-ahead log %s: %w", s.name, err)
		}
		s.filled += piece
	}
	return nil
}

// sealActive ends the use of the active slot.
func (l *Log) sealActive() {
	if s := l.mu.active; s != nil {
		l.mu.sealed, l.mu.active = append(l.mu.sealed, s), nil
	}
}

// nextSlot begins a slot: a free one, or a new one while there may be more.
func (l *Log) nextSlot() error {
	inUse := len(l.mu.sealed)
	if l.mu.active != nil {
		inUse++
	}
	var s *slot
	switch {
	case len(l.mu.free) > 0:
		s = l.mu.free[0]
	case inUse < l.o.SlotsMax:
		s = &slot{name: slotName(l.o.Dir, l.mu.names)}
	default:
		return ErrFull
	}
	if err := l.begin(s); err != nil {
		return err
	}
	l.sealActive()
	if len(l.mu.free) > 0 {
		l.mu.free = l.mu.free[1:]
	} else {
		l.mu.names++
	}
	l.mu.active = s
	l.mu.sequence = s.sequence
	if l.mu.life == 0 {
		l.mu.life = s.sequence
	}
	return nil
}

// begin gives the slot a header of its new use, durably. One that is in use for the
// first time gets its name on the disk as well.
func (l *Log) begin(s *slot) error {
	isNew := s.file == nil
	if isNew {
		if err := l.create(s); err != nil {
			return err
		}
	}
	err := l.beginUse(s, isNew)
	if !errors.Is(err, syscall.EINVAL) || !isNew || l.mu.cached {
		return err
	}
	// The file system has no way past its cache.
	l.mu.cached = true
	if err := l.create(s); err != nil {
		return err
	}
	return l.beginUse(s, isNew)
}

func (l *Log) beginUse(s *slot, isNew bool) error {
	used := *s
	used.sequence = l.mu.sequence + 1
	if used.life = l.mu.life; used.life == 0 {
		used.life = used.sequence
	}
	used.first, used.end, used.nonce = l.numbers.Load(), slotHeaderBytes, l.o.Nonce()
	first := used.header(l.o.Owner)
	if used.filled == 0 { // header and first piece are one write
		first = append(first, make([]byte, max(min(l.o.PieceBytes, l.o.SlotBytes), slotHeaderBytes)-slotHeaderBytes)...)
		used.filled = int64(len(first))
	}
	_, err := s.file.WriteAt(first, 0)
	if err == nil && isNew {
		err = l.o.FS.SyncDir(l.o.Dir)
	}
	switch {
	case err != nil && isNew:
		// It must not come back beside another one of the same number.
		gone := l.removeSlot(s)
		if passes(err) && gone == nil {
			return ErrFull
		}
		return fmt.Errorf("begin the write-ahead log %s: %w", s.name, err)
	case passes(err):
		return ErrFull
	case err != nil:
		return fmt.Errorf("begin the write-ahead log %s: %w", s.name, err)
	}
	*s = used
	return nil
}

func (l *Log) create(s *slot) error {
	if err := l.makeFolder(); err != nil {
		return err
	}
	if err := l.nameProcess(); passes(err) {
		return ErrFull
	} else if err != nil {
		return err
	}
	flags := vfs.ReadWrite | vfs.Create | vfs.Truncate | vfs.Dsync
	if !l.mu.cached {
		flags |= vfs.Direct
	}
	file, err := l.o.FS.Open(s.name, flags, vfs.FilePerm)
	if errors.Is(err, syscall.EINVAL) && !l.mu.cached {
		l.mu.cached = true
		file, err = l.o.FS.Open(s.name, flags&^vfs.Direct, vfs.FilePerm)
	}
	if passes(err) {
		return ErrFull
	}
	if err != nil {
		return fmt.Errorf("make the write-ahead log %s: %w", s.name, err)
	}
	s.file, s.filled = file, 0
	return nil
}

// makeFolder makes the folder at its first use.
func (l *Log) makeFolder() error {
	if l.mu.made {
		return nil
	}
	err := l.o.FS.MkdirAll(l.o.Dir, vfs.DirPerm)
	if err == nil {
		err = l.o.FS.SyncDir(path.Dir(l.o.Dir))
	}
	if passes(err) {
		return ErrFull
	}
	if err != nil {
		return fmt.Errorf("make the folder of the write-ahead log: %w", err)
	}
	l.mu.made = true
	return nil
}

// Sealed is the sequence up to which slots are full and wait to be freed; 0 when
// none does.
func (l *Log) Sealed() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.mu.sealed); n > 0 {
		return l.mu.sealed[n-1].sequence
	}
	return 0
}

// Free lets the full slots up to the sequence be used again: what they hold is not
// needed any more.
func (l *Log) Free(sequence uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.mu.sealed) > 0 && l.mu.sealed[0].sequence <= sequence {
		l.mu.free = append(l.mu.free, l.mu.sealed[0])
		l.mu.sealed = l.mu.sealed[1:]
	}
}

// FreeLeftover removes what an earlier process left. The folder stays while this
// one writes to it.
func (l *Log) FreeLeftover() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.mu.leftover) > 0 {
		// The oldest first, each durably: an entry that takes others back must not go
		// before them.
		if err := l.removeSlot(l.mu.leftover[0]); err != nil {
			return err
		}
		l.mu.leftover = l.mu.leftover[1:]
	}
	return nil
}

func (l *Log) removeSlot(s *slot) error {
	if s.file != nil {
		_ = s.file.Close() // nobody reads it any more
		s.file = nil
	}
	if err := l.o.FS.Remove(s.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the write-ahead log %s: %w", s.name, err)
	}
	return l.o.FS.SyncDir(l.o.Dir)
}

// slots lists every slot, oldest first.
func (l *Log) slots() []*slot {
	all := slices.Concat(l.mu.leftover, l.mu.free, l.mu.sealed)
	if l.mu.active != nil {
		all = append(all, l.mu.active)
	}
	return all
}

// Close ends the use of the log and leaves it as it is.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closeLocked()
}

func (l *Log) closeLocked() error {
	l.mu.closed = true
	var failures []error
	for _, s := range l.slots() {
		if s.file != nil {
			failures = append(failures, s.file.Close())
			s.file = nil
		}
	}
	return errors.Join(failures...)
}

// Remove ends the use of the log and removes it, durably: nothing is to be
// replayed. The caller has made sure of that.
func (l *Log) Remove() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.closeLocked(); err != nil {
		return fmt.Errorf("close the write-ahead log: %w", err)
	}
	if !l.mu.made {
		return nil
	}
	for _, s := range l.slots() { // see FreeLeftover
		if err := l.removeSlot(s); err != nil {
			return err
		}
	}
	err := l.o.FS.RemoveAll(l.o.Dir)
	if err == nil {
		err = l.o.FS.SyncDir(path.Dir(l.o.Dir))
	}
	if err != nil {
		return fmt.Errorf("remove the write-ahead log: %w", err)
	}
	l.mu.made, l.mu.named, l.mu.leftover, l.mu.sealed, l.mu.free, l.mu.active = false, false, nil, nil, nil, nil
	return nil
}
