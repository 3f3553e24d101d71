//go:build unix

package vfs

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// openFile is os.OpenFile without the five calls by which that finds out that a regular
// file cannot be waited for.
func openFile(name string, flag int, perm fs.FileMode) (*os.File, error) {
	for {
		fd, err := unix.Open(name, flag|unix.O_CLOEXEC, uint32(perm.Perm()))
		if err == nil {
			return os.NewFile(uintptr(fd), name), nil
		}
		if !errors.Is(err, unix.EINTR) {
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
	}
}

func syncDir(name string) error {
	dir, err := openFile(name, os.O_RDONLY, 0)
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
