package metadata

import (
	"path"

	"github.com/barnabas-mq/barnabas/protocol"
)

// snapshotter writes snapshots beside the owner, one at a time, and trims the log
// behind the one before the newest. It belongs to the owner goroutine; the
// goroutine that writes touches nothing but its image and reports through done.
type snapshotter struct {
	o     *Options
	known []snapshotID // on disk, oldest first

	running snapshotID
	busy    bool
	done    chan error // capacity 1
}

// snapshotWhenDue begins a snapshot when enough log has been written since the last.
func (s *Store) snapshotWhenDue() {
	if s.snapshotBytes < s.o.SnapshotBytes || s.snapshots.busy || s.failed != nil {
		return
	}
	s.snapshotBytes = 0
	s.snapshots.begin(s.image.Load())
}

const (
	// snapshotPartitionBytes is about what a snapshot takes per partition.
	snapshotPartitionBytes = 100
	// snapshotAtStopBytes of log are replayed in a millisecond or two.
	snapshotAtStopBytes = 256 << 10
)

// snapshotAtStop spares the next start a replay that takes longer than reading a
// snapshot. Every stop and start changes every partition, so that with many of
// them the log grows much faster than what it says.
func (s *Store) snapshotAtStop() {
	img := s.image.Load()
	worth := int64(img.PartitionCount()) * snapshotPartitionBytes
	if s.failed != nil || s.snapshotBytes < max(worth, snapshotAtStopBytes) {
		return
	}
	s.snapshots.begin(img)
	s.snapshots.wait()
}

func (w *snapshotter) begin(img *Image) {
	w.running, w.busy = snapshotID{img.end, img.epoch}, true
	go func() { w.done <- w.write(img) }() // named by its end: finish or wait receives
}

// write makes the snapshot durable, but only after the log that it stands for:
// a log that ends before a snapshot looks like one that has lost records.
func (w *snapshotter) write(img *Image) error {
	if err := w.o.Journal.Flush(); err != nil {
		return err
	}
	return writeSnapshot(w.o.FS, w.o.Dir, img, protocol.Timestamp(w.o.Clock.Now().UnixMilli()))
}

// wait ends a snapshot that is under way.
func (w *snapshotter) wait() {
	if w.busy {
		w.finish(<-w.done)
	}
}

// finish takes note of a snapshot. A failed one costs nothing but a longer
// replay; the next is tried after as many bytes again.
func (w *snapshotter) finish(err error) {
	w.busy = false
	if err != nil {
		w.o.Logger.Warn("a metadata snapshot could not be written", "error", err)
		return
	}
	w.known = append(w.known, w.running)
	if err := w.trim(); err != nil {
		w.o.Logger.Warn("the metadata log could not be trimmed", "error", err)
	}
}

// trim keeps two snapshots and the log since the older one, so that a damaged
// newest snapshot loses nothing.
func (w *snapshotter) trim() error {
	if len(w.known) < 2 {
		return nil
	}
	keep := w.known[len(w.known)-2]
	if err := w.o.Journal.DeleteBefore(keep.offset); err != nil {
		return err
	}
	for len(w.known) > 2 {
		if err := w.o.FS.Remove(path.Join(w.o.Dir, w.known[0].file())); err != nil {
			return err
		}
		w.known = w.known[1:]
	}
	return nil
}
