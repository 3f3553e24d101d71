package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// datasync skips the file's times, which nobody reads after a crash.
func datasync(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EINTR) {
			return &os.PathError{Op: "fdatasync", Path: f.Name(), Err: err}
		}
	}
}

// syncAll trusts syncfs where it is known to write everything back, empty the drive's
// cache and tell of errors: since Linux 5.8, on file systems of this machine.
func syncAll(name string) error {
	var volume unix.Statfs_t
	if err := unix.Statfs(name, &volume); err != nil {
		return &os.PathError{Op: "statfs", Path: name, Err: err}
	}
	switch volume.Type {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.TMPFS_MAGIC:
	default:
		return errors.ErrUnsupported
	}
	if !syncfsTellsErrors() {
		return errors.ErrUnsupported
	}
	dir, err := openFile(name, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }() // nothing is written through it
	for {
		err := unix.Syncfs(int(dir.Fd()))
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EINTR) {
			return &os.PathError{Op: "syncfs", Path: name, Err: err}
		}
	}
}

// syncfsTellsErrors asks the kernel's version, once.
var syncfsTellsErrors = sync.OnceValue(func() bool {
	var system unix.Utsname
	if unix.Uname(&system) != nil {
		return false
	}
	var major, minor int
	if _, err := fmt.Sscanf(unix.ByteSliceToString(system.Release[:]), "%d.%d", &major, &minor); err != nil {
		return false
	}
	return major > 5 || major == 5 && minor >= 8
})

// openDsync lets the kernel sync what each write has written and nothing else: over
// blocks that were written before, one write is one request to the disk.
func openDsync(name string, flag int, direct bool, perm fs.FileMode) (File, error) {
	if direct {
		flag |= unix.O_DIRECT
	}
	return openOS(name, flag|unix.O_DSYNC, perm)
}

// preallocate keeps the size, so that the end of a file is always the end of its
// data. A file system that cannot is no error.
func preallocate(f *os.File, off, n int64) error {
	for {
		err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, off, n)
		switch {
		case err == nil, errors.Is(err, unix.EOPNOTSUPP):
			return nil
		case !errors.Is(err, unix.EINTR):
			return &os.PathError{Op: "fallocate", Path: f.Name(), Err: err}
		}
	}
}

// openLocked takes an open-file-description lock over the whole file: unlike a
// POSIX lock it also excludes a second broker in this process, and it excludes
// the JVM's lock, which is a POSIX lock, in another process.
func openLocked(name string) (f *os.File, unlock func(), err error) {
	f, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE, FilePerm)
	if err != nil {
		return nil, nil, err
	}
	whole := unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &whole); err != nil {
		_ = f.Close() // the error of the lock says more
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
			err = fmt.Errorf("%w: %w", ErrLocked, err)
		}
		return nil, nil, err
	}
	return f, func() {}, nil // closing the descriptor releases it
}
