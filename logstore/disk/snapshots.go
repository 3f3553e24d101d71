package disk

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// writeSnapshot keeps the producer state as of the log end, at a roll and at a
// clean stop; mu is held. No file is written while there never was a producer: no
// snapshot means none.
func (l *log) writeSnapshot(end protocol.Offset, durable bool) error {
	if l.mu.producers.Len() == 0 && len(l.mu.snapshots) == 0 {
		return nil
	}
	data := l.mu.producers.AppendSnapshot(nil)
	if err := vfs.ReplaceFile(l.store.opts.FS, l.segmentPath(end, snapshotSuffix), data, durable); err != nil {
		return fmt.Errorf("write a producer snapshot: %w", err)
	}
	if !slices.Contains(l.mu.snapshots, end) {
		l.mu.snapshots = append(l.mu.snapshots, end)
	}
	return l.dropSnapshots(end)
}

// dropSnapshots removes the snapshots that nobody will read: all but those at a
// segment's base and the newest, which was just written, as Kafka does.
func (l *log) dropSnapshots(newest protocol.Offset) error {
	bases := make(map[protocol.Offset]bool)
	for _, s := range *l.segments.Load() {
		bases[s.base] = true
	}
	var failure error
	l.mu.snapshots = slices.DeleteFunc(l.mu.snapshots, func(at protocol.Offset) bool {
		if at == newest || bases[at] {
			return false
		}
		err := l.store.opts.FS.Remove(l.segmentPath(at, snapshotSuffix))
		if err != nil && !passedOver(err) {
			failure = fmt.Errorf("remove an old producer snapshot: %w", err)
			return false
		}
		return true
	})
	return failure
}

// dropSnapshotsBeyond removes snapshots of a longer log than there is now: once it
// has grown again, they would be of other records. Those that went aside with
// their segments are gone already.
func (l *log) dropSnapshotsBeyond(end protocol.Offset) {
	l.mu.snapshots = slices.DeleteFunc(l.mu.snapshots, func(at protocol.Offset) bool {
		if at <= end {
			return false
		}
		err := l.store.opts.FS.Remove(l.segmentPath(at, snapshotSuffix))
		return err == nil || passedOver(err)
	})
}

// loadProducers brings the producer state to what it was when the log ended at
// limit: from the newest readable snapshot at or below it, and the batches since.
// mu is held.
func (l *log) loadProducers(list []*segment, limit protocol.Offset) error {
	l.mu.producers.Clear()
	from, damaged := limit, false
	slices.Sort(l.mu.snapshots)
	for _, at := range slices.Backward(l.mu.snapshots) {
		if at > limit {
			continue
		}
		name := l.segmentPath(at, snapshotSuffix)
		data, err := vfs.ReadFile(l.store.opts.FS, name, smallFileMax)
		if err == nil {
			err = l.mu.producers.LoadSnapshot(data, l.store.now())
		}
		if err == nil {
			return l.replayProducers(list, at, limit)
		}
		l.store.opts.Logger.Warn("a producer snapshot is passed over, the log is replayed instead",
			"file", name, "error", err)
		damaged = true
	}
	// After a clean stop no snapshot means no producers, as in Kafka, unless the
	// newest batches have some: then the files are lost.
	if len(list) > 0 && (damaged || list[len(list)-1].idempotent) {
		from = list[0].base
	}
	return l.replayProducers(list, from, limit)
}

// replayProducers applies the batches in [from, limit), of which only the headers
// matter. mu is held.
func (l *log) replayProducers(list []*segment, from, limit protocol.Offset) error {
	if from >= limit {
		return nil
	}
	for _, s := range list[segmentOf(list, from):] {
		if s.base >= limit {
			break
		}
		err := s.eachBatch(0, false, func(b protocol.Batch, _ int64) error {
			if b.BaseOffset() >= from && b.BaseOffset() < limit {
				l.mu.producers.Apply(b, l.store.now())
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// eachBatch calls fn with every batch from a position on, and where it begins. Without
// verify only the header is sure to be there, except in control batches.
func (s *segment) eachBatch(from int64, verify bool, fn func(b protocol.Batch, at int64) error) error {
	file, err := s.data.acquire()
	if err != nil {
		return err
	}
	defer s.data.release()
	scan := newScanner(file, from, s.size.Load(), verify)
	defer scan.close()
	for {
		b, at, err := scan.batch()
		var bad *badBatch
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &bad):
			return &logstore.CorruptError{File: s.data.name, Position: at, Offset: s.base, Reason: bad.reason}
		case err != nil:
			return err
		}
		if err := fn(b, at); err != nil {
			return err
		}
	}
}
