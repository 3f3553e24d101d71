package vfs

import (
	"io/fs"
	"os"
	"syscall"
)

// OS is the machine's file system.
func OS() FS { return osFS{} }

type osFS struct{}

func (osFS) Open(name string, flag int, perm fs.FileMode) (File, error) {
	if flag&Dsync != 0 {
		return openDsync(name, flag&^(Dsync|Direct), flag&Direct != 0, perm)
	}
	return openOS(name, flag, perm)
}

func openOS(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := openFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return newOSFile(f)
}

// MkdirAll tries what is nearly always enough before it looks for what is missing.
func (osFS) MkdirAll(name string, perm fs.FileMode) error {
	if os.Mkdir(name, perm) == nil {
		return nil
	}
	return os.MkdirAll(name, perm)
}

func (osFS) Remove(name string) error                            { return os.Remove(name) }
func (osFS) RemoveAll(name string) error                         { return os.RemoveAll(name) }
func (osFS) Rename(oldName, newName string) error                { return os.Rename(oldName, newName) }
func (osFS) Link(oldName, newName string) error                  { return os.Link(oldName, newName) }
func (osFS) ReadDir(name string) ([]fs.DirEntry, error)          { return os.ReadDir(name) }
func (osFS) Stat(name string) (fs.FileInfo, error)               { return os.Stat(name) }
func (osFS) SyncDir(name string) error                           { return syncDir(name) }
func (osFS) SyncAll(name string) error                           { return syncAll(name) }
func (osFS) FreeBytes(name string) (free, total uint64, e error) { return freeBytes(name) }

func (osFS) Lock(name string) (File, error) {
	f, unlock, err := openLocked(name)
	if err != nil {
		return nil, &fs.PathError{Op: "lock", Path: name, Err: err}
	}
	locked, err := newOSFile(f)
	if err != nil {
		unlock()
		return nil, err
	}
	locked.unlock = unlock
	return locked, nil
}

// osFile is an open file. Reads and writes carry their position (pread, pwrite).
type osFile struct {
	*os.File
	// conn is made once, because os.File makes a new one for every call.
	conn syscall.RawConn
	// unlock forgets the lock once the file is closed; nil for a file without one.
	unlock func()
}

func newOSFile(f *os.File) (*osFile, error) {
	conn, err := f.SyscallConn()
	if err != nil {
		_ = f.Close() // the file is unusable either way
		return nil, err
	}
	return &osFile{File: f, conn: conn}, nil
}

func (f *osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (f *osFile) Preallocate(off, n int64) error { return preallocate(f.File, off, n) }
func (f *osFile) Datasync() error                { return datasync(f.File) }
func (f *osFile) SysConn() syscall.RawConn       { return f.conn }

func (f *osFile) Close() error {
	err := f.File.Close()
	if f.unlock != nil {
		f.unlock()
	}
	return err
}
