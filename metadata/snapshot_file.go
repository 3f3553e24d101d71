package metadata

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/protocol"
)

// snapshotID names a snapshot: it contains what lies before the offset, the last
// of which was written under the epoch.
type snapshotID struct {
	offset protocol.Offset
	epoch  protocol.Epoch
}

// snapshotBytesMax is the largest snapshot that is read: a million topics with
// configs take about 200 MB.
const snapshotBytesMax = 4 << 30

const (
	snapshotSuffix = ".checkpoint"
	// partSuffix marks a snapshot in the making; Kafka removes such files too.
	partSuffix = ".checkpoint.part"
)

func (id snapshotID) file() string {
	return fmt.Sprintf("%020d-%010d%s", id.offset, id.epoch, snapshotSuffix)
}

func parseSnapshotID(name string) (snapshotID, bool) {
	stem, ok := strings.CutSuffix(name, snapshotSuffix)
	left, right, found := strings.Cut(stem, "-")
	if !ok || !found || len(left) != 20 || len(right) != 10 {
		return snapshotID{}, false
	}
	offset, err1 := strconv.ParseInt(left, 10, 64)
	epoch, err2 := strconv.ParseInt(right, 10, 32)
	return snapshotID{protocol.Offset(offset), protocol.Epoch(epoch)}, err1 == nil && err2 == nil
}

// listSnapshots finds the snapshots of the folder, oldest first, and the parts
// that a crash has left.
func listSnapshots(fsys vfs.FS, dir string) (ids []snapshotID, parts []string, err error) {
	entries, err := fsys.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries { // sorted by name, which is by offset
		if id, ok := parseSnapshotID(e.Name()); ok {
			ids = append(ids, id)
		} else if strings.HasSuffix(e.Name(), partSuffix) {
			parts = append(parts, e.Name())
		}
	}
	return ids, parts, nil
}

// loadSnapshot reads one snapshot file.
func loadSnapshot(fsys vfs.FS, dir string, id snapshotID) (*Image, error) {
	name := path.Join(dir, id.file())
	data, err := vfs.ReadFile(fsys, name, snapshotBytesMax)
	if err != nil {
		return nil, err
	}
	img, err := readSnapshot(name, data)
	if err != nil {
		return nil, err
	}
	img.end, img.epoch = id.offset, id.epoch
	return img, nil
}

// writeSnapshot makes the snapshot file of an image, whole or not at all.
func writeSnapshot(fsys vfs.FS, dir string, img *Image, now protocol.Timestamp) error {
	id := snapshotID{img.end, img.epoch}
	final := path.Join(dir, id.file())
	temporary := strings.TrimSuffix(final, snapshotSuffix) + partSuffix
	err := vfs.FillFile(fsys, final, temporary, true, func(f vfs.File) error {
		var position int64
		return img.snapshotBatches(now, func(b protocol.Batch) error {
			n, err := f.WriteAt(b, position)
			position += int64(n)
			return err
		})
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", final, err)
	}
	return nil
}
