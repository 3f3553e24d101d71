package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

func openFile(name string, flag int, perm fs.FileMode) (*os.File, error) {
	return os.OpenFile(name, flag, perm)
}

func datasync(f *os.File) error { return f.Sync() }

// preallocate does nothing: Windows has no call that keeps the size.
func preallocate(*os.File, int64, int64) error { return nil }

// syncAll: to flush a volume takes an administrator.
func syncAll(string) error { return errors.ErrUnsupported }

// syncDir does nothing: Windows cannot sync a folder, NTFS journals its names.
func syncDir(string) error { return nil }

func freeBytes(name string) (free, total uint64, err error) {
	path, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, 0, err
	}
	err = windows.GetDiskFreeSpaceEx(path, &free, &total, nil)
	return free, total, err
}

func openLocked(name string) (f *os.File, unlock func(), err error) {
	f, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE, FilePerm)
	if err != nil {
		return nil, nil, err
	}
	var whole windows.Overlapped
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err = windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, ^uint32(0), ^uint32(0), &whole)
	if err != nil {
		_ = f.Close() // the error of the lock says more
		if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
			err = fmt.Errorf("%w: %w", ErrLocked, err)
		}
		return nil, nil, err
	}
	return f, func() {}, nil // closing the handle releases it
}
