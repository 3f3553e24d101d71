//go:build unix

package vfs

import (
	"os"

	"golang.org/x/sys/unix"
)

func syncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	err = dir.Sync()
	if closeErr := dir.Close(); err == nil {
		err = closeErr
	}
	return err
}

func freeBytes(name string) (free, total uint64, err error) {
	var volume unix.Statfs_t
	if err := unix.Statfs(name, &volume); err != nil {
		return 0, 0, &os.PathError{Op: "statfs", Path: name, Err: err}
	}
	block := uint64(volume.Bsize)
	return uint64(volume.Bavail) * block, uint64(volume.Blocks) * block, nil
}
