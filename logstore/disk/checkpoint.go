package disk

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"
	"strconv"
	"sync"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

const (
	recoveryPointFile = "recovery-point-offset-checkpoint"
	logStartFile      = "log-start-offset-checkpoint"
	cleanerFile       = "cleaner-offset-checkpoint"
)

// checkpoints keeps Kafka's three files per data directory: up to where each log is
// durable, where those logs start that do not start with their first segment, and up
// to where those logs are compacted that ever were.
//
// Its lock may be taken while a log is locked, never the other way round.
type checkpoints struct {
	store *Store
	mu    struct {
		sync.Mutex
		// kept is what the files said at the start, used for every log that has not
		// been loaded since.
		kept map[partitionKey]marks
		// written are the partitions with a row on disk, and up to where that says they
		// are durable; stale those of them that were deleted since, whose row must not
		// be taken for a namesake's.
		written map[partitionKey]protocol.Offset
		stale   map[partitionKey]bool
		// cleaned is where the part of a log begins that is yet to be compacted. A log
		// that was ever compacted has a row, whatever its policy is now.
		cleaned map[partitionKey]protocol.Offset
		// cleanedLost: that file could not be understood. cleanedUnwritten: it is older
		// than cleaned.
		cleanedLost, cleanedUnwritten bool
		// unsaved: a log was closed on its own since the files were written.
		unsaved bool
	}
}

// partitionKey is how the files name a partition: without the topic's id.
type partitionKey struct {
	topic     string
	partition int32
}

type marks struct {
	recovery protocol.Offset
	start    protocol.Offset
}

// String is the name of the partition's folder.
func (k partitionKey) String() string {
	return logstore.ID{Topic: k.topic, Partition: k.partition}.String()
}

func keyOf(id logstore.ID) partitionKey { return partitionKey{id.Topic, id.Partition} }

func readCheckpoints(s *Store) (*checkpoints, error) {
	c := &checkpoints{store: s}
	c.mu.kept = make(map[partitionKey]marks)
	c.mu.written = make(map[partitionKey]protocol.Offset)
	c.mu.stale = make(map[partitionKey]bool)
	c.mu.cleaned = make(map[partitionKey]protocol.Offset)
	err := c.read(recoveryPointFile, func(key partitionKey, offset protocol.Offset) {
		c.mu.kept[key] = marks{recovery: offset}
		c.mu.written[key] = offset
	})
	if err == nil {
		err = c.read(logStartFile, func(key partitionKey, offset protocol.Offset) {
			c.mu.kept[key] = marks{recovery: c.mu.kept[key].recovery, start: offset}
			c.mu.written[key] = c.mu.kept[key].recovery
		})
	}
	if err == nil {
		err = c.readCleaned()
	}
	return c, err
}

// read takes one file in. A missing one is empty, and one without a byte as well: a
// Kafka that starts makes its files so (CheckpointFile), and leaves them so when it
// has nothing to write or is killed early. A damaged one is refused, because guessing
// would bring deleted records back or hide lost ones.
func (c *checkpoints) read(file string, set func(partitionKey, protocol.Offset)) error {
	name := path.Join(c.store.opts.Dir, file)
	data, err := vfs.ReadFile(c.store.opts.FS, name, smallFileMax)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read a checkpoint: %w", err)
	}
	if len(data) == 0 {
		return nil
	}
	rows, err := parseCheckpoint(string(data))
	if err != nil {
		return &logstore.CorruptError{File: name, Reason: err.Error()}
	}
	for _, row := range rows {
		key, offset, err := parsePartitionRow(row)
		if err != nil {
			return &logstore.CorruptError{File: name, Reason: err.Error()}
		}
		set(key, offset)
	}
	return nil
}

// parsePartitionRow reads a row of topic, partition and offset.
func parsePartitionRow(row []string) (partitionKey, protocol.Offset, error) {
	if len(row) != 3 {
		return partitionKey{}, 0, fmt.Errorf("the row %q has not three fields", row)
	}
	partition, err1 := strconv.ParseInt(row[1], 10, 32)
	offset, err2 := strconv.ParseInt(row[2], 10, 64)
	return partitionKey{row[0], int32(partition)}, protocol.Offset(offset), errors.Join(err1, err2)
}

// deletableBelow is up to where segments may be deleted: in sync mode the recovery
// point that the checkpoint file on disk says, so that what a crash leaves to be
// replayed or scanned is never of a segment that is gone.
func (l *log) deletableBelow() protocol.Offset {
	if l.store.opts.Durability != Sync && !l.store.wal.Leftover() {
		return math.MaxInt64
	}
	return l.compactableBelow()
}

// persisted is the recovery point that was last written durably, 0 for none.
func (c *checkpoints) persisted(key partitionKey) protocol.Offset {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.stale[key] {
		return 0
	}
	return c.mu.written[key]
}

// of is what the files said of a partition at the start.
func (c *checkpoints) of(id logstore.ID) marks {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mu.kept[keyOf(id)]
}

// highOf is how far a log that is not open was durable when the files were written; -1
// where they say nothing. After a clean stop there is no more than that, and no row is
// an empty log.
func (c *checkpoints) highOf(id logstore.ID) protocol.Offset {
	c.mu.Lock()
	defer c.mu.Unlock()
	m, ok := c.mu.kept[keyOf(id)]
	if !ok && !c.store.opts.CleanShutdown {
		return protocol.None
	}
	return m.recovery
}

// keep notes the marks of a log that is closed on its own, for its next opening.
func (c *checkpoints) keep(l *log) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m, ok := l.marks(); ok {
		c.mu.kept[keyOf(l.id)], c.mu.unsaved = m, true
	}
}

// forget drops a deleted partition.
func (c *checkpoints) forget(key partitionKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgetLocked(key)
}

// forgetDeleted drops the partitions whose folder has one of the deleted names
// only, not its own any more.
func (c *checkpoints) forgetDeleted(deleted, folders map[string]bool) {
	if len(deleted) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for key := range c.mu.kept {
		if name := key.String(); !folders[name] && deleted[cutName(name, deleteTailBytes)] {
			c.forgetLocked(key)
		}
	}
}

func (c *checkpoints) forgetLocked(key partitionKey) {
	delete(c.mu.kept, key)
	if _, ok := c.mu.cleaned[key]; ok {
		delete(c.mu.cleaned, key)
		c.mu.cleanedUnwritten = true
	}
	if _, ok := c.mu.written[key]; ok {
		c.mu.stale[key] = true
	}
}

// beforeFolder is called before a partition's folder is made: a row that a
// deleted namesake left must be off the disk by then, or after a crash it would be
// taken for the new partition's.
func (c *checkpoints) beforeFolder(id logstore.ID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.mu.stale[keyOf(id)] && !c.mu.cleanedUnwritten {
		return nil
	}
	return c.writeLocked()
}

func (c *checkpoints) writeIfStale() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.mu.stale) == 0 && !c.mu.cleanedUnwritten {
		return nil
	}
	return c.writeLocked()
}

// writeIfUsed writes unless no log was loaded: the files say it all then, and a
// start that was refused leaves them alone.
func (c *checkpoints) writeIfUsed() error {
	used := slices.ContainsFunc(c.store.each(), func(l *log) bool { return l.loaded.Load() })
	c.mu.Lock()
	defer c.mu.Unlock()
	if !used && !c.mu.unsaved && len(c.mu.stale) == 0 {
		return nil
	}
	return c.writeLocked()
}

// write replaces all files.
func (c *checkpoints) write() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writeLocked()
}

type checkpointRow struct {
	partitionKey
	offset protocol.Offset
}

func (c *checkpoints) writeLocked() error {
	current := make(map[partitionKey]marks, len(c.mu.kept))
	for key, m := range c.mu.kept {
		current[key] = m
	}
	for _, l := range c.store.each() {
		if m, ok := l.marks(); ok {
			current[keyOf(l.id)] = m
		}
	}
	recovery := make([]checkpointRow, 0, len(current))
	var starts []checkpointRow
	written := make(map[partitionKey]protocol.Offset, len(current))
	for key, m := range current {
		if m == (marks{}) {
			continue
		}
		written[key] = m.recovery
		recovery = append(recovery, checkpointRow{key, m.recovery})
		if m.start > 0 {
			starts = append(starts, checkpointRow{key, m.start})
		}
	}
	if err := c.writeFile(recoveryPointFile, recovery); err != nil {
		return err
	}
	if err := c.writeFile(logStartFile, starts); err != nil {
		return err
	}
	if err := c.writeCleanedLocked(); err != nil {
		return err
	}
	c.mu.written, c.mu.unsaved = written, false
	clear(c.mu.stale)
	return nil
}

func (c *checkpoints) writeFile(file string, rows []checkpointRow) error {
	slices.SortFunc(rows, func(a, b checkpointRow) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
	})
	var text bytes.Buffer
	fmt.Fprintf(&text, "0\n%d\n", len(rows))
	for _, row := range rows {
		fmt.Fprintf(&text, "%s %d %d\n", row.topic, row.partition, row.offset)
	}
	err := c.store.room.with(func() error {
		return vfs.ReplaceFile(c.store.opts.FS, path.Join(c.store.opts.Dir, file), text.Bytes(), true)
	})
	if err != nil {
		return fmt.Errorf("%w: write a checkpoint: %w", logstore.ErrStorage, err)
	}
	return nil
}
