//go:build unix && !linux

package vfs

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// datasync is a full sync: on macOS, Sync asks the drive to empty its cache.
func datasync(f *os.File) error { return f.Sync() }

// syncAll: sync(2) tells of no error.
func syncAll(string) error { return errors.ErrUnsupported }

// preallocate does nothing: no call here reserves blocks and keeps the size.
func preallocate(*os.File, int64, int64) error { return nil }

// heldLocks are the files that this process has locked: a POSIX lock does not
// exclude its own process.
var heldLocks struct {
	sync.Mutex
	files map[fileIdentity]bool
}

type fileIdentity struct{ device, inode uint64 }

func identityOf(status *unix.Stat_t) fileIdentity {
	return fileIdentity{uint64(status.Dev), uint64(status.Ino)}
}

// openLocked takes a POSIX lock over the whole file. A file that this process has
// locked is not even opened: closing any descriptor of it would drop the lock.
func openLocked(name string) (f *os.File, unlock func(), err error) {
	heldLocks.Lock()
	defer heldLocks.Unlock()
	var status unix.Stat_t
	if unix.Stat(name, &status) == nil && heldLocks.files[identityOf(&status)] {
		return nil, nil, fmt.Errorf("%w: this one", ErrLocked)
	}
	f, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE, FilePerm)
	if err != nil {
		return nil, nil, err
	}
	whole := unix.Flock_t{Type: unix.F_WRLCK}
	err = unix.FcntlFlock(f.Fd(), unix.F_SETLK, &whole)
	if err == nil {
		err = unix.Fstat(int(f.Fd()), &status)
	}
	if err != nil {
		_ = f.Close() // the error before says more
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
			err = fmt.Errorf("%w: %w", ErrLocked, err)
		}
		return nil, nil, err
	}
	identity := identityOf(&status)
	if heldLocks.files == nil {
		heldLocks.files = make(map[fileIdentity]bool)
	}
	heldLocks.files[identity] = true
	return f, func() {
		heldLocks.Lock()
		delete(heldLocks.files, identity)
		heldLocks.Unlock()
	}, nil
}
