package vfs

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// ErrLocked is the answer to Lock when someone else, in this process or another,
// holds the lock.
var ErrLocked = errors.New("locked by another process")

// Flags of Open, so that no other room imports package os.
const (
	ReadOnly  = os.O_RDONLY
	ReadWrite = os.O_RDWR
	Create    = os.O_CREATE
	Exclusive = os.O_EXCL
	Truncate  = os.O_TRUNC
	// Dsync makes every WriteAt as durable as a Datasync after it would. The number
	// is ours and no flag of any system: each file system says what it does for it.
	Dsync = 1 << 30
	// Direct, with Dsync, asks for writes past the page cache where the system has
	// them. Positions and lengths are multiples of DirectBytes then, and buffers begin
	// at one in memory, as every large allocation does. Where the file system refuses,
	// Open or the first write answers EINVAL.
	Direct = 1 << 29
	// DirectBytes is what Direct writes are multiples of.
	DirectBytes = 4096
)

// Permissions of what a broker makes: its data is nobody else's to read.
const (
	FilePerm fs.FileMode = 0o600
	DirPerm  fs.FileMode = 0o700
)

// FS is a file system. Names are slash-separated paths. Not-exist and exist
// errors satisfy errors.Is with fs.ErrNotExist and fs.ErrExist.
type FS interface {
	// Open opens name with the flags above; permissions of new files are perm.
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
	// SyncAll makes everything on the volume of a folder durable, names and data: what
	// Datasync and SyncDir of each would. It answers errors.ErrUnsupported where no one
	// call is known to do so.
	SyncAll(name string) error
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
