package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/barnabas-mq/barnabas/internal/vfs"
)

// Wipe removes all that a Store keeps in its directory, and with it every record;
// the Store must be closed or abandoned. The folder `last` goes after all others:
// whatever becomes of a wipe that is interrupted, it says what there was. Other
// files, and folders that were set aside, stay.
func Wipe(files vfs.FS, dir, last string) error {
	entries, err := files.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("list the data directory: %w", err)
	}
	var failures []error
	for _, entry := range entries {
		name := entry.Name()
		_, isPartition := partitionOfFolder(name)
		_, isDeleted := deletedName(name)
		if entry.IsDir() && name != last && (isPartition || isDeleted || name == WALFolder) {
			failures = append(failures, files.RemoveAll(path.Join(dir, name)))
		}
	}
	for _, name := range []string{recoveryPointFile, logStartFile, cleanerFile, highWatermarkFile} {
		if err := files.Remove(path.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			failures = append(failures, err)
		}
	}
	if err := errors.Join(failures...); err != nil {
		return fmt.Errorf("wipe the data directory: %w", err)
	}
	if err := files.RemoveAll(path.Join(dir, last)); err != nil {
		return fmt.Errorf("wipe the data directory: %w", err)
	}
	return files.SyncDir(dir)
}
