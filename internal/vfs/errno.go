package vfs

import (
	"errors"
	"syscall"
)

// IsFull tells whether an error says that there is no room: on the disk, or in the
// user's quota.
func IsFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// OutOfHandles tells whether an error says that the process or the system has no
// file handle left.
func OutOfHandles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
