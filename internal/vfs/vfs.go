// Package vfs is the only door to files for every room below the broker.
//
// The real file system (OS), the in-memory one with crash copies (Mem) and the
// wrapper that fails at the nth operation (Faulty) share one interface, so that
// the same engine code runs on a disk that a test can cut the power of.
package vfs

import (
	"errors"
	"io/fs"
	"syscall"
)

// Errors that callers tell apart with errors.Is. They wrap the operating
// system's own error where there is one.
var (
	ErrLocked = errors.New("locked by another process")
)

// FS is a file system. Names are slash-separated paths. Not-exist and exist
// errors satisfy errors.Is with fs.ErrNotExist and fs.ErrExist.
type FS interface {
	// Open opens name with os.O_* flags; permissions of new files are perm.
	Open(name string, flag int, perm fs.FileMode) (File, error)
	// MkdirAll makes a folder and its parents.
	MkdirAll(name string, perm fs.FileMode) error
	Remove(name string) error
	RemoveAll(name string) error
	// Rename replaces newName atomically. It is durable after SyncDir of the parent.
	Rename(oldName, newName string) error
	// Link makes a second name for a file's bytes.
	Link(oldName, newName string) error
	// ReadDir lists the names in a folder, sorted.
	ReadDir(name string) ([]fs.DirEntry, error)
	Stat(name string) (fs.FileInfo, error)
	// SyncDir makes creations, renames and removals in a folder durable.
	SyncDir(name string) error
	// Lock takes the exclusive advisory lock of a file (made when absent) over
	// its whole length, or returns ErrLocked. Closing the File releases it.
	Lock(name string) (File, error)
	// FreeBytes is the room left for data, and the size of the volume.
	FreeBytes(name string) (free, total uint64, err error)
}

// File is an open file. Methods are safe for concurrent use.
type File interface {
	ReadAt(p []byte, off int64) (int, error)
	// WriteAt writes all of p or returns an error with the bytes written.
	WriteAt(p []byte, off int64) (int, error)
	// Size is the length in bytes.
	Size() (int64, error)
	Truncate(size int64) error
	// Preallocate reserves blocks for [off, off+n) without changing the size,
	// where the file system can; otherwise it does nothing.
	Preallocate(off, n int64) error
	// Datasync makes the data and the size durable; Sync all metadata as well.
	Datasync() error
	Sync() error
	// SysConn gives the descriptor for sendfile, or nil when there is none.
	SysConn() syscall.RawConn
	Close() error
}
