package vfs

import (
	"errors"
	"io/fs"
	"sync/atomic"
	"syscall"
)

// OpKind is what is done to a file or folder.
type OpKind string

// The operations that Faulty sees.
const (
	OpOpen        OpKind = "open"
	OpCreate      OpKind = "create"
	OpMkdir       OpKind = "mkdir"
	OpRemove      OpKind = "remove"
	OpRemoveAll   OpKind = "removeall"
	OpRename      OpKind = "rename"
	OpLink        OpKind = "link"
	OpReadDir     OpKind = "readdir"
	OpStat        OpKind = "stat"
	OpSyncDir     OpKind = "syncdir"
	OpLock        OpKind = "lock"
	OpRead        OpKind = "read"
	OpWrite       OpKind = "write"
	OpTruncate    OpKind = "truncate"
	OpPreallocate OpKind = "preallocate"
	OpSync        OpKind = "sync"
	OpSyncAll     OpKind = "syncall"
)

// Changes tells whether the operation changes or syncs the disk: those are the
// places where a crash can make a difference.
func (k OpKind) Changes() bool {
	switch k {
	case OpOpen, OpReadDir, OpStat, OpRead, OpLock:
		return false
	}
	return true
}

// Op is one operation that is about to happen.
type Op struct {
	Index int64 // counts all operations from 0
	Kind  OpKind
	Name  string // the file; of a rename, the old name
	To    string // of a rename or link, the new name
	Bytes int    // of a read or write
}

// PartialWrite is an error for a write that gets only the first Bytes through.
type PartialWrite struct {
	Bytes int
	Err   error
}

func (e *PartialWrite) Error() string { return "partial write: " + e.Err.Error() }

// Unwrap gives the cause.
func (e *PartialWrite) Unwrap() error { return e.Err }

// Faulty asks Before ahead of each operation: an error makes it fail instead.
// Before may also just look, or take a crash copy; it is called from any goroutine.
type Faulty struct {
	FS     FS
	Before func(Op) error

	count atomic.Int64
}

// Count is the number of operations so far.
func (f *Faulty) Count() int64 { return f.count.Load() }

func (f *Faulty) before(op Op) error {
	op.Index = f.count.Add(1) - 1
	if f.Before == nil {
		return nil
	}
	if err := f.Before(op); err != nil {
		var partial *PartialWrite
		if errors.As(err, &partial) {
			return err
		}
		return &fs.PathError{Op: string(op.Kind), Path: op.Name, Err: err}
	}
	return nil
}

// Open implements FS.
func (f *Faulty) Open(name string, flag int, perm fs.FileMode) (File, error) {
	kind := OpOpen
	if flag&(Create|Truncate) != 0 {
		kind = OpCreate
	}
	if err := f.before(Op{Kind: kind, Name: name}); err != nil {
		return nil, err
	}
	file, err := f.FS.Open(name, flag&^(Dsync|Direct), perm)
	if err != nil {
		return nil, err
	}
	watched := &faultyFile{file, f, name}
	if flag&Dsync != 0 {
		return dsyncFile{watched}, nil // two operations, so that a crash or a fault can come between them
	}
	return watched, nil
}

// MkdirAll implements FS.
func (f *Faulty) MkdirAll(name string, perm fs.FileMode) error {
	if err := f.before(Op{Kind: OpMkdir, Name: name}); err != nil {
		return err
	}
	return f.FS.MkdirAll(name, perm)
}

// Remove implements FS.
func (f *Faulty) Remove(name string) error {
	if err := f.before(Op{Kind: OpRemove, Name: name}); err != nil {
		return err
	}
	return f.FS.Remove(name)
}

// RemoveAll implements FS.
func (f *Faulty) RemoveAll(name string) error {
	if err := f.before(Op{Kind: OpRemoveAll, Name: name}); err != nil {
		return err
	}
	return f.FS.RemoveAll(name)
}

// Rename implements FS.
func (f *Faulty) Rename(oldName, newName string) error {
	if err := f.before(Op{Kind: OpRename, Name: oldName, To: newName}); err != nil {
		return err
	}
	return f.FS.Rename(oldName, newName)
}

// Link implements FS.
func (f *Faulty) Link(oldName, newName string) error {
	if err := f.before(Op{Kind: OpLink, Name: oldName, To: newName}); err != nil {
		return err
	}
	return f.FS.Link(oldName, newName)
}

// ReadDir implements FS.
func (f *Faulty) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := f.before(Op{Kind: OpReadDir, Name: name}); err != nil {
		return nil, err
	}
	return f.FS.ReadDir(name)
}

// Stat implements FS.
func (f *Faulty) Stat(name string) (fs.FileInfo, error) {
	if err := f.before(Op{Kind: OpStat, Name: name}); err != nil {
		return nil, err
	}
	return f.FS.Stat(name)
}

// SyncDir implements FS.
func (f *Faulty) SyncDir(name string) error {
	if err := f.before(Op{Kind: OpSyncDir, Name: name}); err != nil {
		return err
	}
	return f.FS.SyncDir(name)
}

// SyncAll implements FS.
func (f *Faulty) SyncAll(name string) error {
	if err := f.before(Op{Kind: OpSyncAll, Name: name}); err != nil {
		return err
	}
	return f.FS.SyncAll(name)
}

// Lock implements FS.
func (f *Faulty) Lock(name string) (File, error) {
	if err := f.before(Op{Kind: OpLock, Name: name}); err != nil {
		return nil, err
	}
	return f.FS.Lock(name)
}

// FreeBytes implements FS.
func (f *Faulty) FreeBytes(name string) (free, total uint64, err error) {
	return f.FS.FreeBytes(name)
}

type faultyFile struct {
	File
	fs   *Faulty
	name string
}

func (f *faultyFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.fs.before(Op{Kind: OpRead, Name: f.name, Bytes: len(p)}); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, off)
}

func (f *faultyFile) WriteAt(p []byte, off int64) (int, error) {
	err := f.fs.before(Op{Kind: OpWrite, Name: f.name, Bytes: len(p)})
	if err == nil {
		return f.File.WriteAt(p, off)
	}
	var partial *PartialWrite
	if !errors.As(err, &partial) {
		return 0, err
	}
	n, writeErr := f.File.WriteAt(p[:min(partial.Bytes, len(p))], off)
	if writeErr != nil {
		return n, writeErr
	}
	return n, &fs.PathError{Op: string(OpWrite), Path: f.name, Err: partial.Err}
}

func (f *faultyFile) Truncate(size int64) error {
	if err := f.fs.before(Op{Kind: OpTruncate, Name: f.name}); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f *faultyFile) Preallocate(off, n int64) error {
	if err := f.fs.before(Op{Kind: OpPreallocate, Name: f.name}); err != nil {
		return err
	}
	return f.File.Preallocate(off, n)
}

func (f *faultyFile) Datasync() error {
	if err := f.fs.before(Op{Kind: OpSync, Name: f.name}); err != nil {
		return err
	}
	return f.File.Datasync()
}

func (f *faultyFile) Sync() error {
	if err := f.fs.before(Op{Kind: OpSync, Name: f.name}); err != nil {
		return err
	}
	return f.File.Sync()
}

// SysConn hides the descriptor: what is sent through it would not be seen.
func (f *faultyFile) SysConn() syscall.RawConn { return nil }
