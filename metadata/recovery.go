package metadata

import (
	"errors"
	"path"

	"github.com/barnabas-mq/barnabas/protocol"
)

// recovery is what a folder of the metadata log was found to hold. Finding out
// changes nothing in the folder.
type recovery struct {
	dir       string
	img       *Image
	quorum    *quorumState // nil when there is no file
	leader    *leaderChange
	snapshots []snapshotID // oldest first; those known to be damaged are left out
	parts     []string     // unfinished snapshots
	// unfinished says that the log ends inside a transaction.
	unfinished bool
	// replayedBytes lie in the log after the snapshot.
	replayedBytes int64
}

// recoverFolder reads the newest snapshot that is whole and replays the log after it.
func recoverFolder(o *Options) (*recovery, error) {
	rec := &recovery{dir: o.Dir, img: new(Image)}
	var err error
	if rec.snapshots, rec.parts, err = listSnapshots(o.FS, o.Dir); err != nil {
		return nil, err
	}
	if rec.quorum, err = readQuorumState(o.FS, o.Dir); err != nil {
		return nil, err
	}
	if err := rec.loadSnapshot(o); err != nil {
		return nil, err
	}
	if err := rec.replay(o.Journal); err != nil {
		return nil, err
	}
	if rec.img.end == 0 && rec.quorum != nil && rec.quorum.epoch > 0 {
		return nil, &CorruptError{File: o.Dir, Offset: -1, Reason: "the log is empty, but " + quorumFile + " says that it was written"}
	}
	if err := rec.checkAlone(o.NodeID, o.DirectoryID); err != nil {
		return nil, err
	}
	if rec.isNew() {
		return rec, nil
	}
	return rec, rec.checkFeatures()
}

// checkBootstrap refuses to begin with features that we would not open again.
func checkBootstrap(o *Options) error {
	d := new(Image).edit()
	for _, r := range o.Bootstrap {
		if err := d.apply(r, nil); err != nil {
			return &CorruptError{File: BootstrapFile, Offset: -1, Reason: "its records do not fit", Err: err}
		}
	}
	begun := recovery{dir: BootstrapFile, img: d.image()}
	return begun.checkFeatures()
}

// isNew says that the bootstrap records are still to be written.
func (rec *recovery) isNew() bool {
	return len(rec.img.features) == 0 && rec.img.TopicCount() == 0 && len(rec.img.brokers) == 0
}

// loadSnapshot begins with the newest snapshot. A damaged one is passed over only
// if nothing is lost by it: an older one is whole and the log holds what follows.
func (rec *recovery) loadSnapshot(o *Options) error {
	var first error
	for i := len(rec.snapshots) - 1; i >= 0; i-- {
		id := rec.snapshots[i]
		if id.offset < o.Journal.Start() {
			break
		}
		if id.offset > o.Journal.End() {
			return &CorruptError{File: o.Dir, Offset: o.Journal.End(), Reason: "the log ends before the snapshot " + id.file()}
		}
		img, err := loadSnapshot(o.FS, o.Dir, id)
		if err == nil {
			rec.img, rec.snapshots = img, rec.snapshots[:i+1]
			rec.warn(o, first)
			return nil
		}
		var corrupt *CorruptError
		if !errors.As(err, &corrupt) {
			return err
		}
		if first == nil {
			first = err
		}
	}
	rec.snapshots = nil
	if o.Journal.Start() == 0 && (first == nil || o.Journal.End() > 0) {
		rec.warn(o, first)
		return nil
	}
	if first != nil {
		return first
	}
	return &CorruptError{File: o.Dir, Offset: o.Journal.Start(), Reason: "the log does not begin at 0 and no snapshot holds what came before"}
}

func (rec *recovery) warn(o *Options, damaged error) {
	if damaged != nil {
		o.Logger.Warn("a metadata snapshot is damaged; an older one and the log hold the same", "error", damaged)
	}
}

func (rec *recovery) replay(j Journal) error {
	from := rec.img.end
	r := reader{file: rec.dir, draft: rec.img.edit(), next: from, from: from}
	err := j.Replay(from, func(b protocol.Batch) error {
		if b.LastOffset() < from {
			return nil
		}
		rec.replayedBytes += int64(len(b))
		return r.batch(b)
	})
	if err != nil {
		if judged(err) {
			return err
		}
		return &CorruptError{File: rec.dir, Offset: r.next, Reason: "the log cannot be read", Err: err}
	}
	if r.next != j.End() {
		return &CorruptError{File: rec.dir, Offset: r.next, Reason: "the log ends before its last record"}
	}
	rec.img, rec.leader, rec.unfinished = r.draft.image(), r.leader, r.inTransaction
	return nil
}

// removeParts drops what unfinished snapshots have left.
func (rec *recovery) removeParts(o *Options) error {
	for _, name := range rec.parts {
		if err := o.FS.Remove(path.Join(rec.dir, name)); err != nil {
			return err
		}
	}
	return nil
}
