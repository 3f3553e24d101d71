package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// finishSwaps brings compactions to an end that a crash has interrupted, ours or
// Kafka's (LogLoader.removeTempFilesAndCollectSwapFiles and load); swapIn says how
// far they may have come. It returns what the folder holds then. It can be
// interrupted anywhere and done again.
func (l *log) finishSwaps(entries []fs.DirEntry) ([]fs.DirEntry, error) {
	w := swapRecovery{log: l, names: make(map[string]bool)}
	for _, entry := range entries {
		name := entry.Name()
		w.names[name] = true
		w.found = w.found || strings.HasSuffix(name, cleanedSuffix) || strings.HasSuffix(name, swapSuffix)
	}
	if !w.found {
		return entries, nil
	}
	for _, step := range []func() error{w.dropUnfinished, w.replaceOld, w.renameRest} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("finish a compaction: %w", err)
		}
	}
	entries, err := l.store.opts.FS.ReadDir(l.dir)
	if err != nil {
		return nil, fmt.Errorf("list the partition's folder: %w", err)
	}
	return entries, nil
}

type swapRecovery struct {
	log   *log
	names map[string]bool
	found bool
}

// each lists the bases of the files of the kinds with that ending, sorted.
func (w *swapRecovery) each(stage string, kinds ...string) []protocol.Offset {
	var bases []protocol.Offset
	for name := range w.names {
		for _, suffix := range kinds {
			if base, ok := offsetOf(name, suffix+stage); ok {
				bases = append(bases, base)
			}
		}
	}
	slices.Sort(bases)
	return slices.Compact(bases)
}

// remove removes those of a segment's files that are there.
func (w *swapRecovery) remove(base protocol.Offset, stage string, kinds ...string) error {
	for _, suffix := range kinds {
		name := fileName(base, suffix+stage)
		if !w.names[name] {
			continue
		}
		if err := w.log.store.opts.FS.Remove(path.Join(w.log.dir, name)); err != nil {
			return err
		}
		delete(w.names, name)
	}
	return nil
}

func (w *swapRecovery) rename(base protocol.Offset, suffix string) error {
	from, to := fileName(base, suffix+swapSuffix), fileName(base, suffix)
	if err := w.log.store.opts.FS.Rename(path.Join(w.log.dir, from), path.Join(w.log.dir, to)); err != nil {
		return err
	}
	delete(w.names, from)
	w.names[to] = true
	return nil
}

// dropUnfinished removes what was still being written or renamed. A .swap goes
// before the .cleaned that says that it is not whole; as in Kafka those of higher
// segments go too, which a split of an overflowing segment has left.
func (w *swapRecovery) dropUnfinished() error {
	cleaned := w.each(cleanedSuffix, segmentKinds[:]...)
	if len(cleaned) == 0 {
		return nil
	}
	for _, base := range w.each(swapSuffix, segmentKinds[:]...) {
		if base >= cleaned[0] {
			if err := w.remove(base, swapSuffix, segmentKinds[:]...); err != nil {
				return err
			}
		}
	}
	if err := w.log.syncFolder(); err != nil {
		return err
	}
	for _, base := range cleaned {
		if err := w.remove(base, cleanedSuffix, segmentKinds[:]...); err != nil {
			return err
		}
	}
	return nil
}

// replaceOld removes the segments in whose place a .log.swap comes, and gives it its
// name. Old indexes go with the old log, even where no new ones come: those are made
// again of the new log.
func (w *swapRecovery) replaceOld() error {
	l := w.log
	for _, base := range w.each(swapSuffix, logSuffix) {
		next, err := l.nextAfter(base, fileName(base, logSuffix+swapSuffix))
		if err != nil {
			return err
		}
		l.store.opts.Logger.Info("an interrupted compaction is finished", "partition", l.id.String(), "segment", int64(base), "next", int64(next))
		for _, old := range w.each("", segmentKinds[:]...) {
			kinds := segmentKinds[:]
			if old == base {
				kinds = segmentKinds[1:] // its log is replaced by the rename
			}
			if old == base || old > base && old < next {
				if err := w.remove(old, "", kinds...); err != nil {
					return err
				}
			}
		}
		if err := l.syncFolder(); err != nil {
			return err
		}
		if err := w.rename(base, logSuffix); err != nil {
			return err
		}
		if err := l.syncFolder(); err != nil {
			return err
		}
	}
	return nil
}

// renameRest gives the indexes of a log that has its name already theirs.
func (w *swapRecovery) renameRest() error {
	indexes := segmentKinds[1:]
	for _, base := range w.each(swapSuffix, indexes...) {
		if !w.names[fileName(base, logSuffix)] {
			if err := w.remove(base, swapSuffix, indexes...); err != nil {
				return err
			}
			continue
		}
		for _, suffix := range indexes {
			if !w.names[fileName(base, suffix+swapSuffix)] {
				continue
			}
			if err := w.rename(base, suffix); err != nil {
				return err
			}
		}
	}
	return w.log.syncFolder()
}

// nextAfter is the offset after the last batch of a segment file.
func (l *log) nextAfter(base protocol.Offset, file string) (protocol.Offset, error) {
	name := path.Join(l.dir, file)
	f, err := l.store.opts.FS.Open(name, vfs.ReadOnly, 0)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	size, err := f.Size()
	if err != nil {
		return 0, err
	}
	scan := newScanner(f, 0, size, false)
	defer scan.close()
	next := base
	for {
		b, at, err := scan.batch()
		var bad *badBatch
		switch {
		case errors.Is(err, io.EOF):
			return next, nil
		case errors.As(err, &bad):
			return 0, &logstore.CorruptError{File: name, Position: at, Offset: next, Reason: bad.reason}
		case err != nil:
			return 0, err
		}
		next = b.LastOffset() + 1
	}
}
